"""Labelling as a job: a model and a shard of images in, label maps out."""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cmrseg.cine import Cine
from cmrseg.files import replacing
from cmrseg.learn.predict import Predictor, Prepared, without_islands
from cmrseg.learn.weights import load_weights
from cmrseg.nets.build import SETTINGS, empty_network
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.network import Network
from cmrseg.results.kept import keep, made_of, restore
from cmrseg.results.labelling import LABELLING, OPTIONAL
from cmrseg.results.record import recorded_settings, versions
from cmrseg.sequences import image_path
from cmrseg.shards import subject_folders

# Files of a model's folder.
WEIGHTS, RECORD = "weights.safetensors", "record.json"
# Subjects that are read ahead, and threads that do so: unpacking one takes a core several times as
# long as a graphics card takes to label it.
CARD_AHEAD = 8


def load_model(folder: str | Path) -> tuple[Network, dict[str, Any]]:
    """A trained or converted network and its settings, from the folder of a model.

    folder: with weights.safetensors and record.json. `predict_cine(network, cine, settings)`
    then labels a cine. Raises FileNotFoundError naming an absent file, ValueError if the record
    is not that of a model, its network cannot be built, or the weights do not fit it.
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
    return load_network(settings, folder / WEIGHTS), OPTIONAL | settings


def load_network(settings: Mapping[str, Any], weights: str | Path) -> Network:
    """The network of some settings with the weights of a file.

    Raises ValueError naming the file if its weights are of another network.
    """
    try:
        network = empty_network({name: settings[name] for name in SETTINGS})
    except ValueError as error:
        raise ValueError(f"{weights}: {error}") from error
    try:
        network.load_state_dict(load_weights(weights))
    except RuntimeError as error:
        described = ", ".join(f"{name} {settings[name]!r}" for name in sorted(SETTINGS))
        raise ValueError(
            f"{weights}: its weights are not of a network with {described}; "
            "give the settings they were made with"
        ) from error
    return network


def label_shard(
    model: Mapping[str, Any], weights: str | Path, images: Path, labels: Path, device: str
) -> None:
    """Label every subject of a shard: `<labels>/<subject>/<sequence>.nii.gz` on the image's grid.

    model: row of the models table. weights: its safetensors file. images: folder with
    `<subject>/<sequence>.nii.gz`. labels: existing folder to fill. device: cpu, cuda or mps. While
    one subject is labelled the next are read and those before are saved. Raises ValueError naming a
    subject whose image cannot be read or has values that are not finite.
    """
    labeller = Predictor(load_network(model, weights), model, device)
    folders, sequence = subject_folders([images]), model["sequence"]

    def read(subject: str) -> tuple[Cine, Prepared]:
        cine = Cine.load(image_path(folders[subject], sequence))
        try:
            return cine, labeller.prepare(cine)
        except ValueError as error:
            raise ValueError(f"subject {subject}: {error}") from error

    def save(subject: str, cine: Cine, wait: Callable[[], np.ndarray]) -> None:
        (labels / subject).mkdir()
        found = wait().reshape(cine.voxels.shape)
        found = without_islands(found, model, f"subject {subject}")
        cine.like(found).save(image_path(labels / subject, sequence))

    ahead = CARD_AHEAD if device == "cuda" else 1
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


def label_job(
    model: Mapping[str, Any],
    inputs: Mapping[str, str],
    output: str,
    code: list[str],
    kept: Path,
    device: str,
) -> None:
    """Label a shard: `label_shard`, into a folder that is complete or not there.

    inputs: images (folder), weights. kept: where results are kept; where they are made of the same
    content they are taken over, and nothing is labelled.
    """
    facts = {"model": dict(model), "code": code, "device": device, "versions": versions()}
    source = made_of([inputs["images"], inputs["weights"]], facts)
    if restore(kept, source, [output]):
        return
    with replacing(output) as labels:
        labels.mkdir()
        label_shard(model, inputs["weights"], Path(inputs["images"]), labels, device)
    keep(kept, source, [output])
