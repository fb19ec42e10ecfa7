"""Predicted against true volumes, a panel for each published method."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from cmrseg.figures import style
from cmrseg.figures.published_names import evaluated_rows, named_methods
from cmrseg.measure.agreement import bland_altman, pearson

COLUMNS = ("id", "method", "edv_ml", "esv_ml", "true_edv_ml", "true_esv_ml", "abs_ef_error")
# Column, name, style: circles at end-diastole, squares at end-systole.
VOLUMES = (
    ("edv_ml", "EDV", style.Look("#332288", "o")),
    ("esv_ml", "ESV", style.Look("#CC6677", "s")),
)
COLUMNS_OF_PANELS = 4
PANEL_MM = 49.0
TICK_ML = 200
# Space for bias and correlation between a panel and its title, a line for each volume.
TITLE_PAD_PT = 19.0


@style.styled
def figure(table: pd.DataFrame) -> Figure:
    """Scatter of EDV and ESV against their true values, in the order of the mean error of EF.

    table: one row per id and method with the columns id, method, edv_ml, esv_ml, true_edv_ml,
    true_esv_ml, abs_ef_error. Every study is included once, as its rotated copy if there is one.
    Above each panel are bias (predicted - true, in ml) and Pearson's correlation.
    Raises ValueError if a column, every row or the name of a method is missing.
    """
    table = evaluated_rows(style.checked(table, COLUMNS, "volumes_by_method"))
    order = table.groupby("method")["abs_ef_error"].mean().sort_values(kind="stable").index
    names = named_methods(order)
    columns = min(COLUMNS_OF_PANELS, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
    result = style.figure_mm(style.TWO_COLUMNS_MM * columns / COLUMNS_OF_PANELS, PANEL_MM * rows)
    panels = result.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    values = table[["edv_ml", "esv_ml", "true_edv_ml", "true_esv_ml"]].max(axis=None)
    limit = float(np.ceil(values / 50) * 50)
    for axes, (method, name) in zip(panels.flat, names.items(), strict=False):
        _panel(axes, table[table["method"] == method], limit)
        axes.set_title(name, pad=TITLE_PAD_PT, fontsize=6.5)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for number, axes in enumerate(panels.flat[: len(names)]):
        if number + columns >= len(names):
            axes.set_xlabel("True volume (ml)")
            axes.tick_params(labelbottom=True)
        if number % columns == 0:
            axes.set_ylabel("Predicted volume (ml)")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=label)
        for label, look in (
            ("end-diastolic volume (EDV)", VOLUMES[0][2]),
            ("end-systolic volume (ESV)", VOLUMES[1][2]),
        )
    ]
    handles.append(Line2D([], [], color=style.INK, linewidth=0.7, label="identity"))
    legend = panels.flat[len(names)].legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(-0.12, 0.5),
        handletextpad=0.4,
        title=f"{table['id'].nunique():,} studies each",
        title_fontsize=6.5,
        alignment="left",
    )
    # Its position is empty; columns stay equally wide.
    legend.set_in_layout(False)
    return result


def _panel(axes: Axes, table: pd.DataFrame, limit: float) -> None:
    style.grid(axes, "both")
    lines = []
    for column, short, look in VOLUMES:
        predicted, true = table[column].to_numpy(float), table[f"true_{column}"].to_numpy(float)
        axes.plot(
            true,
            predicted,
            look.marker,
            color=look.colour,
            markersize=1.5,
            alpha=0.4,
            markeredgewidth=0,
            rasterized=len(true) > 100,
        )
        bias, r = bland_altman(predicted, true)["bias"], pearson(predicted, true)["r"]
        lines.append(f"{short} {bias:+.1f} ml, r = {r:.3f}".replace("-", "−"))
    axes.plot([0, limit], [0, limit], color=style.INK, linewidth=0.7)
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    axes.xaxis.set_major_locator(MultipleLocator(TICK_ML))
    axes.yaxis.set_major_locator(MultipleLocator(TICK_ML))
    axes.text(
        0,
        1.03,
        "\n".join(lines),
        transform=axes.transAxes,
        va="bottom",
        fontsize=5.5,
        color=style.INK,
    )
