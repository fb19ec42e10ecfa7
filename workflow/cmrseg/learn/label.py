"""Labelling as a job: a model and a shard of images in, label maps out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.cine import Cine
from cmrseg.files import replacing
from cmrseg.kept import keep, made_of, restore
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.weights import load_weights
from cmrseg.nets.build import NETWORKS, SETTINGS, Network, empty_network
from cmrseg.record import versions
from cmrseg.shards import IMAGE, subject_folders

# Files of a model's folder.
WEIGHTS, RECORD = "weights.safetensors", "record.json"
# What labelling has to know of a model.
LABELLING = (*sorted(SETTINGS), "preparation", "intensity", "size_px")


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
    try:
        settings = dict(json.loads((folder / RECORD).read_text("utf-8"))["settings"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder / RECORD}: not the record of a model ({error!r})") from error
    missing = [name for name in LABELLING if name not in settings]
    if missing:
        raise ValueError(f"{folder / RECORD}: its settings lack {', '.join(missing)}")
    if settings["network"] not in NETWORKS:
        raise ValueError(
            f"{folder}: network {settings['network']} cannot be used here; "
            f"there are {', '.join(NETWORKS)}"
        )
    return load_network(settings, folder / WEIGHTS), settings


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
    """Label every subject of a shard: `<labels>/<subject>/sa.nii.gz` on the image's grid.

    model: row of the models table. weights: its safetensors file. images: folder with
    `<subject>/sa.nii.gz`. labels: existing folder to fill. device: cpu, cuda or mps.
    """
    network = load_network(model, weights)
    for subject, folder in subject_folders([images]).items():
        cine = Cine.load(folder / IMAGE)
        (labels / subject).mkdir()
        cine.like(predict_cine(network, cine, model, device)).save(labels / subject / IMAGE)


def label_job(
    model: Mapping[str, Any],
    inputs: Mapping[str, str],
    output: str,
    code: list[str],
    kept: Path,
    device: str,
) -> None:
    """Label a shard: `label_shard`, into a folder that is whole or absent.

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
