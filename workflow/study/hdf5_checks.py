"""Checks of layouts of HDF5: what files do not say, and rows of files with many subjects."""

from typing import Any

import pandas as pd

from cmrseg.layouts.inputs import TAGGING_ROWS
from study.tables import GRID, WITHOUT_GRID, StudyError


def check_rows(cohort: str, table: pd.DataFrame) -> None:
    """Raise StudyError naming the subject whose rows are no rows, or also another one's."""
    for study, subjects in table.groupby("study"):
        owners: dict[int, str] = {}
        for subject, series in subjects[["subject", "series"]].itertuples(index=False):
            where = f"cohort {cohort}: subject {subject}"
            if series and not TAGGING_ROWS.fullmatch(series):
                raise StudyError(
                    f"{where} has series '{series}', expected rows of its file, from base to apex, "
                    "as 0,1,2"
                )
            for row in map(int, series.split(",") if series else ()):
                if row in owners:
                    raise StudyError(
                        f"{where}: row {row} of file {study} is also of subject {owners[row]}; a "
                        "slice belongs to one, once"
                    )
                owners[row] = subject


def check_grid(name: str, cohort: dict[str, Any], table: pd.DataFrame) -> None:
    """Only files of some layouts contain no spacing and no time."""
    if cohort["layout"] not in WITHOUT_GRID:
        for key in GRID:
            if key in cohort:
                raise StudyError(
                    f"cohort {name}: {key} is for the layouts {' and '.join(WITHOUT_GRID)}; layout "
                    f"{cohort['layout']} has its own"
                )
        return
    if cohort["layout"] == "tagging":
        return
    for key in GRID:
        missing = table["subject"][table[key].isna()]
        if len(missing):
            raise StudyError(
                f"cohort {name}: files of layout hdf5 do not contain {key}, and it is missing for "
                f"subject {missing.iloc[0]}; give {key} in the cohort, or a column of it"
            )
