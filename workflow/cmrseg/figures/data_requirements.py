"""Number of labelled images that transfer learning needs: Dice over images seen, by subset."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.published_names import SEGMENTER_LOOKS, SEGMENTERS, STRATEGIES
from cmrseg.labels import NAMES, Tissue

COLUMNS = ("strategy", "subset", "images_thousand", "dice_lv", "dice_my")
SMOOTH_COLUMNS = ("strategy", "subset", "images_thousand", "lv", "my")
# A column of panels: title, the subset by volunteers, the random subset of the same size.
GROUPS = (
    ("All 14 volunteers", "full", None),
    ("7 volunteers", "v7", "r7"),
    ("3 volunteers", "v3", "r3"),
    ("1 volunteer", "v1", "r1"),
    ("ED and ES frames", "esed", "r_esed"),
)
SOLID: Any = "-"
DOTTED: Any = (0, (1.6, 1.1))
ROWS = (("lv", Tissue.LV), ("my", Tissue.MYO))
MARKERS = 5
# Similar to the published figure; the first epochs from random weights are below this range.
DICE_SHOWN = (0.5, 0.93)


@style.styled
def figure(table: pd.DataFrame, smoothed: pd.DataFrame) -> Figure:
    """Validation Dice over images seen: rows tissues, columns subsets, colours strategies.

    table: one row per epoch of a model with the columns strategy, subset, images_thousand,
    dice_lv, dice_my: the pale lines. smoothed: strategy, subset, images_thousand, lv, my along
    the smoothed curves: the strong lines. Lines are solid for whole volunteers (or ED and ES of
    all), and dotted for the same number of random images.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "data_requirements")
    smoothed = style.checked(smoothed, SMOOTH_COLUMNS, "data_requirements")
    result = style.figure_mm(style.TWO_COLUMNS_MM, 96)
    panels = result.subplots(2, len(GROUPS), sharex=True, sharey=True)
    for row, (column, tissue) in enumerate(ROWS):
        for axes, (title, chosen, drawn) in zip(panels[row], GROUPS, strict=True):
            style.grid(axes)
            for subset, line in ((drawn, DOTTED), (chosen, SOLID)):
                _lines(axes, table[table["subset"] == subset], f"dice_{column}", line, smooth=False)
                _lines(axes, smoothed[smoothed["subset"] == subset], column, line, smooth=True)
            axes.set_ylim(*DICE_SHOWN)
            axes.set_xlim(0, 1.03 * float(table["images_thousand"].max()))
            if row == 0:
                axes.set_title(title)
        panels[row, 0].set_ylabel(f"{NAMES[tissue]}\nValidation Dice")
        style.letter(panels[row, 0], "ab"[row])
    result.supxlabel("Images seen in training (thousands)", fontsize=7)
    present = [name for name in STRATEGIES if name in set(table["strategy"])]
    handles = [
        Line2D(
            [],
            [],
            color=SEGMENTER_LOOKS[name].colour,
            marker=SEGMENTER_LOOKS[name].marker,
            markersize=3,
            label=SEGMENTERS[name],
        )
        for name in present
    ]
    handles += [
        Line2D([], [], color=style.INK, linestyle=SOLID, label="these volunteers or frames"),
        Line2D([], [], color=style.INK, linestyle=DOTTED, label="as many random images"),
    ]
    result.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return result


def _lines(axes: Axes, table: pd.DataFrame, column: str, linestyle: Any, smooth: bool) -> None:
    for name in STRATEGIES:
        history = table[table["strategy"] == name].sort_values("images_thousand")
        look = SEGMENTER_LOOKS[name]
        axes.plot(
            history["images_thousand"],
            history[column],
            color=look.colour,
            # a few markers identify the strategy without its colour
            marker=look.marker if smooth else "",
            markevery=max(1, len(history) // MARKERS),
            markersize=3,
            markeredgewidth=0,
            linestyle=linestyle if smooth else SOLID,
            linewidth=1.3 if smooth else 0.5,
            alpha=1 if smooth else 0.4,
            zorder=3 if smooth else 2,
        )
