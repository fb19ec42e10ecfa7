"""Checks of models with a coarse model, before any job starts; errors name both."""

from typing import Any

from cmrseg.canvas import PREPARATIONS
from cmrseg.sequences import channels_of
from study.ensembles import Folds
from study.study import Study
from study.tables import StudyError


def check_coarse_model(study: Study, model: str) -> None:
    """The coarse model of a model must say where the heart is, from images that it has, too.

    In label maps on its grid, or of a network that places points by the corners of a box.

    So it labels each subject that the model labels, in a study and elsewhere.
    """
    settings = study.model(model)
    if not (coarse := settings["coarse"]):
        return
    if not study.is_model(coarse):
        raise StudyError(
            f"model {model}: coarse '{coarse}' is no model; there are "
            + ", ".join(study.model_names)
        )
    if PREPARATIONS[settings["preparation"]].frames:
        if PREPARATIONS[study.model(coarse)["preparation"]].frames != 1:
            raise StudyError(
                f"model {model}: coarse {coarse} is of network {study.model(coarse)['network']}, "
                "which finds no box around the heart; take one of tag_box"
            )
    elif study.writes_points("", coarse):
        raise StudyError(f"model {model}: coarse {coarse} gives points, not label maps")
    own, other = (channels_of(s["sequence"]) for s in (settings, study.model(coarse)))
    if own[0] != other[0] or not set(other) <= set(own):
        raise StudyError(
            f"model {model}: its images are {settings['sequence']}, but those of coarse {coarse} "
            f"are {study.model(coarse)['sequence']}; the first one must be the same, and the model "
            "must have all others"
        )


def check_coarse_of_folds(study: Study, model: str, row: dict[str, Any]) -> None:
    """What finds the heart for a member of folds must not have seen the fold that it leaves out."""
    if "fold" not in row or not row["coarse"]:
        return
    ensemble = study.ensemble_of(model)
    waiting, seen = [row["coarse"]], set()
    while waiting:
        name = waiting.pop()
        if name in seen or not (name in study.models or name in study.ensembles):
            continue
        seen.add(name)
        known = study.declared_of(name)
        if known["cohort"] == row["cohort"] and _folds(study, name) != (
            ensemble and ensemble.folds
        ):
            raise StudyError(
                f"model {model}: its coarse model {row['coarse']} comes from {name}, which was "
                f"trained on the same cohort {row['cohort']}, maybe on fold {row['fold']}: its "
                "labels of that fold would not be of unseen subjects; divide both alike (same "
                "splits and folds), or take a coarse model from elsewhere"
            )
        waiting += [known["coarse"], known["start"]]


def _folds(study: Study, name: str) -> Folds | None:
    """The folds of an ensemble; those of a member alone, whose labels are of one network, are not.

    A member that an ensemble with folds starts from is one of the same folds, as is checked there.
    """
    return study.ensembles[name].folds if name in study.ensembles else None
