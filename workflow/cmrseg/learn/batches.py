"""Training data of a network: rows of the slices, and the batches of an epoch."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.canvas import PREPARATIONS
from cmrseg.channels import channel_count
from cmrseg.learn.schedule import FALLING, STOPPING
from cmrseg.learn.slices import Slices, image_shape
from cmrseg.learn.subsets import THRESHOLDS, select_subset
from cmrseg.sequences import labelled_sequence

# By preparation, what is drawn for a batch: all slices with one value of this column of the index.
# Of zscore these are cines; of still images slices are drawn, as of other preparations.
GROUPS = {"fcn": "volume", "zscore": "subject"}
OF_CINES = ("zscore",)
# Most slices of a group in a batch: aortic cines of Bai et al. 2018 had labels in two frames, and a
# window around each of a hundred would not fit any memory.
MOST_OF_GROUP = {"zscore": 2}


def training_rows(
    slices: Slices,
    settings: Mapping[str, Any],
    confidence: pd.DataFrame | None = None,
    samples: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index rows to train on and to validate on.

    A confidence set filters both, as published; any other subset only the training rows. samples:
    function of the task that selects the rows usable for training. Raises ValueError if the slices
    do not fit the settings, or nothing is left.
    """
    size, preparation = settings["size_px"], PREPARATIONS[settings["preparation"]]
    expected = preparation.dtype
    shape = image_shape(preparation.frames or channel_count(settings), (size, size))
    if slices.images.shape[1:] != shape or slices.images.dtype != expected:
        raise ValueError(
            f"{slices.folder}: images are {slices.images.dtype} {slices.images.shape[1:]}, "
            f"preparation {settings['preparation']} of {settings['sequence']} with size_px {size} "
            f"needs {expected.__name__} {shape} ([channel,] y, x); make the slices with the "
            "model's settings"
        )
    subset = settings["subset"]
    rows = select_subset(slices.select(split_names(settings)), subset, confidence)
    valid = slices.select(["validate"])
    if subset in THRESHOLDS:
        valid = select_subset(valid, subset, confidence)
    chosen = samples(rows), samples(valid)
    for name, left in zip(("to train", "to validate"), chosen, strict=True):
        if left.empty:
            raise ValueError(
                f"{slices.folder}: no slice {name} on shows what is learnt; check the labels"
            )
    return chosen


def split_names(settings: Mapping[str, Any]) -> list[str]:
    """The splits of a row, written `train` or `train,test`."""
    return str(settings["splits"]).split(",")


def draw_batches(
    rng: np.random.Generator, rows: pd.DataFrame, settings: Mapping[str, Any]
) -> list[np.ndarray]:
    """Rows of the slices in each batch of an epoch.

    All slices in random order, without the last incomplete batch; with schedule `early_stopping`
    as many drawn with replacement; with `tag_box` and `tag_ring` also the last incomplete batch.
    Preparation fcn: `batch` volumes (all slices of a subject and frame) drawn with replacement, as
    often as gives the number of volumes; zscore of cines: so many subjects, with all of their
    slices, or two of them by chance.
    Raises ValueError where there are fewer slices than one batch.
    """
    size, numbers = settings["batch"], rows["row"].to_numpy()
    preparation = settings["preparation"]
    still = preparation in OF_CINES and not labelled_sequence(settings["sequence"]).is_cine
    if preparation in GROUPS and not still:
        groups = list(rows.groupby(GROUPS[preparation])["row"].apply(np.array))
        steps = max(1, len(groups) // size)
        most = MOST_OF_GROUP.get(preparation)
        return [
            np.concatenate([_some(rng, groups[i], most) for i in chosen])
            for chosen in rng.integers(len(groups), size=(steps, size))
        ]
    if len(numbers) < size:
        raise ValueError(
            f"subset {settings['subset']} has {len(numbers)} slices, fewer than one batch of "
            f"{size}; choose a smaller batch or a larger subset"
        )
    steps = len(numbers) // size
    if settings["schedule"] == STOPPING:
        return list(rng.choice(numbers, (steps, size)))
    if settings["schedule"] in FALLING:
        return np.split(rng.permutation(numbers), range(size, len(numbers), size))
    return np.split(rng.permutation(numbers)[: steps * size], steps)


def _some(rng: np.random.Generator, rows: np.ndarray, most: int | None) -> np.ndarray:
    """All rows of a group, or as many as a batch may have of it, drawn without replacement."""
    if most is None or len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))
