"""Labels that people (or a phantom) gave with the raw data, on the grid of the imported cine."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.contours.qmass import read_con, unused_contours
from cmrseg.contours.raster import label_images
from cmrseg.dicom.placement import check_labels, place_labels
from cmrseg.files import read_table
from cmrseg.nifti import FRAMES, read_frames
from cmrseg.shards import IMAGE, SOURCES, subject_folders
from cmrseg.splits import original

logger = logging.getLogger(__name__)


def carry_shard(
    rows: pd.DataFrame, annotator: str, kind: str, raw: Path, images: Path, labels: Path
) -> None:
    """Write `<labels>/<subject>/sa.nii.gz` for every imported subject that the annotator labelled.

    rows: subject table (subject, study, split). kind: masks (an 8-bit image per DICOM file, in
    `annotations/<annotator>/` with the tree of the raw data), qmass (one `.con` per study) or
    nifti (`label_sa_ED.nii.gz` and `label_sa_ES.nii.gz`). raw: raw files of the shard. images:
    imported images of the shard. Labels are uint8; what nobody labelled is UNLABELLED. A rotated
    copy gets the rotated labels. Raises ValueError naming subject and file.
    """
    by_subject = rows.set_index("subject")
    for subject, folder in subject_folders([images]).items():
        source = original(subject)
        row = by_subject.loc[source]
        cine = Cine.load(images / source / IMAGE)
        try:
            carried = CARRIERS[kind](row, annotator, raw, images / source, cine.voxels.shape)
        except ValueError as error:
            raise ValueError(f"subject {subject}: labels of {annotator}: {error}") from error
        if carried is None:
            logger.info("subject %s: not labelled by %s", subject, annotator)
            continue
        if subject != source:
            carried = np.rot90(carried, 1, axes=(-2, -1))
        grid = Cine.load(folder / IMAGE)
        (labels / subject).mkdir()
        grid.like(carried).save(labels / subject / IMAGE)


def _masks(
    row: pd.Series, annotator: str, raw: Path, image: Path, shape: tuple[int, int, int, int]
) -> np.ndarray | None:
    folder = raw / "annotations" / annotator / row["split"] / row["split"] / row["study"] / "study"
    if not folder.is_dir():
        return None

    def read(file: str) -> np.ndarray | None:
        path = (folder / file).with_suffix(".png")
        if not path.exists():
            return None
        with Image.open(path) as picture:
            return np.asarray(picture)

    return place_labels(read, read_table(image / SOURCES), shape)


def _qmass(
    row: pd.Series, annotator: str, raw: Path, image: Path, shape: tuple[int, int, int, int]
) -> np.ndarray | None:
    path = raw / "annotations" / annotator / f"{row['study']}.con"
    if not path.exists():
        return None
    sources = read_table(image / SOURCES)
    contours = read_con(path)
    try:
        images, leaving = label_images(contours, sources)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    for slice_, frame in unused_contours(contours, sources):
        logger.warning(
            "%s: slice %d, frame %d: its image was left out by the cleaning, and its contours are",
            *(path.name, slice_, frame),
        )
    for found in leaving.itertuples(index=False):
        logger.warning(
            "%s: slice %d, frame %d: %d pixels of the endocardium lie outside the epicardium; "
            "they are cavity",
            *(path.name, found.slice, found.frame, found.pixels),
        )
    return place_labels(images.__getitem__, sources, shape)


def _nifti(
    row: pd.Series, annotator: str, raw: Path, image: Path, shape: tuple[int, int, int, int]
) -> np.ndarray | None:
    folder = raw / row["study"]
    if not (folder / "label_sa_ED.nii.gz").exists():
        return None
    labels = read_frames(folder, "label_sa_{frame}.nii.gz").voxels
    if labels.shape != shape:
        raise ValueError(f"{folder}: labels {labels.shape} and image {shape} differ (t, z, y, x)")
    for frame, volume in zip(FRAMES, labels, strict=True):
        check_labels(volume, f"label_sa_{frame}.nii.gz")
    return labels.astype(np.uint8)


CARRIERS: dict[str, Callable[..., np.ndarray | None]] = {
    "masks": _masks,
    "qmass": _qmass,
    "nifti": _nifti,
}
