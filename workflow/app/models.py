"""Models to try: folders with weights and a record, and their descriptions."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib

from cmrseg.apply import unfit
from cmrseg.apply_tags import untracked
from cmrseg.cine import UNREADABLE
from cmrseg.learn.label import RECORD, WEIGHTS
from cmrseg.nets.kinds import KINDS
from cmrseg.results.labelling import LABELLING
from cmrseg.results.record import recorded_settings
from cmrseg.sequences import USUAL, image_path
from cmrseg.tasks.kinds import kind_of

# Where models are stored, relative to the top folder of the project.
PLACES = ("results/*/models/*", "resources/models/*")
# Rows of a model's card that describe its training data.
CARD_ROWS = ("start", "cohort", "labels of", "subset", "training", "licence", "data")
# In the card of a model: its cohort is simulated.
DIGITAL = "digital heart"
TOY = "trained on digital hearts; not for patients"
NONE = (
    "No models found. Get the UK Biobank networks below. Run the demo (make demo), which trains "
    "models in results/demo/models, or pass a folder of models: make app APP='--models <folder>'."
)


@dataclass(frozen=True)
class Model:
    """A model's folder as the page shows it.

    name: as displayed. network: its type and size. sequence: the images it labels, as `c0,de,t2`.
    facts: description of its training data. tissues: those that it labels, as in its record.
    trained_mm: voxel size of its training images along z, y, x, None if unknown. fault: why it
    cannot be used, "" if it can.
    """

    folder: Path
    name: str
    network: str = ""
    sequence: str = USUAL
    facts: Mapping[str, str] = field(default_factory=dict)
    trained_mm: tuple[float, float, float] | None = None
    tissues: str = ""
    fault: str = ""

    @property
    def is_toy(self) -> bool:
        """Whether it was trained on digital hearts alone."""
        return DIGITAL in self.facts.get("cohort", "")


def find_models(root: Path, more: Iterable[Path] = ()) -> list[Model]:
    """Models below the project's folder and in `more`: model folders, or folders of models."""
    folders = [(f, _place(f, root)) for pattern in PLACES for f in sorted(root.glob(pattern))]
    for given in more:
        inside = sorted(path for path in given.glob("*") if path.is_dir())
        for folder in [given, *inside]:
            folders.append((folder, folder.name if folder != given else given.resolve().name))
    found: dict[Path, Model] = {}
    for folder, place in folders:
        if (folder / WEIGHTS).is_file() and (folder / RECORD).is_file():
            found.setdefault(folder.resolve(), describe(folder, place))
    # What is for patients comes first.
    return sorted(found.values(), key=lambda model: model.is_toy)


def model_id(model: Model) -> str:
    """A display name without paths of this machine."""
    return hashlib.sha256(model.folder.resolve().as_posix().encode()).hexdigest()[:16]


def _place(folder: Path, root: Path) -> str:
    parts = folder.relative_to(root).parts
    return f"{folder.name} ({parts[1] if parts[0] == 'results' else 'resources'})"


def describe(folder: Path, name: str) -> Model:
    """Description of a model; an error in its record becomes its `fault`."""
    try:
        settings = recorded_settings(folder / RECORD)
    except (OSError, ValueError):
        return Model(folder, name, fault="its record.json does not describe a model")
    missing = [word for word in LABELLING if word not in settings]
    if missing:
        return Model(folder, name, fault=f"its record lacks {', '.join(missing)}")
    network = f"{settings['network']} {settings['encoder']}".strip()
    shown = "landmarks" if settings["task"] == "track" else settings["tissues"]
    network += f", {shown}, {settings['size_px']} pixels"
    if isinstance(members := settings.get("members"), dict):
        network += f", {len(members)} networks together"
    fault = ""
    if settings["network"] not in tuple(KINDS):
        fault = f"network {settings['network']} cannot be used here"
    else:
        fault = _fault(settings)
    first = str(settings["sequence"]).partition(",")[0]
    trained_mm = _distances(settings.get("spacing_mm") or _of_study(folder, settings, first))
    # A record may contain anything; the fault then says so.
    sequence = USUAL if fault else settings["sequence"]
    tissues = str(settings["tissues"])
    facts = _facts(folder, settings)
    return Model(folder, name, network, sequence, facts, trained_mm, tissues, fault)


def _fault(settings: Mapping[str, Any]) -> str:
    """Why the page cannot use a model; a record may contain anything."""
    try:
        points = kind_of(settings).writes == "points"
        return untracked(settings) if points else unfit(settings)
    except ValueError as error:
        return str(error)


def _facts(folder: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """Training data of a model: rows of its card, or of its record if there is no card."""
    card = folder / "README.md"
    if card.is_file():
        text = card.read_text("utf-8", errors="replace")
        rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", text, re.M))
        if facts := {name: rows[name] for name in CARD_ROWS if name in rows}:
            return facts
    names = {"start": "start", "cohort": "cohort", "labeller": "labels of", "subset": "subset"}
    return {words: str(settings[key]) for key, words in names.items() if settings.get(key)}


def _distances(given: Any) -> tuple[float, float, float] | None:
    """Valid spacing along z, y, x; None for anything else in a record."""
    if not isinstance(given, list) or len(given) != 3:
        return None
    if not all(isinstance(d, int | float) and math.isfinite(d) and d > 0 for d in given):
        return None
    return float(given[0]), float(given[1]), float(given[2])


def _of_study(folder: Path, settings: Mapping[str, Any], sequence: str) -> list[float] | None:
    """Spacing of the first image of a sequence in the training cohort of a model."""
    cohort = str(settings.get("cohort") or "")
    if not (re.fullmatch(r"\w+", cohort) and re.fullmatch(r"\w+", sequence)):
        return None
    images = folder.resolve().parents[1] / "cohorts" / cohort / "images"
    first = min(images.glob(str(image_path("*/*", sequence))), default=None)
    if first is None:
        return None
    try:
        x, y, z = nib.load(first).header.get_zooms()[:3]  # type: ignore[attr-defined]
    except UNREADABLE:
        return None
    return [float(z), float(y), float(x)]
