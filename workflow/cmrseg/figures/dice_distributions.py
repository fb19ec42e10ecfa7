"""Dice of all methods on the 7T images: distribution in the test set, mean in all sets."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.distributions import boxes, points
from cmrseg.figures.published_names import SEGMENTER_LOOKS, SETS, named_segmenters
from cmrseg.labels import COLOURS, NAMES, Tissue

COLUMNS = ("set", "reference", "method", "lv", "my")
PANELS = (("lv", Tissue.LV), ("my", Tissue.MYO))
SET_MARKERS = {"train": "^", "val": "s", "test": "o"}
FIRST_OBSERVER = "WS"
ROW_MM = 7.5


@style.styled
def figure(table: pd.DataFrame, reference: str = FIRST_OBSERVER) -> Figure:
    """Boxes and points of the test images' Dice by method; below, mean Dice by method and set.

    table: one row per image and pair with the columns set (train, val, test), reference, method,
    lv, my (Dice, 1 where both are empty). reference: the observer that the methods are compared
    with. Methods are sorted by their mean test Dice of the cavity; diamonds and numbers are means.
    Raises ValueError if a column, every row, test images or the name of a method is missing.
    """
    table = style.checked(table, COLUMNS, "dice_distributions")
    table = table[table["reference"] == reference]
    test = style.checked(table[table["set"] == "test"], COLUMNS, "dice_distributions")
    named = named_segmenters(table["method"])
    order = test.groupby("method")["lv"].mean().sort_values(ascending=False, kind="stable").index
    names = {method: named[method] for method in order}
    result = style.figure_mm(style.TWO_COLUMNS_MM, 34 + 1.7 * ROW_MM * len(names))
    panels = result.subplots(2, 2, sharey=True, height_ratios=[1, 0.7])
    for (column, tissue), above, below, letters in zip(
        PANELS, panels[0], panels[1], ("ac", "bd"), strict=True
    ):
        _distributions(above, test, column, names)
        _means(below, table, column, tissue, names)
        count = test["method"].value_counts().max()
        above.set_title(f"{NAMES[tissue]}, {count} test images")
        below.set_title(f"{NAMES[tissue]}, mean of each set")
        for axes, text in zip((above, below), letters, strict=True):
            style.grid(axes, "x")
            style.letter(axes, text)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
    panels[0, 0].set_ylim(len(names) - 0.4, -0.6)
    panels[0, 0].set_yticks(range(len(names)), list(names.values()))
    handles = [
        Line2D(
            [],
            [],
            marker=marker,
            linestyle="",
            label=SETS[name],
            **_key(style.PALE, style.PALE if name == "test" else "white"),
        )
        for name, marker in SET_MARKERS.items()
        if name in set(table["set"])
    ]
    result.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return result


def _distributions(axes: Axes, test: pd.DataFrame, column: str, names: dict[str, str]) -> None:
    # Each method has a box, with the points below it.
    parts: dict[str, Any] = {"hue": "part", "hue_order": ["box", "points"], "dodge": True}
    for row, method in enumerate(names):
        rows = test[test["method"] == method]
        colour = SEGMENTER_LOOKS[method].colour
        place = (column, "method", list(names))
        boxes(axes, rows.assign(part="box"), *place, colour, showmeans=True, **parts, gap=0.25)
        colours = dict.fromkeys(parts["hue_order"], colour)
        points(axes, rows.assign(part="points"), *place, 0.32, palette=colours, **parts)
        values = rows[column]
        axes.annotate(
            f"{values.mean():.3f}",
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            annotation_clip=False,
        )
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("Dice")


def _means(
    axes: Axes, table: pd.DataFrame, column: str, tissue: Tissue, names: dict[str, str]
) -> None:
    means = table.groupby(["method", "set"])[column].mean()
    for row, method in enumerate(names):
        found = {name: means[method, name] for name in SET_MARKERS if (method, name) in means.index}
        axes.plot([min(found.values()), max(found.values())], [row, row], color=style.PALE, lw=0.8)
        for name, value in found.items():
            fill = COLOURS[tissue] if name == "test" else "white"
            axes.plot(value, row, SET_MARKERS[name], **_key(COLOURS[tissue], fill))
    low = float(means[list(names)].min())
    axes.set_xlim(max(0.0, low - 0.03), 1)
    axes.set_xlabel("Mean Dice")


def _key(colour: str, fill: str) -> dict[str, Any]:
    edge = {"markeredgecolor": colour, "markeredgewidth": 0.9}
    return {"color": fill, "markersize": 4, **edge}
