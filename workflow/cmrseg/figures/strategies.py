"""Dice of training strategies by size of the training set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.distributions import points
from cmrseg.splits import upright_rows

COLUMNS = ("strategy", "subset", "subject", "dice_lv", "dice_my")
SUBSETS = ("none", "all", "r7", "r3", "r1", "v7", "v3", "v1", "esed", "r_esed")
# Training subsets on the axis: volunteers, or as many random images as theirs; frames.
SUBSET_WORDS = {
    **{f"v{n}": f"{n} volunteer{'s' * (n > 1)}" for n in (7, 3, 1)},
    **{f"r{n}": f"random,\nas {n} vol." for n in (7, 3, 1)},
    **{"esed": "ED and ES", "r_esed": "random,\nas ED, ES"},
}
STRATEGIES = ("base", "plain", "imagenet", "double")
# Strategies by the start of a model; any other start is a model.
STARTS = {"random": "plain", "imagenet": "imagenet"}
PANELS = (("dice_lv", "LV cavity"), ("dice_my", "LV myocardium"))
# Width of all strategies of a subset, which are 1 apart: seaborn's.
DODGE = 0.8
# The bar of an ensemble's members beside its own, as a share of the width of a strategy.
BESIDE = 0.36
# Up to this number cases can be distinguished.
FEW = 40
DASHES = (0, (4, 2))
# Space for the means between a panel and its title.
TITLE_PAD_PT = 11.0


def by_strategy(subjects: pd.DataFrame, models: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Evaluation rows with the transfer strategy and the training subset of their labeller.

    subjects: labeller, cohort (one) and scores. models: start, subset, cohort and network of each
    model. A model trained on another cohort is `base`; one trained on this cohort is `plain`,
    `imagenet` or `double` by its start; annotators are excluded. If several models of a strategy
    were trained on the same subset, the network is added to the name, or the model if networks
    are equal: each is then a separate strategy. If a subject has a rotated copy, only the copy is
    included.
    """
    table = upright_rows(subjects[subjects["labeller"].isin(models)]).copy()
    if table.empty:
        return table.assign(strategy="", subset="")
    there = pd.DataFrame([{"model": name, **models[name]} for name in table["labeller"].unique()])
    start = there["start"].map(lambda given: STARTS.get(given, "double"))
    base = there["cohort"] != table["cohort"].iloc[0]
    there["strategy"], there["subset"] = (
        start.mask(base, "base"),
        there["subset"].mask(base, "none"),
    )
    names = pd.concat([_names(rows) for _, rows in there.groupby("strategy")])
    table["strategy"] = table["labeller"].map(names)
    table["subset"] = table["labeller"].map(there.set_index("model")["subset"])
    return table


def _names(models: pd.DataFrame) -> pd.Series:
    """Name of a strategy for each of its models, by model: one for each of a subset."""
    plain = models.set_index("model", drop=False)
    for said in ("", " " + plain["network"], " " + plain["model"]):
        names = plain["strategy"] + said
        if not pd.DataFrame({"name": names, "subset": plain["subset"]}).duplicated().any():
            break
    return names


@style.styled
def figure(
    table: pd.DataFrame,
    order: Sequence[str] = STRATEGIES,
    subsets: Sequence[str] = SUBSETS,
    observers: pd.DataFrame | None = None,
    members: pd.DataFrame | None = None,
) -> Figure:
    """Dice of LV cavity and myocardium: points are test cases, bars with a number are means.

    table: columns strategy, subset, subject, dice_lv, dice_my; one row per case (a subject, or
    an image of one). Dice nan (tissue in neither label) is excluded from the mean.
    order, subsets: strategies and subsets from left to right; a strategy with an added
    network or model has the position of its strategy. observers: dice_lv and dice_my of the same
    subjects between two observers, whose mean is a dashed line. members: as table, with the column
    member: scores of each member of an ensemble, such as one per seed; the mean and standard
    deviation of their means are a bar beside that of the ensemble.
    Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "strategies")
    places = {name: number for number, name in enumerate(order)}
    by_place = sorted(
        set(table["strategy"]), key=lambda name: (places.get(name.split()[0], 99), name)
    )
    looks = style.looks(table["strategy"], by_place)
    groups = style.in_order(table["subset"], subsets)
    width = style.TWO_COLUMNS_MM * min(1.0, 0.45 + 0.1 * len(groups))
    result = style.figure_mm(width, 118)
    panels = result.subplots(2, 1, sharex=True)
    step = DODGE / len(looks)

    def place(name: str, group: str) -> float:
        return groups.index(group) + (list(looks).index(name) - (len(looks) - 1) / 2) * step

    cases = 0
    between = table.iloc[:0] if observers is None else observers
    spread = table.iloc[:0].assign(member="") if members is None else members
    for axes, (column, title), text in zip(panels, PANELS, "ab", strict=True):
        style.grid(axes)
        style.letter(axes, text, TITLE_PAD_PT)
        _cases(axes, table, column, groups, looks)
        axes.set_title(title, pad=TITLE_PAD_PT)
        axes.set_ylabel("Dice")
        found = table.groupby(["strategy", "subset"])[column].agg(["mean", "count"])
        cases = max(cases, int(found["count"].max()))
        for (name, group), mean in found["mean"].dropna().items():
            axes.annotate(
                f"{mean:.2f}",
                (place(name, group), 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -1),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=5.5,
                color=looks[name].colour,
            )
        low = float(table[column].min())
        for (name, group), own in spread.groupby(["strategy", "subset"]):
            means = own.groupby("member")[column].mean()
            low = np.fmin(low, means.mean() - means.std(ddof=1))
            axes.errorbar(
                *(place(name, group) + BESIDE * step, means.mean(), means.std(ddof=1)),
                color=style.INK,
                linewidth=0.9,
                marker="_",
                markersize=4,
                capsize=1.8,
                zorder=4,
            )
        if len(between):
            level = float(between[column].mean())
            axes.axhline(level, color=style.INK, linewidth=0.8, linestyle=DASHES, zorder=1)
            low = min(low, level)
        axes.set_ylim(max(0, low - 0.04) if np.isfinite(low) else 0, 1.0)
        axes.set_xlim(-0.5, len(groups) - 0.5)
    panels[1].set_xticks(range(len(groups)), [SUBSET_WORDS.get(group, group) for group in groups])
    panels[1].set_xlabel(f"Training subset (n ≤ {cases} test cases each; numbers: mean Dice)")
    for axes in panels:
        axes.tick_params(axis="x", length=0)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=name)
        for name, look in looks.items()
    ]
    if len(between):
        line = Line2D([], [], color=style.INK, linewidth=0.8, linestyle=DASHES)
        line.set_label("mean between observers")
        handles.append(line)
    if len(spread):
        bar = Line2D([], [], color=style.INK, linestyle="", marker="|", markersize=6)
        bar.set_label("mean ± SD over members")
        handles.append(bar)
    style.legend_above(result, handles, width)
    return result


def _cases(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    groups: Sequence[str],
    looks: Mapping[str, style.Look],
) -> None:
    """Points of the cases and bars of the means, side by side in each subset."""
    for shaded in range(1, len(groups), 2):
        axes.axvspan(shaded - 0.5, shaded + 0.5, color="#F7F7F7", zorder=0, linewidth=0)
    colours = {name: look.colour for name, look in looks.items()}
    side: dict[str, Any] = {"hue": "strategy", "hue_order": list(looks), "palette": colours}
    # many images form a cloud, few subjects are distinct points
    few = table.groupby(["strategy", "subset"])[column].count().max() <= FEW
    size, alpha = (2.8, 0.6) if few else (1.6, 0.25)
    for name, look in looks.items():
        rows = table[table["strategy"] == name]
        place = (axes, rows, column, "subset", groups, 0.55 * DODGE / len(looks), False)
        points(*place, **side, dodge=True, marker=look.marker, size=size, alpha=alpha)
    sns.pointplot(
        table,
        x="subset",
        y=column,
        order=groups,
        **side,
        dodge=DODGE * (1 - 1 / len(looks)),
        errorbar=None,
        linestyle="none",
        marker="_",
        markersize=7,
        markeredgewidth=1.8,
        legend=False,
        ax=axes,
    )
