"""How good an order of labels without a truth is: risk and coverage, ROC, calibration."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.metrics import roc_curve

from cmrseg.figures import style
from cmrseg.quality.cohort import PREDICTED, orders
from cmrseg.quality.scores import aurc, calibration_curve, risk_coverage, roc_area

COLUMNS = ("subject", "predicted_dice", "needs_look", "dice")
WORDS = {
    PREDICTED: "predicted Dice",
    "volume_jumps": "volume jumps",
    "agreement": "agreement of members",
    "perfect": "perfect order",
    "random": "random order",
}
LINES: dict[str, dict[str, Any]] = {
    PREDICTED: {"color": "#332288", "linewidth": 1.6},
    "volume_jumps": {"color": "#CC6677", "linestyle": "--"},
    "agreement": {"color": "#88CCEE", "linestyle": "-."},
    "perfect": {"color": style.INK, "linestyle": ":"},
    "random": {"color": style.PALE, "linewidth": 0.8},
}
LEVELS = {"subjects": ("#332288", "o", "-"), "slices": ("#117733", "s", "--")}


@style.styled
def figure(subjects: pd.DataFrame, slices: pd.DataFrame, threshold: float) -> Figure:
    """Risk against coverage of subjects and slices, ROC, and calibration of probabilities.

    subjects, slices: tables of a labeller's quality; rows without a Dice are left out. threshold:
    labels of a lower Dice need a look. Raises ValueError if a column or every row is missing.
    """
    tables = {
        name: style.checked(table[table["dice"].notna()], COLUMNS, "quality")
        for name, table in (("subjects", subjects), ("slices", slices))
    }
    result = style.figure_mm(style.TWO_COLUMNS_MM, 62)
    panels = result.subplots(1, 4)
    for axes, (name, table) in zip(panels, tables.items(), strict=False):
        _risk(axes, table, name)
    _roc(panels[2], tables, threshold)
    _calibration(panels[3], tables, threshold)
    shown = {name for table in tables.values() for name in orders(table)}
    names = [name for name in WORDS if name in shown or name == "random"]
    handles = [Line2D([], [], label=WORDS[name], **LINES[name]) for name in names]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    for axes, text in zip(panels, "abcd", strict=True):
        style.letter(axes, text)
    return result


def _risk(axes: Axes, table: pd.DataFrame, name: str) -> None:
    dice = table["dice"].to_numpy(float)
    coverage = 100 * np.arange(1, len(dice) + 1) / len(dice)
    found = orders(table)
    for order, values in found.items():
        axes.plot(coverage, 1 - risk_coverage(values, dice), **LINES[order])
    axes.axhline(dice.mean(), **LINES["random"])
    style.grid(axes)
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"Best {name} kept (%)")
    axes.set_ylabel("Their mean Dice")
    axes.set_title(f"{name.capitalize()} (n = {len(dice)})")
    area = aurc(found[PREDICTED], dice)
    # The curves fall to the right.
    axes.text(0.98, 0.97, f"AURC {area:.3f}", transform=axes.transAxes, ha="right", va="top")


def _roc(axes: Axes, tables: dict[str, pd.DataFrame], threshold: float) -> None:
    axes.plot([0, 100], [0, 100], color=style.PALE, linewidth=0.8)
    for name, table in tables.items():
        colour, _, line = LEVELS[name]
        is_bad = (table["dice"] < threshold).to_numpy()
        order = table["predicted_dice"].to_numpy(float)
        area = roc_area(order, is_bad)
        if not np.isfinite(area):
            continue
        false, true, _ = roc_curve(is_bad, -order)
        axes.plot(100 * false, 100 * true, line, color=colour, label=f"{name}: AUC {area:.2f}")
    style.grid(axes, "both")
    axes.set_xlabel("Good labels flagged (%)")
    axes.set_ylabel("Bad labels flagged (%)")
    axes.set_title(f"Dice below {threshold:g}")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right")


def _calibration(axes: Axes, tables: dict[str, pd.DataFrame], threshold: float) -> None:
    axes.plot([0, 100], [0, 100], color=style.PALE, linewidth=0.8)
    for name, table in tables.items():
        colour, marker, line = LEVELS[name]
        is_bad = (table["dice"] < threshold).to_numpy()
        curve = 100 * calibration_curve(table["needs_look"].to_numpy(float), is_bad)[:, :2]
        axes.plot(*curve.T, line, marker=marker, color=colour, label=name)
    style.grid(axes, "both")
    axes.set_xlim(-3, 103)
    axes.set_ylim(-3, 103)
    axes.set_xlabel("Predicted probability (%)")
    axes.set_ylabel("Below the threshold (%)")
    axes.set_title("Needs a look")
    axes.legend(loc="upper left")
