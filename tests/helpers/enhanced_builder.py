"""Enhanced MR objects for tests: all slices and frames of a small cine in one file."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian

from dicom_builder import COLUMN_DIRECTION, NORMAL, ROW_DIRECTION, picture


def group(**elements) -> Sequence:
    """A functional group: a sequence of one item."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])


def frame_groups(z: int, t: int) -> dict[str, Sequence]:
    """Functional groups of the frame of a slice and a time, 8 mm and 40 ms apart."""
    return {
        "PlanePositionSequence": group(
            ImagePositionPatient=[float(v) for v in np.array(NORMAL) * 8 * z]
        ),
        "CardiacSynchronizationSequence": group(NominalCardiacTriggerDelayTime=40.0 * t),
        "FrameContentSequence": group(
            StackID="1",
            InStackPositionNumber=z + 1,
            TemporalPositionIndex=t + 1,
            FrameAcquisitionDateTime=f"202001021{z}1130.5{t}+0100",
        ),
    }


def shared_groups() -> dict[str, Sequence]:
    return {
        "PlaneOrientationSequence": group(
            ImageOrientationPatient=[*ROW_DIRECTION, *COLUMN_DIRECTION]
        ),
        "PixelMeasuresSequence": group(
            PixelSpacing=[1.5, 1.25], SliceThickness=8, SpacingBetweenSlices=8
        ),
        "MRFOVGeometrySequence": group(InPlanePhaseEncodingDirection="COLUMN"),
        "MRImageFrameTypeSequence": group(
            FrameType=["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"], ComplexImageComponent="MAGNITUDE"
        ),
    }


def enhanced(slices=4, frames=3, rows=12, columns=10, frame=frame_groups, shared=None, **elements):
    """A data set of (slices x frames) pictures, times within slices.

    frame: groups of a slice and a time. shared: groups in place of the usual ones. elements: of
    the object; None leaves one out.
    """
    values = {
        "SOPClassUID": EnhancedMRImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.5",
        "FrameOfReferenceUID": "1.2.3.6",
        "Modality": "MR",
        "PatientID": "7",
        "SeriesNumber": 5,
        "InstanceNumber": 1,
        "SeriesDescription": "sax",
        "NumberOfFrames": slices * frames,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        **elements,
    }
    data = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(data, keyword, value)
    data.SharedFunctionalGroupsSequence = group(**(shared_groups() if shared is None else shared))
    data.PerFrameFunctionalGroupsSequence = Sequence(
        [group(**frame(z, t))[0] for z in range(slices) for t in range(frames)]
    )
    pictures = [picture(rows, columns, 5 + z, t + 1) for z in range(slices) for t in range(frames)]
    data.add_new("PixelData", "OW", np.array(pictures, "<u2").tobytes())
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = values["SOPClassUID"]
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def write_enhanced(path: Path, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, enhanced(**options), enforce_file_format=True)
    return path
