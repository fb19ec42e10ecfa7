"""One DICOM file: opened once, giving its header and its frame."""

import logging
import math
import traceback
import warnings
import zlib
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
# Distances of pixels, and places, of any body in mm; far outside a NIfTI's floats overflow.
PIXEL_MM, FURTHEST_MM = (1e-3, 1e3), 1e5
# Far more than a picture has; a small file may announce, and unpack to, any number of pixels.
MOST_PIXELS = 2**24
# A data set that is deflated as a whole may unpack to any size.
DEFLATED, MOST_DEFLATED_BYTES = b"1.2.840.10008.1.2.1.99", 2**26
# The meta information is short, and starts with an element that tells its length.
META_BYTES, META_START = 2**14, b"\x02\0\0\0UL\x04\0"
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
        _check_deflated(content, name)
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
    """Whatever a damaged file raises becomes a SubjectError that names the file.

    Its message, like pydicom's warnings, may quote the value of any field, a name among them, so
    that neither is repeated: the log tells where it was raised, and no more.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (NotDicomError, SubjectError):
        raise
    except Exception as error:
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.info("%s: %s raised\n%s", name, type(error).__name__, where)
        raise SubjectError(
            UNREADABLE, name, f"{type(error).__name__}: not readable; copy the file again"
        ) from None


def _check_deflated(content: bytes, name: str) -> None:
    """Refuse a deflated data set that is too long; pydicom would unpack all of it."""
    if DEFLATED not in content[:META_BYTES]:
        return
    start = 144 + int.from_bytes(content[140:144], "little")
    unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], MOST_DEFLATED_BYTES)
    if content[132:140] != META_START or len(unpacked) == MOST_DEFLATED_BYTES:
        raise SubjectError(
            UNREADABLE,
            name,
            f"deflated, and unpacks to {MOST_DEFLATED_BYTES} bytes or more; copy the file again",
        )


def _check_announced(data: pydicom.Dataset, name: str) -> None:
    """Refuse more pixels than any picture has, before memory is taken for them."""
    announced = 1
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames"):
        announced *= int(data.get(keyword) or 1)
    if announced > MOST_PIXELS:
        raise SubjectError(
            UNREADABLE,
            name,
            f"{announced} pixels announced, expected at most {MOST_PIXELS}; copy the file again",
        )


def _pixels(data: pydicom.Dataset, name: str) -> np.ndarray:
    if "PixelData" not in data:
        raise SubjectError(UNREADABLE, name, "the file ends before its pixels; copy the file again")
    _check_announced(data, name)
    syntax = data.file_meta.get("TransferSyntaxUID")
    try:
        pixels = data.pixel_array
    except Exception:
        if syntax is not None and syntax.is_compressed:
            raise SubjectError(
                UNREADABLE,
                name,
                f"cannot decode {syntax.name}: damaged, or no decoder installed; "
                "decompress the series first, for example with gdcmconv --raw",
            ) from None
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
        with np.errstate(all="ignore"):
            pixels = (pixels * slope + intercept).astype(np.float32)
        if not np.isfinite(pixels).all():
            raise _absurd(name, "RescaleSlope", slope, "a slope that gives finite pixels")
    return pixels


def _frame(data: pydicom.Dataset, name: str, pixels: np.ndarray) -> Frame:
    orientation = _numbers(data, name, "ImageOrientationPatient", 6)
    for half in (orientation[:3], orientation[3:]):
        if abs(math.hypot(*half) - 1) > UNIT_LENGTH_TOLERANCE:
            raise _absurd(name, "ImageOrientationPatient", orientation, "two unit vectors")
    if abs(dot(orientation[:3], orientation[3:])) > UNIT_LENGTH_TOLERANCE:
        raise _absurd(name, "ImageOrientationPatient", orientation, "two orthogonal vectors")
    spacing = _numbers(data, name, "PixelSpacing", 2)
    if not all(PIXEL_MM[0] <= length <= PIXEL_MM[1] for length in spacing):
        raise _absurd(name, "PixelSpacing", spacing, "two positive lengths up to a metre")
    position = _numbers(data, name, "ImagePositionPatient", 3)
    if max(map(abs, position)) > FURTHEST_MM:
        raise _absurd(name, "ImagePositionPatient", position, f"mm up to {FURTHEST_MM:g}")
    return Frame(
        name=name,
        patient=str(data.get("PatientID") or ""),
        series_number=int(_numbers(data, name, "SeriesNumber", 1)[0]),
        instance_number=int(_numbers(data, name, "InstanceNumber", 1)[0]),
        orientation=orientation,
        position_mm=position,
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
