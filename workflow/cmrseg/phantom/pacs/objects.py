"""What lies in an export besides pictures of the patient: screenshots, reports, states."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    SecondaryCaptureImageStorage,
)

from cmrseg.phantom.dicom_writer import dataset_of, uid

# Screenshots are this much larger than the picture that they show.
ENLARGED = 4
REPORT_SERIES, STATE_SERIES, PRIVATE_SERIES, SCREEN_SERIES = 990, 991, 992, 993


def screenshot(
    common: Mapping[str, object], image: np.ndarray, labels: np.ndarray, number: int, modality: str
) -> dict[str, object]:
    """A colour picture of a screen: one frame of the cine with its outlines.

    image, labels: (rows, columns). common: elements of the examination. number: InstanceNumber.
    """
    grey = np.clip(image / max(float(np.percentile(image, 99.5)), 1.0), 0, 1) * 255
    screen = Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    screen = screen.resize(
        (ENLARGED * screen.width, ENLARGED * screen.height), Image.Resampling.NEAREST
    )
    large = np.kron(labels, np.ones((ENLARGED, ENLARGED), labels.dtype))
    edge = (large != np.roll(large, 1, axis=0)) | (large != np.roll(large, 1, axis=1))
    pixels = np.array(screen)
    pixels[edge] = (255, 210, 0)
    drawn = Image.fromarray(pixels)
    ImageDraw.Draw(drawn).rectangle((4, 4, 4 + drawn.width // 3, 14), fill=(0, 90, 200))
    series = uid(common["StudyInstanceUID"], SCREEN_SERIES)
    return {
        **common,
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": uid(series, number),
        "SeriesInstanceUID": series,
        "SeriesNumber": SCREEN_SERIES,
        "SeriesDescription": "Results MR function",
        "Modality": modality,
        "ConversionType": "WSD",
        "ImageType": ["DERIVED", "SECONDARY"],
        "InstanceNumber": number,
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": drawn.height,
        "Columns": drawn.width,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": drawn.tobytes(),
    }


def report(common: Mapping[str, object], volumes_ml: Mapping[str, float]) -> dict[str, object]:
    """A structured report with volumes (name -> ml); an object without pixels."""
    series = uid(common["StudyInstanceUID"], REPORT_SERIES)
    return {
        **common,
        "SOPClassUID": ComprehensiveSRStorage,
        "SOPInstanceUID": uid(series, 1),
        "SeriesInstanceUID": series,
        "SeriesNumber": REPORT_SERIES,
        "SeriesDescription": "MR cardiac report",
        "Modality": "SR",
        "InstanceNumber": 1,
        "CompletionFlag": "COMPLETE",
        "VerificationFlag": "UNVERIFIED",
        "ValueType": "CONTAINER",
        "ContinuityOfContent": "SEPARATE",
        "ConceptNameCodeSequence": [_code("18748-4", "LN", "Diagnostic imaging report")],
        "ContentSequence": [_measured(name, value) for name, value in volumes_ml.items()],
    }


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return dataset_of(
        {"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning}
    )


def _measured(name: str, value_ml: float) -> Dataset:
    measured = dataset_of(
        {
            "NumericValue": float(value_ml),
            "MeasurementUnitsCodeSequence": [_code("ml", "UCUM", "millilitre")],
        }
    )
    return dataset_of(
        {
            "RelationshipType": "CONTAINS",
            "ValueType": "NUM",
            "ConceptNameCodeSequence": [_code(name, "99DH", name)],
            "MeasuredValueSequence": [measured],
        }
    )


def presentation_state(
    common: Mapping[str, object], shown: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """How a person left the windows of some images; `shown`: their elements. No pixels."""
    series = uid(common["StudyInstanceUID"], STATE_SERIES)
    references = [
        dataset_of(
            {
                "ReferencedSOPClassUID": image["SOPClassUID"],
                "ReferencedSOPInstanceUID": image["SOPInstanceUID"],
            }
        )
        for image in shown
    ]
    referenced = dataset_of(
        {
            "SeriesInstanceUID": shown[0]["SeriesInstanceUID"],
            "ReferencedImageSequence": references,
        }
    )
    return {
        **common,
        "SOPClassUID": GrayscaleSoftcopyPresentationStateStorage,
        "SOPInstanceUID": uid(series, 1),
        "SeriesInstanceUID": series,
        "SeriesNumber": STATE_SERIES,
        "SeriesDescription": "Presentation state",
        "Modality": "PR",
        "InstanceNumber": 1,
        "ContentLabel": "WINDOWS",
        "ContentDescription": "",
        "PresentationCreationDate": common["StudyDate"],
        "PresentationCreationTime": common["StudyTime"],
        "ReferencedSeriesSequence": [referenced],
        "PresentationLUTShape": "IDENTITY",
    }


def private_object(common: Mapping[str, object], class_uid: str) -> dict[str, object]:
    """A maker's own object: Modality MR, and neither pixels nor place."""
    series = uid(common["StudyInstanceUID"], PRIVATE_SERIES)
    return {
        **common,
        "SOPClassUID": class_uid,
        "SOPInstanceUID": uid(series, 1),
        "SeriesInstanceUID": series,
        "SeriesNumber": PRIVATE_SERIES,
        "SeriesDescription": "Examination data",
        "Modality": "MR",
        "InstanceNumber": 1,
    }
