"""A study of one subject and one model, made from two values on the command line.

`snakemake predict_all --config input=<folder or file> model=<folder of a model or name>`
"""

import re
from pathlib import Path
from typing import Any

from cmrseg.canvas import PREPARATIONS
from cmrseg.layouts.inputs import find_images, without_suffix
from cmrseg.measure.person import person_of
from cmrseg.sequences import USUAL, channels_of
from cmrseg.tasks.kinds import kind_of
from study.given import CONVERTED, given_models
from study.tables import GRID, WITHOUT_GRID, StudyError

COHORT = "input"
TEXT = ("input", "model", "subject", "series", "mode", "sex", "title")
# Of the person in the images, for the report alone: as in a subject table.
PERSON = ("height_cm", "weight_kg", "age_y", "sex")
KEYS = (*dict.fromkeys((*TEXT, *GRID, *PERSON)),)
# Points of which strain is measured.
LANDMARKS = "landmarks"
# Folder in which a prediction records its input and model.
ORIGINS = "results/{study}/origins"


def prediction_study(config: dict[str, Any]) -> dict[str, Any]:
    """The config of a study that labels `input` with `model`.

    config: input (a folder of DICOM, a folder with sa.nii.gz or with one NIfTI file, such a file,
    or an HDF5 file; for a model of several sequences a folder with a file for each), model (a
    folder, or a name of resources/weights.yaml), subject (its name; by default that of the input),
    series (which DICOM series are the cine, or rows of an HDF5 file of tagged cines, as in a
    subject table), mode (of the cleaning); spacing_mm, slice_distance_mm and frame_interval_ms of
    an HDF5 file; what is for the report alone (`prediction_report`). Strain is measured of a model
    that places landmarks in tagged cines. Raises StudyError naming what is absent or unknown.
    """
    unknown = [key for key in config if key not in KEYS]
    if unknown:
        raise StudyError(
            f"--config {unknown[0]}: unknown beside input; known are {', '.join(KEYS)}"
        )
    if "model" not in config:
        raise StudyError("--config input=... needs model=<folder of a model> as well")
    for key in TEXT:
        if not isinstance(config.get(key, ""), str):
            raise StudyError(
                f"{key} is {config[key]!r}, which is not text; write it in quotes in a config file"
            )
    path = Path(config["input"])
    folder, name = _model(config)
    wanted, gives = _labelled(name, folder)
    try:
        found = find_images(path, wanted)
    except ValueError as error:
        raise StudyError(f"--config input={error}") from None
    subject = config.get("subject") or without_suffix(path.resolve().name)
    subject = re.sub(r"[^A-Za-z0-9_-]+", "_", subject).strip("_-")
    if not subject:
        raise StudyError(
            f"--config input={path}: no letter or digit for a name; give subject=<name>"
        )
    row = {"subject": subject, "study": found.study, "split": "test"}
    if "series" in config:
        if found.layout not in ("folder", "tagging"):
            raise StudyError(f"--config series: {path} is one cine; series are of DICOM files")
        row["series"] = config["series"]
    cohort: dict[str, Any] = {
        "subjects": [row],
        "layout": found.layout,
        "raw": str(found.raw),
    }
    if wanted != USUAL:
        cohort["sequences"] = [sequence.key for sequence in channels_of(wanted)]
    if "mode" in config:
        cohort["cleaning"] = {"mode": config["mode"]}
    cohort |= _grid(path, found.layout, config)
    study_name = f"predict_{subject.lower().replace('-', '_')}"
    _check_origins(study_name, prediction_origins(config))
    return {
        "study": study_name,
        "max_failed_fraction": 0,
        "cohorts": {COHORT: cohort},
        "weights": {name: folder},
        "predict": [{"cohort": COHORT, "labellers": [name]}],
        **_shown(name, gives),
    }


def _shown(name: str, gives: str) -> dict[str, Any]:
    """What is measured and drawn of what a model gives: panels and figures of the study."""
    if gives == "label map":
        return {"figures": {"overlay": {"figure": "prediction", "cohort": COHORT}}}
    if gives != LANDMARKS:
        return {}
    return {
        "panels": {name: {"cohort": COHORT, "labellers": [name], "measures": ["tagging"]}},
        "figures": {
            "strain": {"figure": "strain_curves", "cohort": COHORT, "panels": [name]},
            "film": {"figure": "tagging_movie", "cohort": COHORT, "labellers": [name]},
        },
    }


def _labelled(name: str, folder: str) -> tuple[str, str]:
    """The images that a model labels, as `la_4ch` or `c0,de,t2`, and what it gives.

    That is "label map", LANDMARKS or "points", which are others. Of a model that cannot be read
    the usual ones: the study refuses the model by name.
    """
    try:
        settings = given_models({name: folder})[name]
        wanted: str = settings["sequence"]
        channels_of(wanted)
        gives = kind_of(settings).writes
        preparation = PREPARATIONS.get(settings["preparation"])
        # Networks of one frame place the box in which landmarks are placed.
        if gives == "points" and preparation is not None and preparation.frames > 1:
            gives = LANDMARKS
        return wanted, gives
    except (StudyError, ValueError):
        return USUAL, "label map"


def _grid(path: Path, layout: str, config: dict[str, Any]) -> dict[str, Any]:
    """The voxel size and frame interval, which HDF5 files do not contain and all others do.

    Those of tagged cines have usual values, as strain does not depend on them.
    """
    given = {key: config[key] for key in GRID if key in config}
    if layout not in WITHOUT_GRID and given:
        raise StudyError(f"--config {next(iter(given))}: is for HDF5 files; {path} has its own")
    if layout == "hdf5" and len(given) < len(GRID):
        raise StudyError(
            f"--config input={path}: an HDF5 file does not say how large its voxels are; give "
            "spacing_mm=<of pixels> slice_distance_mm=<thickness plus gap> "
            "frame_interval_ms=<between frames>"
        )
    return given


def prediction_origins(config: dict[str, Any]) -> dict[str, str]:
    """The full path of what is labelled (`input`) and of each model (`model_<name>`)."""
    folder, name = _model(config)
    paths = {"input": config["input"], f"model_{name}": folder}
    return {key: str(Path(path).resolve()) for key, path in paths.items()}


def prediction_report(config: dict[str, Any]) -> dict[str, Any]:
    """What is typed for the report: `person`, by the keys of measure.person, and `title`.

    Raises StudyError naming a value that is implausible.
    """
    said = {key: config[key] for key in PERSON if key in config}
    if "age_y" in said:
        said["age_years"] = said.pop("age_y")
    try:
        person_of(said)
    except ValueError as error:
        raise StudyError(f"--config {error}") from None
    return {"person": said, "title": config.get("title", "")}


def where_results_are(study: str, reports: list[str]) -> str:
    """A sentence for the end of a prediction. reports: paths of its report, if there is one."""
    top = f"results/{study}"
    return (
        f"Results are in {top}: "
        + "".join(f"{Path(path).name} (one page), " for path in reports)
        + f"label maps and volumes in cohorts/{COHORT}, pictures in figures"
    )


def _check_origins(study: str, origins: dict[str, str]) -> None:
    """Results are named by the last part of two paths: refuse a name that would replace others."""
    folder = Path(ORIGINS.format(study=study))
    for name, path in origins.items():
        kept = folder / f"{name}.txt"
        if not kept.is_file() or (other := kept.read_text("utf-8").strip()) == path:
            continue
        if name == "input":
            raise StudyError(
                f"--config input={path}: {folder.parent} has the results of {other}; give "
                f"subject=<another name>, or remove {folder.parent}"
            )
        raise StudyError(
            f"--config model={path}: {folder.parent} has labels of another model with this name, "
            f"{other}; rename the model's folder, or remove {folder.parent}"
        )


def _model(config: dict[str, Any]) -> tuple[str, str]:
    """Folder of the model, and its name as a labeller."""
    model = config["model"].rstrip("/")
    folder = model if "/" in model or Path(model).is_dir() else f"{CONVERTED}/{model}"
    # Also resolves a name like ".".
    name = Path(folder).name or Path(folder).resolve().name
    return folder, re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
