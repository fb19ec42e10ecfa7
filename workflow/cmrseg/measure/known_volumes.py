"""Volumes that are known without any label map."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.files import check_plain

KNOWN_COLUMNS = ("subject", "split", "set", "edv_ml", "esv_ml")
# Tables of the Kaggle Data Science Bowl: set, file.
KAGGLE_TABLES = {"train": "train.csv", "validate": "validate.csv", "test": "solution.csv"}


def kaggle_volumes(
    rows: Sequence[Mapping[str, Any]], folders: Iterable[str | Path]
) -> pd.DataFrame:
    """Known volumes of each subject from the tables of the Data Science Bowl.

    rows: subject, study (its number), set, split. folders: each with train.csv and validate.csv
    (Id, Systole, Diastole in ml) and solution.csv (Id `<study>_Diastole` or `<study>_Systole`,
    Volume). Returns KNOWN_COLUMNS, a row per subject; the two stacks of a study have the same
    volumes. Raises ValueError naming a file that is absent, or the studies without volumes.
    """
    known: dict[tuple[str, str], tuple[float, float]] = {}
    sets = {str(row["set"]) for row in rows}
    for folder in map(Path, folders):
        for name in sorted(sets):
            known |= _read(folder / KAGGLE_TABLES[name], name)
    absent = sorted({row["study"] for row in rows if (row["set"], row["study"]) not in known})
    if absent:
        raise ValueError(
            f"no known volumes of study {', '.join(absent[:5])}{' ...' if absent[5:] else ''} in "
            f"{', '.join(KAGGLE_TABLES.values())}; complete the raw data"
        )
    odd = sorted(
        {row["study"] for row in rows if not all(map(_is_volume, known[row["set"], row["study"]]))}
    )
    if odd:
        raise ValueError(
            f"known volumes of study {', '.join(odd[:5])}{' ...' if odd[5:] else ''} in "
            f"{', '.join(KAGGLE_TABLES.values())} are no numbers above 0; fetch them again"
        )
    table = [
        (row["subject"], row["split"], row["set"], *known[row["set"], row["study"]]) for row in rows
    ]
    return pd.DataFrame(table, columns=list(KNOWN_COLUMNS))


def _is_volume(volume_ml: float) -> bool:
    return 0 < volume_ml < math.inf


def _read(path: Path, set_: str) -> dict[tuple[str, str], tuple[float, float]]:
    """EDV and ESV by set and study."""
    check_plain(path)
    try:
        # As text, so that one odd cell is not the whole column's.
        table = pd.read_csv(path, dtype=str)
        if "Volume" in table:
            parts = table["Id"].str.extract(r"^(.+)_(Diastole|Systole)$")
            table = table.assign(Id=parts[0], phase=parts[1])
            table = table.pivot(index="Id", columns="phase", values="Volume")
            table = table.reindex(columns=["Diastole", "Systole"]).dropna().reset_index()
        columns = table[["Id", "Diastole", "Systole"]].set_index("Id")
        columns = columns.apply(pd.to_numeric, errors="coerce").astype(float).reset_index()
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: not the Data Science Bowl's table of volumes ({error}); fetch it again"
        ) from error
    return {(set_, id_): (edv, esv) for id_, edv, esv in columns.itertuples(index=False)}
