"""Checks of a study's figures before any job starts; errors name the figure."""

from typing import Any

from cmrseg.measure.by_sequence import has_phases
from cmrseg.sequences import SEQUENCES
from study.ensembles import OUT_OF_FOLD
from study.model_checks import check_cohort
from study.panel_figures import PANEL_FIGURES, check_no_panels, check_panel_figure
from study.point_checks import MOVIE, check_movie, check_no_points, check_subjects
from study.quality import check_quality_figure
from study.spreads import spreads
from study.study import DICOM, Study
from study.tables import StudyError

# Figures of any sequence; the others show volumes, or Dice, of the left ventricle.
ANY_SEQUENCE = ("learning_curves", "overlays", "prediction", "viewer")
# Figures that need no evaluation of their cohort, and those that only need known volumes.
UNEVALUATED = ("cleaning", "learning_curves", "prediction")
VOLUME_FIGURES = ("volume_agreement", "ef_error")
# Figures of sections of their own, or of members of ensembles.
ROBUSTNESS = ("repairs", "repeatability", "spread")
# Figures for which labellers cannot be selected.
FIXED = ("cleaning", "confidence")


def check_figures(study: Study) -> None:
    evaluated = {entry["cohort"] for entry in study.config["evaluate"]}
    for name, entry in study.config["figures"].items():
        cohort, kind = entry["cohort"], entry["figure"]
        check_cohort(study, f"figure {name}", cohort)
        if "splits" in entry:
            _check_shown_splits(study, name, entry)
        if kind in PANEL_FIGURES:
            check_panel_figure(study, name)
            continue
        check_no_panels(name, entry)
        check_subjects(study, name)
        if kind in ROBUSTNESS:
            _check_robustness_figure(study, name, kind, cohort)
            continue
        if kind == "quality":
            check_quality_figure(study, name)
            continue
        if kind == MOVIE:
            check_movie(study, name)
            continue
        if kind not in UNEVALUATED and cohort not in evaluated:
            raise StudyError(f"figure {name}: cohort {cohort} is not in `evaluate`")
        _check_drawn_sequence(study, name, cohort, kind)
        sequence = study.drawn_sequence(name)
        referred = study.reference(cohort, sequence) is not None
        if "ventricle" in entry and kind not in VOLUME_FIGURES:
            raise StudyError(
                f"figure {name}: ventricle is for {' and '.join(VOLUME_FIGURES)}, not {kind}; "
                "leave it out"
            )
        by_known = kind in VOLUME_FIGURES and entry.get("ventricle") != "rv"
        if kind not in UNEVALUATED and not by_known and not referred:
            raise StudyError(f"figure {name}: `evaluate` gives cohort {cohort} no reference")
        if kind == "cleaning" and study.cohorts[cohort]["layout"] not in DICOM:
            raise StudyError(
                f"figure {name}: cohort {cohort} has no DICOM to clean, or zip files of it; the "
                f"figure is for the layouts {' and '.join(DICOM)}"
            )
        if kind == "prediction" and not study.pictured(name):
            who = ", ".join(study.annotators(cohort)) or "none"
            raise StudyError(
                f"figure {name}: no model labels cohort {cohort}, images {sequence}; name one "
                f"annotator in `labellers` to see contours that were drawn (there are: {who})"
            )
        if kind == "learning_curves" and not study.models_on(cohort):
            raise StudyError(f"figure {name}: no model is trained on cohort {cohort}")
        if kind not in UNEVALUATED:
            check_no_points(study, name)
        if kind == "prediction":
            _check_one_shown(study, name, entry)
        elif "labellers" in entry:
            _check_drawn(study, name, entry)
        if kind == "confidence":
            section = study.config.get("confidence")
            if section is None or section["cohort"] != cohort:
                raise StudyError(
                    f"figure {name}: cohort {cohort} has no confidence scores; add the "
                    "`confidence` section for it"
                )
            if section["labeller"] not in study.evaluated(cohort):
                raise StudyError(
                    f"figure {name}: labeller {section['labeller']} is not in `evaluate` for "
                    f"cohort {cohort}, whose Dice the figure shows"
                )


def _check_robustness_figure(study: Study, name: str, kind: str, cohort: str) -> None:
    """Figures of repairs and repeatability need their section, those of a spread an ensemble."""
    places = {
        "repairs": [study.config["repairs"]["cohort"]] if "repairs" in study.config else [],
        "repeatability": [entry["cohort"] for entry in study.config["repeatability"]],
        "spread": [place for _, place in spreads(study)],
    }[kind]
    if cohort in places:
        return
    if kind == "spread":
        raise StudyError(
            f"figure {name}: `evaluate` has no ensemble for cohort {cohort} with members that have "
            "not seen its subjects"
        )
    raise StudyError(f"figure {name}: the section `{kind}` does not name cohort {cohort}")


def _check_drawn_sequence(study: Study, name: str, cohort: str, kind: str) -> None:
    """The sequence of a figure must be one of its cohort, and one that this kind can show."""
    sequence = study.drawn_sequence(name)
    behind = study.config["figures"][name].get("image", sequence)
    for shown in (sequence, behind):
        if shown not in study.sequences(cohort):
            raise StudyError(
                f"figure {name}: cohort {cohort} has no images {shown}; its sequences are "
                + ", ".join(study.sequences(cohort))
            )
    if behind != sequence and kind != "overlays":
        raise StudyError(f"figure {name}: image is for overlays, not for {kind}; leave it out")
    if kind not in ANY_SEQUENCE and not has_phases(SEQUENCES[sequence]):
        raise StudyError(
            f"figure {name}: {kind} shows volumes of short-axis cines, and not {sequence}; for "
            f"other sequences there are {', '.join(ANY_SEQUENCE)}"
        )


def _check_shown_splits(study: Study, name: str, entry: dict[str, Any]) -> None:
    """A figure restricted to splits must have subjects to show."""
    known = (*VOLUME_FIGURES, *PANEL_FIGURES)
    if entry["figure"] not in known:
        raise StudyError(
            f"figure {name}: splits are for {', '.join(known)}, not {entry['figure']}; leave them "
            "out"
        )
    own = set(study.subjects[entry["cohort"]]["split"])
    labellers = study.evaluated(entry["cohort"]) if entry["figure"] in VOLUME_FIGURES else []
    if any(study.folds(labeller, entry["cohort"]) for labeller in labellers):
        own.add(OUT_OF_FOLD)
    if not own & set(entry["splits"]):
        raise StudyError(
            f"figure {name}: cohort {entry['cohort']} has no subject in "
            f"{', '.join(entry['splits'])}; its splits are {', '.join(sorted(own))}"
        )


def _check_one_shown(study: Study, name: str, entry: dict[str, Any]) -> None:
    """A figure of predictions names one annotator with label maps, or nobody."""
    named = entry.get("labellers", [])
    if len(named) > 1:
        raise StudyError(
            f"figure {name}: prediction shows one labeller; name one of {', '.join(named)}"
        )


def _check_drawn(study: Study, name: str, entry: dict[str, Any]) -> None:
    """The labellers named by a figure must be among those that it could show."""
    cohort, kind = entry["cohort"], entry["figure"]
    if kind in FIXED:
        raise StudyError(f"figure {name}: labellers cannot be selected for {kind}; leave them out")
    curves = kind == "learning_curves"
    shown = study.evaluated(cohort, study.drawn_sequence(name))
    known = study.models_on(cohort) if curves else shown
    for labeller in entry["labellers"]:
        if labeller not in known:
            what = "trained on" if curves else "in `evaluate` for"
            raise StudyError(
                f"figure {name}: '{labeller}' is not {what} cohort {cohort}; there are "
                + ", ".join(known)
            )
