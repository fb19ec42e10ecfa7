"""Checks of the figures of panels, before any job starts."""

from typing import Any

from cmrseg.measure.body import PER_M2
from cmrseg.measure.by_sequence import has_phases
from cmrseg.measure.ventricles import VENTRICULAR
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS, SEGMENTAL
from cmrseg.phenotypes.panels import PANEL_MEASURES
from study.panels import panel, panel_measures
from study.study import Study
from study.tables import StudyError

# Keys that a figure of panels needs, by kind.
PANEL_FIGURES = {
    "bulls_eye": ("panels", "columns"),
    "measure_curves": ("panels", "measure"),
    "measure_agreement": ("panels", "columns"),
    "strain_curves": ("panels",),
    "strain_conventions": ("panels",),
}
# Figures of one panel and of strain by tagging.
OF_TAGGING = ("strain_curves", "strain_conventions")
OWN_KEYS = ("panels", "measure", "columns")
# Keys of other figures: panels have labellers and sequences.
FOREIGN_KEYS = ("labellers", "sequence", "subjects")


def check_panel_figure(study: Study, name: str) -> None:
    """Raise StudyError naming the figure of panels that cannot be drawn."""
    entry, where = study.config["figures"][name], f"figure {name}"
    kind = entry["figure"]
    needed = PANEL_FIGURES[kind]
    for key in needed:
        if key not in entry:
            raise StudyError(f"{where}: {kind} needs {' and '.join(needed)}; {key} is missing")
    for key in (*OWN_KEYS, *FOREIGN_KEYS):
        if key in entry and key not in needed:
            raise StudyError(
                f"{where}: {kind} shows {' and '.join(needed)}, and no {key}; leave it out"
            )
    for other in entry["panels"]:
        _check_panel(study, where, other, entry["cohort"])
    if kind == "measure_agreement" and len(entry["panels"]) < 2:
        raise StudyError(
            f"{where}: measure_agreement compares panels, and {entry['panels'][0]} is one; name two"
        )
    if kind in OF_TAGGING:
        if len(entry["panels"]) > 1:
            raise StudyError(
                f"{where}: {kind} shows one panel, not {', '.join(entry['panels'])}; make a figure "
                "for each"
            )
        _check_measure(study, where, entry["panels"][0], "tagging", kind)
    for other in entry["panels"]:
        if kind == "measure_curves":
            _check_measure(study, where, other, entry["measure"], kind)
        for column in entry.get("columns", ()):
            _check_column(study, where, other, kind, column)


def check_no_panels(name: str, entry: dict[str, Any]) -> None:
    """Raise StudyError where a figure of labellers names panels, or what they measure."""
    for key in OWN_KEYS:
        if key in entry:
            raise StudyError(
                f"figure {name}: {key} is for {', '.join(PANEL_FIGURES)}, not {entry['figure']}; "
                "leave it out"
            )


def _check_panel(study: Study, where: str, name: str, cohort: str) -> None:
    panels = study.config["panels"]
    own = [other for other in panels if panel(study, other)["cohort"] == cohort]
    there = f"its panels are {', '.join(own)}" if own else "it has none"
    if name not in panels:
        raise StudyError(f"{where}: no panel '{name}'; the figure is of cohort {cohort}, {there}")
    if name not in own:
        raise StudyError(
            f"{where}: panel {name} is of cohort {panel(study, name)['cohort']}, and the figure of "
            f"{cohort}; {there}"
        )


def _check_measure(study: Study, where: str, name: str, measure: str, what: str) -> None:
    """Raise StudyError if a panel does not make a measure. what: the figure or column."""
    made = panel_measures(study, name)
    if measure not in made:
        raise StudyError(
            f"{where}: {what} needs {measure} ({PANEL_MEASURES[measure].name}), which panel {name} "
            f"does not measure; its measures are {', '.join(made)}"
        )


def _check_column(study: Study, where: str, name: str, kind: str, column: str) -> None:
    """Raise StudyError if the table of phenotypes of a panel lacks a column."""
    if kind == "bulls_eye":
        if column not in SEGMENTAL:
            raise StudyError(
                f"{where}: '{column}' is no measure by segment; there are {', '.join(SEGMENTAL)}"
            )
        _check_measure(study, where, name, SEGMENTAL[column].measure, column)
        return
    own = column.removesuffix("_per_m2")
    if own != column and not own.endswith(PER_M2):
        own = column
    if own in [measure.name for measure in VENTRICULAR]:
        about = panel(study, name)
        labelled = [study.sequence_of(about["cohort"], who) for who in about["labellers"]]
        if not any(map(has_phases, labelled)):
            raise StudyError(
                f"{where}: {column} needs labels of the short axis; panel {name} labels "
                + ", ".join(sequence.key for sequence in labelled)
            )
        return
    for measure, columns in SEGMENT_COLUMNS.items():
        if own in columns:
            _check_measure(study, where, name, measure, column)
            return
    # These load what measures them, which few studies need here.
    from cmrseg.phenotypes import aorta, atria, biplane, scar, tagging_columns

    others = {"atria": atria.COLUMNS, "biplane": biplane.COLUMNS, "aorta": aorta.COLUMNS}
    others |= {"scar": scar.VOLUMES, "tagging": tagging_columns.COLUMNS}
    for measure, columns in others.items():
        if own in columns:
            _check_measure(study, where, name, measure, column)
            return
    known = [measure.name for measure in VENTRICULAR] + [n for c in others.values() for n in c]
    raise StudyError(
        f"{where}: no table of phenotypes has a column '{column}'; there are {', '.join(known)}, "
        f"and by segment {', '.join(SEGMENTAL)}, as {SEGMENT_COLUMNS['strain'][0]}"
    )
