"""The observer table: differences of volumes between two experts and the network."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.measure.observers import MEAN

COLUMNS = ("volunteer", "reference", "method", "edv", "esv", "sv", "ef")
QUANTITIES = {"edv": "EDV", "esv": "ESV", "sv": "SV", "ef": "EF"}
# Meaning of the names in the table, in the order in which pairs are shown.
PEOPLE = {"WS": "first expert", "TR": "second expert", "doubleTransferLearn": "network (TL2)"}
# Right edges of the columns of numbers, left edges of the names, as fractions of the width.
NAME_X, PERSON_X, NUMBER_X = 0.0, 0.335, (0.60, 0.735, 0.87, 1.0)
ROW_MM = 4.6


@style.styled
def figure(table: pd.DataFrame) -> Figure:
    """A table with a block for each pair: a row for each volunteer and their mean in bold.

    table: one row per pair and volunteer, and one for the volunteer `mean`, with the columns
    volunteer, reference, method, edv, esv, sv, ef: |method - reference| in percent of the
    reference. Numbers have one decimal.
    Raises ValueError if a column or every row is missing, or a pair has no or several means.
    """
    table = style.checked(table, COLUMNS, "observer_table")
    blocks = list(table.groupby(["reference", "method"], sort=False))
    rank = style.in_order({name for pair, _ in blocks for name in pair}, list(PEOPLE))
    blocks.sort(key=lambda block: (rank.index(block[0][0]), rank.index(block[0][1])))
    rows = 2 + len(table)
    result = style.figure_mm(style.ONE_COLUMN_MM, ROW_MM * (rows + 0.6))
    axes = result.add_subplot()
    axes.set(xlim=(0, 1), ylim=(rows, 0))
    axes.set_axis_off()
    _rule(axes, 0.05, 0.8)
    axes.text(1, 0.55, "Difference (% of the first named)", ha="right", va="center")
    _cells(axes, 1.5, "Pair", "Volunteer", list(QUANTITIES.values()), weight="bold")
    _rule(axes, 2.0, 0.5)
    line = 2.5
    for number, ((reference, method), block) in enumerate(blocks):
        means = block[block["volunteer"] == MEAN]
        if len(means) != 1:
            raise ValueError(
                f"figure observer_table: {reference} and {method} have {len(means)} rows of the "
                f"volunteer {MEAN}, expected one"
            )
        if number:
            _rule(axes, line - 0.5, 0.3)
        names = [f"{PEOPLE.get(reference, reference).capitalize()} –", PEOPLE.get(method, method)]
        ordered = pd.concat([block.drop(means.index), means])
        for place, (_, row) in enumerate(ordered.iterrows()):
            mean = row.name == means.index[0]
            values = [f"{row[name]:.1f}" for name in QUANTITIES]
            name = names[place] if place < len(names) else ""
            _cells(axes, line, name, row["volunteer"], values, "bold" if mean else "normal")
            line += 1
    _rule(axes, line - 0.5, 0.8)
    return result


def _cells(
    axes: Axes, line: float, name: str, person: str, values: list[str], weight: str = "normal"
) -> None:
    head = weight if person == "Volunteer" else "normal"
    axes.text(NAME_X, line, name, va="center", weight=head)
    axes.text(PERSON_X, line, person, va="center", weight=weight)
    for x, value in zip(NUMBER_X, values, strict=True):
        axes.text(x, line, value, va="center", ha="right", weight=weight)


def _rule(axes: Axes, y: float, width_pt: float) -> None:
    axes.plot([0, 1], [y, y], color=style.INK, linewidth=width_pt, solid_capstyle="butt")
