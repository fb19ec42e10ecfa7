"""Write tagged cines of digital patients as the published data: HDF5, a slice in each row.

Layout of Ferdian et al. 2020, doi:10.1148/ryct.2020190032, with all of its datasets.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cmrseg.boxes import box_of
from cmrseg.files import replacing
from cmrseg.measure.aha_segments import LEVELS, segments_at
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.infarct_truth import SEPTUM_DEG
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.landmarks import ring_mm
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.patient_files import split_settings, write_tag_truth, write_truth
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.tag_series import Tagged, acquired_tags
from cmrseg.ring import SEEN_FRAMES

CROP_PX = 128
# Of cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711), as OpenCV's INTER_CUBIC has it.
CUBIC = -0.75


def boxes_around(points: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Boxes x1, y1, x2, y2 (n, 4) around landmarks (n, 168, 2), (y, x) px, of end-diastole.

    As `boxes.box_of` says.
    """
    return box_of(points, (rows, columns))[..., ::-1].reshape(len(points), 4)


def cropped(images: np.ndarray, points: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, ...]:
    """A cine (t, y, x) in its box on CROP_PX x CROP_PX pixels, and landmarks (t, 168, 2) in it.

    The window holds all pixels that the box touches, and both sides are stretched. Landmarks are
    scaled in both directions by the factor of the height, as they are in the published data.
    """
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.ceil(box[2:]).astype(int)
    window = images[:, y1:y2, x1:x2].astype(np.float64)
    height, width = window.shape[1:]
    resized = cubic_matrix(height) @ window @ cubic_matrix(width).T
    return resized, (points - (y1, x1)) * (CROP_PX / height)


def cubic_matrix(length: int) -> np.ndarray:
    """(CROP_PX, length): cubic interpolation of samples that lie in the middle of their pixels.

    Beyond the ends the outermost sample continues.
    """
    place = (np.arange(CROP_PX) + 0.5) * (length / CROP_PX) - 0.5
    first = np.floor(place).astype(int)
    matrix = np.zeros((CROP_PX, length))
    for offset in range(-1, 3):
        away = np.abs(place - (first + offset))
        near = ((CUBIC + 2) * away - (CUBIC + 3)) * away**2 + 1
        far = CUBIC * (((away - 5) * away + 8) * away - 4)
        column = np.clip(first + offset, 0, length - 1)
        np.add.at(matrix, (np.arange(CROP_PX), column), np.where(away <= 1, near, far))
    return matrix


def regions_of(parameters: HeartParameters, tagged: Tagged) -> np.ndarray:
    """AHA segments (z, 168) in which the landmarks are at end-diastole."""
    heart, found = Heart(parameters), []
    for level, plane, shift in zip(LEVELS, tagged.planes, tagged.shifts_mm, strict=True):
        at = heart.coordinates(ring_mm(heart, plane, shift) - shift)
        angles_deg = (np.degrees(at.angle_rad) + SEPTUM_DEG + 180) % 360 - 180
        found.append(segments_at(angles_deg, level))
    return np.stack(found)


def write_subject(
    row: Mapping,
    protocol: Protocol,
    tagging: Mapping[str, object],
    folder: Path,
    width: type[np.floating] = np.float64,
) -> Path:
    """Write the three slices of a subject, base to apex, and return the file `<study>.h5`.

    The scan's rows, columns, spacing and thickness are those of the tagged slices. width: of the
    numbers that the published file has in double precision; images and landmarks of crops have
    single precision. `_cases` is the subject. Raises ValueError for another number of frames.
    """
    if protocol.frames != SEEN_FRAMES:
        raise ValueError(
            f"subject {row['subject']}: {protocol.frames} frames, but files of layout tagging have "
            f"{SEEN_FRAMES}; set phantom.frames to it"
        )
    parameters = draw_patient(row, SEEN_FRAMES)
    grid = ViewSettings(protocol.rows, protocol.columns, protocol.spacing_mm, protocol.thickness_mm)
    phases = np.arange(SEEN_FRAMES) / SEEN_FRAMES
    tagged = acquired_tags(row, parameters, protocol, phases, grid, tagging)
    images = np.clip(np.rint(tagged.images), 0, 65535).astype(np.uint16).swapaxes(0, 1)
    points = tagged.points.swapaxes(0, 1)
    boxes = boxes_around(points[:, 0], grid.rows, grid.columns)
    crops = [cropped(*slice_) for slice_ in zip(images, points, boxes, strict=True)]
    crop_images, crop_points = (np.stack(part) for part in zip(*crops, strict=True))
    count = len(images)
    regions = np.broadcast_to(regions_of(parameters, tagged)[:, None], points.shape[:3])
    datasets = {
        "image_seqs": images,
        "bbox_corners": boxes.astype(width),
        "landmark_coords": _x_first(points).astype(width),
        "cropped_image_seqs": crop_images.astype(np.float32),
        "cropped_landmark_coords": _x_first(crop_points).astype(np.float32),
        "px_spaces": np.full(count, grid.spacing_mm, width),
        "ed_frame_idx": np.zeros(count, np.int64),
        "es_frame_idx": np.full(count, round(parameters.es_phase * SEEN_FRAMES), np.int64),
        "regions": regions.astype(np.int64),
        "_cases": [str(row["subject"])] * count,
        "_models": [f"cim_{row['subject']}"] * count,
        "_slices": [f"series_1_slice_{z + 1}" for z in range(count)],
    }
    path = folder / f"{row['study']}.h5"
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for name, values in datasets.items():
            if isinstance(values, list):
                file.create_dataset(name, data=values, dtype=h5py.string_dtype(), maxshape=(None,))
                continue
            larger = (None, *values.shape[1:])
            packed = {"compression": "gzip", "compression_opts": 1} if values.ndim > 1 else {}
            chunks = (1, *values.shape[1:])
            file.create_dataset(name, data=values, maxshape=larger, chunks=chunks, **packed)
    return path


def _x_first(points: np.ndarray) -> np.ndarray:
    """Landmarks (..., 168, 2), (y, x), as files have them: (..., 2, 168), x first."""
    return points[..., ::-1].swapaxes(-1, -2)


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the subjects of a shard, `<study>.h5` each, and what is true about them.

    rows: rows of the subject table. settings: as of `patient_files.write_shard`, with frames; the
    grid is that of the scan. truth.tsv, truth_curves.tsv and truth_strain.tsv as there. A
    subject's file does not depend on the other rows.
    """
    about, wanted = split_settings(settings)
    protocol = Protocol(**about)
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows.to_dict("records"):
        write_subject(row, protocol, wanted.tagging, folder)
    write_truth(rows, protocol.frames, folder)
    grid = ViewSettings(protocol.rows, protocol.columns, protocol.spacing_mm, protocol.thickness_mm)
    write_tag_truth(rows, protocol, grid, folder)
