"""Evaluated ensembles whose members are evaluated, too, to see how far they differ."""

from typing import Any, Protocol

from study.ensembles import Ensemble, Folds


class Evaluated(Protocol):
    """What has to be known of a study."""

    config: dict[str, Any]
    subjects: dict[str, Any]
    ensembles: dict[str, Ensemble]

    def has_maps(self, cohort: str, labeller: str) -> bool: ...

    def folds(self, labeller: str, cohort: str) -> Folds | None: ...


def spreads(study: Evaluated) -> list[tuple[str, str]]:
    """Every (ensemble, cohort) of `evaluate` with subjects that two or more members count for.

    A member that was trained on a subject does not count for it: with folds alone, each subject of
    the training has one member.
    """
    pairs = [(m, e["cohort"]) for e in study.config["evaluate"] for m in e["labellers"]]
    return [
        (m, cohort) for m, cohort in pairs if m in study.ensembles and _differ(study, m, cohort)
    ]


def members_evaluated(study: Evaluated) -> list[tuple[str, str]]:
    """Every (member, cohort) that is evaluated for these spreads."""
    return [
        (member, cohort)
        for ensemble, cohort in spreads(study)
        for member in study.ensembles[ensemble].members
    ]


def _differ(study: Evaluated, ensemble: str, cohort: str) -> bool:
    row = study.ensembles[ensemble].row
    if not study.has_maps(cohort, ensemble):
        return False
    if study.folds(ensemble, cohort) is None or row["seeds"] > 1:
        return True
    return bool(set(study.subjects[cohort]["split"]) - set(row["splits"].split(",")))
