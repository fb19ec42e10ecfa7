"""Labels as the published pictures have them: one for each frame and slice of the cleaned cine."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.annotations.grids import cleaned_as_published
from cmrseg.cine import Cine
from cmrseg.dicom.placement import check_labels
from cmrseg.labels import UNLABELLED
from cmrseg.png import picture_files, read_picture

logger = logging.getLogger(__name__)


def frames(row: pd.Series, folder: Path, image: Path, cine: Cine) -> np.ndarray | None:
    """Label images of frames and slices, `<folder>/<annotation>/<name>-frame<fff>-slice<sss>.png`.

    name is the last part of the annotation; numbers count from 0. The pictures lie on the grid of
    the published cleaning and are turned as it shows them (`png.read_picture`), so that images
    from DICOM have to be cleaned in mode compat. An image without a file is UNLABELLED.
    """
    study = folder / row["annotation"]
    if not study.is_dir():
        return None
    if cleaned_as_published(image) is False:
        raise ValueError(
            f"{row['annotation']}: these label images lie on the grid of the published cleaning; "
            "import the cohort in mode compat"
        )
    pictures, others = picture_files(study, study.name)
    if not pictures:
        raise ValueError(f"{study}: no file {study.name}-frame<fff>-slice<sss>.png")
    for path in others:
        logger.warning("%s: no label image of %s, ignored", path.name, study.name)
    carried = np.full(cine.voxels.shape, UNLABELLED, np.uint8)
    count, slices, rows, columns = cine.voxels.shape
    for (t, z), path in pictures.items():
        if t >= count or z >= slices:
            raise ValueError(
                f"{path.name}: the image has {count} frames of {slices} slices, from 0"
            )
        label = read_picture(path)
        if label.shape != (rows, columns):
            raise ValueError(
                f"{path.name}: {label.shape[1]} x {label.shape[0]} pixels (X x Y), the image has "
                f"{columns} x {rows}; it belongs to images that are cleaned in mode compat"
            )
        check_labels(label, path.name)
        carried[t, z] = label
    return carried
