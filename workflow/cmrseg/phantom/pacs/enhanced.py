"""A cine as one Enhanced MR object: all slices and frames in one file."""

from collections.abc import Mapping

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage

from cmrseg.phantom.dicom_writer import dataset_of, uid
from cmrseg.phantom.pacs.headers import Written, of_picture, stored_pixels
from cmrseg.phantom.pacs.vendors import Vendor

# Elements of single images that lie in functional groups here, or that enhanced objects lack.
IN_GROUPS = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "SpacingBetweenSlices", "SliceLocation", "TriggerTime", "TemporalPositionIdentifier",
    "NumberOfTemporalPositions", "RescaleSlope", "RescaleIntercept", "RescaleType", "EchoTime",
    "RepetitionTime", "FlipAngle", "WindowCenter", "WindowWidth", "CardiacNumberOfImages",
    "NominalInterval", "HeartRate", "AcquisitionTime", "AcquisitionDate", "EchoNumbers",
    "ScanningSequence", "SequenceVariant", "SequenceName", "InPlanePhaseEncodingDirection",
)  # fmt: skip


def enhanced_object(
    written: Written, vendor: Vendor, common: Mapping[str, object]
) -> dict[str, object]:
    """Elements of one object with all pictures of a cine, slice by slice.

    common: `headers.of_images` of the examination. Multi-frame functional groups as in DICOM
    PS3.3 C.7.6.16 and C.8.13.
    """
    frames, pixels = [], []
    lowest = {picture.z for picture in written.pictures}
    for instance, picture in enumerate(written.pictures, 1):
        elements = of_picture(written, instance, vendor, common)
        stored, meaning = stored_pixels(picture, vendor)
        pixels.append(stored)
        place = 1 + sorted(lowest).index(picture.z)
        frames.append(_frame({**elements, **meaning}, place, picture.t + 1))
    first = of_picture(written, 1, vendor, common)
    _, meaning = stored_pixels(written.pictures[0], vendor)
    kept = {keyword: value for keyword, value in first.items() if keyword not in IN_GROUPS}
    return {
        **kept,
        "SOPClassUID": EnhancedMRImageStorage,
        "SOPInstanceUID": uid(written.uid, "object"),
        "ImageType": ["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"],
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionDateTime": f"{first['AcquisitionDate']}{first['AcquisitionTime']}",
        "CardiacSynchronizationTechnique": "RETROSPECTIVE",
        "CardiacSignalSource": "ECG",
        "InstanceNumber": 1,
        "NumberOfFrames": len(frames),
        "SharedFunctionalGroupsSequence": [_shared({**first, **meaning})],
        "PerFrameFunctionalGroupsSequence": frames,
        "PixelData": np.stack(pixels).tobytes(),
    }


def _group(elements: Mapping[str, object], *keywords: str) -> list[Dataset]:
    return [dataset_of({keyword: elements.get(keyword) for keyword in keywords})]


def _shared(first: Mapping[str, object]) -> Dataset:
    """What all frames have in common."""
    measures = ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices")
    slope = {
        "RescaleSlope": first.get("RescaleSlope", 1),
        "RescaleIntercept": 0,
        "RescaleType": "US",
    }
    return dataset_of(
        {
            "PlaneOrientationSequence": _group(first, "ImageOrientationPatient"),
            "PixelMeasuresSequence": _group(first, *measures),
            "PixelValueTransformationSequence": [dataset_of(slope)],
            "MRTimingAndRelatedParametersSequence": _group(first, "RepetitionTime", "FlipAngle"),
            "MREchoSequence": [dataset_of({"EffectiveEchoTime": float(str(first["EchoTime"]))})],
        }
    )


def _frame(elements: Mapping[str, object], place: int, time: int) -> Dataset:
    """One frame: where, when, which; place and time count from 1."""
    content = {
        "FrameAcquisitionDateTime": f"{elements['AcquisitionDate']}{elements['AcquisitionTime']}",
        "StackID": "1",
        "InStackPositionNumber": place,
        "TemporalPositionIndex": time,
        "DimensionIndexValues": [1, place, time],
    }
    trigger = {
        "NominalCardiacTriggerDelayTime": float(str(elements["TriggerTime"])),
        "RRIntervalTimeNominal": float(str(elements["NominalInterval"])),
    }
    kind = {"FrameType": ["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"]}
    return dataset_of(
        {
            "FrameContentSequence": [dataset_of(content)],
            "PlanePositionSequence": _group(elements, "ImagePositionPatient"),
            "CardiacSynchronizationSequence": [dataset_of(trigger)],
            "MRImageFrameTypeSequence": [dataset_of(kind)],
            "FrameVOILUTSequence": _group(elements, "WindowCenter", "WindowWidth"),
        }
    )
