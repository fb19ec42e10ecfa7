"""Boxes and points by group: seaborn's, in the project's style.

Groups are text and their order is given. Axis labels are set by the figure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cmrseg.figures import style

# Opacity of a box's face, in hexadecimal: points behind it remain visible.
FACE = "30"
LINE_PT = 0.8
POINT_PT = 1.7
# More points than this are rasterised in the SVG, which would otherwise be large.
MOST_VECTOR_POINTS = 100


def boxes(
    axes: Axes,
    table: pd.DataFrame,
    value: str,
    group: str,
    order: Sequence[str],
    colour: str,
    horizontal: bool = True,
    filled: bool = True,
    **options: Any,
) -> None:
    """A box of the values of each group: quartiles, median, whiskers to 1.5 interquartile ranges.

    value, group: columns; nan is ignored. order: all groups of the axis; groups without values have
    no box. filled: with a pale shade of the colour, else white. options: seaborn's, such as
    showmeans (a white diamond), showfliers, hue with hue_order, width.
    """
    rows = table.dropna(subset=[value])
    if rows.empty:
        return
    across = {"x": value, "y": group} if horizontal else {"x": group, "y": value}
    diamond = {"marker": "D", "markerfacecolor": "white", "markeredgecolor": colour}
    sns.boxplot(
        rows,
        **across,
        order=list(order),
        orient="y" if horizontal else "x",
        # seaborn 0.13 passes `vert`, which matplotlib 3.11 warns of.
        vert=None,
        orientation="horizontal" if horizontal else "vertical",
        **_coloured(colour, options),
        linecolor=colour,
        linewidth=LINE_PT,
        boxprops={"facecolor": colour + FACE if filled else "white"},
        medianprops={"linewidth": 2 * LINE_PT},
        meanprops=diamond | {"markeredgewidth": LINE_PT, "markersize": 3.2},
        flierprops=_small(colour),
        legend=False,
        ax=axes,
        **({"showfliers": False} | options),
    )
    axes.set(xlabel="", ylabel="")


def points(
    axes: Axes,
    table: pd.DataFrame,
    value: str,
    group: str,
    order: Sequence[str],
    spread: float,
    horizontal: bool = True,
    **options: Any,
) -> None:
    """The values of each group as points, spread across the group to avoid overlap.

    value, group: columns; nan is ignored. order: all groups of the axis. spread: width of the
    spread; groups are 1 apart. options: seaborn's, such as color, hue with palette, dodge,
    marker, size.
    """
    rows = table.dropna(subset=[value]).sort_values(value, kind="stable")
    if rows.empty:
        return
    before = len(axes.collections)
    across = {"x": value, "y": group} if horizontal else {"x": group, "y": value}
    look = {"size": POINT_PT, "linewidth": 0, "alpha": 0.4, "legend": False, "zorder": 1}
    sns.stripplot(
        rows,
        **across,
        order=list(order),
        orient="y" if horizontal else "x",
        jitter=False,
        rasterized=len(rows) > MOST_VECTOR_POINTS,
        ax=axes,
        **(look | options),
    )
    # Even steps instead of seaborn's random ones, which use the global generator.
    for drawn in axes.collections[before:]:
        places = np.ma.getdata(drawn.get_offsets()).astype(float)
        places[:, int(horizontal)] += style.jitter(len(places), spread)
        drawn.set_offsets(places)
    axes.set(xlabel="", ylabel="")


def _coloured(colour: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All groups and hues in one colour, in the form that seaborn expects."""
    if "hue" in options:
        return {"palette": dict.fromkeys(options["hue_order"], colour)}
    return {"color": colour}


def _small(colour: str) -> dict[str, Any]:
    face = {"markerfacecolor": colour, "markeredgewidth": 0}
    return {"marker": "o", "markersize": POINT_PT, "alpha": 0.4, **face}
