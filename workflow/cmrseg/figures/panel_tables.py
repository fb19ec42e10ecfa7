"""Tables of a study's panels, as figures draw them."""

from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from cmrseg.figures.tables import named
from cmrseg.splits import upright_rows


def of_panels(
    tables: Iterable[pd.DataFrame], panels: Sequence[str], splits: Collection[str] = ()
) -> pd.DataFrame:
    """Tables of panels below each other, with the name of each in a first column `panel`.

    tables: with subject and split. splits: those that are kept, all if empty. Of a subject with a
    rotated copy only the copy is kept.
    """
    table = upright_rows(named(tables, panels, "panel"))
    return table[table["split"].isin(splits)] if splits else table


def counted(known: int, every: int) -> str:
    """Number of subjects with a value: "12", or "10 of 12" if some have none."""
    return str(every) if known == every else f"{known} of {every}"


def trusted_details(measured: pd.DataFrame, details: pd.DataFrame) -> pd.DataFrame:
    """The details of the subjects of a panel's table of a measure that are not doubted."""
    trusted = measured["doubt"].isna() | (measured["doubt"] == "")
    chosen = set(measured.loc[trusted, "subject"])
    return details[details["subject"].isin(chosen)]
