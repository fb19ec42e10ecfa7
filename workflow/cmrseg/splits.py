"""Rotated copies, and which split a subject belongs to."""

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

# The published cleaning adds a copy under this name where an image is wider than high.
ROTATED = "_rot90"


def original(subject: str) -> str:
    """The subject that a rotated copy was made of; any other subject is its own original."""
    return subject.removesuffix(ROTATED)


def upright(subjects: Iterable[str]) -> list[str]:
    """The subjects without those that have a rotated copy: each in one orientation."""
    names = dict.fromkeys(subjects)
    return [name for name in names if name + ROTATED not in names]


def upright_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table with a column `subject` that show each subject in one orientation."""
    return table[table["subject"].isin(upright(table["subject"]))]


def split_of(splits: Mapping[str, str]) -> Callable[[str], str]:
    """Function from subject to split; a rotated copy is in the split of its original."""
    return lambda subject: splits[original(subject)]
