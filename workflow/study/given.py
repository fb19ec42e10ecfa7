"""Existing models: the settings that segmentation needs, and their weights."""

from pathlib import Path
from typing import Any

from cmrseg.results.labelling import DEFAULTS, LABELLING, OPTIONAL
from cmrseg.results.record import recorded_settings
from study.tables import StudyError, own_file, read_yaml

# Published weights that can be downloaded and converted, and their folder.
CATALOGUE = "resources/weights.yaml"
CONVERTED = "resources/models"
# Whether others may be given the weights without asking their authors; if it is not there: no.
PASSED_ON = "may_be_passed_on"
# Descriptive keys of a catalogue entry: no number depends on them.
WORDS = ("orientation", "trained_on", "limits", "terms", PASSED_ON, "reference")


def without_words(entry: dict[str, Any]) -> dict[str, Any]:
    """Keys of a catalogue entry that conversion depends on: editing others retrains nothing."""
    return {key: value for key, value in entry.items() if key not in WORDS}


def given_models(weights: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Settings of each model that the study names in `weights`, with its `folder`.

    weights: name -> folder. A folder below resources/models may be absent: it will be made if
    the catalogue has it. Raises StudyError naming model and folder.
    """
    catalogue = read_yaml(own_file(CATALOGUE)) if weights else {}
    return {name: _settings(name, Path(folder), catalogue) for name, folder in weights.items()}


def with_coarse_models(given: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Given models, and the coarse model of each from the folder of its name beside it.

    Raises StudyError naming the folder that is missing, or another model of that name.
    """
    found, waiting = dict(given), list(given)
    while waiting:
        name = waiting.pop()
        if not (coarse := found[name]["coarse"]):
            continue
        folder = Path(found[name]["folder"]).parent / coarse
        if coarse in found and Path(found[coarse]["folder"]) != folder:
            raise StudyError(
                f"weights {name}: its coarse model is {folder}, but weights {coarse} is "
                f"{found[coarse]['folder']}; rename that one"
            )
        if not folder.is_dir():
            raise StudyError(
                f"weights {name}: it needs its coarse model {coarse}; put that model's folder at "
                f"{folder}"
            )
        if coarse not in found:
            found |= given_models({coarse: folder.as_posix()})
            waiting.append(coarse)
    return found


def weights_state(folder: str) -> str:
    """A text that changes with the weights in a folder, also if older ones replace them; else "".

    Size and time, as reading the content of such files takes long. Weights converted by the
    workflow have the time of their job, and nothing to compare.
    """
    path = Path(folder) / "weights.safetensors"
    if Path(folder).parent == Path(CONVERTED) or not path.is_file():
        return ""
    told = path.stat()
    return f"{told.st_size} bytes of {int(told.st_mtime)}"


def _settings(name: str, folder: Path, catalogue: dict[str, Any]) -> dict[str, Any]:
    if folder.parent == Path(CONVERTED) and folder.name in catalogue:
        found, where = catalogue[folder.name], CATALOGUE
        if not isinstance(found, dict):
            raise StudyError(f"{CATALOGUE}: {folder.name} is {found!r}, expected keys and values")
    elif not folder.is_dir():
        raise StudyError(
            f"weights {name}: no folder {folder}; name the folder of a model, or one of "
            + ", ".join(f"{CONVERTED}/{known}" for known in catalogue)
        )
    else:
        found, where = _recorded(name, folder), f"{folder}/record.json"
    found = DEFAULTS | found
    missing = [key for key in LABELLING if key not in found]
    if missing:
        raise StudyError(f"weights {name}: {where} has no {', '.join(missing)}")
    optional = {key: found.get(key, default) for key, default in OPTIONAL.items()}
    settings = {key: found[key] for key in LABELLING} | optional | {"folder": folder.as_posix()}
    # Of an ensemble, which is labelled by all of them.
    members = found.get("members")
    return settings | ({"members": dict(members)} if isinstance(members, dict) else {})


def _recorded(name: str, folder: Path) -> dict[str, Any]:
    for file in ("weights.safetensors", "record.json"):
        if not (folder / file).is_file():
            raise StudyError(
                f"weights {name}: {folder} has no {file}; name a model's folder, which is complete "
                "after `train_all` of its study"
            )
    try:
        return recorded_settings(folder / "record.json")
    except ValueError as error:
        raise StudyError(f"weights {name}: {error}") from None
