"""Exports of a cohort: a file or several per subject, and a table of what could not be written."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.dicom.audit import SubjectError
from cmrseg.files import write_table

logger = logging.getLogger(__name__)

# The table in the folder of an export.
TABLE = "subjects.tsv"


def export_subjects(
    rows: Iterable[Mapping[str, Any]],
    write: Callable[[Mapping[str, Any], Path], Mapping[str, Any]],
    folder: Path,
) -> pd.DataFrame:
    """Write `<folder>/<subject>/` of each row, and the table of them.

    rows: of the subject table. write: fills a subject's folder, which is there, and gives further
    columns of the table. A subject whose files cannot be written has no folder, and its reason in
    the column `problem`; it stops no other. Raises ValueError naming the first one if there is no
    other.
    """
    found, problems = [], []
    for row in rows:
        subject = row["subject"]
        place = folder / subject
        place.mkdir()
        try:
            columns = write(row, place)
        except (SubjectError, ValueError) as error:
            problems.append(f"subject {subject}: {error}")
            logger.warning("subject %s is not exported: %s", subject, error)
            for path in place.iterdir():
                path.unlink()
            place.rmdir()
            found.append({"subject": subject, "problem": str(error)})
        else:
            found.append({"subject": subject, **columns, "problem": ""})
    if problems and len(problems) == len(found):
        raise ValueError(problems[0])
    table = pd.DataFrame(found)
    if "problem" in table:
        table = table[[c for c in table if c != "problem"] + ["problem"]]
    write_table(table, folder / TABLE)
    return table
