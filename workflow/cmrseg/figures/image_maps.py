"""Differences of 7T labels: a value for each image of the test volunteers, by frame and slice."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure

from cmrseg.figures import style

COLUMNS = ("set", "volunteer", "slice", "frame", "reference", "method")
# Rows of panels: reference and method, and their displayed names.
PAIRS = (
    (("WS", "TR"), "First – second\nexpert"),
    (("WS", "doubleTransferLearn"), "First expert –\nnetwork (TL2)"),
    (("TR", "doubleTransferLearn"), "Second expert –\nnetwork (TL2)"),
)
# Every fifth slice and frame is numbered.
EVERY = 5


class Scale(NamedTuple):
    """How a value is shown: name, range, colour map, summary of a map, arrows of the colour bar."""

    label: str
    ends: tuple[float, float]
    colours: str
    summary: str
    extend: str


# In the map of Dice errors are dark, so that the few wrong images stand out. Volumes have the
# range of the published figure; in blue images the observer named first has more.
SCALES = {
    "lv": Scale("Dice, LV cavity", (0.0, 1.0), "cividis", "mean {:.3f}", "neither"),
    "difference_ml": Scale(
        "LV cavity, first − second named (ml)", (-15.0, 15.0), "RdBu", "mean {:+.2f} ml", "both"
    ),
}


@style.styled
def figure(table: pd.DataFrame, column: str) -> Figure:
    """A map for each pair and test volunteer: frame across, slice upwards, colour the value.

    table: one row per image and pair with the columns set, volunteer, slice, frame (from 0),
    reference, method, and `column`: lv (Dice of the cavity) or difference_ml (reference -
    method). The number above a map is its mean. Images without a row are white.
    Raises ValueError if a column, every row, or every test image of a pair is missing.
    """
    table = style.checked(table, (*COLUMNS, column), "image_maps")
    table = table[table["set"] == "test"]
    volunteers = sorted(set(table["volunteer"]))
    result = style.figure_mm(style.TWO_COLUMNS_MM, 118)
    panels = result.subplots(len(PAIRS), max(len(volunteers), 1), sharex="col", squeeze=False)
    shown: Any = None
    for row, ((reference, method), label) in enumerate(PAIRS):
        pair = table[(table["reference"] == reference) & (table["method"] == method)]
        if pair.empty:
            raise ValueError(f"figure image_maps: no test images of {method} against {reference}")
        for axes, volunteer in zip(panels[row], volunteers, strict=True):
            shown = _map(axes, pair[pair["volunteer"] == volunteer], column)
            if row == 0:
                axes.set_title(f"Volunteer {volunteer}")
            if row == len(PAIRS) - 1:
                axes.set_xlabel(style.FRAME)
        panels[row, 0].set_ylabel(f"{label}\n{style.SLICE}")
        style.letter(panels[row, 0], "abc"[row])
    bar = result.colorbar(shown, ax=panels, aspect=45, pad=0.015, extend=SCALES[column].extend)
    bar.set_label(SCALES[column].label)
    bar.outline.set_visible(False)
    return result


def _map(axes: Axes, pair: pd.DataFrame, column: str) -> Collection:
    scale = SCALES[column]
    table = pair.pivot(index="slice", columns="frame", values=column)
    slices, frames = int(table.index.max()) + 1, int(table.columns.max()) + 1
    table = table.reindex(index=range(slices), columns=range(frames))
    sns.heatmap(
        table,
        cmap=scale.colours,
        vmin=scale.ends[0],
        vmax=scale.ends[1],
        cbar=False,
        xticklabels=False,
        yticklabels=False,
        rasterized=True,
        ax=axes,
    )
    axes.invert_yaxis()
    axes.set(xlabel="", ylabel="")
    axes.set_xticks(**_ticks(frames))
    axes.set_yticks(**_ticks(slices))
    axes.spines[:].set(visible=True, color=style.GRID)
    axes.text(
        1,
        1.02,
        scale.summary.format(np.nanmean(table)).replace("-", "−"),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=6,
    )
    return axes.collections[0]


def _ticks(count: int) -> dict[str, Any]:
    """Ticks in the middle of every fifth slice or frame, or of all if there are few."""
    named = np.arange(1, count + 1) if count < EVERY else np.arange(EVERY, count + 1, EVERY)
    return {"ticks": named - 0.5, "labels": named}
