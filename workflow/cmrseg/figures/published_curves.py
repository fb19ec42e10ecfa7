"""Learning curves of the transfer strategies on the full 7T training set."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.published_names import SEGMENTER_LOOKS, SEGMENTERS, STRATEGIES
from cmrseg.labels import NAMES, Tissue

COLUMNS = ("strategy", "subset", "images_thousand", "dice_lv", "dice_my")
SMOOTH_COLUMNS = ("strategy", "subset", "images_thousand", "lv", "my")
DICE_COLUMNS = ("reference", "method", "lv", "my")
FULL = "full"
FIRST_OBSERVER, BASE = "WS", "base"
PANELS = (("lv", Tissue.LV), ("my", Tissue.MYO))


def base_dice(table: pd.DataFrame) -> dict[str, float]:
    """Mean Dice over all 7T images of the model without 7T training: lv, my.

    table: one row per image and pair with the columns reference, method, lv, my.
    Raises ValueError if there is no row of the model against the first observer.
    """
    table = style.checked(table, DICE_COLUMNS, "published_curves")
    rows = table[(table["method"] == BASE) & (table["reference"] == FIRST_OBSERVER)]
    if rows.empty:
        raise ValueError(f"figure published_curves: no Dice of {BASE} against {FIRST_OBSERVER}")
    return {name: float(rows[name].mean()) for name in ("lv", "my")}


@style.styled
def figure(table: pd.DataFrame, smoothed: pd.DataFrame, base: Mapping[str, float]) -> Figure:
    """Validation Dice over images seen: points are epochs, lines are smoothed, peaks are marked.

    table: one row per epoch of a model with the columns strategy, subset, images_thousand,
    dice_lv, dice_my; only the subset `full` is drawn. smoothed: strategy, subset, images_thousand,
    lv, my along the smoothed curves. base: lv, my of the model without training on these images.
    Raises ValueError if a column or every row of the full set is missing.
    """
    table, smoothed = _full(table, COLUMNS), _full(smoothed, SMOOTH_COLUMNS)
    result = style.figure_mm(style.TWO_COLUMNS_MM, 74)
    panels = result.subplots(1, 2)
    present = [name for name in STRATEGIES if name in set(table["strategy"])]
    for axes, (column, tissue), text in zip(panels, PANELS, "ab", strict=True):
        style.grid(axes)
        style.letter(axes, text)
        peaks = {}
        for name in present:
            raw = table[table["strategy"] == name]
            curve = smoothed[smoothed["strategy"] == name].sort_values("images_thousand")
            peaks[name] = _curve(axes, raw, curve, column, SEGMENTER_LOOKS[name])
        axes.axhline(base[column], color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.set_title(NAMES[tissue])
        axes.set_xlabel("Images seen (thousands)")
        axes.set_ylabel("Validation Dice")
        axes.set_xlim(0, None)
        _write(axes, peaks)
    handles = [
        Line2D(
            [],
            [],
            color=SEGMENTER_LOOKS[name].colour,
            marker=SEGMENTER_LOOKS[name].marker,
            label=SEGMENTERS[name],
        )
        for name in present
    ]
    label = f"base, no 7T training (LV {base['lv']:.3f}, MY {base['my']:.3f})"
    handles.append(
        Line2D([], [], color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)), label=label)
    )
    result.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return result


def _full(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    table = style.checked(table, columns, "published_curves")
    return style.checked(table[table["subset"] == FULL], columns, "published_curves")


def _curve(
    axes: Axes, raw: pd.DataFrame, curve: pd.DataFrame, column: str, look: style.Look
) -> float:
    """Draw one strategy; returns the peak of its smoothed curve."""
    axes.plot(
        raw["images_thousand"],
        raw[f"dice_{column}"],
        look.marker,
        color=look.colour,
        markersize=3,
        alpha=0.5,
        markeredgewidth=0,
    )
    axes.plot(curve["images_thousand"], curve[column], color=look.colour, linewidth=1.4)
    top = curve.loc[curve[column].idxmax()]
    x, y = float(top["images_thousand"]), float(top[column])
    axes.plot(
        x, y, look.marker, color="white", markeredgecolor=look.colour, markersize=5.5, zorder=4
    )
    return y


def _write(axes: Axes, peaks: Mapping[str, float]) -> None:
    """The heights of the peaks to the right of the panel, moved apart if they are close."""
    low, high = axes.get_ylim()
    gap = 0.055 * (high - low)
    height = -float("inf")
    for name in sorted(peaks, key=lambda name: peaks[name]):
        y = peaks[name]
        height = max(y, height + gap)
        axes.annotate(
            f"{SEGMENTERS[name].partition(' ')[0]} {y:.3f}",
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=SEGMENTER_LOOKS[name].colour,
            fontsize=6.5,
            annotation_clip=False,
        )
