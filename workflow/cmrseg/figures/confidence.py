"""Confidence in automatic labels: errors of their volumes relative to the known ones."""

import itertools
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.isotonic import IsotonicRegression

from cmrseg.figures import style
from cmrseg.labels import COLOURS, Tissue
from cmrseg.measure.confidence import THRESHOLDS
from cmrseg.splits import upright_rows

COLUMNS = ("subject", "score", "set")
NO_SET = "none"
# Scores beyond this are drawn in the last bin: a failed segmentation can be off by any factor.
LARGEST_SHOWN_PERCENT = 60.0
BIN_PERCENT = 2.5


def with_dice(scores: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Confidence scores with the Dice of their subjects, nan if there is none.

    scores: the confidence table. subjects: subject, dice_lv, dice_my. If a subject has a rotated
    copy, only the copy is included.
    """
    dice = subjects[["subject", "dice_lv", "dice_my"]]
    return upright_rows(scores).merge(dice, on="subject", how="left")


def expected_dice(percent: pd.Series, dice: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Scores and the expected Dice at them, (n,) each: the best-fitting curve that never rises.

    percent, dice: of the same subjects; subjects without one of them are excluded. Between two
    scores the curve is linear. Isotonic regression (least squares), as used for calibration:
    Zadrozny and Elkan 2002, doi:10.1145/775047.775151.
    """
    known = percent.notna() & dice.notna()
    if not known.any():
        return np.empty(0), np.empty(0)
    fit = IsotonicRegression(increasing=False).fit(percent[known], dice[known])
    return fit.X_thresholds_, fit.y_thresholds_


@style.styled
def figure(table: pd.DataFrame, thresholds: Mapping[str, float] = THRESHOLDS) -> Figure:
    """Distribution of the score with the sets' thresholds, set sizes, and score against true Dice.

    table: columns subject, score (fraction: the larger relative error of EDV and ESV), set (the
    strictest set of a subject, '' for none), and dice_lv, dice_my if ground truth labels are
    known; without them there is no third panel. Its lines are expected_dice. thresholds: largest
    score of each set.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "confidence")
    table = table.assign(set=table["set"].replace("", NO_SET))
    names = [*sorted(thresholds, key=lambda name: thresholds[name]), NO_SET]
    colours = {
        name: style.NO_SET_COLOUR if name == NO_SET else style.SET_COLOURS[min(i, 3)]
        for i, name in enumerate(names)
    }
    with_dice = {"dice_lv", "dice_my"} <= set(table) and table["dice_lv"].notna().any()
    width = style.TWO_COLUMNS_MM if with_dice else style.TWO_COLUMNS_MM * 0.68
    result = style.figure_mm(width, 62)
    panels = result.subplots(
        1, 3 if with_dice else 2, width_ratios=[1.25, 0.8, 1.25][: 2 + with_dice]
    )
    percent = np.minimum(table["score"] * 100, LARGEST_SHOWN_PERCENT)
    _distribution(
        panels[0], percent.to_numpy(), table["set"].to_numpy(), colours, thresholds.values()
    )
    _sizes(panels[1], table["set"], colours, thresholds.values())
    if with_dice:
        _against_dice(panels[2], percent, table, thresholds.values())
    for axes, text in zip(panels, "abc", strict=False):
        style.letter(axes, text)
    return result


def _distribution(
    axes: Axes,
    percent: np.ndarray,
    sets: np.ndarray,
    colours: dict[str, str],
    limits: Iterable[float],
) -> None:
    style.grid(axes)
    edges = np.arange(0, LARGEST_SHOWN_PERCENT + BIN_PERCENT, BIN_PERCENT)
    shown = [name for name in colours if (sets == name).any()]
    axes.hist(
        [percent[sets == name] for name in shown],
        bins=edges.tolist(),
        stacked=True,
        color=[colours[name] for name in shown],
        edgecolor="white",
        linewidth=0.4,
    )
    for limit in limits:
        axes.axvline(limit * 100, color=style.INK, linewidth=0.7, linestyle=(0, (3, 2)))
    axes.set_xlim(0, edges[-1])
    _name_last_tick(axes)
    axes.set_xlabel("Confidence score (%)")
    axes.set_ylabel("Subjects")
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    axes.set_title(f"Score (n = {np.isfinite(percent).sum()})")


def _sizes(
    axes: Axes, sets: pd.Series, colours: dict[str, str], thresholds: Iterable[float]
) -> None:
    counts = sets.value_counts()
    values = [int(counts.get(name, 0)) for name in colours]
    limits = [f"{100 * limit:g}" for limit in sorted(thresholds)]
    words = [f"up to {limits[0]} %"] if limits else []
    words += [f"{low} to {high} %" for low, high in itertools.pairwise(limits)]
    words += ["larger or unknown"]
    bars = axes.barh(range(len(values)), values, color=list(colours.values()), height=0.68)
    axes.bar_label(
        bars,
        [f"{v} ({100 * v / max(len(sets), 1):.0f} %)" for v in values],
        padding=2,
        fontsize=6.5,
    )
    axes.set_xlim(0, max([*values, 1]) * 1.45)
    axes.set_yticks(range(len(values)), list(words))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("Subjects")
    axes.set_title("Volume error")


def _against_dice(
    axes: Axes, percent: pd.Series, table: pd.DataFrame, limits: Iterable[float]
) -> None:
    style.grid(axes, "both")
    for column, tissue, marker in (("dice_lv", Tissue.LV, "o"), ("dice_my", Tissue.MYO, "s")):
        rank = percent.corr(table[column], method="spearman")
        name = "LV" if tissue == Tissue.LV else "Myocardium"
        axes.plot(
            percent,
            table[column],
            marker,
            color=COLOURS[tissue],
            markersize=3,
            markeredgecolor="white",
            markeredgewidth=0.3,
            label=f"{name}: ρ = {rank:.2f}".replace("-", "−"),
        )
        # Drawn below the points of the same colour.
        expected = expected_dice(percent, table[column])
        axes.plot(*expected, color=COLOURS[tissue], linewidth=1, zorder=1.9)
    for limit in limits:
        axes.axvline(limit * 100, color=style.INK, linewidth=0.7, linestyle=(0, (3, 2)))
    axes.set_xlim(0, min(LARGEST_SHOWN_PERCENT, float(np.nanmax(percent)) * 1.05) + 0.8)
    _name_last_tick(axes)
    low = float(table[["dice_lv", "dice_my"]].min(axis=None))
    # space for the legend below the points
    axes.set_ylim(max(0.0, low - 0.35 * (1 - low)), 1)
    axes.set_xlabel("Confidence score (%)")
    axes.set_ylabel("Dice against truth")
    axes.set_title(f"Score and truth (n = {table['dice_lv'].notna().sum()})")
    axes.legend(loc="lower left", handletextpad=0.2, frameon=True, framealpha=1, edgecolor="none")


def _name_last_tick(axes: Axes) -> None:
    """Ticks every 15 %; the last one includes all higher scores."""
    ticks = np.arange(0, min(axes.get_xlim()[1], LARGEST_SHOWN_PERCENT) + 0.01, 15)
    last = LARGEST_SHOWN_PERCENT
    axes.set_xticks(ticks, [f"≥{tick:g}" if tick >= last else f"{tick:g}" for tick in ticks])
