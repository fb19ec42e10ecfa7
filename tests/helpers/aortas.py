"""Small aortic cines with two discs that move, and trainings on them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.slices import Slices, make_slices
from stopped_training import saved

FRAMES, SIZE = 12, 32
# Frames that are labelled.
DRAWN = (1, 7)

SETTINGS = {
    **{"network": "unet_lstm", "encoder": "", "width": 2, "sequence": "ao", "tissues": "aao,dao"},
    **{"preparation": "zscore", "intensity": "linear", "size_px": SIZE},
    **{"subset": "all", "splits": "train", "start": "random", "augmentation": "aorta"},
    **{"loss": "ce", "batch": 1, "schedule": "constant_tensorflow", "lr": 1e-2, "epochs": 2},
    **{"lr_frozen": 0, "epochs_frozen": 0},
}


def aorta(seed: int, drawn: Sequence[int] = DRAWN) -> tuple[np.ndarray, np.ndarray]:
    """A cine (t, 1, y, x) and its labels, in some of its frames."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    at = rng.integers(-2, 3, 2)
    labels = np.zeros((FRAMES, 1, SIZE, SIZE), np.uint8)
    for t in range(FRAMES):
        beat = np.sin(2 * np.pi * t / FRAMES)
        labels[t, 0, np.hypot(y - 11 - at[0], x - 12 - 2 * beat) < 6 + beat] = Tissue.AAO
        labels[t, 0, np.hypot(y - 24, x - 22 - at[1]) < 4 + 0.5 * beat] = Tissue.DAO
    grey = np.select([labels == Tissue.AAO, labels == Tissue.DAO], [200, 140], 40)
    told = np.full_like(labels, UNLABELLED)
    told[list(drawn)] = labels[list(drawn)]
    return (grey + rng.normal(0, 10, grey.shape)).astype(np.float32), told


def aortic_slices(folder: Path, drawn: Sequence[int] = DRAWN, subjects: int = 4) -> Slices:
    """Slices of some subjects, the last of which is there to validate on."""
    splits = ["train"] * (subjects - 1) + ["validate"]
    images = saved(folder, (aorta(i, drawn) for i in range(subjects)), splits)
    make_slices(images, SETTINGS, folder / "slices")
    return Slices.load(folder / "slices")
