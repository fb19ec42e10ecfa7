"""What a study must not be: checked before any job starts, refused by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from study_tables import StudyError

if TYPE_CHECKING:
    from study import Study

# Confidence sets, subsets of volunteers and the number they need.
SETS = ("c05", "c10", "c15")
VOLUNTEERS = {"v7": 7, "r7": 7, "v3": 3, "r3": 3, "v1": 1, "r1": 1}
# Forms of annotation that a layout can hold.
FORMS = {
    "kaggle": ("masks", "frames", "nifti"),
    "folder": ("qmass", "text", "nifti"),
    "nifti": ("nifti",),
    "ukbb": ("nifti",),
    "png": ("frames",),
}
# Layouts that the digital heart can write, and those that hold DICOM.
WRITTEN = ("kaggle", "folder", "ukbb")
DICOM = ("kaggle", "folder")
STARTS = ("random", "imagenet")
# Figures that need no evaluation of their cohort, and those that need known volumes alone.
UNEVALUATED = ("cleaning", "learning_curves", "prediction")
VOLUME_FIGURES = ("volume_agreement", "ef_error")
# Figures that show what they show, and no choice of labellers.
FIXED = ("cleaning", "confidence", "prediction")
# Its folder in results/ holds the published study.
RESERVED = "published"
# What two networks must share for one to start from the other.
SHARED = ("network", "encoder", "width")
# Sides that a network can halve: a U-Net five times.
UNET_MULTIPLE_PX = 32


def check_study(study: Study) -> None:
    """Raise StudyError for the first thing in a study that cannot work."""
    if study.name == RESERVED:
        raise StudyError(
            f"config: study is '{RESERVED}', whose results have that folder; rename it"
        )
    _check_cohorts(study)
    _check_phantoms(study)
    _check_models(study)
    _check_evaluations(study)
    _check_confidence(study)
    _check_order(study)
    _check_figures(study)


def _check_cohorts(study: Study) -> None:
    for name, cohort in study.cohorts.items():
        for annotator in cohort["annotators"]:
            form = study.annotator(name, annotator)["form"]
            if form not in FORMS[cohort["layout"]]:
                raise StudyError(
                    f"cohort {name}: annotator {annotator} has {form}, layout {cohort['layout']} "
                    f"holds {' or '.join(FORMS[cohort['layout']])}"
                )
        table = study.subjects[name]
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
                    f"study {what}; say in `series` which belong to whom"
                )


def _check_phantoms(study: Study) -> None:
    """The digital heart writes all stacks of a study in one job, and cines in DICOM only."""
    for cohort in study.phantoms():
        settings, layout = study.cohorts[cohort]["phantom"], study.cohorts[cohort]["layout"]
        if layout not in WRITTEN:
            raise StudyError(
                f"cohort {cohort}: the phantom writes {', '.join(WRITTEN)}, not {layout}"
            )
        if ("frames" in settings) != (layout != "ukbb"):
            raise StudyError(
                f"cohort {cohort}: phantom.frames belongs to the layouts kaggle and folder and "
                f"is needed there; layout ukbb has end-diastole and end-systole alone"
            )
        homes: dict[str, str] = {}
        for shard in study.shards(cohort):
            for row in study.rows(cohort, shard):
                if homes.setdefault(row["study"], shard) != shard:
                    raise StudyError(
                        f"cohort {cohort}: the subjects of study {row['study']} fall into two "
                        "jobs; put their rows next to each other or change subjects_per_job"
                    )


def _check_models(study: Study) -> None:
    annotators = {a for cohort in study.cohorts for a in study.annotators(cohort)}
    for model in [*study.models, *study.given]:
        if model in annotators:
            raise StudyError(f"'{model}' is both a model and an annotator; rename one of them")
        if model in STARTS:
            raise StudyError(f"a model cannot be named '{model}', which is a start; rename it")
    for model, row in study.models.items():
        if model in study.given:
            raise StudyError(f"model {model} is in the models table and in `weights`; rename one")
        _check_labeller(study, f"model {model}", row["cohort"], row["labeller"])
        _check_start(study, model, row)
        _check_row(model, row)
        table = study.subjects[row["cohort"]]
        if not table["split"].eq("validate").any():
            raise StudyError(f"model {model}: cohort {row['cohort']} has no subject to validate on")
        trained = int(table["split"].isin(row["splits"].split(",")).sum())
        needed = VOLUNTEERS.get(row["subset"], 1)
        if trained < needed:
            raise StudyError(
                f"model {model}: subset {row['subset']} of cohort {row['cohort']} needs {needed} "
                f"subjects, splits {row['splits']} have {trained}"
            )


def _check_row(model: str, row: dict[str, Any]) -> None:
    """Settings of one model that contradict each other."""
    fcn = row["network"] == "fcn"
    wrong = {
        f"network {row['network']} with encoder '{row['encoder']}'; a U-Net needs an encoder, "
        "the FCN has none": fcn != (row["encoder"] == ""),
        f"network {row['network']} with preparation {row['preparation']}; each has its own": fcn
        != (row["preparation"] == "fcn"),
        "intensity greys is of the preparation unet": fcn and row["intensity"] != "linear",
        f"size_px {row['size_px']}; a U-Net needs a multiple of {UNET_MULTIPLE_PX}": not fcn
        and row["size_px"] % UNET_MULTIPLE_PX != 0,
        "no epochs; give epochs or epochs_frozen": _epochs(row["epochs"]) == 0
        and _epochs(row["epochs_frozen"]) == 0,
        "epochs_frozen without lr_frozen": _epochs(row["epochs_frozen"]) > 0
        and not row["lr_frozen"],
    }
    for sentence, is_so in wrong.items():
        if is_so:
            raise StudyError(f"model {model}: {sentence}")


def _check_start(study: Study, model: str, row: dict[str, Any]) -> None:
    if row["start"] not in STARTS and not study.is_model(row["start"]):
        raise StudyError(
            f"model {model}: start '{row['start']}' is neither random nor imagenet nor a "
            f"model; there are {', '.join([*study.models, *study.given])}"
        )
    if row["start"] == "imagenet" and row["network"] == "fcn":
        raise StudyError(f"model {model}: the FCN has no ImageNet weights to start from")
    if study.is_model(row["start"]):
        other = study.model(row["start"])
        for name in SHARED:
            if row[name] != other[name]:
                raise StudyError(
                    f"model {model}: {name} is '{row[name]}', but its start {row['start']} has "
                    f"'{other[name]}'; weights only fit the same network"
                )


def _check_evaluations(study: Study) -> None:
    for entry in study.config["predict"]:
        for labeller in entry["labellers"]:
            _check_labeller(study, "predict", entry["cohort"], labeller)
    entries = study.config["evaluate"]
    for cohort, count in Counter(entry["cohort"] for entry in entries).items():
        if count > 1:
            raise StudyError(f"evaluate: cohort {cohort} is there twice; join the entries")
    for entry in entries:
        cohort, reference = entry["cohort"], entry.get("reference")
        for labeller in entry["labellers"]:
            _check_labeller(study, "evaluate", cohort, labeller)
        if reference is None:
            if not study.known_volumes(cohort):
                raise StudyError(
                    f"evaluate: cohort {cohort} has neither a `reference` nor known volumes; "
                    "without one nothing can be measured"
                )
        elif reference not in study.annotators(cohort):
            raise StudyError(
                f"evaluate: reference '{reference}' of cohort {cohort} is no annotator; there are "
                + ", ".join(study.annotators(cohort))
            )


def _check_confidence(study: Study) -> None:
    entry = study.config.get("confidence")
    for model, row in study.models.items():
        if row["subset"] in SETS and (entry is None or entry["cohort"] != row["cohort"]):
            raise StudyError(
                f"model {model}: subset {row['subset']} of cohort {row['cohort']} needs the "
                "`confidence` section for that cohort"
            )
    if entry is None:
        return
    cohort = entry["cohort"]
    _check_labeller(study, "confidence", cohort, entry["labeller"])
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


def _check_order(study: Study) -> None:
    """No model may need itself: as a start, as a labeller, or for the scores it is chosen by."""
    needs = {}
    for model, row in study.models.items():
        names = [row["start"], row["labeller"]]
        if row["subset"] in SETS:
            names.append(study.config["confidence"]["labeller"])
        needs[model] = [name for name in names if name in study.models]
    for model in study.models:
        path = [model]
        for name in _walk(needs, model, path):
            if name == model:
                raise StudyError(
                    f"model {model} starts from or learns from itself: {' <- '.join(path)}"
                )


def _walk(needs: dict[str, list[str]], model: str, path: list[str]) -> Iterator[str]:
    for name in needs[model]:
        path.append(name)
        yield name
        if path.count(name) == 1:
            yield from _walk(needs, name, path)
        path.pop()


def _check_figures(study: Study) -> None:
    evaluated = {entry["cohort"] for entry in study.config["evaluate"]}
    for name, entry in study.config["figures"].items():
        cohort, kind = entry["cohort"], entry["figure"]
        _check_cohort(study, f"figure {name}", cohort)
        if kind not in UNEVALUATED and cohort not in evaluated:
            raise StudyError(f"figure {name}: cohort {cohort} is not in `evaluate`")
        if kind not in (*UNEVALUATED, *VOLUME_FIGURES) and study.reference(cohort) is None:
            raise StudyError(f"figure {name}: `evaluate` gives cohort {cohort} no reference")
        if kind == "cleaning" and study.cohorts[cohort]["layout"] not in DICOM:
            raise StudyError(f"figure {name}: cohort {cohort} has no DICOM to clean")
        if kind == "prediction" and not study.labellers(cohort):
            raise StudyError(f"figure {name}: nobody labels cohort {cohort}")
        if kind == "learning_curves" and not study.models_on(cohort):
            raise StudyError(f"figure {name}: no model is trained on cohort {cohort}")
        if "labellers" in entry:
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


def _check_drawn(study: Study, name: str, entry: dict[str, Any]) -> None:
    """The labellers that a figure names are some that it could show."""
    cohort, kind = entry["cohort"], entry["figure"]
    if kind in FIXED:
        raise StudyError(f"figure {name}: {kind} shows no choice of labellers; leave them out")
    curves = kind == "learning_curves"
    known = study.models_on(cohort) if curves else study.evaluated(cohort)
    for labeller in entry["labellers"]:
        if labeller not in known:
            what = "trained on" if curves else "in `evaluate` for"
            raise StudyError(
                f"figure {name}: '{labeller}' is not {what} cohort {cohort}; there are "
                + ", ".join(known)
            )


def _check_cohort(study: Study, where: str, cohort: str) -> None:
    if cohort not in study.cohorts:
        raise StudyError(f"{where}: no cohort '{cohort}'; there are {', '.join(study.cohorts)}")


def _check_labeller(study: Study, where: str, cohort: str, labeller: str) -> None:
    _check_cohort(study, where, cohort)
    known = [*study.annotators(cohort), *study.models, *study.given]
    if labeller not in known:
        raise StudyError(
            f"{where}: no labeller '{labeller}' for cohort {cohort}; there are " + ", ".join(known)
        )


def _epochs(cycles: str) -> int:
    """Epochs of all cycles of a stage, written like 5+10+15."""
    return sum(int(part) for part in cycles.split("+"))
