"""Two observers and the networks: differences of volumes, and Dice of each pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cmrseg.figures import style
from cmrseg.figures.distributions import points
from cmrseg.labels import COLOURS, NAMES, Tissue
from cmrseg.measure.observers import MEAN, PERCENT_COLUMNS, observer_table
from cmrseg.splits import upright_rows

COLUMNS = ("volunteer", "reference", "method", "edv", "esv", "sv", "ef")
DICE_COLUMNS = ("volunteer", "reference", "method", "dice_lv", "dice_my")
QUANTITIES = ("edv", "esv", "sv", "ef")
OBSERVERS = ("expert1", "expert2")
# Dark grey: between observers; colours: networks against observers.
OBSERVER_COLOUR = "#555555"


def observer_differences(
    curves: Mapping[str, pd.DataFrame],
    measures: Mapping[str, pd.DataFrame],
    references: Sequence[str],
) -> pd.DataFrame:
    """Percent differences of EDV, ESV, SV and EF of every pair of a reference and a method.

    curves: by labeller, the volume curves (subject, frame, lv_ml). measures: by reference, the
    frames at which both sides are compared (subject, ed_frame, es_frame). references: labellers
    that others are compared with, the first observer first; pairs of references are compared
    once. If the method did not label these frames, values are nan. If a subject has a rotated
    copy, only the copy is included.
    Returns volunteer, reference, method, edv, esv, sv, ef.
    """
    curves = {name: upright_rows(table) for name, table in curves.items()}
    tables = []
    for number, reference in enumerate(references):
        for method in curves:
            if method in references[: number + 1]:
                continue
            pair = curves[reference].merge(
                curves[method], on=["subject", "frame"], suffixes=("", "_second")
            )
            pair = pair.rename(columns={"lv_ml": "first_px", "lv_ml_second": "second_px"})
            table = observer_table(pair, measures[reference], ml_per_pixel=1.0)
            table = table[table["subject"] != MEAN]
            short = {name: name.removesuffix("_percent") for name in PERCENT_COLUMNS}
            table = table[["subject", *PERCENT_COLUMNS]].rename(
                columns={"subject": "volunteer", **short}
            )
            tables.append(table.assign(reference=reference, method=method))
    return pd.concat(tables, ignore_index=True)


@style.styled
def figure(
    table: pd.DataFrame,
    dice: pd.DataFrame,
    observers: Sequence[str] = OBSERVERS,
    order: Sequence[str] = (),
) -> Figure:
    """Percent differences of EDV, ESV, SV, EF by pair, and model Dice against observers' Dice.

    table: columns volunteer, reference, method, edv, esv, sv, ef: absolute differences of
    `method` from `reference` in percent of the reference. dice: columns volunteer, reference,
    method, dice_lv, dice_my, with the same pairs. observers: names of human observers; a pair of
    them is inter-observer. order: all models of the study, for their colours.
    Raises ValueError if a column or every row is missing, or there is no inter-observer Dice.
    """
    table = style.checked(table, COLUMNS, "observers")
    dice = style.checked(dice, DICE_COLUMNS, "observers")
    people = dice["reference"].isin(observers) & dice["method"].isin(observers)
    if not people.any():
        raise ValueError(
            f"figure observers: no Dice between two of {', '.join(observers)}; "
            "give their pair or name the observers"
        )
    result = style.figure_mm(style.TWO_COLUMNS_MM, 78)
    differences, agreement = result.subplots(1, 2, width_ratios=[1.5, 1])
    _differences(differences, table, observers, order)
    _dice(agreement, dice, people, order, observers)
    style.letter(differences, "a")
    style.letter(agreement, "b")
    return result


def _differences(
    axes: Axes, table: pd.DataFrame, observers: Sequence[str], order: Sequence[str]
) -> None:
    style.grid(axes)
    models = set(table["method"]) - set(observers)
    looks = style.looks(models, order)
    pairs = list(table.groupby(["method", "reference"], sort=False).groups)
    rank = [*observers, *looks]
    pairs.sort(key=lambda pair: (rank.index(pair[0]), pair[1]))
    colours, labels = {}, {}
    for method, reference in pairs:
        rows = table[(table["method"] == method) & (table["reference"] == reference)]
        colour = OBSERVER_COLOUR if method in observers else looks[method].colour
        # the second observer as reference: the same colour, but paler
        pale = method not in observers and reference != observers[0]
        name = f"{reference} – {method}"
        colours[name] = _mixed_with_white(colour, 0.6 if pale else 0.15)
        labels[name] = f"{name} (n = {_counted(rows)})"
    long = table.assign(pair=table["reference"] + " – " + table["method"]).melt(
        "pair", list(QUANTITIES), "quantity", "percent"
    )
    side: dict[str, Any] = {"hue": "pair", "hue_order": list(colours), "dodge": True}
    sns.barplot(
        long,
        x="quantity",
        y="percent",
        order=QUANTITIES,
        **side,
        palette=colours,
        saturation=1,
        errorbar=None,
        gap=0.1,
        linewidth=0,
        legend=False,
        ax=axes,
    )
    points(
        axes,
        long,
        "percent",
        "quantity",
        QUANTITIES,
        0.4 / len(pairs),
        False,
        **side,
        palette=dict.fromkeys(colours, "white"),
        edgecolor=style.INK,
        linewidth=0.5,
        size=2.6,
        alpha=1,
        zorder=3,
    )
    axes.set_xticks(range(len(QUANTITIES)), [quantity.upper() for quantity in QUANTITIES])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, float(table[list(QUANTITIES)].max(axis=None)) * 1.06)
    axes.set_ylabel("Absolute difference (% of reference)")
    axes.set_title("Volumes: bar mean, points volunteers")
    axes.legend(
        handles=[Patch(color=colours[name], label=label) for name, label in labels.items()],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.1),
        ncols=2,
        columnspacing=1,
    )


def _counted(rows: pd.DataFrame) -> str:
    """Number of volunteers with a value; a range if it differs between quantities."""
    counts = rows[list(QUANTITIES)].notna().sum()
    return f"{counts.max()}" if counts.min() == counts.max() else f"{counts.min()}–{counts.max()}"


def _dice(
    axes: Axes,
    dice: pd.DataFrame,
    people: pd.Series,
    order: Sequence[str],
    observers: Sequence[str],
) -> None:
    style.grid(axes, "both")
    looks = style.looks(dice.loc[~people, "method"], order)
    between = dice[people].groupby("volunteer")[["dice_lv", "dice_my"]].mean()
    used = []
    for name, look in looks.items():
        rows = dice[~people & (dice["method"] == name)]
        for column, tissue in (("dice_lv", Tissue.LV), ("dice_my", Tissue.MYO)):
            for reference in sorted(set(rows["reference"])):
                some = rows[rows["reference"] == reference]
                across = between[column].reindex(some["volunteer"]).to_numpy()
                used += [*across, *some[column]]
                axes.plot(
                    across,
                    some[column],
                    look.marker,
                    color=COLOURS[tissue] if reference == observers[0] else "white",
                    markeredgecolor=COLOURS[tissue],
                    markeredgewidth=1.0,
                    markersize=4.2,
                )
    low = max(0.0, float(np.nanmin(used)) - 0.03)
    axes.plot([low, 1], [low, 1], color=style.PALE, linewidth=0.7, zorder=0)
    axes.set(xlim=(low, 1), ylim=(low, 1), aspect="equal")
    axes.set_xlabel("Dice between observers")
    axes.set_ylabel("Dice of model against an observer")
    axes.set_title(f"Overlap (n = {len(between)} volunteers)")
    references = sorted(set(dice.loc[~people, "reference"]))
    columns = [
        [_key(COLOURS[t], "o", NAMES[t]) for t in (Tissue.LV, Tissue.MYO)],
        [_key(style.PALE, look.marker, name) for name, look in looks.items()],
        [
            _key(style.PALE, "o", f"against {name}", None if name == observers[0] else "white")
            for name in references
        ],
    ]
    rows = max(map(len, columns))
    blank = Line2D([], [], linestyle="", label=" ")
    axes.legend(
        handles=[key for keys in columns for key in keys + [blank] * (rows - len(keys))],
        loc="upper center",
        bbox_to_anchor=(0.45, -0.14),
        ncols=3,
        handletextpad=0.1,
        columnspacing=0.8,
    )


def _key(colour: str, marker: str, label: str, fill: str | None = None) -> Line2D:
    return Line2D(
        [], [], color=fill or colour, marker=marker, markeredgecolor=colour, ls="", label=label
    )


def _mixed_with_white(colour: str, white: float) -> str:
    red, green, blue = ((1 - white) * part + white for part in to_rgb(colour))
    return to_hex((red, green, blue))
