"""Checks of the section `calibrate`: no labeller may have learnt from a calibrating subject."""

from pathlib import Path
from typing import Any

from cmrseg.calibrate.model_file import FILE
from cmrseg.measure.by_sequence import has_phases
from study.model_checks import check_cohort, check_labeller
from study.seen import seen_splits
from study.study import Study
from study.tables import StudyError

# Columns of the subject table that calibration may use; all others come from headers.
ABOUT = ("sex", "age_y", "height_cm", "weight_kg", "disease")


def check_calibration(study: Study) -> None:
    """Raise StudyError naming what cannot be calibrated."""
    about: dict[str, Any] | None = study.config.get("calibrate")
    if about is None:
        return
    cohort = about["cohort"]
    for place in (cohort, *about["also"]):
        check_cohort(study, "calibrate", place)
        for labeller in about["labellers"]:
            check_labeller(study, "calibrate", place, labeller)
            if not study.has_maps(place, labeller) or not has_phases(
                study.sequence_of(place, labeller)
            ):
                raise StudyError(
                    f"calibrate: {labeller} gives no volumes of short-axis cines, which are "
                    "calibrated"
                )
    if cohort in about["also"]:
        raise StudyError(f"calibrate: cohort {cohort} is calibrated anyway; take it out of `also`")
    if about["shift"] == "weighted" and not about["also"]:
        raise StudyError(
            "calibrate: shift is weighted, but `also` names no other cohort; subjects of the "
            "calibrating one have no shift"
        )
    if about["method"] == "plain" and about["covariates"] and about["shift"] == "none":
        raise StudyError(
            "calibrate: method plain looks at no covariates; leave them out, or take method forests"
        )
    for labeller in about["labellers"]:
        used = seen_splits(study, cohort, labeller) & set(about["splits"])
        if used:
            raise StudyError(
                f"calibrate: {labeller} was trained on splits {', '.join(sorted(used))} of cohort "
                f"{cohort}; its errors there are smaller than those of new subjects, so choose "
                "other splits"
            )


def calibrated_pairs(study: Study) -> list[tuple[str, str]]:
    """Every (cohort, given model) whose volumes have intervals: those with FILE in their folder."""
    return [
        (cohort, name)
        for cohort, name in study.measured()
        if name in study.given
        and has_phases(study.sequence_of(cohort, name))
        and Path(study.given[name]["folder"], FILE).is_file()
    ]
