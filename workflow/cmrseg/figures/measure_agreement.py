"""Agreement of the measures of panels with those of the first panel: scatter, Bland-Altman."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.agreement import Quantity, Wording, agreement_figure
from cmrseg.figures.column_names import in_words
from cmrseg.figures.units import units_of


@style.styled
def figure(table: pd.DataFrame, columns: Sequence[str], panels: Sequence[str]) -> Figure:
    """Scatter plots of each column, then Bland-Altman plots of each panel beside the first.

    table: panel, subject, and `columns`, whose names say their units. panels: the others are
    compared with the first; differences are the other minus the first. A subject counts if both
    panels have its value; "n = 10 of 12" names the number of rows in either table, too.
    Volumes of mice are in µl. Raises ValueError where a column or every row is missing, and for
    fewer than two panels.
    """
    table = style.checked(table, ("panel", "subject", *columns), "measure_agreement")
    if len(panels) < 2:
        raise ValueError(f"figure measure_agreement: one panel, {panels[0]}; expected two or more")
    first, *others = panels
    quantities = []
    for column in columns:
        name, unit, factor = in_words(column)
        values = table.pivot(index="subject", columns="panel", values=column).astype(float)
        if unit == "ml":
            units = units_of(table[column])
            unit, factor = units.volume, units.factor
        values = values.reindex(columns=list(panels)) * factor
        seen = {p: set(table.loc[table["panel"] == p, "subject"]) for p in panels}
        pairs = {p: (values[p].to_numpy(), values[first].to_numpy()) for p in others}
        every = {p: len(seen[p] | seen[first]) for p in others}
        quantities.append(Quantity(name, name, unit, pairs, every))
    wording = Wording(
        known=f"{first} ({{unit}})",
        mean="Mean of both ({unit})",
        difference="Difference ({unit})",
        title=f"{{name}} − {first}",
        measured=f"{others[0] if len(others) == 1 else 'Others'} ({{unit}})",
    )
    looks = style.looks(panels, panels)
    return agreement_figure(quantities, {name: looks[name] for name in others}, wording)
