"""Agreement of EDV, ESV and EF with the known values: scatter and Bland-Altman."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.agreement import Quantity, Wording, agreement_figure
from cmrseg.figures.units import units_of

COLUMNS = (
    "labeller",
    "subject",
    "edv_ml",
    "esv_ml",
    "ef",
    "true_edv_ml",
    "true_esv_ml",
    "true_ef",
)
# Column, title, and name on the axes (EF is a fraction in tables, percent in figures).
QUANTITIES = (
    ("edv_ml", "End-diastolic volume", "EDV"),
    ("esv_ml", "End-systolic volume", "ESV"),
    ("ef", "Ejection fraction", "EF"),
)
WORDING = Wording(
    known="Known {short} ({unit})",
    mean="Mean of {short} and known ({unit})",
    difference="{short} − known ({unit})",
    apart="subject of training, not counted",
)


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = (), ventricle: str = "lv") -> Figure:
    """A row of scatter plots with all labellers, then a row of Bland-Altman plots for each.

    table: columns labeller, subject, edv_ml, esv_ml, ef (fraction) and the same with true_.
    order: all labellers of the study, for colours and the order of rows. Differences are
    labeller minus truth; lines are the bias and the 95 % limits of agreement, bands their 95 %
    confidence intervals. Pairs with a nan do not count in n, nor do rows of an optional column
    seen (bool): subjects from which the labeller learnt, which are drawn hollow.
    ventricle: rv is named on the axes. Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "volume_agreement")
    side = "" if ventricle == "lv" else "RV "
    looks = style.looks(table["labeller"], order)
    units = units_of(table[["edv_ml", "true_edv_ml"]])
    quantities = []
    for name, title, short in QUANTITIES:
        unit, factor = ("%", 100.0) if name == "ef" else (units.volume, units.factor)
        pairs, seen = {}, {}
        for labeller in looks:
            rows = table[table["labeller"] == labeller]
            measured, known = (rows[n].to_numpy(float) * factor for n in (name, f"true_{name}"))
            pairs[labeller] = measured, known
            if "seen" in rows:
                seen[labeller] = rows["seen"].to_numpy(bool)
        title = f"{side}{title.lower()}" if side else title
        quantities.append(Quantity(title, f"{side}{short}", unit, pairs, apart=seen))
    return agreement_figure(quantities, looks, WORDING)
