"""Two observers and the networks: differences of volumes, and Dice of each pair."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.observers import MEAN, PERCENT_COLUMNS, observer_table
from cmrseg.splits import upright_rows

COLUMNS = ("volunteer", "reference", "method", "edv", "esv", "sv", "ef")
DICE_COLUMNS = ("volunteer", "reference", "method", "dice_lv", "dice_my")
QUANTITIES = ("edv", "esv", "sv", "ef")
OBSERVERS = ("expert1", "expert2")
# Panels of volumes and of overlap: column and title.
VOLUMES = tuple((name, name.upper()) for name in QUANTITIES)
OVERLAP = (("dice_lv", NAMES[Tissue.LV]), ("dice_my", NAMES[Tissue.MYO]))
# Dark grey: between observers; colours: networks against observers.
BETWEEN = style.Look("#555555", "D")
DASHES = (0, (4, 2))
ROW_MM = 6.0
# Distance of the points of one reference from the middle of a row, in rows.
APART = 0.2


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
    """Differences of EDV, ESV, SV and EF, and Dice, of the observers and of each model.

    table: columns volunteer, reference, method, edv, esv, sv, ef: absolute differences of
    `method` from `reference` in percent of the reference. dice: columns volunteer, reference,
    method, dice_lv, dice_my, with the same pairs. observers: names of human observers; a pair of
    them is inter-observer. order: all models of the study, for their colours.
    A row of a panel has the volunteers' values (points) and their mean (bar), filled against the
    first observer, hollow against the second; dashed lines are the means between the observers.
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
    looks = style.looks(set(table["method"]) - set(observers), order)
    rows = {" – ".join(observers): BETWEEN, **looks}
    result = style.figure_mm(style.TWO_COLUMNS_MM, 2 * (18 + ROW_MM * len(rows)))
    panels = result.subplots(2, len(VOLUMES), sharey=True)
    for above, (column, title) in zip(panels[0], VOLUMES, strict=True):
        _panel(above, table, column, observers, rows)
        above.set(title=title, xlabel="Difference (% of reference)")
        above.set_xlim(left=0)
    for below, (column, title) in zip(panels[1], OVERLAP, strict=False):
        _panel(below, dice, column, observers, rows)
        below.set(title=title, xlabel="Dice")
        below.set_xlim(right=1)
    for axes in panels[1, len(OVERLAP) :]:
        axes.set_visible(False)
    for axes, text in zip(panels[:, 0], "ab", strict=True):
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        style.letter(axes, text)
    volunteers = dice.loc[people, "volunteer"].nunique()
    handles = [
        _key("o", f"volunteer, against {observers[0]} (n = {volunteers})"),
        _key("o", f"against {observers[1]}", hollow=True),
        _key("|", "mean"),
        Line2D(
            [],
            [],
            color=BETWEEN.colour,
            linewidth=0.8,
            linestyle=DASHES,
            label="mean between observers",
        ),
    ]
    result.legend(
        handles=handles,
        loc="center",
        bbox_to_anchor=(0.76, 0.28),
        title="Observers and models",
        title_fontsize=7,
    )
    return result


def _panel(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    observers: Sequence[str],
    rows: Mapping[str, style.Look],
) -> None:
    """The values of a column: a row between the observers, then one for each model."""
    style.grid(axes, "x")
    axes.tick_params(axis="y", length=0)
    between = table["method"].isin(observers) & table["reference"].isin(observers)
    for place, (name, look) in enumerate(rows.items()):
        own = table[between if look is BETWEEN else table["method"] == name]
        for reference, values in own.groupby("reference")[column]:
            first = reference == observers[0]
            alone = own["reference"].nunique() == 1
            at = place if alone else place + (-APART if first else APART)
            axes.plot(
                values,
                [at] * len(values),
                look.marker,
                color=look.colour if first else "white",
                markeredgecolor=look.colour,
                markeredgewidth=0.6,
                markersize=3.2,
                alpha=0.75,
            )
            axes.plot(values.mean(), at, "|", color=look.colour, markersize=8, markeredgewidth=1.6)
    mean = table.loc[between, column].mean()
    axes.axvline(mean, color=BETWEEN.colour, linewidth=0.8, linestyle=DASHES, zorder=0)


def _key(marker: str, label: str, hollow: bool = False) -> Line2D:
    fill = "white" if hollow else style.PALE
    key = Line2D([], [], color=fill, marker=marker, linestyle="", label=label)
    key.set_markeredgecolor(style.PALE)
    key.set_markeredgewidth(1.6 if marker == "|" else 0.6)
    return key
