"""Checks of labellers whose labels are an annotator's, carried to all frames of a cine."""

from typing import Any

from cmrseg.sequences import SEQUENCES
from study.study import Study
from study.tables import StudyError

# Its cines have end-diastole and end-systole alone.
WITHOUT_BEAT = "ukbb"


def check_propagated(study: Study, cohort: str) -> None:
    """Refuse names that are taken, and labels that cannot be carried."""
    annotators = {a for each in study.cohorts for a in study.annotators(each)}
    for name, drawn_by in study.propagated(cohort).items():
        where = f"cohort {cohort}: propagated {name}"
        if name in annotators or study.is_model(name):
            raise StudyError(f"{where} has the name of an annotator or a model; rename it")
        if drawn_by not in study.annotators(cohort):
            raise StudyError(
                f"{where}: '{drawn_by}' is no annotator of the cohort; there are "
                + ", ".join(study.annotators(cohort))
            )
        if study.writes_points(cohort, drawn_by):
            raise StudyError(
                f"{where}: {drawn_by} gives points, which are there in all frames; label maps "
                "alone are propagated"
            )
        if not SEQUENCES[key := study.annotator(cohort, drawn_by)["sequence"]].is_cine:
            raise StudyError(f"{where}: {key} is a still image, which has no motion")
        if study.cohorts[cohort]["layout"] == WITHOUT_BEAT:
            raise StudyError(
                f"{where}: layout {WITHOUT_BEAT} has end-diastole and end-systole alone, and no "
                "frames between them"
            )


def check_not_of_reference(study: Study, entry: dict[str, Any]) -> None:
    """Refuse that labels are compared with those they were carried from: they are the same."""
    for labeller in entry["labellers"]:
        drawn_by = study.propagated(entry["cohort"]).get(labeller)
        if drawn_by is not None and drawn_by == entry.get("reference"):
            raise StudyError(
                f"evaluate: {labeller} has the labels of {drawn_by} themselves in the frames "
                f"that {drawn_by} labelled, and would agree perfectly; compare it with another "
                "annotator"
            )
