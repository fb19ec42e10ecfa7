"""The tagged cine of a subject with the landmarks that a labeller placed in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cmrseg.cine import Cine
from cmrseg.points import read_points
from cmrseg.ring import LANDMARKS
from cmrseg.sequences import image_path, points_path

SEQUENCE = "tag"


def has_points(folder: Path) -> bool:
    """Whether a labeller placed points in the tagged cine of a subject; folder: of its labels."""
    return points_path(folder, SEQUENCE).is_file()


def read_rings(subject: str, images: Path, labels: Path) -> tuple[Cine, np.ndarray]:
    """The cine of a subject and its landmarks (t, z, 168, 2), (y, x) in px, nan where unknown.

    images, labels: folders of the subject. Raises ValueError naming the subject for another number
    of points in a slice, and as `read_points`.
    """
    cine = Cine.load(image_path(images, SEQUENCE))
    points_px = read_points(points_path(labels, SEQUENCE), cine)
    if points_px.shape[2] != LANDMARKS:
        raise ValueError(
            f"subject {subject}: {points_px.shape[2]} points in a slice, expected the {LANDMARKS} "
            "of a ring"
        )
    return cine, points_px


def known_slices(points_px: np.ndarray) -> Iterator[tuple[int, bool]]:
    """Each slice, and whether one of its landmarks (t, z, 168, 2) is known in the first frame."""
    for z in range(points_px.shape[1]):
        yield z, bool(np.isfinite(points_px[0, z]).any())
