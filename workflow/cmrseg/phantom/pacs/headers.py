"""Headers of an examination's objects: who, when, which series, which picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydicom.uid import MRImageStorage

from cmrseg.phantom.dicom_writer import slice_elements, study_elements, uid
from cmrseg.phantom.kaggle import generator
from cmrseg.phantom.pacs.acquired import VENC_CM_S, Examination, Picture, Series
from cmrseg.phantom.pacs.vendors import (
    CINE,
    ENHANCEMENT,
    MAP,
    PERFUSION,
    PHASE,
    SECOND_CINE,
    T1_SOURCE,
    Vendor,
)
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.vectors import dot

# Days of the examinations, and when the first series begins (seconds after midnight).
DAYS = ("20240311", "20230925")
FIRST_SERIES_S = 9 * 3600 + 840.0
# Between two series.
PAUSE_S = 45.0
# What all objects of an examination have, images or not.
OF_ALL = (
    "SpecificCharacterSet", "Manufacturer", "ManufacturerModelName", "SoftwareVersions",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A series as it is written: one SeriesInstanceUID.

    number: SeriesNumber. start_s: seconds after midnight. spacing_mm: of parallel planes, None
    where there is one. day: which examination, from 0.
    """

    kind: str
    day: int
    number: int
    uid: str
    description: str
    pictures: tuple[Picture, ...]
    elements: Mapping[str, object]
    start_s: float
    spacing_mm: float | None


def of_study(exam: Examination, vendor: Vendor, seed: int) -> dict[str, object]:
    """Elements of all objects of an examination, images or not."""
    row = exam.row
    usual = _usual(exam, vendor)
    subject = row["subject"]
    return {keyword: usual.get(keyword) for keyword in OF_ALL} | {
        "PatientName": f"HEART^DIGITAL {subject}",
        "StudyInstanceUID": uid("pacs", seed, subject, exam.day, "study"),
        "StudyDate": DAYS[exam.day],
        "StudyTime": time_text(FIRST_SERIES_S - 300),
        "StudyID": "1",
        "StudyDescription": "Cardiac MR",
        "AccessionNumber": uid("pacs", seed, subject, exam.day, "order")[-8:],
        "ReferringPhysicianName": "",
        "InstitutionName": "DIGITAL HOSPITAL",
    }


def of_images(exam: Examination, vendor: Vendor, seed: int) -> dict[str, object]:
    """Elements of all MR images of an examination."""
    return {
        **_usual(exam, vendor),
        **of_study(exam, vendor, seed),
        "FrameOfReferenceUID": uid("pacs", seed, exam.row["subject"], exam.day, "frame"),
        "PositionReferenceIndicator": "",
        "PatientPosition": "HFS",
        "BodyPartExamined": "HEART",
        "MRAcquisitionType": "2D",
        "ImagedNucleus": "1H",
        "ImagingFrequency": round(42.577 * exam.scanner.field_t, 3),
        "NominalInterval": round(exam.beat_ms),
        "HeartRate": round(exam.parameters.heart_rate_bpm),
        "BitsStored": vendor.bits,
        "HighBit": vendor.bits - 1,
        "PixelRepresentation": int(vendor.signed),
    }


def _usual(exam: Examination, vendor: Vendor) -> dict[str, object]:
    rng = generator(exam.row, "headers")
    usual = study_elements(exam.row, exam.scanner.field_t, exam.protocol.frames, rng)
    usual["CardiacNumberOfImages"] = None
    return {**usual, **vendor.elements}


def time_text(seconds: float) -> str:
    """DICOM time of seconds after midnight, to a microsecond."""
    whole = round(seconds * 1_000_000)
    minutes, rest = divmod(whole, 60_000_000)
    return (
        f"{minutes // 60 % 24:02d}{minutes % 60:02d}{rest // 1_000_000:02d}.{rest % 1_000_000:06d}"
    )


def numbered(
    exam: Examination, series: Iterable[Series], vendor: Vendor, cine_as: str, seed: int
) -> list[Written]:
    """The series of an examination with numbers, UIDs and times, in order of acquisition.

    cine_as: "stack" and "object" are one series, "slices" one for each slice (late enhancement as
    well), "phases" one for each frame of the cine.
    """
    written: list[Written] = []
    start_s = FIRST_SERIES_S
    for one in series:
        for part in _parts(one, cine_as):
            number = 1 + len(written) * vendor.number_step
            written.append(
                Written(
                    kind=one.kind,
                    day=exam.day,
                    number=number,
                    uid=uid("pacs", seed, exam.row["subject"], exam.day, number),
                    description=vendor.descriptions[one.kind],
                    pictures=part,
                    elements=one.elements,
                    start_s=start_s,
                    spacing_mm=_distance_mm(one.pictures),
                )
            )
        start_s += max(picture.time_s for picture in one.pictures) + PAUSE_S
    return written


def _parts(series: Series, cine_as: str) -> list[tuple[Picture, ...]]:
    cine = series.kind in (CINE, SECOND_CINE)
    if cine_as == "slices" and (cine or series.kind == ENHANCEMENT):
        keys = [picture.z for picture in series.pictures]
    elif cine_as == "phases" and cine:
        keys = [picture.t for picture in series.pictures]
    else:
        return [series.pictures]
    pairs = list(zip(keys, series.pictures, strict=True))
    return [tuple(p for k, p in pairs if k == key) for key in dict.fromkeys(keys)]


def _distance_mm(pictures: Iterable[Picture]) -> float | None:
    """Distance of the first two planes along their normal; None where there is one plane."""
    planes = list({picture.z: picture.plane for picture in pictures}.values())
    if len(planes) < 2:
        return None
    between = np.subtract(planes[1].position_mm, planes[0].position_mm)
    return round(abs(float(dot(planes[0].normal, between))), 4)


def resent(written: Written, seed: int) -> Written:
    """The same series with other UIDs, as an archive has it that got it twice."""
    return replace(written, uid=uid("pacs", seed, written.uid, "again"))


def of_picture(
    written: Written, instance: int, vendor: Vendor, common: Mapping[str, object]
) -> dict[str, object]:
    """All elements of one image but its pixels.

    instance: InstanceNumber, from 1. common: `of_images` of the examination.
    """
    picture = written.pictures[instance - 1]
    planned = PlannedSlice("", written.number, picture.plane, (), 0)
    time = time_text(written.start_s + picture.time_s + (picture.trigger_ms or 0) / 1000)
    frames = 1 + max(p.t for p in written.pictures)
    dynamic = vendor.dynamic and written.kind in (PERFUSION, T1_SOURCE)
    elements = {
        **common,
        **slice_elements(planned),
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": uid(written.uid, instance),
        "SeriesInstanceUID": written.uid,
        "SeriesDescription": written.description,
        "ProtocolName": written.description,
        "ImageType": vendor.image_type(written.kind, picture.shows),
        "SequenceName": vendor.sequences.get(written.kind, common.get("SequenceName")),
        "InstanceNumber": instance,
        "AcquisitionNumber": picture.t + 1 if dynamic else 1,
        "SpacingBetweenSlices": written.spacing_mm,
        "TriggerTime": None if picture.trigger_ms is None else round(picture.trigger_ms, 2),
        "TemporalPositionIdentifier": picture.t + 1 if vendor.temporal else None,
        "NumberOfTemporalPositions": frames if vendor.temporal else None,
        "SeriesDate": DAYS[written.day],
        "AcquisitionDate": DAYS[written.day],
        "ContentDate": DAYS[written.day],
        "SeriesTime": time_text(written.start_s),
        "AcquisitionTime": time,
        "ContentTime": time_text(written.start_s + picture.time_s + 2 + 0.001 * instance),
        **written.elements,
        **picture.elements,
    }
    if vendor.location == "axis":
        axis = int(np.abs(picture.plane.normal).argmax())
        elements["SliceLocation"] = float(picture.plane.position_mm[axis])
    return elements


def stored_pixels(picture: Picture, vendor: Vendor) -> tuple[np.ndarray, dict[str, object]]:
    """Pixels as they are stored, (rows, columns) 16 bit, and elements that say what they mean."""
    values, slope, intercept = np.asarray(picture.pixels, float), vendor.slope, 0.0
    if picture.shows == PHASE:
        values, slope, intercept = _stored_velocity(values, vendor)
    elif picture.shows == MAP:
        slope = None
    if slope is not None:
        values = (values - intercept) / slope
    largest = 2 ** (vendor.bits - vendor.signed) - 1
    lowest = -largest - 1 if vendor.signed else 0
    pixels = np.clip(np.rint(values), lowest, largest).astype("<i2" if vendor.signed else "<u2")
    window = max(float(np.percentile(picture.pixels, 99.5)), 1.0)
    elements: dict[str, object] = {"WindowCenter": round(window / 2), "WindowWidth": round(window)}
    if slope is not None:
        elements |= {
            "RescaleSlope": slope,
            "RescaleIntercept": intercept,
            "RescaleType": "US" if picture.shows != PHASE else "cm/s",
        }
    return pixels, elements


def _stored_velocity(cm_s: np.ndarray, vendor: Vendor) -> tuple[np.ndarray, float | None, float]:
    """Velocities in what a maker stores, with slope and intercept of the header.

    Siemens: 4096 is the encoded velocity; Philips: cm/s; GE: mm/s without a slope.
    """
    if vendor.signed:
        return 10 * cm_s, None, 0.0
    if vendor.slope is None:
        return 4096 * cm_s / VENC_CM_S, 2.0, -4096.0
    return cm_s, 2 * VENC_CM_S / (2**vendor.bits - 1), -VENC_CM_S
