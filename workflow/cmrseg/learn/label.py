"""Labelling as a job: a model and a shard of images in, label maps out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.cine import Cine
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.weights import load_weights
from cmrseg.nets.build import SETTINGS, empty_network
from cmrseg.shards import IMAGE, subject_folders


def label_shard(
    model: Mapping[str, Any], weights: str | Path, images: Path, labels: Path, device: str
) -> None:
    """Label every subject of a shard: `<labels>/<subject>/sa.nii.gz` on the image's grid.

    model: row of the models table. weights: its safetensors file. images: folder with
    `<subject>/sa.nii.gz`. labels: existing folder to fill. device: cpu, cuda or mps.
    """
    network = empty_network({name: model[name] for name in SETTINGS})
    network.load_state_dict(load_weights(weights))
    for subject, folder in subject_folders([images]).items():
        cine = Cine.load(folder / IMAGE)
        (labels / subject).mkdir()
        cine.like(predict_cine(network, cine, model, device)).save(labels / subject / IMAGE)
