"""Members of ensembles beside the ensemble itself: Dice, and errors of volumes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style

COLUMNS = ("ensemble", "member", "measure", "value")
# Title of each measure, and factor to the unit of its axis.
TITLES = {
    "dice_lv": ("Dice, LV cavity", 1.0),
    "dice_my": ("Dice, LV myocardium", 1.0),
    "dice_rv": ("Dice, RV cavity", 1.0),
    "edv_error": ("Absolute error of\nEDV (ml)", 1.0),
    "esv_error": ("Absolute error of\nESV (ml)", 1.0),
    "ef_error": ("Absolute error of\nEF (percentage points)", 100.0),
}
PER_ROW = 3
PANEL_MM = 20.0
ROW_MM = 6.0
# Reach of an axis on either side of the values, as a part of their range, and the least range.
MARGIN, LEAST_RANGE = 0.15, 0.02


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """A panel per measure, a row per ensemble: a mark per member, their mean ± SD, the ensemble.

    table: ensemble, member ("" is the ensemble itself), measure (a key of TITLES), value: means
    over the same subjects. order: ensembles from top to bottom. Raises ValueError if a column or
    every row is missing.
    """
    table = style.checked(table, COLUMNS, "spread")
    looks = style.looks(table["ensemble"], order)
    shown = [m for m in TITLES if table.loc[table["measure"] == m, "value"].notna().any()]
    rows = -(-len(shown) // PER_ROW)
    height_mm = 12 + rows * (PANEL_MM + ROW_MM * len(looks))
    result = style.figure_mm(style.TWO_COLUMNS_MM, height_mm)
    panels = result.subplots(rows, PER_ROW, squeeze=False)
    for number, axes in enumerate(panels.flat):
        if number >= len(shown):
            axes.set_visible(False)
            continue
        measure = shown[number]
        title, factor = TITLES[measure]
        own = table[table["measure"] == measure]
        _draw(axes, own.assign(value=own["value"] * factor), looks)
        axes.set_title(title)
        if number % PER_ROW:
            axes.set_yticklabels([])
    handles = [
        Line2D([], [], color=style.INK, marker="o", linestyle="", markersize=2.6, label="member"),
        Line2D([], [], color=style.INK, marker="|", label="mean ± SD of members"),
        Line2D(
            *([], []),
            color=style.INK,
            marker="D",
            markerfacecolor="white",
            linestyle="",
            label="ensemble",
        ),
    ]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    return result


def _draw(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    style.grid(axes, "x")
    ends = table["value"].tolist()
    for row, (name, look) in enumerate(looks.items()):
        own = table[table["ensemble"] == name]
        members = own.loc[own["member"] != "", "value"].to_numpy(float)
        itself = own.loc[own["member"] == "", "value"].to_numpy(float)
        mean, sd = members.mean(), members.std(ddof=1)
        ends += [mean - sd, mean + sd]
        offsets = style.jitter(len(members), 0.3)
        axes.plot(members, row + 0.2 + offsets / 2, "o", color=look.colour, markersize=2.6)
        axes.errorbar(
            mean,
            row - 0.05,
            xerr=sd,
            color=look.colour,
            marker="|",
            capsize=0,
            linewidth=1.2,
        )
        axes.plot(itself, row - 0.28, "D", color=look.colour, markerfacecolor="white")
    low, high = np.nanmin(ends), np.nanmax(ends)
    reach = MARGIN * max(high - low, LEAST_RANGE)
    axes.set_xlim(low - reach, high + reach)
    axes.set_ylim(len(looks) - 0.4, -0.6)
    axes.set_yticks(range(len(looks)), list(looks))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def members_table(
    names: Sequence[str],
    evaluations: Sequence[pd.DataFrame],
    ensemble: str,
    own: pd.DataFrame,
    learnt: Sequence[str],
) -> pd.DataFrame:
    """Rows of `figure` for an ensemble: means over the subjects that all of them have.

    names, evaluations: members, and their evaluations by subject. own: that of the ensemble.
    learnt: splits whose subjects the members were trained on, which do not count. Errors of volumes
    are absolute, against the reference's.
    """
    tables = {name: _scores(t) for name, t in zip(["", *names], [own, *evaluations], strict=True)}
    outside = own.loc[~own["split"].isin(learnt), "subject"]
    rows = []
    for measure in TITLES:
        if any(measure not in t for t in tables.values()):
            continue
        joined = pd.concat({n: t[measure] for n, t in tables.items()}, axis=1)
        means = joined.reindex(outside).dropna().mean()
        rows += [
            {"ensemble": ensemble, "member": name, "measure": measure, "value": means[name]}
            for name in tables
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    """Dice and absolute errors of volumes by subject."""
    table = table.set_index("subject")
    found = table.reindex(columns=[c for c in TITLES if c in table]).astype(float)
    for measure, column in (("edv_error", "edv_ml"), ("esv_error", "esv_ml"), ("ef_error", "ef")):
        if f"predicted_{column}" in table:
            difference = table[f"predicted_{column}"] - table[f"reference_{column}"]
            found[measure] = difference.abs().astype(float)
    return found
