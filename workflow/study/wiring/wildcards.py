"""Wildcards in the file names of rules, and the values that they may have."""

from collections.abc import Collection
from typing import Protocol


class Wildcards(Protocol):
    """The wildcards of a job, as Snakemake gives them to functions of inputs and params.

    A rule has those in the names of its outputs, and no others.
    """

    cohort: str
    shard: str
    labeller: str
    model: str
    measure: str
    panel: str
    figure: str
    drawn: str
    origin: str
    source: str
    weights: str
    splits: str
    folds: str
    fold: str
    slices: str
    coarse: str


def one_of(names: Collection[str]) -> str:
    """A wildcard constraint: one of these names; without names it matches nothing."""
    return "|".join(names) if names else "(?!)"


def none_of(names: Collection[str]) -> str:
    """A wildcard constraint: any name but these."""
    return f"(?!(?:{one_of(names)})(?:/|$))[a-z0-9_]+"
