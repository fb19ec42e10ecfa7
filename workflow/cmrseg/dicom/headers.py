"""One DICOM file: opened once, giving its row of the headers table and its frame."""

import json
import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag

from cmrseg.dicom.audit import MISSING_TAG, UNREADABLE, SubjectError

# What may enter the headers table. Codes and numbers do; free text, names, dates and unique
# identifiers may identify a person or a hospital and do not, except the few named below.
CODE_VRS = {"AS", "CS"}
NUMBER_VRS = {"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"}
TEXT_KEYWORDS = {
    "ImagedNucleus",
    "Manufacturer",
    "ManufacturerModelName",
    "PatientID",
    "SOPClassUID",
    "SequenceName",
    "SeriesDescription",
    "SoftwareVersions",
}
# Stands in the headers table for a value that is not what its VR says. What the import needs is
# checked for itself; an odd value elsewhere is no reason to lose a subject.
INVALID = "invalid"
# A direction cosine vector is a unit vector; scanners write it with six digits or more.
UNIT_LENGTH_TOLERANCE = 0.05


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


def read_file(path: Path, name: str) -> tuple[Frame, dict[str, object]]:
    """Open one DICOM file, once.

    name: how messages and tables call it, relative to the study's folder.
    Returns the frame and the headers table's row (attribute keyword -> value).
    Raises NotDicomError where the file is no DICOM file or holds no image by its kind, and
    SubjectError (UNREADABLE, MISSING_TAG) naming file and tag where it is damaged.
    """
    content = path.read_bytes()
    if not any(content):
        # What a broken copy leaves: nothing, or the reserved space.
        raise SubjectError(UNREADABLE, name, "empty or all zeros; copy the file again")
    if content[128:132] != b"DICM":
        raise NotDicomError("no DICOM preamble")
    try:
        data = pydicom.dcmread(BytesIO(content))
        kind = data.file_meta.get("MediaStorageSOPClassUID")
        # An unknown kind has its number for a name.
        if kind is not None and kind.name != kind and "Image" not in kind.name:
            raise NotDicomError(f"holds no image but: {kind.name}")
        return _frame(data, name, _pixels(data, name)), header_row(data)
    except (NotDicomError, SubjectError):
        raise
    except InvalidDicomError as error:
        raise SubjectError(UNREADABLE, name, f"{error}; copy the file again") from error
    except Exception as error:  # a damaged file can raise anything
        raise SubjectError(
            UNREADABLE, name, f"{type(error).__name__}: {error}; copy the file again"
        ) from error


def header_row(data: pydicom.Dataset) -> dict[str, object]:
    """The attributes of one file that may be published: keyword -> value.

    Private attributes are called by name and tag number, and only numbers are kept.
    Sequences become lists of nested dicts, as JSON text; so do multiple values.
    """
    return {key: _cell(value) for key, value in _attributes(data).items()}


def _attributes(data: pydicom.Dataset) -> dict[str, object]:
    row: dict[str, object] = {}
    for tag in data.keys():  # noqa: SIM118 - iterating the dataset itself would decode all
        if not _may_be_published(tag, _value_representation(data, tag)):
            continue
        try:
            element = data[tag]
        except Exception:  # pydicom raises whatever the conversion of a wrong value raises
            row[keyword_for_tag(tag) or f"{int(tag):08X}"] = INVALID
            continue
        if element.VR == "SQ":
            items = [nested for item in element.value if (nested := _attributes(item))]
            if items:
                row[_key(element)] = items
        else:
            row[_key(element)] = _plain(element.value)
    return row


def _value_representation(data: pydicom.Dataset, tag: BaseTag) -> str:
    """VR of an element without decoding it; in implicit transfer syntaxes the dictionary's."""
    written = data.get_item(tag).VR
    if written is None and dictionary_has_tag(tag):
        written = dictionary_VR(tag)
    return "UN" if written is None else written[:2]


def _may_be_published(tag: BaseTag, representation: str) -> bool:
    if tag.is_private:
        return representation in NUMBER_VRS
    return representation in CODE_VRS | NUMBER_VRS | {"SQ"} or keyword_for_tag(tag) in TEXT_KEYWORDS


def _key(element: DataElement) -> str:
    if element.tag.is_private or not element.keyword:
        return f"{element.name} {int(element.tag):08X}"
    return element.keyword


def _plain(value: object) -> object:
    if isinstance(value, (list, pydicom.multival.MultiValue)):
        return [_plain(v) for v in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return "" if value is None else str(value)


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value


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
    if abs(np.dot(orientation[:3], orientation[3:])) > UNIT_LENGTH_TOLERANCE:
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
        phase_encoding=str(data.get("InPlanePhaseEncodingDirection") or ""),
        transfer_syntax=_compression(data),
        pixels=pixels,
    )


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
    return SubjectError(
        UNREADABLE, name, f"{keyword} is {value}, expected {expected}; repair the header"
    )
