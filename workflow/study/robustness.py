"""Checks of scans of digital patients, and of the sections `repairs` and `repeatability`."""

from typing import Any

from cmrseg.measure.by_sequence import has_phases
from cmrseg.phantom.scans import CHANGES, SCANNER, changes_of
from cmrseg.phantom.severities import split_severity
from cmrseg.sequences import USUAL
from study.model_checks import check_cohort, check_labeller
from study.panels import panel, panel_measures, readers
from study.study import Study
from study.subjects import patients
from study.tables import StudyError

# Mode of cleaning that stacks slices as they are.
UNREPAIRED = "unrepaired"
# Measure of panels.
STRAIN = "strain"
# Layouts of the phantom whose subjects can be scanned again.
SCANNED = ("kaggle", "folder", "ukbb", "nifti")


def check_robustness(study: Study) -> None:
    """Raise StudyError for the first error in scans, repairs or repeatability."""
    for cohort, about in study.cohorts.items():
        _check_scans(study, cohort, about)
        if about["cleaning"]["mode"] == UNREPAIRED and about["layout"] != "kaggle":
            raise StudyError(
                f"cohort {cohort}: cleaning.mode unrepaired is for layout kaggle, not "
                f"{about['layout']}"
            )
    _check_repairs(study)
    for entry in study.config["repeatability"]:
        _check_repeatability(study, entry)


def _check_scans(study: Study, cohort: str, about: dict[str, Any]) -> None:
    """The columns `scan` and `changed` belong to digital patients."""
    table = study.subjects[cohort]
    if "scan" not in table and "changed" not in table:
        return
    sequences = study.sequences(cohort)
    if "phantom" not in about or about["layout"] not in SCANNED or sequences != [USUAL]:
        raise StudyError(
            f"cohort {cohort}: the columns scan and changed are for short-axis cines of a phantom "
            f"in the layouts {', '.join(SCANNED)}; remove them"
        )
    if "scan" not in table or table["scan"].isna().any():
        raise StudyError(f"cohort {cohort}: the column scan needs a number in every row, from 1")
    for row in study.rows_of(cohort):
        where = f"cohort {cohort}: subject {row['subject']}"
        try:
            changed = changes_of(row.get("changed"))
        except ValueError as error:
            raise StudyError(f"{where}: {error}") from None
        if changed and row["scan"] == 1:
            raise StudyError(
                f"{where}: changed is '{row['changed']}', but the first scan of a patient changes "
                f"nothing; say scan 2, or leave the cell empty ({', '.join(CHANGES)})"
            )
        if SCANNER in changed and not about["phantom"].get("variety"):
            raise StudyError(
                f"{where}: another scanner needs phantom.variety above 0, else all scanners are "
                "the same"
            )


def _check_repairs(study: Study) -> None:
    about: dict[str, Any] | None = study.config.get("repairs")
    if about is None:
        return
    cohort, without = about["cohort"], about["without"]
    for place in (cohort, without):
        check_cohort(study, "repairs", place)
        _check_labellers(study, "repairs", place, about["labellers"])
        if "phantom" not in study.cohorts[place]:
            raise StudyError(f"repairs: cohort {place} is no phantom, whose faults are known")
    modes = [study.cohorts[place]["cleaning"]["mode"] for place in (cohort, without)]
    if modes[0] == UNREPAIRED or modes[1] != UNREPAIRED:
        raise StudyError(
            f"repairs: cohort {cohort} has cleaning.mode {modes[0]} and {without} {modes[1]}; the "
            "second one needs unrepaired, the first one another mode"
        )
    tables = [study.subjects[place].drop(columns="set") for place in (cohort, without)]
    if not tables[0].equals(tables[1]):
        raise StudyError(
            f"repairs: cohorts {cohort} and {without} have different subjects; name one table"
        )
    if "scan" not in tables[0]:
        raise StudyError(
            f"repairs: cohort {cohort} has no column scan; with scan 1 in all rows a patient's "
            "images differ by their fault alone"
        )
    for who, rows in tables[0].groupby(patients(tables[0])):
        faults = rows["faults"]
        if (faults == "").sum() != 1:
            raise StudyError(
                f"repairs: patient {who} of cohort {cohort} has {(faults == '').sum()} rows "
                "without a fault, expected one"
            )
        for subject, cell in zip(rows["subject"], faults, strict=True):
            if "," in cell:
                raise StudyError(
                    f"repairs: subject {subject} has faults {cell}; expected one at a time"
                )
            try:
                split_severity(cell)
            except ValueError as error:
                raise StudyError(f"repairs: subject {subject}: {error}") from None
    _check_strain(study, about)


def strain_labeller(study: Study) -> str:
    """Whose labels of the short axis the panels of `repairs` measure strain of."""
    first = study.config["repairs"]["panels"][0]
    return next(r.labeller for r in readers(study, first, STRAIN) if r.need.sequence == USUAL)


def _check_strain(study: Study, about: dict[str, Any]) -> None:
    if not about["panels"]:
        return
    for name, cohort in zip(about["panels"], (about["cohort"], about["without"]), strict=True):
        if name not in study.config["panels"]:
            known = ", ".join(study.config["panels"]) or "none"
            raise StudyError(f"repairs: panel {name} is unknown; there are: {known}")
        if panel(study, name)["cohort"] != cohort:
            raise StudyError(
                f"repairs: panel {name} is of cohort {panel(study, name)['cohort']}, expected "
                f"{cohort}; name the panel of the repaired cohort first"
            )
        if STRAIN not in panel_measures(study, name):
            raise StudyError(f"repairs: panel {name} does not measure strain")
    first, second = ([*readers(study, name, STRAIN)] for name in about["panels"])
    if first != second:
        raise StudyError(f"repairs: panels {' and '.join(about['panels'])} have other labellers")
    if strain_labeller(study) not in about["labellers"]:
        raise StudyError(
            f"repairs: strain is measured of {strain_labeller(study)}, which is not among the "
            "labellers"
        )


def _check_repeatability(study: Study, entry: dict[str, Any]) -> None:
    cohort = entry["cohort"]
    check_cohort(study, "repeatability", cohort)
    _check_labellers(study, "repeatability", cohort, entry["labellers"])
    if not patients(study.subjects[cohort]).duplicated().any():
        raise StudyError(
            f"repeatability: no patient of cohort {cohort} has two examinations; give both the "
            "same `patient` in the subject table"
        )
    if [e["cohort"] for e in study.config["repeatability"]].count(cohort) > 1:
        raise StudyError(f"repeatability: cohort {cohort} occurs twice; join the entries")


def _check_labellers(study: Study, where: str, cohort: str, labellers: list[str]) -> None:
    for labeller in labellers:
        check_labeller(study, where, cohort, labeller)
        if not study.has_maps(cohort, labeller) or not has_phases(
            study.sequence_of(cohort, labeller)
        ):
            raise StudyError(f"{where}: {labeller} gives no volumes of short-axis cines")
