"""Two examinations of the same patients, by labeller: scatter and Bland-Altman plots."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.agreement import Quantity, Wording, agreement_figure
from cmrseg.figures.units import units_of
from cmrseg.figures.volume_agreement import QUANTITIES
from cmrseg.measure.examinations import NOTHING

COLUMNS = ("labeller", "changed", "measure", "first", "second", "first_value", "second_value")
WORDING = Wording(
    known="First: {short} ({unit})",
    mean="Mean of both scans: {short} ({unit})",
    difference="Second − first ({unit})",
    measured="Second: {short} ({unit})",
)


@style.styled
def figure(pairs: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """A row of scatter plots with all labellers, then a row of Bland-Altman plots for each.

    pairs: columns of `measure.repeatability.PAIR_COLUMNS`; those in which nothing changed are left
    out. order: labellers, for colours and rows. Raises ValueError if a column or every row is
    missing.
    """
    pairs = style.checked(pairs, COLUMNS, "repeatability")
    pairs = style.checked(pairs[pairs["changed"] != NOTHING], COLUMNS, "repeatability")
    looks = style.looks(pairs["labeller"], order)
    units = units_of(pairs.loc[pairs["measure"] == "edv_ml", ["first_value", "second_value"]])
    quantities = []
    for measure, title, short in QUANTITIES:
        unit, factor = ("%", 100.0) if measure == "ef" else (units.volume, units.factor)
        found, every = {}, {}
        for labeller in looks:
            own = pairs[(pairs["labeller"] == labeller) & (pairs["measure"] == measure)]
            second, first = (own[f"{n}_value"].to_numpy(float) for n in ("second", "first"))
            found[labeller], every[labeller] = (second * factor, first * factor), len(own)
        quantities.append(Quantity(title, short, unit, found, every))
    return agreement_figure(quantities, looks, WORDING)
