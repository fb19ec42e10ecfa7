"""Agreement of EDV, ESV and EF with the known values: scatter and Bland-Altman."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.units import units_of
from cmrseg.measure.agreement import bland_altman, pearson

COLUMNS = (
    "labeller",
    "subject",
    "edv_ml",
    "esv_ml",
    "ef",
    "true_edv_ml",
    "true_esv_ml",
    "true_ef",
)
# Column, title, and name on the axes (EF is a fraction in tables, percent in figures).
QUANTITIES = (
    ("edv_ml", "End-diastolic volume", "EDV"),
    ("esv_ml", "End-systolic volume", "ESV"),
    ("ef", "Ejection fraction", "EF"),
)
ROW_MM = 47.0
# With few subjects the intervals of the limits reach further than this many times the largest
# point or limit; they are cut there, so that the points remain distinguishable.
MOST_REACH = 1.5
# Space for the numbers of pairs between a panel and its title.
TITLE_PAD_PT = 13.0


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """A row of scatter plots with all labellers, then a row of Bland-Altman plots for each.

    table: columns labeller, subject, edv_ml, esv_ml, ef (fraction) and the same with true_.
    order: all labellers of the study, for colours and the order of rows. Differences are
    labeller minus truth; lines are the bias and the 95 % limits of agreement, bands their 95 %
    confidence intervals. Pairs with a nan do not count in n.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "volume_agreement")
    looks = style.looks(table["labeller"], order)
    result = style.figure_mm(style.TWO_COLUMNS_MM, 8 + ROW_MM * (1.15 + len(looks)))
    panels = result.subplots(1 + len(looks), 3, height_ratios=[1.15] + [1.0] * len(looks))
    units = units_of(table[["edv_ml", "true_edv_ml"]])
    for column, (name, title, short) in enumerate(QUANTITIES):
        unit, factor = ("%", 100.0) if name == "ef" else (units.volume, units.factor)
        pairs = {
            labeller: (
                table.loc[table["labeller"] == labeller, name].to_numpy(float) * factor,
                table.loc[table["labeller"] == labeller, f"true_{name}"].to_numpy(float) * factor,
            )
            for labeller in looks
        }
        _scatter(panels[0, column], pairs, looks, short, unit)
        panels[0, column].set_title(title)
        # One scale for all labellers, so that spreads can be compared by eye.
        reach = 1.12 * max(_reach(*pair) for pair in pairs.values())
        for row, (labeller, look) in enumerate(looks.items(), start=1):
            axes = panels[row, column]
            _differences(axes, *pairs[labeller], look, reach)
            axes.set_xlabel(f"Mean of {short} and known ({unit})")
            axes.set_ylabel(f"{short} − known ({'points' if unit == '%' else unit})")
            if column == 0:
                axes.set_title(labeller, pad=TITLE_PAD_PT)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=labeller)
        for labeller, look in looks.items()
    ]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    for row, text in enumerate("abcdefghij"[: 1 + len(looks)]):
        style.letter(panels[row, 0], text, TITLE_PAD_PT if row else 5.0)
    return result


def _scatter(
    axes: Axes,
    pairs: dict[str, tuple[np.ndarray, np.ndarray]],
    looks: dict[str, style.Look],
    short: str,
    unit: str,
) -> None:
    style.grid(axes, "both")
    for labeller, (measured, known) in pairs.items():
        axes.plot(
            known,
            measured,
            looks[labeller].marker,
            color=looks[labeller].colour,
            markersize=2.8,
            alpha=0.7,
            markeredgewidth=0,
        )
    values = np.concatenate([np.concatenate(pair) for pair in pairs.values()])
    low, high = np.nanmin(values), np.nanmax(values)
    pad = 0.05 * (high - low) + 1e-6
    ends = (max(0.0, low - pad), high + pad)
    axes.plot(ends, ends, color=style.PALE, linewidth=0.7, zorder=0)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel(f"Known {short} ({unit})")
    axes.set_ylabel(f"{short} ({unit})")


def _differences(
    axes: Axes,
    measured: np.ndarray,
    known: np.ndarray,
    look: style.Look,
    reach: float,
) -> None:
    style.grid(axes)
    axes.plot(
        (measured + known) / 2,
        measured - known,
        look.marker,
        color=look.colour,
        markersize=2.8,
        alpha=0.7,
        markeredgewidth=0,
    )
    found = bland_altman(measured, known)
    axes.axhline(0, color=style.PALE, linewidth=0.6)
    # numbers of close lines are moved apart
    gap = 0.16 * reach
    heights = {
        "bias": found["bias"],
        "lower": min(found["lower"], found["bias"] - gap),
        "upper": max(found["upper"], found["bias"] + gap),
    }
    for name, line in (("bias", "-"), ("lower", (0, (4, 2))), ("upper", (0, (4, 2)))):
        if not np.isfinite(found[name]):
            continue
        axes.axhline(found[name], color=look.colour, linestyle=line, linewidth=0.9)
        if np.isfinite(found.get(f"{name}_low", np.nan)):
            axes.axhspan(
                found[f"{name}_low"],
                found[f"{name}_high"],
                color=look.colour,
                alpha=0.13,
                linewidth=0,
            )
        axes.annotate(
            f"{found[name]:+.1f}".replace("-", "−"),
            (1, heights[name]),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
            color=look.colour,
            annotation_clip=False,
        )
    axes.text(
        1,
        1.02,
        f"n = {found['n']}, r = {pearson(measured, known)['r']:.3f}".replace("-", "−"),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=6,
    )
    axes.set_ylim(-reach, reach)


def _reach(measured: np.ndarray, known: np.ndarray) -> float:
    """Largest absolute difference or limit, at least 1, and its interval up to MOST_REACH of it."""
    found = bland_altman(measured, known)
    inner = np.nanmax([1.0, *np.abs(measured - known), abs(found["lower"]), abs(found["upper"])])
    outer = np.nanmax([inner, abs(found["lower_low"]), abs(found["upper_high"])])
    return float(min(outer, MOST_REACH * inner))
