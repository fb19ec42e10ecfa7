"""The published manual labels of Kaggle images, compared with automatic labels and true volumes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cmrseg.labels import Tissue
from cmrseg.measure.agreement import pearson
from cmrseg.measure.cohort_summary import image_counts
from cmrseg.measure.overlap import dice
from cmrseg.measure.regression import RESIDUAL_QUANTILES, least_squares
from cmrseg.measure.volumes import count_voxels
from cmrseg.published.kaggle_tables import known_volumes, pixel_volumes_ml, read, sizes
from cmrseg.published.numbers import numbers_table

# Folder of the label images in the published repository.
MASKS = Path("data/kaggle/manual/own_masks")

# Patient 98 was labelled in all frames. The subset contains only these frames of the patient, so
# that the others are not outweighed.
FULL_PATIENT = "98"
SUBSET_FRAMES = (0, 4, 8, 12, 16, 20)

# Names of the labels in tables: by an expert, and by the UK Biobank network.
MANUAL, AUTOMATIC = "manual", "UKBB"

# Longer side of the images at which their pixels are those of the original image.
SIZE_PX = 256

COUNTS = {Tissue.BACKGROUND: "bg", Tissue.LV: "lv", Tissue.MYO: "my"}

# Published values of both regressions; for the first also the degrees of freedom.
LINE = (
    *("intercept", "intercept_se", "slope", "slope_se", "residual_se"),
    *("r2", "r2_adjusted", "f", *(f"residual_{q}" for q in RESIDUAL_QUANTILES)),
)

DICE_COLUMNS = (
    *("id", "frame", "slice", "in_subset", "reference", "method", "lv", "my"),
    *("reference_lv_px", "reference_my_px", "method_lv_px", "method_my_px"),
)


def dice_table(folder: Path) -> pd.DataFrame:
    """Dice of the automatic labels against the manual ones, a row per image: DICE_COLUMNS.

    folder: folder of the published repository. lv, my: Dice, 1 if neither side has the tissue, as
    published. in_subset: whether the image is included in the statistics.
    """
    table = read(folder, "manual/ukbb_vs_manual.tsv")
    counts = image_counts(table)
    scores = dice(counts, absent="one")
    result = _places(table["image"]).assign(
        reference=MANUAL, method=AUTOMATIC, lv=scores[:, Tissue.LV], my=scores[:, Tissue.MYO]
    )
    result["in_subset"] = (result["id"] != FULL_PATIENT) | result["frame"].isin(SUBSET_FRAMES)
    # The sum over the other side's classes is the number of pixels of this side.
    for side, axis in (("reference", 2), ("method", 1)):
        for tissue in (Tissue.LV, Tissue.MYO):
            result[f"{side}_{COUNTS[tissue]}_px"] = counts.sum(axis=axis)[:, tissue]
    return _sorted(result, ["id", "frame", "slice"])[list(DICE_COLUMNS)]


def volumes_table(folder: Path) -> pd.DataFrame:
    """Manual and true LV volumes of the labelled patients: patient, phase, manual_ml, true_ml.

    phase: dia is the largest, sys the smallest manual volume among the labelled frames.
    """
    table = read(folder, "manual/pixel_counts_by_class.tsv")
    table = _places(table["file"]).assign(lv_px=table["lv"])
    curves = table.groupby(["id", "frame"])["lv_px"].sum().groupby(level="id")
    known = known_volumes(folder).set_index("subject")
    rows = []
    for phase, pixels, true in (("dia", curves.max(), "edv_ml"), ("sys", curves.min(), "esv_ml")):
        manual_ml = pixels * pixel_volumes_ml(sizes(folder).loc[pixels.index], SIZE_PX)
        columns = {"manual_ml": manual_ml, "true_ml": known.loc[pixels.index, true]}
        rows.append(pd.DataFrame({"phase": phase, **columns}).rename_axis("patient").reset_index())
    return _sorted(pd.concat(rows), ["patient", "phase"])


def numbers(folder: Path) -> pd.DataFrame:
    """K4: the manual labels compared with automatic labels, true volumes, and their own images."""
    images, volumes = dice_table(folder), volumes_table(folder)
    subset = images[images["in_subset"]]
    rows: list[tuple] = [
        ("K4a", "labelled images", len(images), ""),
        ("K4a", "images of the subset", len(subset), ""),
        ("K4b", "r of true and manual volumes", _r(volumes), ""),
        *_regression("K4c", volumes[volumes["phase"] == "dia"], (*LINE, "df")),
        *_regression("K4d", volumes[volumes["phase"] == "sys"], LINE),
        ("K4e", "median Dice, LV", float(subset["lv"].median()), ""),
        ("K4e", "median Dice, MY", float(subset["my"].median()), ""),
        ("K4f", "images with the published pixel counts", _equal_counts(folder), ""),
    ]
    return numbers_table(rows)


def _r(volumes: pd.DataFrame) -> float:
    return pearson(volumes["true_ml"], volumes["manual_ml"])["r"]


def _regression(id_: str, volumes: pd.DataFrame, names: tuple[str, ...]) -> Iterator[tuple]:
    """The regression line of true on manual volumes."""
    line = least_squares(volumes["manual_ml"], volumes["true_ml"])
    for name in names:
        yield id_, name, line[name], ""


def _equal_counts(folder: Path) -> int:
    """Number of label images with the pixel counts of the published table."""
    table = read(folder, "manual/pixel_counts_by_class.tsv")
    published = table[list(COUNTS.values())].to_numpy()
    found = np.array(
        [
            _pixels(folder / MASKS / patient / file)
            for patient, file in zip(table["set"], table["file"], strict=True)
        ]
    )
    return int((found == published).all(axis=1).sum())


def _pixels(path: Path) -> np.ndarray:
    """(3,) number of pixels of each tissue in a label image of 8 or 16 bits."""
    with Image.open(path) as picture:
        labels = np.asarray(picture).astype(int)
    return count_voxels(labels[None, None], path.name)[0, : len(COUNTS)]


def _places(names: pd.Series) -> pd.DataFrame:
    """id, frame and slice from names such as 98-frame004-slice002.png."""
    form = r"^(?P<id>[^-]+)-frame(?P<frame>\d{3})-slice(?P<slice>\d{3})\.png$"
    return names.str.extract(form).astype({"frame": int, "slice": int})


def _sorted(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows in the order of the columns; the first one has the patient's number as text."""
    return table.sort_values(
        columns, key=lambda c: c.astype(int) if c.name == columns[0] else c, ignore_index=True
    )
