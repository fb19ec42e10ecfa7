"""Rotated copies, and which split a subject belongs to."""

from collections.abc import Callable, Iterable, Mapping

# The published cleaning adds a copy under this name where an image is wider than high.
ROTATED = "_rot90"


def original(subject: str) -> str:
    """The subject that a rotated copy was made of; any other subject is its own original."""
    return subject.removesuffix(ROTATED)


def upright(subjects: Iterable[str]) -> list[str]:
    """The subjects without those that have a rotated copy: each in one orientation."""
    names = list(subjects)
    return [name for name in names if name + ROTATED not in names]


def split_of(splits: Mapping[str, str]) -> Callable[[str], str]:
    """Function from subject to split; a rotated copy is in the split of its original."""
    return lambda subject: splits[original(subject)]
