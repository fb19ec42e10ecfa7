"""Tagged cines and landmarks in the published HDF5 layout, small: every number is known."""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cmrseg.ring import SPOKES, WALLS

ROWS, FRAMES, SIZE = 1, 4, 64
# Centre (y, x) of the ring, and its inner and outer radius at end-diastole.
CENTRE, RADII = (30.0, 33.0), (8.0, 16.0)
# Distance of the tags.
TAG_PX = 5.0


def ring(shrunk: float = 1.0, centre: tuple[float, float] = CENTRE) -> np.ndarray:
    """A ring of landmarks (168, 2), (y, x), clockwise on the displayed image.

    shrunk: its radii against those of end-diastole.
    """
    angles = math.radians(143.5) + np.arange(SPOKES) * 2 * math.pi / SPOKES
    radii = np.linspace(*RADII, WALLS) * shrunk
    y = centre[0] + np.sin(angles)[:, None] * radii
    x = centre[1] + np.cos(angles)[:, None] * radii
    return np.stack([y.ravel(), x.ravel()], axis=-1)


def beat(frames: int = FRAMES) -> np.ndarray:
    """Landmarks (t, 168, 2) that contract by a fifth and come back."""
    return np.stack([ring(1 - 0.2 * math.sin(math.pi * t / frames)) for t in range(frames)])


def grid(rows: int = SIZE, columns: int = SIZE, phase: float = 0.0) -> np.ndarray:
    """A picture of tags in two directions at 45 degrees, brighter than 0 everywhere."""
    y, x = np.mgrid[:rows, :columns]
    wave = 2 * math.pi / (TAG_PX * math.sqrt(2))
    one, two = np.cos(wave * (x + y) + phase), np.cos(wave * (x - y) + phase)
    return np.round(100 + 30 * one + 30 * two).astype(np.uint16)


def images(rows: int = ROWS, frames: int = FRAMES) -> np.ndarray:
    """(row, t, y, x); a constant of its own is added to each row and frame."""
    added = 10 * np.arange(rows)[:, None] + np.arange(frames)
    return grid() + added[..., None, None].astype(np.uint16)


def stored(points: np.ndarray) -> np.ndarray:
    """Landmarks (..., 168, 2), (y, x), as files have them: (..., 2, 168), x first."""
    return np.moveaxis(points[..., ::-1], -1, -2)


def write(path: Path, rows: int = ROWS, **datasets: Any) -> Path:
    """A file of some rows with images, landmarks and pixel sizes; None leaves one out."""
    content = {
        "image_seqs": images(rows),
        "landmark_coords": np.stack([stored(beat())] * rows),
        "px_spaces": np.full(rows, 1.4),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in (content | datasets).items():
            if values is not None:
                file.create_dataset(name, data=values)
    return path
