"""Dice along the 7T stacks: the mean over the frames of each slice, by volunteer and method."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.published_names import SEGMENTER_LOOKS, named_segmenters
from cmrseg.labels import NAMES, Tissue

COLUMNS = ("set", "volunteer", "slice", "reference", "method", "lv", "my")
PANELS = (("lv", Tissue.LV), ("my", Tissue.MYO))
FIRST_OBSERVER = "WS"


@style.styled
def figure(table: pd.DataFrame, reference: str = FIRST_OBSERVER) -> Figure:
    """Mean Dice of the frames of each slice, plotted over the slice; a column per test volunteer.

    table: one row per image and pair with the columns set, volunteer, slice (from 0), reference,
    method, lv, my (Dice, 1 where both are empty). reference: the observer that the methods are
    compared with.
    Raises ValueError if a column, every row, test images or the name of a method is missing.
    """
    table = style.checked(table, COLUMNS, "dice_by_slice")
    table = table[(table["set"] == "test") & (table["reference"] == reference)]
    table = style.checked(table, COLUMNS, "dice_by_slice")
    names = named_segmenters(table["method"])
    volunteers = sorted(set(table["volunteer"]))
    means = table.groupby(["volunteer", "method", "slice"])[["lv", "my"]].mean()
    slices = int(table["slice"].max()) + 1
    result = style.figure_mm(style.TWO_COLUMNS_MM, 102)
    panels = result.subplots(2, len(volunteers), sharex=True, sharey=True, squeeze=False)
    for row, (column, tissue) in enumerate(PANELS):
        for axes, volunteer in zip(panels[row], volunteers, strict=True):
            style.grid(axes)
            present = table.loc[table["volunteer"] == volunteer, "method"]
            for method in named_segmenters(present):
                line = means.loc[(volunteer, method), column]
                look = SEGMENTER_LOOKS[method]
                axes.plot(
                    line.index + 1,
                    line,
                    marker=look.marker,
                    color=look.colour,
                    markersize=2.8,
                    linewidth=0.9,
                    markeredgewidth=0,
                )
            if row == 0:
                axes.set_title(f"Volunteer {volunteer}")
            else:
                axes.set_xlabel(style.SLICE)
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
            axes.set(xlim=(0.4, slices + 0.6), ylim=(-0.03, 1.03))
        panels[row, 0].set_ylabel(f"Mean Dice, {NAMES[tissue]}")
        style.letter(panels[row, 0], "ab"[row])
    handles = [
        Line2D(
            [],
            [],
            color=SEGMENTER_LOOKS[method].colour,
            marker=SEGMENTER_LOOKS[method].marker,
            label=name,
        )
        for method, name in names.items()
    ]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    return result
