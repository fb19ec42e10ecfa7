"""Absolute error of the ejection fraction, by labeller or model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.distributions import boxes, points

COLUMNS = ("labeller", "subject", "abs_ef_error", "good_ef_bad_volume")
ROW_MM = 9.0


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """Box and points of |EF - true EF| in percentage points, one row per labeller.

    table: columns labeller, subject, abs_ef_error (fraction), good_ef_bad_volume (bool: drawn
    hollow); the splits of an optional column split are named on the axis. Subjects from which the
    labeller learnt (optional column seen, bool) are left out. order: labellers from top to bottom.
    Rows without an EF are counted separately.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "ef_error")
    table = table.assign(error=100 * table["abs_ef_error"])
    looks = style.looks(table["labeller"], order)
    learnt = table["seen"].to_numpy(bool) if "seen" in table else np.zeros(len(table), bool)
    table = table[~learnt]
    result = style.figure_mm(style.TWO_COLUMNS_MM * 0.72, 23 + ROW_MM * len(looks))
    axes = result.add_subplot()
    style.grid(axes, "x")
    top = max(float(np.nanmax(table["error"], initial=1.0)) * 1.04, 6.0)
    for row, (name, look) in enumerate(looks.items()):
        every = table[table["labeller"] == name]
        errors = every["error"].dropna()
        boxes(axes, every, "error", "labeller", list(looks), look.colour, width=0.62)
        by_chance = every["good_ef_bad_volume"].astype(bool)
        for chosen, fill in ((~by_chance, look.colour), (by_chance, "white")):
            points(
                axes,
                every[chosen],
                "error",
                "labeller",
                list(looks),
                spread=0.44,
                color=fill,
                edgecolor=look.colour,
                linewidth=0.5,
                marker=look.marker,
                size=2.6,
                alpha=0.75,
                zorder=3,
            )
        missing = len(every) - len(errors)
        text = f"{np.median(errors):.1f}" if len(errors) else "–"
        text += f"   (n = {len(errors)}" + (f", {missing} without EF)" if missing else ")")
        axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=6.5)
    axes.text(1.02, -0.72, "median", transform=axes.get_yaxis_transform(), color=style.PALE)
    axes.set_xlim(0, top)
    axes.set_ylim(len(looks) - 0.45, -0.6)
    axes.set_yticks(range(len(looks)), list(looks))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    splits = ", ".join(sorted(set(table["split"]))) if "split" in table else ""
    axes.set_xlabel(
        "Absolute error of ejection fraction (percentage points)"
        + (f"\nsubjects: {splits}" if splits else "")
        + ("; without those of each model's training" if learnt.any() else "")
    )
    return result
