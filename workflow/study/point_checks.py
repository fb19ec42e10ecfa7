"""Checks of labellers that place points, where these are compared or drawn."""

from typing import Any

from cmrseg.nets.kinds import KINDS
from cmrseg.ring import LANDMARKS
from study.study import Study
from study.tables import StudyError

# Figures of points, which need no evaluation.
MOVIE = "tagging_movie"


def places_ring(study: Study, cohort: str, labeller: str) -> bool:
    """Whether a labeller places the landmarks of a ring: not label maps, and not a box."""
    if not study.writes_points(cohort, labeller):
        return False
    if not study.is_model(labeller):
        return True
    return bool(KINDS[study.model(labeller)["network"]].points == LANDMARKS)


def check_points(study: Study, entry: dict[str, Any]) -> None:
    """Points are compared with points: raise StudyError for an entry of `evaluate` with both."""
    cohort, reference = entry["cohort"], entry.get("reference")
    everyone = [*entry["labellers"], *([reference] if reference else [])]
    placed = [labeller for labeller in everyone if study.writes_points(cohort, labeller)]
    if placed and reference is None:
        raise StudyError(
            f"evaluate: {placed[0]} of cohort {cohort} gives points, which are compared with a "
            "`reference`; add one"
        )
    if placed and len(placed) < len(everyone):
        other = next(labeller for labeller in everyone if labeller not in placed)
        raise StudyError(
            f"evaluate: {placed[0]} of cohort {cohort} gives points, and {other} label maps; "
            "compare like with like"
        )


def check_point_names(study: Study) -> None:
    """A name of an evaluation is that of points, or of label maps, in all cohorts."""
    for labeller, cohort in study.evaluations():
        if labeller in study.point_labellers and study.has_maps(cohort, labeller):
            raise StudyError(
                f"evaluate: {labeller} gives label maps in cohort {cohort}, and points in another "
                "cohort; rename one"
            )


def check_no_points(study: Study, name: str) -> None:
    """Raise StudyError for a figure of label maps whose labellers place points."""
    entry = study.config["figures"][name]
    for labeller in study.drawn(name):
        if labeller in study.point_labellers:
            raise StudyError(
                f"figure {name}: {entry['figure']} shows label maps, and {labeller} gives points; "
                "name other labellers or another sequence"
            )


def check_movie(study: Study, name: str) -> None:
    """Raise StudyError for a figure of films whose labeller places no points in its cohort."""
    entry = study.config["figures"][name]
    cohort, shown = entry["cohort"], entry.get("labellers", [])
    placed = [m for m in study.labellers(cohort) if places_ring(study, cohort, m)]
    if len(shown) != 1 or shown[0] not in placed:
        raise StudyError(
            f"figure {name}: {MOVIE} shows the landmarks of one labeller, not "
            f"{', '.join(shown) or 'of all'}; in cohort {cohort} there are "
            + (", ".join(placed) or "none")
        )
    for key in ("sequence", "image"):
        if key in entry:
            raise StudyError(
                f"figure {name}: {MOVIE} shows tagged cines, and no {key}; leave it out"
            )


def check_subjects(study: Study, name: str) -> None:
    """Raise StudyError for subjects of a figure that shows none, or that the cohort lacks."""
    entry = study.config["figures"][name]
    if "subjects" not in entry:
        return
    if entry["figure"] != MOVIE:
        raise StudyError(
            f"figure {name}: subjects are for {MOVIE}, not {entry['figure']}; leave them out"
        )
    known = set(study.subjects[entry["cohort"]]["subject"])
    for subject in entry["subjects"]:
        if subject not in known:
            raise StudyError(f"figure {name}: cohort {entry['cohort']} has no subject {subject}")
