"""Scatter and Bland-Altman plots of paired measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.column_names import of_difference
from cmrseg.measure.agreement import bland_altman, pearson

Pair = tuple[np.ndarray, np.ndarray]

PER_ROW = 3
ROW_MM = 47.0
# Height of a scatter plot relative to a Bland-Altman plot.
SCATTER_HEIGHT = 1.15
# By number of columns.
WIDTHS_MM = {1: style.ONE_COLUMN_MM, 2: 130.0, PER_ROW: style.TWO_COLUMNS_MM}
# With few subjects the intervals of the limits reach further than this many times the largest
# point or limit; they are cut there, so that the points remain distinguishable.
MOST_REACH = 1.5
# The scale of differences is at least this fraction of the largest value, so that rounding errors
# are not magnified.
LEAST_REACH = 0.005
# Space for the numbers of pairs between a panel and its title.
TITLE_PAD_PT = 13.0


# Points that count, and others.
FILLED: dict[str, Any] = {"markeredgewidth": 0}
HOLLOW: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 0.6}


@dataclass(frozen=True)
class Quantity:
    """A quantity that is compared, in the unit of the axes.

    title: above its plots. short: on axes. pairs: by name, values (n,) and reference values (n,);
    pairs with a nan do not count. every: number of subjects by name, including those without a
    value; not shown unless given. apart: by name, which pairs (n,) are drawn hollow and count
    neither in n nor in the lines.
    """

    title: str
    short: str
    unit: str
    pairs: Mapping[str, Pair]
    every: Mapping[str, int] | None = None
    apart: Mapping[str, np.ndarray] = field(default_factory=dict)

    def parts(self, name: str) -> tuple[Pair, Pair]:
        """The pairs that count, and those that are drawn apart."""
        measured, known = self.pairs[name]
        apart = self.apart.get(name, np.zeros(len(measured), bool))
        return (measured[~apart], known[~apart]), (measured[apart], known[apart])


@dataclass(frozen=True)
class Wording:
    """Labels of axes, with {short} and {unit}. measured, known: of the scatter plots. title: of a
    row of Bland-Altman plots, with {name}.
    """

    known: str
    mean: str
    difference: str
    title: str = "{name}"
    apart: str = "not counted"
    measured: str = "{short} ({unit})"


def agreement_figure(
    quantities: Sequence[Quantity], looks: Mapping[str, style.Look], wording: Wording
) -> Figure:
    """A row of scatter plots, then a row of Bland-Altman plots for each name, of up to PER_ROW.

    quantities: each with a pair for each name of `looks`. Lines are the bias and the 95 % limits of
    agreement, bands their 95 % confidence intervals.
    """
    hollow = any(quantity.apart[name].any() for quantity in quantities for name in quantity.apart)
    # Four are two and two.
    per_row = 2 if len(quantities) == 4 else PER_ROW
    blocks = [quantities[i : i + per_row] for i in range(0, len(quantities), per_row)]
    columns, rows = len(blocks[0]), 1 + len(looks)
    width_mm = WIDTHS_MM[columns]
    heights = ([SCATTER_HEIGHT] + [1.0] * len(looks)) * len(blocks)
    result = style.figure_mm(width_mm, 8 + ROW_MM * sum(heights))
    panels = result.subplots(len(heights), columns, height_ratios=heights, squeeze=False)
    for number, block in enumerate(blocks):
        top = number * rows
        for column, quantity in enumerate(block):
            of_block = list(panels[top : top + rows, column])
            _draw(of_block, quantity, looks, wording, named=column == 0)
        for axes in panels[top : top + rows, len(block) :].flat:
            axes.set_visible(False)
        for row in range(rows):
            text = "abcdefghijklmnopqrstuvwxyz"[(top + row) % 26]
            style.letter(panels[top + row, 0], text, TITLE_PAD_PT if row else 5.0)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=name)
        for name, look in looks.items()
    ]
    if hollow:
        handles.append(_key(wording.apart))
    style.legend_above(result, handles, width_mm)
    return result


def _key(text: str) -> Line2D:
    """Legend entry of hollow points."""
    return Line2D([], [], marker="o", label=text, **HOLLOW, color=style.PALE, linestyle="")


def _draw(
    panels: Sequence[Axes],
    quantity: Quantity,
    looks: Mapping[str, style.Look],
    wording: Wording,
    named: bool,
) -> None:
    """Draw the plots of a quantity below each other. named: with the names above their plots."""
    words = {"short": quantity.short, "unit": quantity.unit}
    _scatter(panels[0], quantity, looks)
    panels[0].set_title(quantity.title)
    panels[0].set_xlabel(wording.known.format(**words))
    panels[0].set_ylabel(wording.measured.format(**words))
    # One scale for all names, so that spreads can be compared by eye.
    reach = 1.12 * max(_reach(*quantity.parts(name)) for name in quantity.pairs)
    for axes, (name, look) in zip(panels[1:], looks.items(), strict=True):
        every = None if quantity.every is None else quantity.every[name]
        _differences(axes, *quantity.parts(name), look, reach, every)
        axes.set_xlabel(wording.mean.format(**words))
        axes.set_ylabel(wording.difference.format(**words | {"unit": of_difference(words["unit"])}))
        if named:
            axes.set_title(wording.title.format(name=name), pad=TITLE_PAD_PT)


def _scatter(axes: Axes, quantity: Quantity, looks: Mapping[str, style.Look]) -> None:
    style.grid(axes, "both")
    for name in quantity.pairs:
        _points(axes, [pair[::-1] for pair in quantity.parts(name)], looks[name])
    values = np.concatenate([np.concatenate(pair) for pair in quantity.pairs.values()])
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    pad = 0.05 * (high - low) + 1e-6
    ends = (max(0.0, low - pad) if low >= 0 else low - pad, high + pad)
    axes.plot(ends, ends, color=style.PALE, linewidth=0.7, zorder=0)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _points(axes: Axes, parts: Sequence[Pair], look: style.Look) -> None:
    """Filled points of what counts, and hollow ones of what does not. parts: x and y of each."""
    for (x, y), shape in zip(parts, (FILLED, HOLLOW), strict=True):
        axes.plot(x, y, look.marker, color=look.colour, markersize=2.8, alpha=0.7, **shape)


def _differences(
    axes: Axes,
    counted: Pair,
    apart: Pair,
    look: style.Look,
    reach: float,
    every: int | None,
) -> None:
    style.grid(axes)
    _points(axes, [((m + k) / 2, m - k) for m, k in (counted, apart)], look)
    measured, known = counted
    found = bland_altman(measured, known)
    axes.axhline(0, color=style.PALE, linewidth=0.6)
    # numbers of close lines are moved apart
    gap = 0.16 * reach
    heights = {
        "bias": found["bias"],
        "lower": min(found["lower"], found["bias"] - gap),
        "upper": max(found["upper"], found["bias"] + gap),
    }
    # about two digits of a number as large as the scale
    digits = max(1, 1 - int(np.floor(np.log10(reach / 2.5))))
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
            f"{found[name]:+.{digits}f}".replace("-", "−"),
            (1, heights[name]),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
            color=look.colour,
            annotation_clip=False,
        )
    pairs = str(found["n"]) if every in (None, found["n"]) else f"{found['n']} of {every}"
    correlation = pearson(measured, known)["r"]
    shown = f", r = {correlation:.3f}".replace("-", "−")
    axes.text(
        1,
        1.02,
        f"n = {pairs}" + (shown if np.isfinite(correlation) else ""),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=6,
    )
    axes.set_ylim(-reach, reach)


def _reach(counted: Pair, apart: Pair) -> float:
    """Largest absolute difference or limit, and its interval up to MOST_REACH of it."""
    measured, known = counted
    values = np.abs([*measured, *known, *apart[0], *apart[1]])
    least = LEAST_REACH * float(np.nanmax(values, initial=0)) or 1.0
    found = bland_altman(measured, known)
    differences = np.abs(np.concatenate([measured - known, apart[0] - apart[1]]))
    inner = np.nanmax([least, *differences, abs(found["lower"]), abs(found["upper"])])
    outer = np.nanmax([inner, abs(found["lower_low"]), abs(found["upper_high"])])
    return float(min(outer, MOST_REACH * inner))
