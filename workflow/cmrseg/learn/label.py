"""Labelling as a job: a model and a shard of images in, label maps out."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from cmrseg.canvas import PREPARATIONS
from cmrseg.cine import Cine
from cmrseg.files import read_table, replacing
from cmrseg.learn.ensemble import members_of
from cmrseg.learn.predict import Predictor
from cmrseg.learn.track import Tracker
from cmrseg.learn.weights import load_weights
from cmrseg.nets.build import empty_network, network_settings
from cmrseg.nets.ensemble import Ensemble
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.network import Network
from cmrseg.results.kept import keep, made_of, restore
from cmrseg.results.labelling import LABELLING, OPTIONAL, check_facts
from cmrseg.results.record import recorded_settings, versions
from cmrseg.sequences import channels_of, image_path
from cmrseg.shards import folders_with, subject_folders
from cmrseg.splits import original
from cmrseg.tasks.mean import mean_of

log = logging.getLogger(__name__)

# Files of a model's folder.
WEIGHTS, RECORD = "weights.safetensors", "record.json"
# Number of subjects read ahead, and of threads: on a core decompressing a subject takes several
# times as long as its segmentation on a graphics card.
CARD_AHEAD = 8


def load_model(folder: str | Path) -> tuple[Network, dict[str, Any]]:
    """A trained or converted network and its settings, from the folder of a model.

    folder: with weights.safetensors and record.json. `predict_cine(network, cine, settings)`
    then segments a cine. Raises FileNotFoundError naming a missing file, ValueError if the record
    is not that of a model, its network cannot be built, or the weights do not fit.
    """
    folder = Path(folder)
    for name in (RECORD, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder}: no {name}; a model's folder has {WEIGHTS} and {RECORD}"
            )
    settings = recorded_settings(folder / RECORD)
    missing = [name for name in LABELLING if name not in settings]
    if missing:
        raise ValueError(f"{folder / RECORD}: its settings lack {', '.join(missing)}")
    if settings["network"] not in tuple(KINDS):
        raise ValueError(
            f"{folder}: network {settings['network']} cannot be used here; "
            f"there are {', '.join(KINDS)}"
        )
    check_facts(settings, str(folder / RECORD))
    return load_network(settings, folder / WEIGHTS), OPTIONAL | settings


def load_network(
    settings: Mapping[str, Any], weights: str | Path, members: Collection[str] | None = None
) -> Network:
    """The network of some settings with the weights of a file.

    Where the file has the weights of several, it is their ensemble. members: names of those that
    are taken, None for all; a single one comes alone. Raises ValueError naming the file if its
    weights are of another network.
    """
    found = members_of(load_weights(weights)) or {"": {}}
    if members is not None:
        found = {name: found[name] for name in members}
    networks = [_network(settings, arrays, weights) for arrays in found.values()]
    if len(networks) == 1:
        return networks[0]
    return Ensemble(networks, mean_of(settings), networks[0].channels)


def _network(
    settings: Mapping[str, Any], arrays: Mapping[str, torch.Tensor], weights: str | Path
) -> Network:
    """A network with some arrays of a file."""
    try:
        network = empty_network(network_settings(settings))
    except ValueError as error:
        raise ValueError(f"{weights}: {error}") from error
    try:
        network.load_state_dict(arrays)
    except RuntimeError as error:
        told = network_settings(settings).items()
        described = ", ".join(f"{name} {value!r}" for name, value in told)
        raise ValueError(
            f"{weights}: its weights are not of a network with {described}; "
            "give the settings they were made with"
        ) from error
    return network


def label_shard(
    model: Mapping[str, Any],
    weights: str | Path,
    images: Path,
    labels: Path,
    device: str,
    folds: Mapping[str, int] | None = None,
    coarse: Path | None = None,
) -> None:
    """Segment every subject of a shard that has the model's images, each in its own folder.

    Label maps are `<labels>/<subject>/<sequence>.nii.gz` on the grid of the image; other tasks
    define their own files. model: row of the models table, of an ensemble with its `members`, the
    fold of each by its name. weights: its safetensors file. images: folder with
    `<subject>/<sequence>.nii.gz` for each channel. labels: existing folder to fill. device: cpu,
    cuda or mps. folds: fold of the subjects that the members of an ensemble were trained on; such a
    subject is labelled by the members that left out its fold, any other one by all. coarse:
    folder with `<subject>/<first sequence>.nii.gz`, labels of the model's coarse model. Raises
    ValueError naming a subject whose image cannot be read or has values that are not finite.
    """
    sequences = [sequence.key for sequence in channels_of(model["sequence"])]
    folders = folders_with([images], *sequences)
    if without := [subject for subject in subject_folders([images]) if subject not in folders]:
        log.warning("without %s: %s; not labelled", " and ".join(sequences), ", ".join(without))
    for members, subjects in _by_members(folders, model.get("members", {}), folds or {}):
        if members is not None:
            log.info("%s: %s", ", ".join(members), ", ".join(subjects))
        labeller = labeller_of(load_network(model, weights, members), model, device)
        some = {name: folders[name] for name in subjects}
        label_subjects(labeller, some, sequences, labels, coarse)


class Labeller(Protocol):
    """What labels one cine after another: learn.predict.Predictor and learn.track.Tracker."""

    device: str

    def read_coarse(self, folder: Path, sequence: str, cine: Cine) -> Any:
        """What the coarse model found in a subject."""

    def prepare(self, *channels: Cine, coarse: Any, subject: str) -> Any:
        """What `label` takes of the images of a subject."""

    def label(self, prepared: Any) -> Callable[[], np.ndarray]:
        """A function that gives what was found."""

    def finished(self, found: np.ndarray, cine: Cine, subject: str) -> np.ndarray:
        """That as it is written."""

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        """Write it into the folder of a subject."""


def labeller_of(network: Network, model: Mapping[str, Any], device: str) -> Labeller:
    """What labels cines with a network: one of images, or of points over time."""
    if PREPARATIONS[model["preparation"]].frames:
        return Tracker(network, model, device)
    return Predictor(network, model, device)


def _by_members(
    subjects: Iterable[str], members: Mapping[str, int], folds: Mapping[str, int]
) -> list[tuple[list[str] | None, list[str]]]:
    """Subjects that the same members of an ensemble label, and these; None is all of a model."""
    parts: dict[int, list[str]] = {}
    for subject in subjects:
        parts.setdefault(folds.get(original(subject), 0), []).append(subject)
    return [
        ([name for name, left_out in members.items() if left_out == fold] if fold else None, some)
        for fold, some in sorted(parts.items())
    ]


def label_subjects(
    labeller: Labeller,
    folders: Mapping[str, Path],
    sequences: Sequence[str],
    labels: Path,
    coarse: Path | None = None,
) -> None:
    """Segment some subjects, each into a folder of its own.

    folders: that of each subject's images. sequences: the images that are its channels. coarse:
    folder with the subjects' labels of a coarse model, if the model has one. While one subject is
    segmented, the next ones are read and the previous ones are saved.
    """

    def read(subject: str) -> tuple[Cine, Any]:
        channels = [Cine.load(image_path(folders[subject], key)) for key in sequences]
        try:
            first = channels[0]
            found = labeller.read_coarse(coarse / subject, sequences[0], first) if coarse else None
            named = f"subject {subject}"
            return first, labeller.prepare(*channels, coarse=found, subject=named)
        except ValueError as error:
            raise ValueError(f"subject {subject}: {error}") from error

    def save(subject: str, cine: Cine, wait: Callable[[], np.ndarray]) -> None:
        (labels / subject).mkdir()
        found = labeller.finished(wait(), cine, f"subject {subject}")
        labeller.save(found, cine, labels / subject, sequences[0])

    started = time.monotonic()
    ahead = CARD_AHEAD if labeller.device == "cuda" else 1
    with ThreadPoolExecutor(ahead) as readers, ThreadPoolExecutor(ahead) as savers:
        names = iter(folders)
        reading = deque((name, readers.submit(read, name)) for name in islice(names, ahead))
        saving: deque[Future] = deque()
        while reading:
            subject, found = reading.popleft()
            cine, prepared = found.result()
            reading.extend((name, readers.submit(read, name)) for name in islice(names, 1))
            saving.append(savers.submit(save, subject, cine, labeller.label(prepared)))
            if len(saving) > ahead:
                saving.popleft().result()
        for saved in saving:
            saved.result()
    seconds = time.monotonic() - started
    log.info("%d subjects in %.1f s, %.2f a second", len(folders), seconds, len(folders) / seconds)


def label_job(
    model: Mapping[str, Any],
    inputs: Mapping[str, str],
    output: str,
    code: list[str],
    kept: Path,
    device: str,
) -> None:
    """Segment a shard with `label_shard`, into a folder that is never incomplete.

    inputs: images (folder), weights, folds of an ensemble (table, or empty), and labels of the
    model's coarse model (folder, or empty). kept: folder of kept results; if their inputs have the
    same content they are reused, and nothing is segmented.
    """
    facts = {"model": dict(model), "code": code, "device": device, "versions": versions()}
    source = made_of([path for path in inputs.values() if path], facts)
    if restore(kept, source, [output]):
        return
    with replacing(output) as labels:
        labels.mkdir()
        images = Path(inputs["images"])
        coarse = Path(inputs["coarse"]) if inputs["coarse"] else None
        folds = _folds(inputs["folds"])
        label_shard(model, inputs["weights"], images, labels, device, folds, coarse)
    keep(kept, source, [output])


def _folds(table: str) -> dict[str, int]:
    """Fold of each subject of a table, if there is one."""
    return dict(read_table(table).set_index("subject")["fold"]) if table else {}
