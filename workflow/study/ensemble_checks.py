"""Checks of rows with folds or seeds before any job starts: no label may be of a subject seen."""

from typing import Any

from cmrseg.tasks.kinds import kind_of
from study.ensembles import Ensemble
from study.study import Study
from study.subjects import patients
from study.tables import StudyError


def check_ensembles(study: Study) -> None:
    """Members must be enough, and give what can be averaged."""
    for name, ensemble in study.ensembles.items():
        if kind_of(ensemble.row).writes != "label map":
            raise StudyError(
                f"model {name}: folds or seeds, but task {ensemble.row['task']} gives points, "
                "which have no mean; make a row for each member"
            )
        if ensemble.folds is not None:
            _check_folds(study, name, ensemble)


def _check_folds(study: Study, name: str, ensemble: Ensemble) -> None:
    row = ensemble.row
    table = study.subjects[row["cohort"]]
    chosen = table[table["split"].isin(row["splits"].split(","))]
    count = patients(chosen).nunique()
    if count < row["folds"]:
        raise StudyError(
            f"model {name}: folds {row['folds']}, but splits {row['splits']} of cohort "
            f"{row['cohort']} have {count} patients; a fold needs one or more"
        )


def check_member_start(study: Study, model: str, row: dict[str, Any]) -> None:
    """Weights are of one network; those of a member of folds have seen nothing of its fold."""
    start = row["start"]
    if members := study.members(start):
        raise StudyError(
            f"model {model}: start {start} is an ensemble, whose members have weights of their "
            f"own; start from one of them, such as {next(iter(members))}, or divide both alike: "
            "same cohort, splits, folds and seeds"
        )
    if "fold" not in row:
        return
    while start in study.models:
        other = study.models[start]
        same_fold = other.get("fold") == row["fold"] and other["splits"] == row["splits"]
        if other["cohort"] == row["cohort"] and not same_fold:
            raise StudyError(
                f"model {model}: starts from weights of {start}, which was trained on the same "
                f"cohort {row['cohort']}, maybe on fold {row['fold']}: its labels of that fold "
                "would not be of unseen subjects; divide both alike (same splits, folds and "
                "seeds), or start from elsewhere"
            )
        start = other["start"]
