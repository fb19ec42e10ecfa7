"""The published networks and observers on the 7T data: tables for figures, and published numbers.

A table of images has one row per image and pair of reference and method; reference is WS (first
observer) or TR (second), method also base, plainLearn, imagenetTransferLearn, doubleTransferLearn,
doubleTransferLearn_esed or ukbb. Definitions of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from cmrseg.labels import Tissue
from cmrseg.measure.cohort_summary import image_counts
from cmrseg.measure.observers import MEAN, PERCENT_COLUMNS, end_frames, observer_table
from cmrseg.measure.overlap import accuracy, dice, foreground, mean_rows
from cmrseg.measure.pairs import NAMES
from cmrseg.published.numbers import numbers_table
from cmrseg.published.rank_tests import signed_rank
from cmrseg.published.seven_tesla_tables import (
    BASE,
    DOUBLE,
    DOUBLE_ESED,
    FIRST,
    KEYS,
    ML_PER_PIXEL,
    SECOND,
    UKBB,
    confusion_tables,
    end_frames_table,
    pixels_table,
)

# Pairs of the published observer table, the reference first.
OBSERVED = ((FIRST, SECOND), (FIRST, DOUBLE), (SECOND, DOUBLE))

TEST_SET = "test"

# Example images: ranks by falling Dice among the test images in which the network labels more
# cavity than this.
EXAMPLE_RANKS = (1, 230, 431)
EXAMPLE_PIXELS = 1000

# The only mean Dice that was not published.
UNPUBLISHED = ("val", UKBB)

# Frames of end-systole and end-diastole: the published ones, or those of the first observer's
# labels used for Dice (in these, end-diastole of two volunteers is one frame earlier).
Frames = Literal["published", "labels"]

Confusions = dict[tuple[str, str], pd.DataFrame]


def dice_table(folder: Path) -> pd.DataFrame:
    """Dice of every image and pair: image, set, volunteer, slice, frame, reference, method, lv, my.

    folder: folder of the published repository. set: train, val or test. slice, frame from 0. Dice
    is 1 if neither side has the tissue, as published. Pairs of TR only exist for the test set.
    """
    tables = []
    for table in confusion_tables(folder).values():
        scores = dice(image_counts(table), absent="one")
        rows = table[KEYS].assign(lv=scores[:, Tissue.LV], my=scores[:, Tissue.MYO])
        tables.append(rows.sort_values(["volunteer", "slice", "frame"]))
    return pd.concat(tables, ignore_index=True)


def cavity_table(folder: Path) -> pd.DataFrame:
    """Cavity of every image and pair, by the reference and by the method.

    Columns as in dice_table, but with reference_px and method_px at 256 x 256, and
    difference_ml = (reference - method) in ml, instead of lv and my.
    """
    tables = []
    for table in confusion_tables(folder).values():
        cavity = _cavity(table)
        rows = table[KEYS].assign(reference_px=cavity["first_px"], method_px=cavity["second_px"])
        rows["difference_ml"] = (rows["reference_px"] - rows["method_px"]) * ML_PER_PIXEL
        tables.append(rows.sort_values(["volunteer", "slice", "frame"]))
    return pd.concat(tables, ignore_index=True)


def observers_table(folder: Path, frames: Frames = "published") -> pd.DataFrame:
    """Differences of two observers and a network: volunteer, reference, method, edv, esv, sv, ef.

    Numbers are |method - reference| in percent of the reference for the test volunteers and, in
    the row of the volunteer `mean`, their mean. Pairs: WS - TR, WS - doubleTransferLearn,
    TR - doubleTransferLearn. frames: see Frames; both sides are measured at the first observer's
    frames.
    """
    if frames not in ("published", "labels"):
        raise ValueError(f"frames must be 'published' or 'labels', got {frames!r}")
    return _observers(folder, confusion_tables(folder), frames)


def confusion_shares(folder: Path) -> pd.DataFrame:
    """Confusion of classes: reference, method, true_class, found_class, share.

    share: fraction of the pixels of true_class, mean over all images with this class in the
    reference. Classes are bg, lv, my.
    """
    rows = [
        (*pair, true, found, share)
        for pair, table in confusion_tables(folder).items()
        for (true, found), share in _shares(table).items()
    ]
    names = ["reference", "method", "true_class", "found_class", "share"]
    return pd.DataFrame(rows, columns=names)


def numbers(folder: Path) -> pd.DataFrame:
    """Published numbers of the 7T data, recomputed: id, quantity, recomputed, sound.

    sound: Dice without images in which neither side has the tissue; end-diastolic and
    end-systolic frames, and differences at these, from the labels used for Dice.
    """
    tables = confusion_tables(folder)
    rows = [
        *_dice_numbers(tables),
        *_observer_numbers(folder, tables),
        *_test_numbers(tables),
        *_image_numbers(tables),
    ]
    return numbers_table(rows)


def _dice_numbers(tables: Confusions) -> Iterator[tuple]:
    for (reference, method), table in tables.items():
        for part, rows in table.groupby("set"):
            if reference == FIRST and (part, method) != UNPUBLISHED:
                yield from _mean_dice("T1", f"{part} {method}", rows)
    yield from _mean_dice("T2a", "test TR and TL2", tables[SECOND, DOUBLE])
    base = tables[FIRST, BASE]
    yield from _mean_dice("T2b", "all images, base", base)
    validation = base[base["set"] == "val"]
    counts = image_counts(validation)
    yield "T2c", "base validation accuracy", float(accuracy(counts).mean()), ""
    both = [dice(foreground(counts), absent)[:, 1] for absent in ("one", "nan")]
    yield "T2c", "base validation Dice, foreground", *(float(np.nanmean(d)) for d in both)
    yield from _mean_dice("T2c", "base validation", validation)


def _mean_dice(number: str, name: str, table: pd.DataFrame) -> Iterator[tuple]:
    published, sound = (_scores(table, absent).mean() for absent in ("one", "nan"))
    for tissue in ("lv", "my"):
        yield number, f"{name} Dice, {tissue.upper()}", published[tissue], sound[tissue]


def _observer_numbers(folder: Path, tables: Confusions) -> Iterator[tuple]:
    published, labels = (
        _observers(folder, tables, frames).set_index(["reference", "method", "volunteer"])
        for frames in ("published", "labels")
    )
    for number, pair in zip(("T2d", "T2e", "T2f"), OBSERVED, strict=True):
        for name in ("edv", "esv", "sv", "ef"):
            values = (table.loc[(*pair, MEAN), name] for table in (published, labels))
            yield number, f"{' and '.join(pair)} {name.upper()}, percent", *values
    # Frames of the pixel table, from which the published ones come.
    counts = pixels_table(folder).rename(columns={"lv_pixels": "first_px"})
    found = end_frames(counts).set_index("subject")
    better = _label_frames(tables).set_index("subject")
    for volunteer in better.index:
        for name in ("es", "ed"):
            values = (int(table.loc[volunteer, f"{name}_frame"]) for table in (found, better))
            yield "T2g", f"volunteer {volunteer} {name.upper()} frame", *values


def _test_numbers(tables: Confusions) -> Iterator[tuple]:
    scores = {}
    for method in (BASE, DOUBLE, DOUBLE_ESED):
        table = tables[FIRST, method]
        scores[method] = _scores(table[table["set"] == TEST_SET], "one").sort_index()
        for tissue in ("lv", "my"):
            w = float(stats.shapiro(scores[method][tissue]).statistic)
            yield "T2h", f"{method} Shapiro-Wilk W, {tissue.upper()}", w, ""
    for number, method, tissue in (
        ("T2i", BASE, "lv"),
        ("T2i", BASE, "my"),
        ("T2j", DOUBLE_ESED, "lv"),
    ):
        rank_sum, p = signed_rank(scores[method][tissue], scores[DOUBLE][tissue])
        name = f"{method} and {DOUBLE} Wilcoxon"
        yield number, f"{name} V, {tissue.upper()}", rank_sum, ""
        yield number, f"{name} p, {tissue.upper()}", p, ""


def _image_numbers(tables: Confusions) -> Iterator[tuple]:
    table = tables[FIRST, DOUBLE]
    for (true, found), share in _shares(table).items():
        # The shares of background pixels in other classes were not published.
        if true != "bg" or found == "bg":
            yield "T2k", f"TL2 {true}_{found}", share, ""
    for row in _examples(table).itertuples():
        name = f"rank {row.rank}"
        yield (
            "T2l",
            f"{name} volunteer, slice, frame",
            f"{row.volunteer}, {row.slice}, {row.frame}",
            "",
        )
        yield "T2l", f"{name} LV pixels", row.lv_px, ""
        yield "T2l", f"{name} MY pixels", row.my_px, ""
        yield "T2l", f"{name} Dice, LV", row.lv, ""
        yield "T2l", f"{name} Dice, MY", row.my, ""
    for part, count in table["set"].value_counts().items():
        yield "T2m", f"{part} images", int(count), ""
    yield "T2o", "ml per pixel", ML_PER_PIXEL, ""


def _scores(table: pd.DataFrame, absent: Literal["nan", "one"]) -> pd.DataFrame:
    """Dice of the images: lv and my, by image."""
    scores = dice(image_counts(table), absent)
    columns = {"lv": scores[:, Tissue.LV], "my": scores[:, Tissue.MYO]}
    return pd.DataFrame(columns, index=table["image"])


def _cavity(table: pd.DataFrame) -> pd.DataFrame:
    """Cavity pixels of both sides: subject, frame, first_px, second_px."""
    counts = image_counts(table)
    rows = table[["volunteer", "frame"]].rename(columns={"volunteer": "subject"})
    return rows.assign(
        first_px=counts[:, Tissue.LV].sum(axis=1), second_px=counts[:, :, Tissue.LV].sum(axis=1)
    )


def _label_frames(tables: Confusions) -> pd.DataFrame:
    """ED and ES frames of the test volunteers, from the first observer's labels."""
    return end_frames(_cavity(tables[FIRST, SECOND]).sort_values("subject", kind="stable"))


def _observers(folder: Path, tables: Confusions, frames: Frames) -> pd.DataFrame:
    ends = end_frames_table(folder) if frames == "published" else _label_frames(tables)
    short = {name: name.removesuffix("_percent") for name in PERCENT_COLUMNS}
    result = []
    for reference, method in OBSERVED:
        table = tables[reference, method]
        cavity = _cavity(table[table["set"] == TEST_SET]).sort_values("subject", kind="stable")
        found = observer_table(cavity, ends, ML_PER_PIXEL)
        found = found.assign(volunteer=found["subject"], reference=reference, method=method)
        columns = ["volunteer", "reference", "method", *PERCENT_COLUMNS]
        result.append(found[columns].rename(columns=short))
    return pd.concat(result, ignore_index=True)


def _shares(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Mean share of each true class assigned to each class."""
    shares = mean_rows(image_counts(table))
    return {
        (NAMES[Tissue(true)], NAMES[Tissue(found)]): float(shares[true, found])
        for true, found in np.ndindex(*shares.shape)
    }


def _examples(table: pd.DataFrame) -> pd.DataFrame:
    """The published example images: rank, KEYS, Dice lv and my, lv_px and my_px of the reference.

    Test images with more than EXAMPLE_PIXELS predicted cavity pixels, by falling Dice of the
    cavity; images with equal Dice are in the order of the published file.
    """
    counts = image_counts(table)
    scores = dice(counts, absent="one")
    rows = table[KEYS].assign(
        lv=scores[:, Tissue.LV],
        my=scores[:, Tissue.MYO],
        lv_px=counts[:, Tissue.LV].sum(axis=1),
        my_px=counts[:, Tissue.MYO].sum(axis=1),
    )
    large = counts[:, :, Tissue.LV].sum(axis=1) > EXAMPLE_PIXELS
    rows = rows[large & (table["set"] == TEST_SET)].sort_values(
        "lv", ascending=False, kind="stable"
    )
    chosen = rows.iloc[[rank - 1 for rank in EXAMPLE_RANKS]].reset_index(drop=True)
    chosen.insert(0, "rank", EXAMPLE_RANKS)
    return chosen
