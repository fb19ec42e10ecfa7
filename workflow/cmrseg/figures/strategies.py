"""Dice of training strategies by size of the training set."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.splits import upright_rows

COLUMNS = ("strategy", "subset", "subject", "dice_lv", "dice_my")
SUBSETS = ("none", "all", "r7", "r3", "r1", "v7", "v3", "v1", "esed", "r_esed")
STRATEGIES = ("base", "plain", "imagenet", "double")
PANELS = (("dice_lv", "LV cavity"), ("dice_my", "LV myocardium"))
# Means stand between a panel and its title.
TITLE_PAD_PT = 11.0


def by_strategy(subjects: pd.DataFrame, models: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Evaluation rows with the transfer strategy and the training subset of their labeller.

    subjects: labeller, cohort and scores. models: start, subset and cohort of each model. A model
    trained on another cohort is `base`; one trained on this cohort is `plain`, `imagenet` or
    `double` by its start; a person is left out. A subject with a rotated copy is there as the
    copy.
    """
    table = upright_rows(subjects[subjects["labeller"].isin(models)]).copy()

    def strategy(row: pd.Series) -> str:
        model = models[row["labeller"]]
        if model["cohort"] != row["cohort"]:
            return "base"
        return {"random": "plain", "imagenet": "imagenet"}.get(model["start"], "double")

    table["strategy"] = table.apply(strategy, axis=1)
    subset = table["labeller"].map({name: model["subset"] for name, model in models.items()})
    table["subset"] = np.where(table["strategy"] == "base", "none", subset)
    return table


@style.styled
def figure(
    table: pd.DataFrame, order: Sequence[str] = STRATEGIES, subsets: Sequence[str] = SUBSETS
) -> Figure:
    """Dice of LV cavity and myocardium: points are test cases, bars with a number are means.

    table: columns strategy, subset, subject, dice_lv, dice_my; one row per case (a subject, or
    an image of one). Dice nan (tissue in neither label) is left out of the mean.
    order, subsets: strategies and subsets from left to right.
    Raises ValueError where a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "strategies")
    looks = style.looks(table["strategy"], order)
    groups = style.in_order(table["subset"], subsets)
    width = style.TWO_COLUMNS_MM * min(1.0, 0.45 + 0.1 * len(groups))
    result = style.figure_mm(width, 118)
    panels = result.subplots(2, 1, sharex=True)
    step = 0.86 / len(looks)
    cases = 0
    for axes, (column, title), text in zip(panels, PANELS, "ab", strict=True):
        style.grid(axes)
        style.letter(axes, text, TITLE_PAD_PT)
        axes.set_title(title, pad=TITLE_PAD_PT)
        axes.set_ylabel("Dice")
        for place, group in enumerate(groups):
            if place % 2:
                axes.axvspan(place - 0.5, place + 0.5, color="#F7F7F7", zorder=0, linewidth=0)
            for number, (name, look) in enumerate(looks.items()):
                chosen = (table["subset"] == group) & (table["strategy"] == name)
                values = table.loc[chosen, column].dropna().to_numpy()
                if not len(values):
                    continue
                cases = max(cases, len(values))
                centre = place + (number - (len(looks) - 1) / 2) * step
                axes.plot(
                    centre + style.jitter(len(values), step * 0.55),
                    values,
                    look.marker,
                    color=look.colour,
                    # many images make a cloud, few subjects are seen one by one
                    markersize=2.8 if len(values) <= 40 else 1.6,
                    alpha=0.6 if len(values) <= 40 else 0.25,
                    markeredgewidth=0,
                    rasterized=len(values) > 500,
                )
                mean = float(np.mean(values))
                axes.plot(
                    [centre - step * 0.38, centre + step * 0.38],
                    [mean, mean],
                    color=look.colour,
                    linewidth=1.8,
                    solid_capstyle="butt",
                )
                axes.annotate(
                    f"{100 * mean:.0f}",
                    (centre, 1.0),
                    xycoords=("data", "axes fraction"),
                    xytext=(0, -1),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=5.5,
                    color=look.colour,
                )
        low = float(table[column].min())
        axes.set_ylim(max(0, low - 0.04) if np.isfinite(low) else 0, 1.0)
        axes.set_xlim(-0.5, len(groups) - 0.5)
    panels[1].set_xticks(range(len(groups)), groups)
    panels[1].set_xlabel(f"Training subset (n ≤ {cases} test cases each; numbers: mean Dice in %)")
    for axes in panels:
        axes.tick_params(axis="x", length=0)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=name)
        for name, look in looks.items()
    ]
    style.legend_above(result, handles, width)
    return result
