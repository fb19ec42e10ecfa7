"""One DICOM file: opened once, giving its header and its frame."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom

from cmrseg.dicom.audit import MISSING_TAG, UNREADABLE, SubjectError
from cmrseg.dicom.header_table import header_row
from cmrseg.vectors import dot

PHASE_ENCODINGS = ("ROW", "COL", "OTHER")
# A direction cosine vector is a unit vector; scanners write it with six digits or more.
UNIT_LENGTH_TOLERANCE = 0.05

logger = logging.getLogger(__name__)


class NotDicomError(Exception):
    """The file is no DICOM file, or one that holds no image."""


@dataclass(frozen=True)
class Frame:
    """One image file: what the cleaning needs of its header, and its pixels.

    name: path relative to the study's folder. orientation: direction of increasing column
    index, then of increasing row index. spacing_mm: distance of rows, distance of columns.
    Lengths are in mm in DICOM patient coordinates (LPS); nan or 0 phases: not in the header.
    pixels: (rows, columns) in scanner units, after RescaleSlope and RescaleIntercept if present.
    """

    name: str
    patient: str
    series_number: int
    instance_number: int
    orientation: tuple[float, ...]
    position_mm: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    trigger_ms: float
    phases: int
    slice_location_mm: float
    slice_distance_mm: float
    thickness_mm: float
    phase_encoding: str
    transfer_syntax: str
    pixels: np.ndarray

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def read_file(path: Path, name: str) -> Frame:
    """Open one DICOM file, once, for its frame; `open_file` and `read_frame` in one."""
    return read_frame(open_file(path, name)[0], name)


def open_file(path: Path, name: str) -> tuple[pydicom.Dataset, dict[str, object]]:
    """Read one DICOM file, and its row of the headers table (`header_row`).

    name: how messages and tables call it, relative to the study's folder.
    Raises NotDicomError where the file is no DICOM file or holds no image by its kind, and
    SubjectError (UNREADABLE) naming the file where it is damaged.
    """
    content = path.read_bytes()
    if not any(content):
        # What a broken copy leaves: nothing, or the reserved space.
        raise SubjectError(UNREADABLE, name, "empty or all zeros; copy the file again")
    if content[128:132] != b"DICM":
        raise NotDicomError("no DICOM preamble")
    with _naming(name):
        data = pydicom.dcmread(BytesIO(content))
        kind = data.file_meta.get("MediaStorageSOPClassUID")
        # An unknown kind has its number for a name.
        if kind is not None and kind.name != kind and "Image" not in kind.name:
            raise NotDicomError(f"holds no image but: {kind.name}")
        return data, header_row(data)


def read_frame(data: pydicom.Dataset, name: str) -> Frame:
    """The frame of an opened file.

    Raises SubjectError (UNREADABLE, MISSING_TAG) naming file and tag where it is damaged.
    """
    with _naming(name):
        return _frame(data, name, _pixels(data, name))


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Whatever a damaged file raises becomes a SubjectError that names the file."""
    try:
        yield
    except (NotDicomError, SubjectError):
        raise
    except Exception as error:
        # Its message may quote the value of any field, so it goes no further than the log.
        logger.info("%s", name, exc_info=True)
        raise SubjectError(
            UNREADABLE, name, f"{type(error).__name__}: not readable; copy the file again"
        ) from error


def _pixels(data: pydicom.Dataset, name: str) -> np.ndarray:
    if "PixelData" not in data:
        raise SubjectError(UNREADABLE, name, "the file ends before its pixels; copy the file again")
    syntax = data.file_meta.get("TransferSyntaxUID")
    try:
        pixels = data.pixel_array
    except Exception as error:
        if syntax is not None and syntax.is_compressed:
            raise SubjectError(
                UNREADABLE,
                name,
                f"cannot decode {syntax.name}: damaged, or no decoder installed; "
                "decompress the series first, for example with gdcmconv --raw",
            ) from error
        raise
    if pixels.ndim != 2:
        raise SubjectError(
            UNREADABLE, name, f"pixels of shape {pixels.shape}, expected one grey (rows, columns)"
        )
    if data.get("PhotometricInterpretation") == "MONOCHROME1":
        raise SubjectError(
            UNREADABLE,
            name,
            "PhotometricInterpretation is MONOCHROME1, bright is dark; convert the series to "
            "MONOCHROME2 first",
        )
    slope = float(data.get("RescaleSlope") or 1)
    intercept = float(data.get("RescaleIntercept") or 0)
    if (slope, intercept) != (1, 0):
        pixels = (pixels * slope + intercept).astype(np.float32)
    return pixels


def _frame(data: pydicom.Dataset, name: str, pixels: np.ndarray) -> Frame:
    orientation = _numbers(data, name, "ImageOrientationPatient", 6)
    for half in (orientation[:3], orientation[3:]):
        if abs(math.hypot(*half) - 1) > UNIT_LENGTH_TOLERANCE:
            raise _absurd(name, "ImageOrientationPatient", orientation, "two unit vectors")
    if abs(dot(orientation[:3], orientation[3:])) > UNIT_LENGTH_TOLERANCE:
        raise _absurd(name, "ImageOrientationPatient", orientation, "two orthogonal vectors")
    spacing = _numbers(data, name, "PixelSpacing", 2)
    if min(spacing) <= 0:
        raise _absurd(name, "PixelSpacing", spacing, "two positive lengths")
    return Frame(
        name=name,
        patient=str(data.get("PatientID") or ""),
        series_number=int(_numbers(data, name, "SeriesNumber", 1)[0]),
        instance_number=int(_numbers(data, name, "InstanceNumber", 1)[0]),
        orientation=orientation,
        position_mm=_numbers(data, name, "ImagePositionPatient", 3),
        spacing_mm=spacing,
        trigger_ms=_numbers(data, name, "TriggerTime", 1)[0],
        phases=int(_optional(data, name, "CardiacNumberOfImages", 0)),
        slice_location_mm=_optional(data, name, "SliceLocation", math.nan),
        slice_distance_mm=_optional(data, name, "SpacingBetweenSlices", math.nan),
        thickness_mm=_optional(data, name, "SliceThickness", math.nan),
        phase_encoding=_phase_encoding(data),
        transfer_syntax=_compression(data),
        pixels=pixels,
    )


def _phase_encoding(data: pydicom.Dataset) -> str:
    """ROW, COL or OTHER; '' where it is absent or anything else."""
    value = str(data.get("InPlanePhaseEncodingDirection") or "")
    return value if value in PHASE_ENCODINGS else ""


def _compression(data: pydicom.Dataset) -> str:
    """Name of a compressed transfer syntax; '' for plain pixels."""
    syntax = data.file_meta.get("TransferSyntaxUID")
    return syntax.name if syntax is not None and syntax.is_compressed else ""


def _numbers(data: pydicom.Dataset, name: str, keyword: str, count: int) -> tuple[float, ...]:
    value = data.get(keyword)
    if value is None or value == "":
        raise SubjectError(
            MISSING_TAG, name, f"{keyword} is absent; export the series again with this tag"
        )
    try:
        numbers = tuple(float(v) for v in (value if count > 1 else [value]))
    except (TypeError, ValueError) as error:
        raise _absurd(name, keyword, value, "numbers") from error
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise _absurd(name, keyword, value, f"{count} finite number{'s' * (count > 1)}")
    return numbers


def _optional(data: pydicom.Dataset, name: str, keyword: str, absent: float) -> float:
    value = data.get(keyword)
    return absent if value is None or value == "" else _numbers(data, name, keyword, 1)[0]


def _absurd(name: str, keyword: str, value: object, expected: str) -> SubjectError:
    # A text in the place of numbers may be anything, and is not repeated.
    shown = value if isinstance(value, (int, float, tuple)) else "not that"
    return SubjectError(
        UNREADABLE, name, f"{keyword} is {shown}, expected {expected}; repair the header"
    )
