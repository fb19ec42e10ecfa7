"""Write the slices of a planned acquisition as MR DICOM files, as a Siemens scanner does."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from io import SEEK_END, BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite, write_dataset, write_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, RLELossless

from cmrseg.phantom.plan import COMPRESSED, TRUNCATED, PlannedSlice

# What the Kaggle files carry as implementation: they were rewritten by DCMTK 3.6.0.
DCMTK_CLASS_UID = UID("1.2.276.0.7230010.3.0.3.6.0")
DCMTK_VERSION = "OFFIS_DCMTK_360"

# Elements that differ from frame to frame, in the order of their tags.
PER_FRAME = ("SOPInstanceUID", "TriggerTime", "InstanceNumber", "PixelData")
# A truncated file keeps this part of its bytes: the header and some of the pixels.
KEPT_OF_TRUNCATED = 0.6

# Models by field strength in tesla; the first two rows as in the Kaggle headers.
MODELS = {
    1.5: (("Aera", "syngo MR D13"), ("Avanto", "syngo MR B17")),
    3.0: (("Skyra", "syngo MR D13"), ("Verio", "syngo MR B17")),
    7.0: (("Investigational_Device_7T", "syngo MR B17"),),
}


def uid(*parts: object) -> str:
    """A UID that depends on its parts alone (UUID-derived root 2.25)."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def age_text(age_y: float) -> str:
    """DICOM age: weeks below three months, months below two years, else years."""
    if age_y < 0.25:
        return f"{round(age_y * 52):03d}W"
    if age_y < 2:
        return f"{round(age_y * 12):03d}M"
    return f"{int(age_y):03d}Y"


def study_elements(row: Mapping, field_t: float, frames: int, rng: np.random.Generator) -> dict:
    """Elements (keyword -> value) that all images of a study share.

    row: of the subject table (study, sex, age_y). field_t: magnetic field in tesla.
    Element list and ranges: headers of the Second Annual Data Science Bowl.
    Raises ValueError naming the subject for a field strength without a scanner model.
    """
    if field_t not in MODELS:
        raise ValueError(
            f"subject {row['subject']}: no scanner of {field_t} T, expected {sorted(MODELS)}"
        )
    model, software = MODELS[field_t][rng.integers(len(MODELS[field_t]))]
    views = int(rng.integers(9, 16))
    echo_spacing_ms = round(float(rng.uniform(2.5, 3.2)), 2)
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "RETRO", "NORM", "DIS2D"],
        "SOPClassUID": MRImageStorage,
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": model,
        "SeriesDescription": "sax",
        "PatientName": f"NDSB_{row['study']}",
        "PatientID": str(row["study"]),
        "PatientBirthDate": "19000101",
        "PatientSex": str(row["sex"]),
        "PatientAge": age_text(float(row["age_y"])),
        "ScanningSequence": "GR",
        "SequenceVariant": ["SK", "SS"] if rng.random() < 0.6 else ["SK", "SS", "OSP"],
        "SequenceName": f"*tfi2d1_{views}",
        "RepetitionTime": round(views * echo_spacing_ms, 2),
        "EchoTime": round(float(rng.uniform(1.1, 1.5)), 2),
        "NumberOfAverages": 1,
        "EchoNumbers": 1,
        "MagneticFieldStrength": field_t,
        "EchoTrainLength": 1,
        "PixelBandwidth": 930,
        "SoftwareVersions": software,
        "FlipAngle": int(rng.integers(45, 81)),
        "dBdt": 0,
        "CardiacNumberOfImages": frames,
        "AcquisitionNumber": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
    }


def slice_elements(planned: PlannedSlice) -> dict:
    """Elements (keyword -> value) of one slice: its place, matrix and phase encoding."""
    plane = planned.plane
    fewer = min(plane.rows, plane.columns)
    return {
        "SliceThickness": plane.thickness_mm,
        "NumberOfPhaseEncodingSteps": round(0.75 * fewer),
        "PercentSampling": 75,
        # The phase direction has the fewer pixels: along the rows of a portrait image.
        "InPlanePhaseEncodingDirection": "ROW" if plane.rows >= plane.columns else "COL",
        "SeriesNumber": planned.series_number,
        "ImagePositionPatient": [float(v) for v in plane.position_mm],
        "ImageOrientationPatient": [
            float(v) for v in (*plane.row_direction, *plane.column_direction)
        ],
        "SliceLocation": planned.location_mm,
        "Rows": plane.rows,
        "Columns": plane.columns,
        "PixelSpacing": [plane.row_spacing_mm, plane.column_spacing_mm],
    }


def decimal(value: float) -> str:
    """A DICOM decimal string, at most 16 characters, with as many digits as fit.

    Raises ValueError for nan and infinity, which such a string cannot hold.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no DICOM decimal string; expected a finite number")
    texts = (f"{value:.{digits}g}" for digits in range(15, 0, -1))
    return next(text for text in texts if len(text) <= 16)


def _set(dataset: Dataset, keyword: str, value: object) -> None:
    if isinstance(value, float) and dictionary_VR(keyword) == "DS":
        value = decimal(value)
    elif isinstance(value, list) and value and isinstance(value[0], float):
        value = [decimal(v) for v in value]
    setattr(dataset, keyword, value)


def write_slice(
    study: Path,
    planned: PlannedSlice,
    common: Mapping[str, object],
    images: np.ndarray,
    frame_interval_ms: float,
) -> None:
    """Write the planned frames of one slice below the study's folder.

    images: (t, rows, columns) in scanner units, every frame also where it is not written.
    common: elements of the study. The same arguments always give the same bytes.
    """
    pixels = np.clip(np.rint(images), 0, 65535).astype("<u2")
    window = float(np.percentile(pixels[0], 99.5))
    elements = {
        **common,
        **slice_elements(planned),
        "WindowCenter": round(window / 2),
        "WindowWidth": max(round(window), 1),
        **planned.elements,
    }
    head = dataset_of(elements)
    (study / planned.folder).mkdir(parents=True, exist_ok=True)
    # The head is encoded once, in parts between which the elements of a frame belong.
    tags = [Tag(keyword) for keyword in PER_FRAME]
    bounds = [Tag(0), *tags, None]
    parts = [_encoded(head[a:b]) for a, b in pairwise(bounds)]
    for frame in planned.frames:
        name = planned.file(frame)
        own = {
            "SOPInstanceUID": uid(elements["PatientID"], name, planned.seed),
            "TriggerTime": round(frame * frame_interval_ms, 2),
            "InstanceNumber": frame + 1,
            "PixelData": pixels[frame].tobytes(),
        }
        content = [_file_head(own["SOPInstanceUID"]), parts[0]]
        for (keyword, value), part in zip(own.items(), parts[1:], strict=True):
            content += [_encoded(dataset_of({keyword: value})), part]
        (study / name).write_bytes(_damaged(b"".join(content), planned.damage.get(frame)))


def file_bytes(
    elements: Mapping[str, object], private: Iterable[tuple[int, str, object]] = ()
) -> bytes:
    """A whole file of one object.

    elements: keyword -> value, with SOPClassUID and SOPInstanceUID; None leaves an element out.
    Sequences are lists of `Dataset`. private: elements without a keyword, (tag, VR, value).
    """
    dataset = dataset_of(elements)
    for tag, representation, value in private:
        dataset.add_new(tag, representation, value)
    head = _file_head(str(elements["SOPInstanceUID"]), str(elements["SOPClassUID"]))
    return head + _encoded(dataset)


def dataset_of(elements: Mapping[str, object]) -> Dataset:
    """A data set of keywords and values; what is None is left out."""
    dataset = Dataset()
    for keyword, value in elements.items():
        if keyword == "PixelData":
            dataset.add_new(keyword, "OW", value)
        elif value is not None:
            _set(dataset, keyword, value)
    return dataset


def _encoded(dataset: Dataset) -> bytes:
    """The dataset's elements in Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _file_head(instance_uid: str, class_uid: str = MRImageStorage) -> bytes:
    """Preamble and file meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(class_uid)
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = DCMTK_CLASS_UID
    meta.ImplementationVersionName = DCMTK_VERSION
    buffer = DicomBytesIO(bytes(128) + b"DICM")
    buffer.seek(0, SEEK_END)
    write_file_meta_info(buffer, meta)
    return buffer.getvalue()


def _damaged(content: bytes, damage: str | None) -> bytes:
    if damage == TRUNCATED:
        return content[: int(len(content) * KEPT_OF_TRUNCATED)]
    if damage == COMPRESSED:
        dataset = dcmread(BytesIO(content))
        dataset.compress(RLELossless, generate_instance_uid=False)
        buffer = BytesIO()
        dcmwrite(buffer, dataset, enforce_file_format=True)
        return buffer.getvalue()
    return content
