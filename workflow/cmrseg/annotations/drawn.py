"""Labels that were drawn on the pixels of DICOM files, as pictures or as contours."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.contours import points
from cmrseg.contours.qmass import read_con, unused_contours
from cmrseg.contours.raster import label_images
from cmrseg.dicom.placement import place_labels
from cmrseg.files import read_table
from cmrseg.png import read_pixels
from cmrseg.shards import SOURCES

logger = logging.getLogger(__name__)


def masks(row: pd.Series, folder: Path, image: Path, cine: Cine) -> np.ndarray | None:
    """Label images of files: `<folder>/<set>/<set>/<annotation>/study/<series>/<file>.png`."""
    study = folder / row["set"] / row["set"] / row["annotation"] / "study"
    if not study.is_dir():
        return None

    def read(file: str) -> np.ndarray | None:
        path = (study / file).with_suffix(".png")
        if not path.exists():
            return None
        return read_pixels(path)[0]

    return place_labels(read, read_table(image / SOURCES), cine.voxels.shape)


def qmass(row: pd.Series, folder: Path, image: Path, cine: Cine) -> np.ndarray | None:
    """QMass contours of a whole study: `<folder>/<annotation>.con`."""
    path = folder / f"{row['annotation']}.con"
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
    return place_labels(images.__getitem__, sources, cine.voxels.shape)


def text(row: pd.Series, folder: Path, image: Path, cine: Cine) -> np.ndarray | None:
    """Contours of images: `<folder>/<annotation>/**/*-<InstanceNumber>-{i,o}contour*.txt`."""
    study = folder / row["annotation"]
    if not study.is_dir():
        return None
    sources = read_table(image / SOURCES)
    contours, others = points.read_folder(study)
    for path in others:
        logger.warning("%s: neither endocardium nor epicardium, ignored", path.relative_to(folder))
    try:
        images, leaving, left_out = points.label_images(contours, sources)
    except ValueError as error:
        raise ValueError(f"{row['annotation']}: {error}") from error
    for number in left_out:
        logger.warning(
            "%s: image %d (InstanceNumber) was left out by the cleaning, and its contours are",
            *(row["annotation"], number),
        )
    for found in leaving.itertuples(index=False):
        logger.warning(
            "%s: %d pixels of the endocardium lie outside the epicardium; they are cavity",
            *(found.file, found.pixels),
        )
    return place_labels(images.__getitem__, sources, cine.voxels.shape)
