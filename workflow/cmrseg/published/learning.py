"""The published trainings on 7T images: learning curves, subsets, and the published numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.learn.subsets import (
    NESTED_VOLUNTEERS,
    SUBSET_SEED,
    RSample,
    corrected_epochs,
    draw_subjects,
    select_subset,
)
from cmrseg.measure.smoothing import local_regression
from cmrseg.published.numbers import numbers_table
from cmrseg.published.seven_tesla_tables import DOUBLE, IMAGENET, PLAIN, TABLES, subsets_table

# Initial weights, with the short name in the paper.
STRATEGIES = {PLAIN: "R", IMAGENET: "TL", DOUBLE: "TL2"}

FULL = "full"
SUBSETS = ("v7", "r7", "v3", "r3", "v1", "r1", "esed", "r_esed")

# Epochs of each of the two stages on all training images.
EPOCHS = 10

# Number of points of a smoothed curve, from the first to the last epoch.
SMOOTH_PLACES = 80

# Columns of the training log, and their names here.
LOG_COLUMNS = {
    "train_loss": "train_loss",
    "valid_loss": "valid_loss",
    "diceLV": "dice_lv",
    "diceMY": "dice_my",
    "diceComb": "dice_comb",
}

# The paper gives the numbers of all curves except these.
UNPUBLISHED = {
    ("R", "v3", "smoothed"),
    ("R", "v1", "last"),
    ("TL", "v1", "last"),
    ("TL", "r_esed", "smoothed"),
    ("TL2", "v1", "last"),
    ("TL2", "v1", "smoothed"),
}


def curves_table(folder: Path) -> pd.DataFrame:
    """The training log, a row per epoch: strategy, subset, epoch, images_thousand, train_loss,
    valid_loss, dice_lv, dice_my, dice_comb.

    folder: folder of the published repository. strategy: plainLearn, imagenetTransferLearn,
    doubleTransferLearn. subset: full, v7, r7, v3, r3, v1, r1, esed, r_esed. epoch from 0, over
    both stages. images_thousand: images seen at the end of the epoch, in thousands. Losses are
    cross entropy; Dice is that of the validation images, 1 if neither side has the tissue;
    dice_comb is for all tissues together. Raises ValueError for a model with another name and
    for a missing model.
    """
    path = folder / TABLES / "train_log_combined.csv"
    log = pd.read_csv(path)
    models = {
        strategy if subset == FULL else f"{strategy}_{subset}": (strategy, subset)
        for strategy in STRATEGIES
        for subset in (FULL, *SUBSETS)
    }
    strange = sorted(set(log["model"]) ^ set(models))
    if strange:
        raise ValueError(
            f"{path}: model {strange[0]} is {'missing' if strange[0] in models else 'unknown'}, "
            f"expected {', '.join(models)}; fetch the file again"
        )
    sizes = subset_sizes(subsets_table(folder))
    tables = []
    for name, (strategy, subset) in models.items():
        rows = log[log["model"] == name].sort_values("epoch")
        seen = (rows["epoch"] + 1) * sizes[subset] / 1000
        rows = rows[["epoch", *LOG_COLUMNS]].rename(columns=LOG_COLUMNS)
        rows.insert(0, "strategy", strategy)
        rows.insert(1, "subset", subset)
        rows.insert(3, "images_thousand", seen)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True)


def smooth_table(folder: Path) -> pd.DataFrame:
    """Smoothed validation Dice: strategy, subset, images_thousand, lv, my.

    80 rows per curve, at even steps from its first to its last epoch. Smoothing: local_regression.
    """
    return _smoothed(curves_table(folder))


def numbers(folder: Path) -> pd.DataFrame:
    """Published numbers of the subsets and the trainings, recomputed: id, quantity, recomputed,
    sound."""
    curves = curves_table(folder)
    images = subsets_table(folder)
    return numbers_table([*_subset_numbers(images, curves), *_curve_numbers(curves)])


def subset_sizes(images: pd.DataFrame) -> dict[str, int]:
    """Number of images in each subset, and in total, from the table of subsets."""
    return {FULL: len(images), **{name: int(images[name].sum()) for name in SUBSETS}}


def _smoothed(curves: pd.DataFrame) -> pd.DataFrame:
    tables = []
    for (strategy, subset), rows in curves.groupby(["strategy", "subset"], sort=False):
        seen = rows["images_thousand"].to_numpy()
        places = np.linspace(seen[0], seen[-1], SMOOTH_PLACES)
        smooth = {
            name: local_regression(seen, rows[f"dice_{name}"], places) for name in ("lv", "my")
        }
        columns = {"strategy": strategy, "subset": subset, "images_thousand": places, **smooth}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _subset_numbers(images: pd.DataFrame, curves: pd.DataFrame) -> Iterator[tuple]:
    epochs = curves.groupby("subset")["epoch"].max() + 1
    for name in (FULL, *SUBSETS):
        drawn = select_subset(images, "all" if name == FULL else name)
        yield "T2n", f"{name} images", len(drawn), ""
        stage = corrected_epochs(EPOCHS, len(images), len(drawn))
        yield "T2n", f"{name} epochs per stage", stage, ""
        yield "T2n", f"{name} epochs in the log", int(epochs[name]), ""
        if name != FULL:
            right = images.index.isin(drawn.index) == images[name]
            yield "T2n", f"{name} images rightly in or out", int(right.sum()), ""
    draws = draw_subjects(RSample(SUBSET_SEED), sorted(set(images["subject"])))
    for count in NESTED_VOLUNTEERS:
        yield "T2n", f"v{count} volunteers in the order of the draw", ", ".join(draws[count]), ""


def _curve_numbers(curves: pd.DataFrame) -> Iterator[tuple]:
    smooth = _smoothed(curves).groupby(["strategy", "subset"])[["lv", "my"]].max()
    for (strategy, subset), rows in curves.groupby(["strategy", "subset"], sort=False):
        short = STRATEGIES[strategy]
        for tissue in ("lv", "my"):
            dice = rows[f"dice_{tissue}"]
            values = {
                "first": dice.iloc[0],
                "best": dice.max(),
                "last": dice.iloc[-1],
                "smoothed": smooth.loc[(strategy, subset), tissue],
            }
            for kind, value in values.items():
                if (short, subset, kind) not in UNPUBLISHED:
                    yield "T3", f"{short} {subset} {kind} Dice, {tissue.upper()}", float(value), ""
