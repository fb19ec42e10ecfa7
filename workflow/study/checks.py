"""Checks of a study before any job starts; errors name the wrong key, row or name."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.learn.subsets import SCORED
from cmrseg.measure.by_sequence import has_phases
from cmrseg.ring import SEEN_FRAMES
from study.calibration import check_calibration
from study.ensembles import OUT_OF_FOLD
from study.figure_checks import check_figures
from study.hdf5_checks import check_grid, check_rows
from study.model_checks import check_labeller, check_models, check_order
from study.numbers import check_numbers
from study.panels import check_panels
from study.point_checks import check_point_names, check_points
from study.propagated_checks import check_not_of_reference, check_propagated
from study.quality import check_quality
from study.robustness import check_robustness
from study.sequence_checks import check_sequences_of
from study.study import DICOM, Study
from study.subjects import patients
from study.tables import StudyError, own_file

# Forms of annotation that a layout can hold.
FORMS = {
    "kaggle": ("masks", "frames", "nifti"),
    "folder": ("qmass", "text", "cvi42", "nifti", "points"),
    "nifti": ("nifti", "points"),
    "ukbb": ("nifti",),
    "ukbb_dicom": ("cvi42", "nifti", "points"),
    "png": ("frames",),
    "hdf5": ("hdf5",),
    "myops": ("myops", "nifti"),
    "tagging": ("tagging", "points"),
}
# Layouts that the digital heart can write.
WRITTEN = ("kaggle", "folder", "nifti", "ukbb", "ukbb_dicom", "hdf5", "myops", "tagging")
# Settings of a phantom that only some layouts have.
ONLY_FOR = {
    "frame_interval_ms": ("hdf5",),
    "interpolation": ("hdf5", "myops"),
    "sequence_shift_mm": ("myops",),
    "prefix": ("myops",),
    "dicom": ("myops",),
    "packed": ("ukbb_dicom",),
}
# Layouts whose phantom can have an infarct that is seen, or that moves less.
INFARCTED = ("nifti", "ukbb_dicom", "myops", "tagging")
# Layouts whose phantom needs to know the number of frames of a cine.
WITH_FRAMES = (*DICOM, "nifti", "ukbb_dicom", "tagging")
# Its folder in results/ contains the published study.
RESERVED = "published"


def check_study(study: Study) -> None:
    """Raise StudyError for the first error in a study."""
    if study.name == RESERVED:
        raise StudyError(
            f"config: study is '{RESERVED}', whose results have that folder; rename it"
        )
    _check_cohorts(study)
    _check_phantoms(study)
    check_models(study)
    _check_evaluations(study)
    _check_published(study)
    _check_confidence(study)
    check_calibration(study)
    check_quality(study)
    check_panels(study)
    check_robustness(study)
    check_order(study)
    check_figures(study)


def _check_cohorts(study: Study) -> None:
    for name, cohort in study.cohorts.items():
        for annotator, about in cohort["annotators"].items():
            check_numbers(f"cohort {name}: annotator {annotator}", about)
            form = study.annotator(name, annotator)["form"]
            if form not in FORMS[cohort["layout"]]:
                raise StudyError(
                    f"cohort {name}: annotator {annotator} has {form}, layout {cohort['layout']} "
                    f"has {' or '.join(FORMS[cohort['layout']])}"
                )
        check_sequences_of(study, name)
        check_propagated(study, name)
        if cohort["known_volumes"] == "kaggle" and cohort["layout"] != "kaggle":
            raise StudyError(
                f"cohort {name}: layout {cohort['layout']} has no tables of the competition; put "
                "known volumes into the subject table (known_volumes: table)"
            )
        table = study.subjects[name]
        check_grid(name, cohort, table)
        if "patient" in table:
            _check_patients(name, table)
        if cohort["layout"] == "tagging":
            check_rows(name, table)
            continue
        shared = table[table["study"].duplicated(keep=False)]
        for what, rows in shared.groupby("study"):
            if rows["split"].nunique() > 1:
                raise StudyError(
                    f"cohort {name}: study {what} is in splits {', '.join(rows['split'])}; "
                    "a patient belongs to one"
                )
            if rows["series"].eq("").any() or rows["series"].duplicated().any():
                raise StudyError(
                    f"cohort {name}: subjects {', '.join(rows['subject'])} are the same series of "
                    f"study {what}; assign the series in `series`"
                )


def _check_patients(name: str, table: pd.DataFrame) -> None:
    """All examinations of a patient must be in one split."""
    patient = patients(table)
    for who, rows in table[patient.duplicated(keep=False)].groupby(patient):
        if rows["split"].nunique() > 1:
            raise StudyError(
                f"cohort {name}: patient {who} is in splits {', '.join(rows['split'])}; a patient "
                "belongs to one"
            )


def _check_phantoms(study: Study) -> None:
    """The phantom writes all stacks of a study in one job, and cines in DICOM only."""
    for cohort in study.phantoms():
        settings, layout = study.cohorts[cohort]["phantom"], study.cohorts[cohort]["layout"]
        if layout not in WRITTEN:
            raise StudyError(
                f"cohort {cohort}: the phantom writes {', '.join(WRITTEN)}, not {layout}"
            )
        if ("frames" in settings) != (layout in WITH_FRAMES):
            raise StudyError(
                f"cohort {cohort}: phantom.frames belongs to the layouts {', '.join(WITH_FRAMES)} "
                "and is needed there; layout ukbb has end-diastole and end-systole alone, "
                "layout myops end-diastole, and of layout hdf5 heart rate and frame_interval_ms "
                "decide"
            )
        for key, layouts in ONLY_FOR.items():
            if key in settings and layout not in layouts:
                raise StudyError(
                    f"cohort {cohort}: phantom.{key} is for the layout {' and '.join(layouts)}"
                )
        if layout == "tagging" and settings["frames"] != SEEN_FRAMES:
            raise StudyError(
                f"cohort {cohort}: phantom.frames is {settings['frames']}; files of layout tagging "
                f"have {SEEN_FRAMES}"
            )
        for key in ("rows", "columns"):
            if settings[key] % settings.get("interpolation", 1):
                raise StudyError(
                    f"cohort {cohort}: phantom.{key} is {settings[key]}, expected a multiple of "
                    f"interpolation {settings['interpolation']}"
                )
        homes: dict[str, str] = {}
        for shard in study.shards(cohort):
            for row in study.rows(cohort, shard):
                if row["faults"] and layout != "kaggle":
                    raise StudyError(
                        f"cohort {cohort}: subject {row['subject']} has faults "
                        f"'{row['faults']}', which the phantom only writes in layout kaggle; "
                        "leave the cell empty"
                    )
                if row.get("infarct") and layout not in INFARCTED:
                    raise StudyError(
                        f"cohort {cohort}: subject {row['subject']} has infarct "
                        f"'{row['infarct']}', which the phantom only draws in the layouts "
                        f"{', '.join(INFARCTED)}; leave the cell empty"
                    )
                if homes.setdefault(row["study"], shard) != shard:
                    raise StudyError(
                        f"cohort {cohort}: the subjects of study {row['study']} fall into two "
                        "jobs; put their rows next to each other or change subjects_per_job"
                    )


def _check_evaluations(study: Study) -> None:
    for entry in study.config["predict"]:
        for labeller in entry["labellers"]:
            check_labeller(study, "predict", entry["cohort"], labeller)
    everyone = {labeller for _, labeller in study.labelled()}
    for labeller in study.config["volumes"]["ed_of"]:
        if labeller not in everyone:
            raise StudyError(
                f"volumes.ed_of: no labeller '{labeller}' in any cohort; there are "
                + ", ".join(sorted(everyone))
            )
    entries = study.config["evaluate"]
    for entry in entries:
        _check_entry(study, entry)
    check_point_names(study)
    of_sequence = [
        (e["cohort"], study.sequence_of(e["cohort"], e["labellers"][0])) for e in entries
    ]
    for (cohort, sequence), count in Counter(of_sequence).items():
        if count > 1:
            raise StudyError(
                f"evaluate: cohort {cohort} occurs twice with sequence {sequence.key}; join the "
                "entries"
            )


def _check_entry(study: Study, entry: dict[str, Any]) -> None:
    """An entry of `evaluate`: labellers of one sequence, and what they are compared with."""
    cohort, reference = entry["cohort"], entry.get("reference")
    for labeller in entry["labellers"]:
        check_labeller(study, "evaluate", cohort, labeller)
    if reference is None and not study.known_volumes(cohort):
        raise StudyError(
            f"evaluate: cohort {cohort} has neither a `reference` nor known volumes; "
            "add one of them"
        )
    if reference is not None and reference not in study.annotators(cohort):
        raise StudyError(
            f"evaluate: reference '{reference}' of cohort {cohort} is no annotator; there are "
            + ", ".join(study.annotators(cohort))
        )
    check_points(study, entry)
    check_not_of_reference(study, entry)
    if reference is not None and entry["frames"] == "own" and study.has_maps(cohort, reference):
        _check_own_frames(study, cohort)
    compared = [*entry["labellers"], *([reference] if reference else [])]
    sequences = {name: study.sequence_of(cohort, name).key for name in compared}
    if len(set(sequences.values())) > 1:
        raise StudyError(
            f"evaluate: labellers of cohort {cohort} label different sequences: "
            + ", ".join(f"{name} {sequence}" for name, sequence in sequences.items())
            + "; make an entry for each sequence"
        )


def _check_own_frames(study: Study, cohort: str) -> None:
    """An end-systole in the subject table is the reference's, and would have no effect here."""
    for row in study.rows_of(cohort):
        if row.get("es_frame") is not None:
            raise StudyError(
                f"evaluate: cohort {cohort} is measured at each side's own frames, but its subject "
                f"table has an es_frame for {row['subject']}; say frames: reference, or remove "
                "the column"
            )


def _check_published(study: Study) -> None:
    entry = study.config.get("published_values")
    if entry and not Path(own_file(entry["table"])).is_file():
        raise StudyError(f"published_values: no table {entry['table']}; name an existing file")
    if entry and (entry["labeller"], entry["cohort"]) not in study.evaluations():
        raise StudyError(
            f"published_values: `evaluate` does not compare labeller {entry['labeller']} of cohort "
            f"{entry['cohort']} with a reference; add it there"
        )
    if entry is None or OUT_OF_FOLD not in entry["splits"]:
        return
    if study.folds(entry["labeller"], entry["cohort"]) is None:
        raise StudyError(
            f"published_values: splits {OUT_OF_FOLD}, but {entry['labeller']} has no folds of "
            f"cohort {entry['cohort']}; name an ensemble that was trained on it, or a split"
        )


def _check_confidence(study: Study) -> None:
    entry = study.config.get("confidence")
    for model, row in study.models.items():
        if row["subset"] in SCORED and (entry is None or entry["cohort"] != row["cohort"]):
            raise StudyError(
                f"model {model}: subset {row['subset']} of cohort {row['cohort']} needs the "
                "`confidence` section for that cohort"
            )
    if entry is None:
        return
    cohort = entry["cohort"]
    for _, labeller in study.scored():
        check_labeller(study, "confidence", cohort, labeller)
        sequence = study.sequence_of(cohort, labeller)
        if not study.has_maps(cohort, labeller) or not has_phases(sequence):
            raise StudyError(
                f"confidence: {labeller} gives no volumes of short-axis cines, which are scored"
            )
    if study.cohorts[cohort]["known_volumes"] == "kaggle":
        return
    table, path = study.subjects[cohort], study.cohorts[cohort]["subjects"]
    missing = table["subject"][table[["edv_ml", "esv_ml"]].isna().any(axis=1)]
    if len(missing):
        raise StudyError(
            f"cohort {cohort}: {path} has no edv_ml and esv_ml for "
            f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}; confidence needs "
            "them for every subject"
        )
    wrong = table["subject"][table["edv_ml"] < table["esv_ml"]]
    if len(wrong):
        raise StudyError(f"cohort {cohort}: subject {wrong.iloc[0]} has edv_ml below esv_ml")
