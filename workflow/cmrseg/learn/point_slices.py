"""Training slices of networks that place points: images, points and an index table.

The files of `learn.slices`, so that trainings read both alike: `labels.npy` holds points.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.canvas import PREPARATIONS
from cmrseg.cine import Cine
from cmrseg.files import replacing, write_table
from cmrseg.learn.prepare import check_settings
from cmrseg.learn.slices import FILES, image_shape, stack
from cmrseg.learn.tag_frames import seen_frames
from cmrseg.learn.tag_images import place_of_truth, points_placed, prepared
from cmrseg.points import read_points

logger = logging.getLogger(__name__)

COLUMNS = ("row", "subject", "split", "slice", "frame", "volume", "px_mm")


def make_point_slices(
    images: Iterable[tuple[str, str, str | Path, str | Path]],
    settings: Mapping[str, Any],
    folder: str | Path,
) -> pd.DataFrame:
    """Prepare all slices of some subjects that have points, and write them into a folder.

    images: (subject, split, image, table of points) of each subject, in the order that is kept;
    within a subject slice after slice. settings: sequence, preparation and size_px. Writes
    images.npy (n, [frames,] size, size) float32, labels.npy (n, frames, points, 2) float32, places
    (y, x) in px of the image, nan where a point is not known, and index.tsv, a row per slice:
    COLUMNS, where px_mm is the size of a pixel of the prepared image. A window lies where the
    points of the first frame say; a slice without these is left out, and the log says so. Returns
    the index. Raises ValueError naming the subject, and where no slice is left.
    """
    check_settings(settings)
    images = list(images)
    if len({subject for subject, *_ in images}) < len(images):
        raise ValueError("make_point_slices: a subject is listed twice; list each subject once")
    size, preparation = settings["size_px"], PREPARATIONS[settings["preparation"]]
    dtype, frames = preparation.dtype, preparation.frames
    rows: list[tuple] = []
    with replacing(folder) as temporary:
        temporary.mkdir()
        with (
            stack(temporary / FILES[0], dtype, image_shape(frames, (size, size))) as add_images,
            stack(
                temporary / FILES[1], np.float32, (frames, points_placed(settings), 2)
            ) as add_points,
        ):
            for subject, split, image, table in images:
                for z, planes, points, px_mm in _subject_slices(subject, image, table, settings):
                    add_images(planes[None])
                    add_points(points[None].astype(np.float32))
                    number = len(rows)
                    rows.append((number, subject, split, z, 0, number, px_mm))
        if not rows:
            raise ValueError(
                f"no points in the first frame of any slice of {len(images)} subjects; check the "
                "labeller and the splits"
            )
        index = pd.DataFrame(rows, columns=list(COLUMNS))
        write_table(index, temporary / FILES[2])
    return index


def _subject_slices(
    subject: str, image: str | Path, table: str | Path, settings: Mapping[str, Any]
) -> Iterator[tuple[int, np.ndarray, np.ndarray, float]]:
    """Each slice to write: its number, images ([frames,] S, S), points, size of a pixel in mm."""
    cine = Cine.load(image)
    try:
        points = read_points(Path(table), cine)
        px_mm = math.sqrt(math.prod(cine.spacing_mm[1:]))
        left_out = []
        for z in range(cine.voxels.shape[1]):
            if not np.isfinite(points[0, z]).all():
                left_out.append(z + 1)
                continue
            place = place_of_truth(points[:, z], cine.voxels.shape[2:], settings)
            numbers = seen_frames(len(points), PREPARATIONS[settings["preparation"]].frames)
            images = prepared(cine.voxels[numbers, z], place, settings)
            yield z, images, place.truth(points[:, z]), px_mm / place.enlarged
    except ValueError as error:
        raise ValueError(f"subject {subject}: {error}") from error
    if left_out:
        logger.warning(
            "subject %s: no points in the first frame of slice %s (from 1): left out",
            *(subject, ", ".join(map(str, left_out))),
        )
