"""How far the members of an ensemble differ: spread of Dice, distances and volumes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.measure.comparison import ALL

# Beginnings of the columns that have a spread; that of what is predicted is left out in tables.
PREDICTED = "predicted_"
MEASURED = ("dice_", "hausdorff_", "distance_", PREDICTED)
FRAME = "_frame"
SUBJECT_COLUMNS = (
    *("subject", "split", "measure", "members"),
    *("ensemble", "mean", "sd", "min", "max"),
)
COLUMNS = (
    *("split", "measure", "subjects", "members"),
    *("ensemble", "mean", "sd", "min", "max", "subject_sd"),
)


def spread_over_members(
    ensemble: pd.DataFrame,
    members: Mapping[str, pd.DataFrame],
    left_out: Mapping[str, Mapping[str, bool]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spread of each measure over the members: of each subject, and of the means over subjects.

    ensemble, members: evaluations of a cohort by subject (subject, split, and columns that begin as
    in MEASURED). left_out: of a subject that some members were trained on, for each member
    whether it was left out of its training; members that have seen a subject do not count there.
    By subject (SUBJECT_COLUMNS): value of the ensemble; mean, sd (n - 1), min and max of the
    `members` that have one; sd is nan for fewer than two. Over subjects (COLUMNS): by split and of
    all, of the `subjects` that all members have measured and none has seen: mean of the ensemble,
    and mean, sd, min, max of the members' means; subject_sd is the mean of the subjects' sd, also
    where only some of two or more members count.
    Raises ValueError for fewer than two members.
    """
    if len(members) < 2:
        raise ValueError(f"a spread needs two members or more, got {', '.join(members)}")
    own = ensemble.set_index("subject")
    tables = {
        name: table.set_index("subject").reindex(own.index) for name, table in members.items()
    }
    counts = np.ones((len(own), len(members)), bool)
    for row, subject in enumerate(own.index):
        for column, name in enumerate(members):
            counts[row, column] = (left_out or {}).get(str(subject), {}).get(name, True)
    by_subject, overall = [], []
    for column in [c for c in own if c.startswith(MEASURED) and not c.endswith(FRAME)]:
        values = np.column_stack([_column(table, column) for table in tables.values()])
        values = np.where(counts, values, np.nan)
        table = _of_subjects(own, column, values)
        by_subject.append(table)
        for split in (*sorted(set(own["split"])), ALL):
            chosen = np.ones(len(own), bool) if split == ALL else (own["split"] == split).to_numpy()
            overall.append({"split": split, **_over_subjects(table[chosen], values[chosen])})
    return (
        pd.concat(by_subject, ignore_index=True)[list(SUBJECT_COLUMNS)],
        pd.DataFrame(overall)[list(COLUMNS)],
    )


def _column(table: pd.DataFrame, column: str) -> np.ndarray:
    """A member's values; nan where it has none."""
    return table[column].to_numpy(float) if column in table else np.full(len(table), np.nan)


def _of_subjects(own: pd.DataFrame, column: str, values: np.ndarray) -> pd.DataFrame:
    """Rows of a measure; values: (subjects, members)."""
    known = pd.DataFrame(values)
    return pd.DataFrame(
        {
            "subject": own.index,
            "split": own["split"].to_numpy(),
            "measure": column.removeprefix(PREDICTED),
            "members": known.notna().sum(axis=1),
            "ensemble": own[column].to_numpy(float),
            "mean": known.mean(axis=1),
            "sd": known.std(axis=1, ddof=1),
            "min": known.min(axis=1),
            "max": known.max(axis=1),
        }
    )


def _over_subjects(table: pd.DataFrame, values: np.ndarray) -> dict:
    """A measure over some subjects; values: (subjects, members)."""
    whole = ~np.isnan(values).any(axis=1) & table["ensemble"].notna().to_numpy()
    means = pd.Series(values[whole].mean(axis=0) if whole.any() else [], dtype=float)
    return {
        "measure": table["measure"].iloc[0] if len(table) else "",
        "subjects": int(whole.sum()),
        "members": values.shape[1],
        "ensemble": table["ensemble"][whole].mean(),
        "mean": means.mean(),
        "sd": means.std(ddof=1),
        "min": means.min(),
        "max": means.max(),
        "subject_sd": table["sd"].mean(),
    }
