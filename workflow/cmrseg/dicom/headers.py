"""One DICOM file: opened once, giving its header and its frame."""

import logging
import math
import re
import traceback
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.header_table import header_row
from cmrseg.dicom.plain import REMEMBERED, Plain, all_as_defined, dataset, plain_file
from cmrseg.dicom.values import absurd, numbers, optional
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

# Elements of a frame that its slice's other frames share, and those that they do not.
SHARED = [
    tag_for_keyword(keyword) or 0
    for keyword in (
        *("PatientID", "SeriesNumber", "ImageOrientationPatient", "ImagePositionPatient"),
        *("PixelSpacing", "CardiacNumberOfImages", "SliceLocation", "SpacingBetweenSlices"),
        *("SliceThickness", "InPlanePhaseEncodingDirection"),
        *("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality", "ImageType"),
        *("SeriesDescription", "AcquisitionNumber", "EchoNumbers"),
    )
]
TIME = [tag_for_keyword(keyword) or 0 for keyword in ("TriggerTime", "InstanceNumber")]
# Elements of a frame alone that are text of one kind, and its place in time by number.
OWN_TEXT = {
    tag_for_keyword(keyword) or 0: vr
    for keyword, vr in (
        ("SOPInstanceUID", b"UI"),
        ("FrameOfReferenceUID", b"UI"),
        ("AcquisitionTime", b"TM"),
        ("ContentTime", b"TM"),
    )
}
TEMPORAL_POSITION = tag_for_keyword("TemporalPositionIdentifier") or 0
CLOCK = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d(?:\.\d{1,6})?))?")

logger = logging.getLogger(__name__)


class NotDicomError(Exception):
    """The file is no DICOM file, or one that holds no image."""


@dataclass(frozen=True)
class Origin:
    """What a header says of where an image comes from; empty or -1 where it says nothing.

    study, series: unique identifiers of the examination and the series. kind: that of the storage
    class. echo, acquisition: numbers.
    """

    study: str = ""
    series: str = ""
    kind: str = ""
    modality: str = ""
    image_type: tuple[str, ...] = ()
    description: str = ""
    acquisition: int = -1
    echo: int = -1


@dataclass(frozen=True)
class Frame:
    """One image file: what the cleaning needs of its header, and its pixels.

    name: path relative to the study's folder. instance, reference: unique identifiers of the image
    and of its frame of reference. orientation: direction of increasing column index, then of
    increasing row index. spacing_mm: distance of rows, distance of columns. Lengths are in mm in
    DICOM patient coordinates (LPS). trigger_ms: since the R wave; temporal_position: number of the
    frame in time; acquired_s, created_s: time of day of acquisition and of the content. nan,
    empty or 0 phases: not in the header.
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
    origin: Origin = Origin()
    instance: str = ""
    reference: str = ""
    temporal_position: float = math.nan
    acquired_s: float = math.nan
    created_s: float = math.nan

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def read_file(path: Path, name: str) -> Frame:
    """Open one DICOM file, once, for its frame; `open_file` and `read_frame` in one."""
    return read_frame(open_file(path, name)[0], name)


def open_file(path: Path, name: str) -> tuple[Plain | pydicom.Dataset, dict[str, object]]:
    """Read one DICOM file, and its row of the headers table (`header_row`).

    A file of the usual form is `Plain`, which is the fast way to the same row and frame.

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
        plain = plain_file(content)
        if plain is not None:
            return plain, plain.header_row()
        data = pydicom.dcmread(BytesIO(content))
        kind = data.file_meta.get("MediaStorageSOPClassUID")
        # An unknown kind has its number for a name.
        if kind is not None and kind.name != kind and "Image" not in kind.name:
            raise NotDicomError(f"holds no image but: {kind.name}")
        return data, header_row(data)


def read_frame(data: Plain | pydicom.Dataset, name: str) -> Frame:
    """The frame of an opened file.

    Raises SubjectError (UNREADABLE, MISSING_TAG) naming file and tag where it is damaged.
    """
    with _naming(name):
        if isinstance(data, Plain):
            frame = _plain_frame(data, name)
            if frame is not None:
                return frame
            # Not so plain, or damaged: pydicom reads it, or tells what is wrong.
            data = pydicom.dcmread(BytesIO(data.content))
        return _frame(data, name, _pixels(data, name))


def _plain_frame(data: Plain, name: str) -> Frame | None:
    """The frame of a file as nearly all are; None for all others, damaged ones among them."""
    layout = data.layout()
    trigger_ms, position, instance_number = (
        math.nan if tag not in data.places else data.number(tag)
        for tag in (TIME[0], TEMPORAL_POSITION, TIME[1])
    )
    texts = [_plain_text(data, tag, vr) for tag, vr in OWN_TEXT.items()]
    if layout is None or None in (trigger_ms, instance_number, position, *texts):
        return None
    if math.isnan(instance_number):
        return None
    try:
        pixels = _rescaled(data.pixels(layout), name, layout.slope, layout.intercept)
        like = _shared_frame(data.elements(SHARED))
    except SubjectError:
        return None
    if like is None:
        return None
    return replace(
        like,
        name=name,
        trigger_ms=trigger_ms,
        instance_number=int(instance_number),
        pixels=pixels,
        **_own(position, *texts),
    )


def _plain_text(data: Plain, tag: int, vr: bytes) -> str | None:
    """Text of one value without signs that need a character set; None where it is anything else."""
    element = data.element(tag)
    if not element:
        return ""
    text = element[8:].rstrip(b"\0 ")
    if element[4:6] != vr or b"\\" in text or not text.isascii():
        return None
    return text.decode("ascii")


def _own(position: float, instance: str, reference: str, acquired: str, created: str) -> dict:
    """What a frame has for itself, of the texts in its header."""
    return {
        "instance": instance,
        "reference": reference,
        "temporal_position": position,
        "acquired_s": clock_s(acquired),
        "created_s": clock_s(created),
    }


def clock_s(text: str) -> float:
    """Seconds since midnight of a DICOM time (hhmmss.ffffff, or with colons); nan for no time."""
    match = CLOCK.fullmatch(text.strip())
    if match is None:
        return math.nan
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


@lru_cache(maxsize=REMEMBERED)
def _shared_frame(elements: bytes) -> Frame | None:
    """What the frames of a slice have in common, read of the elements SHARED; no pixels.

    None where an element is not of the kind that it should be.
    """
    data = dataset(elements)
    if not all_as_defined(data):
        return None
    data.TriggerTime = data.InstanceNumber = 0
    return _frame(data, "", np.empty((0, 0), np.uint16))


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
    return _rescaled(pixels, name, slope, intercept)


def _rescaled(pixels: np.ndarray, name: str, slope: float, intercept: float) -> np.ndarray:
    if (slope, intercept) != (1, 0):
        with np.errstate(all="ignore"):
            pixels = (pixels * slope + intercept).astype(np.float32)
        if not np.isfinite(pixels).all():
            raise absurd(name, "RescaleSlope", slope, "a slope that gives finite pixels")
    return pixels


def _frame(data: pydicom.Dataset, name: str, pixels: np.ndarray) -> Frame:
    orientation = numbers(data, name, "ImageOrientationPatient", 6)
    for half in (orientation[:3], orientation[3:]):
        if abs(math.hypot(*half) - 1) > UNIT_LENGTH_TOLERANCE:
            raise absurd(name, "ImageOrientationPatient", orientation, "two unit vectors")
    if abs(dot(orientation[:3], orientation[3:])) > UNIT_LENGTH_TOLERANCE:
        raise absurd(name, "ImageOrientationPatient", orientation, "two orthogonal vectors")
    spacing = numbers(data, name, "PixelSpacing", 2)
    if not all(PIXEL_MM[0] <= length <= PIXEL_MM[1] for length in spacing):
        raise absurd(name, "PixelSpacing", spacing, "two positive lengths up to a metre")
    position = numbers(data, name, "ImagePositionPatient", 3)
    if max(map(abs, position)) > FURTHEST_MM:
        raise absurd(name, "ImagePositionPatient", position, f"mm up to {FURTHEST_MM:g}")
    return Frame(
        name=name,
        patient=str(data.get("PatientID") or ""),
        series_number=int(numbers(data, name, "SeriesNumber", 1)[0]),
        instance_number=int(numbers(data, name, "InstanceNumber", 1)[0]),
        orientation=orientation,
        position_mm=position,
        spacing_mm=spacing,
        trigger_ms=optional(data, name, "TriggerTime", math.nan),
        phases=int(optional(data, name, "CardiacNumberOfImages", 0)),
        slice_location_mm=optional(data, name, "SliceLocation", math.nan),
        slice_distance_mm=optional(data, name, "SpacingBetweenSlices", math.nan),
        thickness_mm=optional(data, name, "SliceThickness", math.nan),
        phase_encoding=_phase_encoding(data),
        transfer_syntax=_compression(data),
        pixels=pixels,
        origin=_origin(data),
        **_own(
            optional(data, name, "TemporalPositionIdentifier", math.nan),
            *(_text(data, tag) for tag in OWN_TEXT),
        ),
    )


def _text(data: pydicom.Dataset, tag: int | str) -> str:
    """The first value of an element as text; empty where it is absent."""
    value = data[tag].value if tag in data else None
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()


def _whole(data: pydicom.Dataset, keyword: str) -> int:
    """The first value of an element as a whole number; -1 where it is absent or none."""
    text = _text(data, keyword)
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else -1


def _origin(data: pydicom.Dataset) -> Origin:
    kinds = data.get("ImageType") or ()
    return Origin(
        study=_text(data, "StudyInstanceUID"),
        series=_text(data, "SeriesInstanceUID"),
        kind=_text(data, "SOPClassUID"),
        modality=_text(data, "Modality"),
        image_type=(kinds,) if isinstance(kinds, str) else tuple(map(str, kinds)),
        description=_text(data, "SeriesDescription"),
        acquisition=_whole(data, "AcquisitionNumber"),
        echo=_whole(data, "EchoNumbers"),
    )


def _phase_encoding(data: pydicom.Dataset) -> str:
    """ROW, COL or OTHER; '' where it is absent or anything else."""
    value = str(data.get("InPlanePhaseEncodingDirection") or "")
    return value if value in PHASE_ENCODINGS else ""


def _compression(data: pydicom.Dataset) -> str:
    """Name of a compressed transfer syntax; '' for plain pixels."""
    syntax = data.file_meta.get("TransferSyntaxUID")
    return syntax.name if syntax is not None and syntax.is_compressed else ""
