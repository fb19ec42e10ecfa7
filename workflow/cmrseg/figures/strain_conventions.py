"""The same hearts in every convention of strain, at end-systole: why programs disagree."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.panel_tables import counted
from cmrseg.measure.aha_segments import GLOBAL
from cmrseg.measure.ring_strain import LAYERS

# Conventions by tensor and average: words, colour, marker and place beside the layer's line.
LOOKS = {
    ("green", "links"): ("Green, mean of links", "#882255", "o", 0.27),
    ("green", "contour"): ("Green, length of contour", "#CC6677", "D", 0.09),
    ("lagrangian", "links"): ("Lagrangian, mean of links", "#332288", "s", -0.09),
    ("lagrangian", "contour"): ("Lagrangian, length of contour", "#6699CC", "^", -0.27),
}
# The published one, to which a line is drawn.
PUBLISHED = {
    **{"direction": "circumferential", "layer": "midwall"},
    **{"tensor": "green", "average": "links"},
}
COLUMNS = ("subject", "direction", "layer", "place", "tensor", "average", "es_percent")
LAYER_MM, BESIDES_MM = 12.5, 24.0
# Part of the width in which means are written.
MEANS = 0.06
SMALL: dict[str, Any] = {"markersize": 1.8, "markeredgewidth": 0, "alpha": 0.45}
LARGE: dict[str, Any] = {
    **{"markersize": 5.5, "zorder": 3},
    **{"markeredgecolor": "white", "markeredgewidth": 0.6},
}


@style.styled
def figure(table: pd.DataFrame, every: int) -> Figure:
    """Global strain at end-systole by layer: subjects as small points, their mean large.

    table: of `conventions_table`. every: number of subjects, including those without strain. Raises
    ValueError where a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "strain_conventions")
    known = table[table["place"] == GLOBAL].dropna(subset=["es_percent"])
    around = [layer for layer in LAYERS if layer.direction == "circumferential"]
    across = [layer for layer in LAYERS if layer.direction == "radial"]
    result = style.figure_mm(
        style.TWO_COLUMNS_MM, LAYER_MM * (len(around) + len(across)) + BESIDES_MM + 12
    )
    plots = result.subplots(2, 1, height_ratios=(len(around), len(across) + 0.6))
    for axes, layers, title, text in zip(
        plots, (around, across), ("Circumferential (Ecc)", "Radial (Err)"), "ab", strict=True
    ):
        _draw(axes, known, layers)
        axes.set_title(title)
        style.letter(axes, text)
    plots[1].set_xlabel("Strain at end-systole (%)")
    published = known.set_index(list(PUBLISHED)).sort_index()
    if tuple(PUBLISHED.values()) in published.index:
        at = published.loc[tuple(PUBLISHED.values()), "es_percent"].mean()
        plots[0].axvline(at, color=style.PALE, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=words)
        for words, colour, marker, _ in LOOKS.values()
    ]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    subjects = counted(known["subject"].nunique(), every)
    result.supxlabel(f"n = {subjects}", x=0.99, ha="right", fontsize=6.5)
    return result


def _draw(axes: Axes, known: pd.DataFrame, layers: Sequence) -> None:
    style.grid(axes, "x")
    axes.axvline(0, color=style.PALE, linewidth=0.6, zorder=0)
    for row, layer in enumerate(layers):
        own = known[(known["direction"] == layer.direction) & (known["layer"] == layer.key)]
        for convention, (_, colour, marker, above) in LOOKS.items():
            rows = own[(own["tensor"] == convention[0]) & (own["average"] == convention[1])]
            values = rows.sort_values("subject")["es_percent"].to_numpy(float)
            if not len(values):
                continue
            y = -row + above
            spread = style.jitter(len(values), 0.1) if len(values) > 1 else np.zeros(1)
            small: dict[str, Any] = {
                "color": colour,
                "markersize": 1.8,
                "markeredgewidth": 0,
                "alpha": 0.45,
            }
            axes.plot(values, y + spread, marker, rasterized=len(values) > 100, **small)
            large: dict[str, Any] = {
                "color": colour,
                "markeredgecolor": "white",
                "markeredgewidth": 0.6,
            }
            axes.plot(values.mean(), y, marker, markersize=5.5, zorder=3, **large)
            axes.annotate(
                f"{values.mean():.1f}".replace("-", "−"),
                (1.0, y),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="center",
                fontsize=6,
                color=colour,
            )
    if known.empty:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center")
    axes.set_yticks(-np.arange(len(layers)), [layer.name for layer in layers])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(layers) + 0.5, 0.5)
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + MEANS * (high - low))
