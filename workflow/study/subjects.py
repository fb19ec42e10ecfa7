"""The subject table of a cohort, with all optional values filled in."""

from pathlib import Path
from typing import Any

import pandas as pd

from study.tables import GRID, USUAL_GRID, WITHOUT_GRID, StudyError, check, read_rows

# Numbers of a subject that measures of panels are made with.
BODY = ("height_cm", "weight_kg", "pulse_pressure_mmhg")
INSERTION = ("rv_insertion_x_px", "rv_insertion_y_px")


def read_subjects(cohort: str, about: dict[str, Any]) -> pd.DataFrame:
    """The subjects of a cohort, a row each.

    about: the cohort's entry in the study. Raises StudyError naming the row or cell that is wrong.
    """
    path = about["subjects"]
    if isinstance(path, str):
        if not Path(path).exists():
            raise StudyError(
                f"cohort {cohort}: no subject table {path}; write it: a row per subject with the "
                "columns subject and split (docs/data.md), tabs between them"
            )
        rows = read_rows(
            path,
            "subjects",
            {"edv_ml", "esv_ml", "age_y", "heart_rate_bpm", *BODY, *INSERTION, *GRID},
            {"seed", "es_frame", "scan"},
        )
    else:
        rows = [check(row, "subjects", f"subjects of {cohort}") for row in path]
    table = pd.DataFrame(rows)
    if table.empty:
        raise StudyError(f"cohort {cohort}: {path} has no subjects; add a row per subject")
    for column in ("study", "series", "faults", "set", "annotation"):
        table[column] = table.get(column, pd.Series("", table.index)).fillna("")
    for column in ("edv_ml", "esv_ml"):
        table[column] = pd.to_numeric(table.get(column, pd.Series(None, table.index)))
    for column in GRID if about["layout"] in WITHOUT_GRID else ():
        known = {**USUAL_GRID.get(about["layout"], {}), **about.get("phantom", {}), **about}
        usual = known.get(column)
        own = pd.to_numeric(table.get(column, pd.Series(None, table.index)))
        table[column] = own.astype(float) if usual is None else own.fillna(usual).astype(float)
    # A file of the layout tagging has many subjects, of which each has labels of its own.
    annotation = "subject" if about["layout"] == "tagging" else "study"
    for column, other in (("study", "subject"), ("set", "split"), ("annotation", annotation)):
        table[column] = table[column].where(table[column] != "", table[other])
    if about["layout"] == "tagging":
        # A file has many patients.
        own = table.get("patient", pd.Series("", table.index)).fillna("")
        table["patient"] = own.where(own != "", table["subject"])
    repeated = table["subject"][table["subject"].duplicated()]
    if len(repeated):
        raise StudyError(f"cohort {cohort}: {path} has subject {repeated.iloc[0]} twice")
    return table


def patients(table: pd.DataFrame) -> pd.Series:
    """The patient of each subject: the column `patient`, where it is empty the examination."""
    named = table.get("patient", pd.Series("", table.index)).fillna("")
    return named.where(named != "", table["study"])


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with None instead of nan, as nan is not equal to itself when params are compared."""
    columns = [
        [None if missing else cell for cell, missing in zip(cells, cells.isna(), strict=True)]
        for _, cells in table.items()
    ]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]
