"""The tagged slices of a cohort that have landmarks, one after the other, for files of results."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from cmrseg.points import read_points
from cmrseg.results.tagging_hdf5 import ResultSlice
from cmrseg.sequences import points_path
from cmrseg.shards import subject_folders
from cmrseg.tagged_rings import SEQUENCE, has_points, known_slices, read_rings

logger = logging.getLogger(__name__)


def tagged_slices(
    images: Iterable[str | Path], rings: Iterable[str | Path], boxes: Iterable[str | Path] = ()
) -> Iterator[ResultSlice]:
    """Every slice of which a landmark is known in the first frame, in the order of the subjects.

    images, rings, boxes: shards of images, of landmarks, and of the boxes that these were placed
    in, if there are any. Raises ValueError naming a subject with another number of landmarks.
    """
    placed = subject_folders(rings)
    corners = subject_folders(boxes)
    for subject, folder in subject_folders(images).items():
        if subject not in placed or not has_points(placed[subject]):
            continue
        cine, points_px = read_rings(subject, folder, placed[subject])
        box_px = np.full((points_px.shape[1], 2, 2), np.nan)
        if subject in corners and has_points(corners[subject]):
            box_px = read_points(points_path(corners[subject], SEQUENCE), cine)[0]
        spacing_mm, (rows, columns) = cine.spacing_mm[1:], cine.voxels.shape[2:]
        for z, known in known_slices(points_px):
            if not known:
                logger.warning("subject %s: slice %d (from 1) has no landmarks", subject, z + 1)
                continue
            yield ResultSlice(subject, z, points_px[:, z], box_px[z], spacing_mm, (rows, columns))
