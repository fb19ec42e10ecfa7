"""The section `quality`: judges learn from labels of subjects that a model has not seen."""

from collections.abc import Iterator
from typing import Any

from cmrseg.labels import Target, Tissue
from cmrseg.measure.by_sequence import has_phases
from study.model_checks import check_cohort, check_labeller
from study.seen import seen_splits
from study.study import Study
from study.tables import StudyError

SPLITS = ("train", "validate", "test")
# Tables of a cohort and labeller, behind the labeller's name: what is measured, and what is judged.
MEASURED = {"pictures": ".pictures.tsv.gz", "subjects": ".features.tsv"}
JUDGED = (".tsv", ".slices.tsv", ".scores.tsv")


def check_quality(study: Study) -> None:
    """Raise StudyError naming what cannot be judged."""
    about: dict[str, Any] | None = study.config.get("quality")
    if about is None:
        return
    cohort = about["cohort"]
    for place in (cohort, *about["also"]):
        check_cohort(study, "quality", place)
        for labeller in about["labellers"]:
            check_labeller(study, "quality", place, labeller)
            _check_labels(study, place, labeller)
    if cohort in about["also"]:
        raise StudyError(f"quality: cohort {cohort} is judged anyway; take it out of `also`")
    for labeller in about["labellers"]:
        if (labeller, cohort) not in study.evaluations():
            raise StudyError(
                f"quality: `evaluate` does not compare {labeller} with a reference on cohort "
                f"{cohort}, from which its errors are learnt; add it there"
            )
        used = unseen_splits(study, cohort, labeller)
        if seen := set(about.get("splits", [])) - set(used):
            raise StudyError(
                f"quality: {labeller} was trained on splits {', '.join(sorted(seen))} of cohort "
                f"{cohort}; its labels there are better than those of new subjects, so choose "
                "other splits"
            )
        if not study.subjects[cohort]["split"].isin(learnt_splits(study, labeller)).any():
            raise StudyError(
                f"quality: cohort {cohort} has no subject that {labeller} was not trained on; name "
                "another cohort"
            )


def _check_labels(study: Study, cohort: str, labeller: str) -> None:
    """Judged are models that label cavity and wall in short-axis cines."""
    fits = study.is_model(labeller) and study.has_maps(cohort, labeller)
    if fits and has_phases(study.sequence_of(cohort, labeller)):
        told = Target.of(study.model(labeller)["tissues"]).members
        if {Tissue.LV, Tissue.MYO} <= set(told):
            return
    raise StudyError(
        f"quality: {labeller} is no model that labels cavity and wall (lv, my) of short-axis "
        "cines, which are judged"
    )


def members_compared(study: Study, labeller: str) -> list[str]:
    """The members of an ensemble whose agreement is a feature; none of any other labeller."""
    ensemble = study.ensembles.get(labeller)
    if ensemble is None or not study.config["quality"]["agreement"]:
        return []
    return list(ensemble.members)


def unseen_splits(study: Study, cohort: str, labeller: str) -> list[str]:
    """Splits of a cohort on which a labeller is as good as on new subjects.

    Members of folds, which are compared, have each seen most of what the others have not.
    """
    seen = seen_splits(study, cohort, labeller)
    for member in members_compared(study, labeller):
        seen |= seen_splits(study, cohort, member)
    return [split for split in SPLITS if split not in seen]


def learnt_splits(study: Study, labeller: str) -> list[str]:
    """Splits of the section's cohort that a labeller's judge learns from."""
    about = study.config["quality"]
    found: list[str] = about.get("splits") or unseen_splits(study, about["cohort"], labeller)
    return found


def judged_labeller(study: Study, figure: str) -> str:
    """The labeller whose quality a figure shows: the one that it names, or the section's first."""
    named: list[str] = study.config["figures"][figure].get("labellers", [])
    found: str = (named or study.config["quality"]["labellers"])[0]
    return found


def check_quality_figure(study: Study, name: str) -> None:
    """A figure of quality needs a judged labeller with a reference."""
    entry, about = study.config["figures"][name], study.config.get("quality")
    if about is None or entry["cohort"] not in (about["cohort"], *about["also"]):
        raise StudyError(
            f"figure {name}: labels of cohort {entry['cohort']} are not judged; name it in the "
            "section `quality`"
        )
    named = entry.get("labellers", about["labellers"][:1])
    if len(named) > 1 or named[0] not in about["labellers"]:
        raise StudyError(
            f"figure {name}: labellers {', '.join(named)}; name one of the section `quality`: "
            + ", ".join(about["labellers"])
        )
    if (named[0], entry["cohort"]) not in study.evaluations():
        raise StudyError(
            f"figure {name}: `evaluate` does not compare {named[0]} with a reference on cohort "
            f"{entry['cohort']}, so it is unknown how good the order is; add it there"
        )


def trained_on(study: Study, labeller: str) -> tuple[str, str] | None:
    """The cohort and labeller that a model learnt from, if it is trained here."""
    if labeller in study.given:
        return None
    row = study.declared_of(labeller)
    return row["cohort"], row["labeller"]


def judged(study: Study) -> Iterator[str]:
    """Files of the section in the folder of cohorts."""
    about: dict[str, Any] | None = study.config.get("quality")
    if about is None:
        return
    for labeller in about["labellers"]:
        yield f"{about['cohort']}/quality/{labeller}.judge.json"
        places = {(cohort, labeller) for cohort in (about["cohort"], *about["also"])}
        for cohort, name in places:
            yield from (f"{cohort}/quality/{name}{ending}" for ending in JUDGED)
        learnt = trained_on(study, labeller)
        for cohort, name in {*places, *([learnt] if learnt else [])}:
            yield from (f"{cohort}/quality/{name}{ending}" for ending in MEASURED.values())
