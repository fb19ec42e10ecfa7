"""Header values that the import needs: position, times and origin of an image."""

import math
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.compressed import is_lossy
from cmrseg.dicom.elements import REMEMBERED, all_as_defined, dataset
from cmrseg.dicom.origin import Origin
from cmrseg.dicom.pixels import is_compressed, rescaled
from cmrseg.dicom.plain import Plain
from cmrseg.dicom.values import absurd, numbers, optional
from cmrseg.vectors import dot

PHASE_ENCODINGS = ("ROW", "COL", "OTHER")
# Plausible pixel spacing and positions in mm; far larger values overflow the floats of a NIfTI.
PIXEL_MM, FURTHEST_MM = (1e-3, 1e3), 1e5
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
        *("SeriesDescription", "AcquisitionNumber", "EchoNumbers", "LossyImageCompression"),
        *("ProtocolName", "SequenceName", "Tagging"),
        *("EchoTime", "InversionTime", "FlipAngle"),
    )
]
TIME = [tag_for_keyword(key) or 0 for key in ("TriggerTime", "TemporalPositionIdentifier")]
INSTANCE_NUMBER = tag_for_keyword("InstanceNumber") or 0
# Elements of a frame alone that are text of one kind.
OWN_TEXT = {
    tag_for_keyword(keyword) or 0: vr
    for keyword, vr in (
        ("SOPInstanceUID", b"UI"),
        ("FrameOfReferenceUID", b"UI"),
        ("AcquisitionTime", b"TM"),
        ("ContentTime", b"TM"),
    )
}
# Text without blanks, of one value, that is filled up to an even length or not.
PLAIN_TEXT = re.compile(rb"([!-\[\]-~]*)[ \0]?")
CLOCK = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d(?:\.\d{1,6})?))?")


@dataclass(frozen=True)
class Frame:
    """One image file: the header values that cleaning needs, and its pixels.

    name: path relative to the study's folder. instance, reference: unique identifiers of the image
    and of its frame of reference. orientation: direction of increasing column index, then of
    increasing row index. spacing_mm: between rows, between columns. Lengths are in mm in DICOM
    patient coordinates (LPS). trigger_ms: since the R wave; temporal_position: number of the frame
    in time; acquired_s, created_s: time of day of acquisition and of the content. nan,
    empty or 0 phases: not in the header. transfer_syntax: name of a compressed one, else empty.
    lossy: compression changed the grey values.
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
    origin: Origin = field(default_factory=Origin)
    instance: str = ""
    reference: str = ""
    temporal_position: float = math.nan
    acquired_s: float = math.nan
    created_s: float = math.nan
    lossy: bool = False

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def plain_frame(data: Plain, name: str, lenient: bool) -> Frame | None:
    """The frame of a file as nearly all are; None for all others, damaged ones among them.

    lenient: pixels of PixelPaddingValue are no pixels.
    """
    layout = data.layout()
    times = [data.number(tag) if tag in data.places else math.nan for tag in TIME]
    instance_number = data.number(INSTANCE_NUMBER)
    texts = [_plain_text(data, tag, vr) for tag, vr in OWN_TEXT.items()]
    if layout is None or instance_number is None:
        return None
    told = [time for time in times if time is not None], [t for t in texts if t is not None]
    if len(told[0]) < len(times) or len(told[1]) < len(texts):
        return None
    try:
        padding = layout.padding if lenient else None
        pixels = rescaled(data.pixels(layout), name, layout.slope, layout.intercept, padding)
        like = _shared_frame(data.elements(SHARED))
    except SubjectError:
        return None
    if like is None:
        return None
    return replace(
        like,
        name=name,
        trigger_ms=told[0][0],
        instance_number=int(instance_number),
        pixels=pixels,
        **_own(told[0][1], *told[1]),
    )


def _plain_text(data: Plain, tag: int, vr: bytes) -> str | None:
    """Text of one value without signs that need a character set; None where it is anything else."""
    place = data.places.get(tag)
    if place is None:
        return ""
    start, value, end = place
    text = PLAIN_TEXT.fullmatch(data.content, value, end)
    if text is None or data.content[start + 4 : start + 6] != vr:
        return None
    return text[1].decode("ascii")


def _own(position: float, instance: str, reference: str, acquired: str, created: str) -> dict:
    """Texts in a header that differ between frames."""
    return {
        "instance": instance,
        "reference": reference,
        "temporal_position": position,
        "acquired_s": clock_s(acquired),
        "created_s": clock_s(created),
    }


def clock_s(text: str) -> float:
    """Seconds since midnight of a DICOM time (hhmmss.ffffff, or with colons); nan for no time."""
    match = CLOCK.fullmatch(text.strip()) if text else None
    if match is None:
        return math.nan
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


@lru_cache(maxsize=REMEMBERED)
def _shared_frame(elements: bytes) -> Frame | None:
    """Values shared by the frames of a slice, from the elements SHARED; no pixels.

    None if an element has an unexpected VR.
    """
    data = dataset(elements)
    if not all_as_defined(data):
        return None
    data.TriggerTime = data.InstanceNumber = 0
    return frame_of(data, "", np.empty((0, 0), np.uint16))


def frame_of(data: pydicom.Dataset, name: str, pixels: np.ndarray) -> Frame:
    """The frame of a header and its pixels, which are in scanner units.

    Raises SubjectError (UNREADABLE, MISSING_TAG) naming file and tag where the header is damaged.
    """
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
        origin=origin_of(data),
        lossy=is_lossy(data),
        **_own(
            optional(data, name, "TemporalPositionIdentifier", math.nan),
            *(text_of(data, tag) for tag in OWN_TEXT),
        ),
    )


def text_of(data: pydicom.Dataset, tag: int | str) -> str:
    """The first value of an element as text; empty where it is absent."""
    value = data[tag].value if tag in data else None
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()


def whole_of(data: pydicom.Dataset, keyword: str) -> int:
    """The first value of an element as a whole number; -1 where it is absent or none."""
    text = text_of(data, keyword)
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else -1


def real_of(data: pydicom.Dataset, keyword: str) -> float:
    """The first value of an element as a number; -1 where it is absent or none."""
    try:
        value = float(text_of(data, keyword))
    except ValueError:
        return -1.0
    return value if math.isfinite(value) else -1.0


def origin_of(data: pydicom.Dataset) -> Origin:
    """Origin of an image according to its header."""
    kinds = data.get("ImageType") or ()
    return Origin(
        study=text_of(data, "StudyInstanceUID"),
        series=text_of(data, "SeriesInstanceUID"),
        kind=text_of(data, "SOPClassUID"),
        modality=text_of(data, "Modality"),
        image_type=(kinds,) if isinstance(kinds, str) else tuple(map(str, kinds)),
        description=text_of(data, "SeriesDescription"),
        protocol=f"{text_of(data, 'ProtocolName')} {text_of(data, 'SequenceName')}".strip(),
        tagging=text_of(data, "Tagging"),
        acquisition=whole_of(data, "AcquisitionNumber"),
        echo=whole_of(data, "EchoNumbers"),
        echo_ms=real_of(data, "EchoTime"),
        inversion_ms=real_of(data, "InversionTime"),
        flip_deg=real_of(data, "FlipAngle"),
    )


def _phase_encoding(data: pydicom.Dataset) -> str:
    """ROW, COL or OTHER; '' where it is absent or anything else."""
    value = str(data.get("InPlanePhaseEncodingDirection") or "")
    return value if value in PHASE_ENCODINGS else ""


def _compression(data: pydicom.Dataset) -> str:
    """Name of a compressed transfer syntax; '' for plain pixels."""
    return data.file_meta.TransferSyntaxUID.name if is_compressed(data) else ""
