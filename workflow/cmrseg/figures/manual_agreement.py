"""Manual against automatic labels: Dice of every patient, and manual against true volumes."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.distributions import boxes, points
from cmrseg.labels import COLOURS, NAMES, Tissue
from cmrseg.measure.agreement import pearson
from cmrseg.measure.regression import least_squares

DICE_COLUMNS = ("id", "in_subset", "lv", "my")
VOLUME_COLUMNS = ("patient", "phase", "manual_ml", "true_ml")
PANELS = (("lv", Tissue.LV), ("my", Tissue.MYO))
PHASES = {"dia": "End diastole", "sys": "End systole"}
# White edges separate points that are close.
POINT: dict[str, Any] = {"markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.3}


@style.styled
def figure(dice: pd.DataFrame, volumes: pd.DataFrame) -> Figure:
    """Boxes of Dice per patient for cavity and myocardium; manual against true volume.

    dice: one row per image with the columns id (patient), in_subset (bool: only these are drawn),
    lv, my (Dice of automatic and manual label, 1 where both are empty). volumes: one row per
    patient and phase with the columns patient, phase (dia, sys), manual_ml, true_ml.
    Dashed lines are medians over all images; the line of the volumes is the least-squares fit of
    the true to the manual volume, drawn in the same axes.
    Raises ValueError if a column or every row is missing.
    """
    dice = style.checked(dice, DICE_COLUMNS, "manual_agreement")
    volumes = style.checked(volumes, VOLUME_COLUMNS, "manual_agreement")
    dice = style.checked(dice[dice["in_subset"].astype(bool)], DICE_COLUMNS, "manual_agreement")
    result = style.figure_mm(style.TWO_COLUMNS_MM, 132)
    parts: Any = result.subfigures(2, 1, height_ratios=[0.72, 1])
    above, below = parts
    panels = above.subplots(1, 2, sharey=True)
    patients = sorted(set(dice["id"]), key=lambda name: (len(name), name))
    for axes, (column, tissue), text in zip(panels, PANELS, "ab", strict=True):
        _dice(axes, dice, column, tissue, patients)
        style.letter(axes, text)
    panels[0].set_ylabel("Dice")
    looks = style.looks(volumes["patient"], patients)
    for axes, (phase, title), text in zip(below.subplots(1, 2), PHASES.items(), "cd", strict=True):
        _volumes(axes, volumes[volumes["phase"] == phase], looks)
        axes.set_title(title)
        style.letter(axes, text)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=name)
        for name, look in looks.items()
    ]
    below.legend(handles=handles, loc="outside right center", title="Patient", title_fontsize=6.5)
    return result


def _dice(axes: Axes, dice: pd.DataFrame, column: str, tissue: Tissue, patients: list[str]) -> None:
    style.grid(axes)
    colour = COLOURS[tissue]
    points(axes, dice, column, "id", patients, 0.6, False, color=colour)
    boxes(axes, dice, column, "id", patients, colour, False, width=0.62)
    median = float(dice[column].median())
    axes.axhline(median, color=style.INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0.5)
    axes.set_xticks(range(len(patients)), patients)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(patients) - 0.4)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("Patient")
    axes.set_title(NAMES[tissue])
    axes.text(
        1,
        1.02,
        f"{len(dice)} images, median {median:.3f}",
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=6,
    )


def _volumes(axes: Axes, volumes: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    style.grid(axes, "both")
    manual, true = volumes["manual_ml"].to_numpy(float), volumes["true_ml"].to_numpy(float)
    values = np.concatenate([manual, true])
    pad = 0.06 * float(np.ptp(values)) + 1
    ends = np.array([max(0.0, values.min() - pad), values.max() + pad])
    axes.plot(ends, ends, color=style.PALE, linewidth=0.7, zorder=0)
    line = least_squares(manual, true)
    slope, intercept = line["slope"], line["intercept"]
    across = np.array([manual.min(), manual.max()])
    # The fit predicts the true volume from the manual one; here the true volume is on the x axis.
    axes.plot(intercept + slope * across, across, color=style.INK, linestyle=(0, (4, 2)))
    for name, x, y in zip(volumes["patient"], true, manual, strict=True):
        axes.plot(x, y, looks[name].marker, color=looks[name].colour, **POINT)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlabel("True volume (ml)")
    axes.set_ylabel("Manual volume (ml)")
    fit = f"fit: true =\n{intercept:.1f} + {slope:.2f} · manual"
    r = f"n = {len(true)}, r = {pearson(manual, true)['r']:.3f}".replace("-", "−")
    axes.text(1, 1.02, r, transform=axes.transAxes, ha="right", va="bottom", fontsize=6)
    handles = [
        Line2D([], [], color=style.PALE, linewidth=0.7, label="identity"),
        Line2D([], [], color=style.INK, linestyle=(0, (4, 2)), label=fit.replace("-", "−")),
    ]
    axes.legend(handles=handles, loc="upper left", handlelength=2)
