"""Subjects of the confidence sets: heart volumes, sex, age and scanner by bin of the score."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.distributions import boxes, points

COLUMNS = (
    "bin",
    "true_ef",
    "true_edv_ml",
    "true_esv_ml",
    "age_y",
    "sex",
    "field_strength_t",
)
# Bins of the score are exclusive, unlike the sets.
BINS = {"p05": "≤ 5", "p10": "5–10", "p15": "10–15", "rest": "> 15"}
BIN_COLOURS = (*style.SET_COLOURS[:3], style.NO_SET_COLOUR)
# Column, title, axis label, scale factor, largest value shown (as in the published figure).
QUANTITIES = (
    ("true_ef", "EF", "True ejection fraction (%)", 100.0, None),
    ("true_edv_ml", "EDV", "True end-diastolic volume (ml)", 1.0, 400.0),
    ("true_esv_ml", "ESV", "True end-systolic volume (ml)", 1.0, 400.0),
    ("age_y", "Age", "Age (years)", 1.0, None),
)
SHARES = (("sex", "Sex", ""), ("field_strength_t", "Field strength", " T"))
SHARE_COLOURS = ("#5F5F5F", "#D9D9D9")


@style.styled
def figure(table: pd.DataFrame) -> Figure:
    """Boxes of EF, EDV, ESV and age, and shares of sex and field strength, by bin of the score.

    table: one row per study with the columns bin (p05, p10, p15, rest), true_ef (fraction),
    true_edv_ml, true_esv_ml, age_y, sex, field_strength_t. Points are studies, diamonds means.
    Volumes of 400 ml and more are not drawn; their number is given.
    Raises ValueError if a column, every row or the name of a bin is missing.
    """
    table = style.checked(table, COLUMNS, "confidence_sets")
    strange = sorted(set(table["bin"]) - set(BINS))
    if strange:
        raise ValueError(
            f"figure confidence_sets: bin {', '.join(strange)} is unknown, expected {list(BINS)}"
        )
    result = style.figure_mm(style.TWO_COLUMNS_MM, 114)
    panels = result.subplots(2, 3)
    for axes, quantity in zip(panels.flat, QUANTITIES, strict=False):
        _boxes(axes, table, *quantity)
    for axes, share in zip(panels.flat[len(QUANTITIES) :], SHARES, strict=True):
        _shares(axes, table, *share)
    counts = table["bin"].value_counts()
    for axes, text in zip(panels.flat, "abcdef", strict=True):
        style.letter(axes, text)
        axes.set_xlim(-0.6, len(BINS) - 0.4)
        axes.set_xticks(
            range(len(BINS)), [f"{name}\nn = {counts.get(key, 0)}" for key, name in BINS.items()]
        )
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel("Confidence score (%)")
    return result


def _boxes(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    title: str,
    label: str,
    factor: float,
    largest: float | None,
) -> None:
    style.grid(axes)
    values = table[column] * factor
    shown = table.assign(value=values)[values < largest if largest else values.notna()]
    place = (shown, "value", "bin", list(BINS))
    colours = dict(zip(BINS, BIN_COLOURS, strict=True))
    points(axes, *place, 0.74, False, hue="bin", palette=colours, alpha=0.75)
    boxes(axes, *place, style.INK, False, filled=False, width=0.4, showmeans=True)
    axes.set_title(title)
    axes.set_ylabel(label)
    axes.set_ylim(0, None)
    beyond = int((values >= largest).sum()) if largest else 0
    if beyond:
        axes.text(
            1,
            1.02,
            f"not shown: {beyond} ≥ {largest:g} ml",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize=6,
            color=style.PALE,
        )


def _shares(axes: Axes, table: pd.DataFrame, column: str, title: str, unit: str) -> None:
    counts = pd.crosstab(table["bin"], table[column]).reindex(list(BINS), fill_value=0)
    percent = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    below = pd.Series(0.0, counts.index)
    for kind, colour in zip(_kinds(counts), _shades(counts.shape[1]), strict=True):
        bars = axes.bar(
            range(len(BINS)),
            percent[kind],
            bottom=below,
            width=0.74,
            color=colour,
            edgecolor="white",
            label=f"{kind:g}{unit}" if unit else str(kind),
        )
        dark = colour == SHARE_COLOURS[0]
        axes.bar_label(
            bars,
            [str(n) if n else "" for n in counts[kind]],
            label_type="center",
            fontsize=6.5,
            color="white" if dark else style.INK,
        )
        below = below + percent[kind]
    axes.set_title(title)
    axes.set_ylabel("Studies (%)")
    axes.set_ylim(0, 100)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.99), ncols=counts.shape[1], columnspacing=1
    )


def _kinds(counts: pd.DataFrame) -> list:
    """The values whose shares are drawn, the most frequent one at the bottom."""
    return list(counts.sum().sort_values(ascending=False, kind="stable").index)


def _shades(count: int) -> Sequence[str]:
    return [SHARE_COLOURS[i % 2] for i in range(count)]
