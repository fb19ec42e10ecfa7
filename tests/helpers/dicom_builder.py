"""Small DICOM series for tests, as a Siemens scanner of the Kaggle data writes them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, RLELossless

# An oblique orientation: unit vectors with exact decimals, at right angles.
ROW_DIRECTION = (0.6, 0.8, 0.0)
COLUMN_DIRECTION = (0.0, 0.0, -1.0)
NORMAL = (-0.8, 0.6, 0.0)


def picture(rows: int, columns: int, series_number: int, frame: int) -> np.ndarray:
    """A smooth uint16 image that differs between slices and frames."""
    y, x = np.mgrid[:rows, :columns]
    blob = np.exp(-((x - 0.3 * columns) ** 2 + (y - 0.6 * rows) ** 2) / (0.1 * rows * columns))
    return (100 + 10 * series_number + 3 * frame + 800 * blob + x).astype(np.uint16)


def write_series(
    folder: Path,
    series_number: int = 5,
    frames: Sequence[int] = (1, 2, 3),
    location_mm: float = 0.0,
    rows: int = 12,
    columns: int = 10,
    row_direction: Sequence[float] = ROW_DIRECTION,
    column_direction: Sequence[float] = COLUMN_DIRECTION,
    position_mm: Sequence[float] | None = None,
    name: str = "IM-{series:04d}-{frame:04d}.dcm",
    image: Callable[[int, int, int, int], np.ndarray] = picture,
    frame_interval_ms: float = 100.0,
    compress: bool = False,
    first_uid: int = 0,
    **elements: object,
) -> list[Path]:
    """Write one slice: a file per frame number.

    folder: gets the files, and is made. frames: numbers from 1; trigger time is (number - 1) times
    the interval. location_mm: place along the normal; the first pixel lies there on the
    normal through the origin unless `position_mm` is given. name: format of the file name.
    image: (rows, columns, series_number, frame) -> uint16. elements: DICOM keyword -> value in
    place of the usual one; None leaves the element out. first_uid: where the numbers in
    SOPInstanceUID start. Returns the paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(row_direction, column_direction)
    if position_mm is None:
        position_mm = normal * location_mm
    paths = []
    for frame in frames:
        values = {
            "SOPClassUID": MRImageStorage,
            "SOPInstanceUID": f"1.2.3.{series_number}.{first_uid + frame}",
            "Modality": "MR",
            "Manufacturer": "SIEMENS",
            "SeriesDescription": "sax",
            "PatientName": "NDSB_7",
            "PatientID": "7",
            "PatientBirthDate": "19000101",
            "PatientSex": "F",
            "PatientAge": "051Y",
            "SliceThickness": 8,
            "TriggerTime": (frame - 1) * frame_interval_ms,
            "CardiacNumberOfImages": 3,
            "InPlanePhaseEncodingDirection": "ROW",
            "SeriesNumber": series_number,
            "InstanceNumber": frame,
            "ImagePositionPatient": [float(v) for v in position_mm],
            "ImageOrientationPatient": [*row_direction, *column_direction],
            "SliceLocation": float(normal @ np.array(position_mm)),
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": rows,
            "Columns": columns,
            "PixelSpacing": [1.5, 1.25],
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 0,
            **elements,
        }
        dataset = Dataset()
        for keyword, value in values.items():
            if value is not None:
                setattr(dataset, keyword, value)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        pixels = image(rows, columns, series_number, frame).astype("<u2")
        dataset.add_new("PixelData", "OW", pixels.tobytes())
        if compress:
            dataset.compress(RLELossless, generate_instance_uid=False)
        path = folder / name.format(series=series_number, frame=frame)
        dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return paths


def write_study(
    folder: Path, slices: int = 4, distance_mm: float = 8.0, first_series: int = 5, **options
) -> None:
    """Write a clean Kaggle study: folders sax_5, sax_6, ... below `folder`, lowest first."""
    for k in range(slices):
        number = first_series + k
        write_series(folder / f"sax_{number}", number, location_mm=k * distance_mm, **options)
