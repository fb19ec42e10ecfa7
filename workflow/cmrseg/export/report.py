"""DICOM SR of the measures of a cine: TID 1500, with the segments and images that they are of."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence

from highdicom import sr
from highdicom.sr.value_types import CodeContentItem, RelationshipTypeValues
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import SegmentationStorage

from cmrseg.export.codes import CYCLE, MEASURES, SEGMENTS, Coded
from cmrseg.export.equipment import (
    IMPLEMENTATION,
    MAKER,
    MOST_TEXT,
    RESEARCH,
    Author,
    date_of,
)
from cmrseg.export.source_images import Sources, uid_of
from cmrseg.export.version import VERSION
from cmrseg.labels import NAMES, Tissue

# It tells of each module of elements that it copies.
logging.getLogger("highdicom").setLevel(logging.WARNING)

# Number of the series in the study, after that of the SEG.
SERIES_NUMBER = 9002
# Digits of a number; a decimal string has 16 signs.
DIGITS = 8
CARDIAC_MRI = Code("241620005", "SCT", "Cardiac MRI")


def report(
    segments: Dataset,
    sources: Sources,
    tissues: Sequence[Tissue],
    measures: Mapping[str, float],
    frames: tuple[int, int],
    copied: int,
    author: Author,
) -> Dataset:
    """The SR of a cine's measures.

    segments: the SEG of its label maps (`segmentation`). sources: the images of the cine. tissues:
    of the segments, in their order. measures: of a row of the tables of volumes, in our units; nan
    is left out. frames: end-diastolic and end-systolic one, from 0. copied: images that stand for
    missing ones, which are in the measures and not in the SEG.
    Each tissue is a group with its segment; the numbers are those of the tables to 8 digits. The
    same measures of the same SEG give the same bytes. Raises ValueError where nothing is measured.
    """
    images = _source_images(segments)
    notes = _notes(frames, copied)
    groups = []
    for number, tissue in enumerate(tissues, start=1):
        found = {
            name: coded
            for name, coded in MEASURES.get(tissue, {}).items()
            if math.isfinite(measures.get(name, math.nan))
        }
        if found:
            content = [_measurement(coded, measures[name]) for name, coded in found.items()]
            groups.append(_group(segments, number, tissue, images, content, notes, author))
    if not groups:
        raise ValueError(f"{author.name}: there is no measure of the ventricles to report")
    shown = {str(image.referenced_sop_instance_uid) for image in images}
    headers = [h for h in sources.headers if str(h.SOPInstanceUID) in shown]
    uid = uid_of("report", segments.SOPInstanceUID, sorted(measures.items()), frames, copied)
    date, time = date_of(headers[0])
    with warnings.catch_warnings():
        # Of names of patients without a caret, which are common.
        warnings.simplefilter("ignore")
        made = sr.ComprehensiveSR(
            [segments, *headers],
            _content(groups),
            uid_of("series", uid),
            SERIES_NUMBER,
            uid,
            instance_number=1,
            manufacturer=MAKER,
            is_complete=True,
            content_date=date,
            content_time=time,
            series_description=f"Measurements: {author.name}. {RESEARCH}"[:MOST_TEXT],
            manufacturer_model_name=MAKER,
            software_versions=VERSION,
            device_serial_number="none",
        )
    made.file_meta.ImplementationClassUID = IMPLEMENTATION
    # The time of the run, which would make other bytes each time.
    for holder in (made, *made.get("ContributingEquipmentSequence", [])):
        for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContributionDateTime"):
            holder.pop(keyword, None)
    return made


def _content(
    groups: Sequence[sr.VolumetricROIMeasurementsAndQualitativeEvaluations],
) -> sr.MeasurementReport:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=IMPLEMENTATION,
        manufacturer_name=MAKER,
        model_name=MAKER,
        name=f"{MAKER} {VERSION}",
    )
    observer = sr.ObserverContext(codes.DCM.Device, device)
    return sr.MeasurementReport(
        sr.ObservationContext(observer_device_context=observer),
        CARDIAC_MRI,
        groups,
        title=codes.DCM.ImagingMeasurementReport,
    )


def _source_images(segments: Dataset) -> list[sr.SourceImageForSegmentation]:
    """Each file that a frame of the SEG is of, with the numbers of its frames."""
    frames: dict[tuple[str, str], set[int]] = {}
    for groups in segments.PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        key = reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID
        numbers = frames.setdefault(key, set())
        if "ReferencedFrameNumber" in reference:
            numbers.add(int(reference.ReferencedFrameNumber))
    return [
        sr.SourceImageForSegmentation(*key, sorted(numbers) or None)
        for key, numbers in frames.items()
    ]


def _measurement(coded: Coded, value: float) -> sr.Measurement:
    number = float(f"{value * coded.factor:.{DIGITS}g}")
    found = sr.Measurement(coded.name, number, coded.unit)
    if coded.phase:
        modifier = CodeContentItem(CYCLE, coded.phase, RelationshipTypeValues.HAS_CONCEPT_MOD)
        item = found[0]
        if "ContentSequence" not in item:
            item.ContentSequence = sr.ContentSequence()
        item.ContentSequence.append(modifier)
    return found


def _notes(frames: tuple[int, int], copied: int) -> list[str]:
    """What to know about the measures."""
    notes = [f"End-diastole is frame {frames[0] + 1}, end-systole frame {frames[1] + 1}.", RESEARCH]
    if copied:
        notes.append(
            f"{copied} missing images were filled in by neighbours: they are in the volumes, and "
            "not in the segmentation."
        )
    return notes


def _group(
    segments: Dataset,
    number: int,
    tissue: Tissue,
    images: Sequence[sr.SourceImageForSegmentation],
    measurements: Sequence[sr.Measurement],
    notes: Sequence[str],
    author: Author,
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    segment = SEGMENTS[tissue]
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(
            uid_of("tissue", author.name, int(tissue)),
            NAMES[tissue],
        ),
        referenced_segment=sr.ReferencedSegment(
            SegmentationStorage,
            segments.SOPInstanceUID,
            number,
            source_images=images,
        ),
        finding_type=segment.kind,
        finding_category=segment.category,
        finding_sites=[sr.FindingSite(segment.site or segment.kind)],
        # What a reader drew is measured by this software, too.
        algorithm_id=sr.AlgorithmIdentification(
            MAKER if author.by == "MANUAL" else author.name, VERSION, notes
        ),
        measurements=measurements,
    )
