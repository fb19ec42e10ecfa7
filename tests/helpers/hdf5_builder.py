"""HDF5 files in the layout of the mouse cines, small and seeded."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

# (row, column, slice, frame).
SHAPE = (12, 10, 3, 4)
LABELLED = (0, 2)


def images(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)


def masks(shape: tuple[int, ...] = SHAPE, frames: tuple[int, ...] = LABELLED) -> np.ndarray:
    """A wall (1) around a cavity (2) in slices 0 and 1; slice 2 is empty."""
    made = np.zeros(shape, np.uint8)
    for t in frames:
        made[3:9, 2:8, :2, t] = 1
        made[4:8, 3:7, :2, t] = 2
    return made


def write(path: Path, **datasets: Any) -> Path:
    """A file with the three datasets; None leaves one out."""
    content = {
        "Images": images(),
        "Masks": masks(),
        "Frames_with_ROI": np.array(LABELLED, np.int64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in (content | datasets).items():
            if values is not None:
                file.create_dataset(name, data=values)
    return path
