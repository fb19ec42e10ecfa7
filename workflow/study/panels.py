"""Panels of a study: who labels which sequence for a measure, and what must fit together."""

from typing import Any, NamedTuple

from cmrseg.contours.cvi42 import LONG_AXIS, SHORT_AXIS
from cmrseg.labels import Tissue, tissues_of
from cmrseg.phenotypes.panels import PANEL_MEASURES, Need, PanelMeasure, serves
from cmrseg.sequences import USUAL
from study.point_checks import places_ring
from study.study import Study
from study.tables import StudyError


class Reader(NamedTuple):
    """Who tells a measure of a sequence. labeller: "" where only the image is read."""

    need: Need
    labeller: str


def panel(study: Study, name: str) -> dict[str, Any]:
    """The entry of a panel."""
    found: dict[str, Any] = study.config["panels"][name]
    return found


def panel_measures(study: Study, name: str) -> list[str]:
    """The measures of a panel: those that it names, else all that its labellers suffice for."""
    named: list[str] | None = panel(study, name).get("measures")
    return named or [key for key in PANEL_MEASURES if not _lacking(study, name, key)]


def readers(study: Study, name: str, measure: str) -> list[Reader]:
    """Who tells a measure what it reads, in the order of its needs; without what is not there."""
    found = []
    for need in PANEL_MEASURES[measure].needs:
        labeller = _labeller(study, name, need)
        if need.labelled and labeller:
            found.append(Reader(need, labeller))
        elif not need.labelled and need.sequence in study.sequences(panel(study, name)["cohort"]):
            found.append(Reader(need, ""))
    return found


def tracked(study: Study) -> list[tuple[str, str]]:
    """Every (cohort, labeller) whose landmarks a panel measures strain of."""
    found = {
        (panel(study, name)["cohort"], reader.labeller)
        for name in study.config["panels"]
        for measure in panel_measures(study, name)
        for reader in readers(study, name, measure)
        if reader.need.points
    }
    return sorted(found)


def check_panels(study: Study) -> None:
    """Raise StudyError naming the panel that cannot be measured."""
    for name, about in study.config["panels"].items():
        cohort, where = about["cohort"], f"panel {name}"
        if cohort not in study.cohorts:
            raise StudyError(
                f"{where}: cohort {cohort} is unknown; there are {', '.join(study.cohorts)}"
            )
        for labeller in about["labellers"]:
            own = [*study.annotators(cohort), *study.propagated(cohort)]
            if not study.is_model(labeller) and labeller not in own:
                raise StudyError(
                    f"{where}: {labeller} is no model, and no annotator of cohort {cohort}"
                )
            sequence = study.sequence_of(cohort, labeller).key
            if sequence not in study.sequences(cohort):
                raise StudyError(
                    f"{where}: {labeller} labels {sequence}, which cohort {cohort} does not have; "
                    f"its sequences are {', '.join(study.sequences(cohort))}"
                )
        for measure in about.get("measures", []):
            if lacking := _lacking(study, name, measure):
                raise StudyError(
                    f"{where}: {PANEL_MEASURES[measure].name} need {' and '.join(lacking)}; add "
                    "who labels it"
                )
        if not panel_measures(study, name):
            raise StudyError(
                f"{where}: no measure is made of what {', '.join(about['labellers'])} label"
            )


def _lacking(study: Study, name: str, measure: str) -> list[str]:
    """What of a measure's needs nobody in a panel gives, in words."""
    there = {reader.need for reader in readers(study, name, measure)}
    kind: PanelMeasure = PANEL_MEASURES[measure]
    return [_words(need) for need in kind.needs if need.needed and need not in there]


def _words(need: Need) -> str:
    labelled = ", ".join(tissue.name for tissue in need.tissues)
    if need.points:
        return f"landmarks in {need.sequence}"
    return f"{labelled} in {need.sequence}" if labelled else f"the image {need.sequence}"


def _labeller(study: Study, name: str, need: Need) -> str:
    """The first labeller of a panel that labels what a measure needs, "" if there is none."""
    about = panel(study, name)
    for labeller in about["labellers"]:
        cohort = about["cohort"]
        if study.sequence_of(cohort, labeller).key != need.sequence:
            continue
        if need.points:
            found = places_ring(study, cohort, labeller)
        else:
            maps = study.has_maps(cohort, labeller)
            found = maps and serves(need, _known(study, name, labeller))
        if found:
            return str(labeller)
    return ""


def _known(study: Study, name: str, labeller: str) -> tuple[Tissue, ...]:
    """The tissues that a labeller's maps tell of: of contours those that are drawn."""
    cohort = panel(study, name)["cohort"]
    if study.is_model(labeller):
        return tissues_of(study.model(labeller)["tissues"])
    sequence = study.sequence_of(cohort, labeller)
    drawn_by = study.propagated(cohort).get(labeller, labeller)
    if study.annotator(cohort, drawn_by)["form"] == "cvi42":
        drawn = SHORT_AXIS if sequence.key == USUAL else LONG_AXIS
        return tuple(tissue for tissue in sequence.tissues if tissue in drawn)
    known: tuple[Tissue, ...] = sequence.tissues
    return known
