"""Conversion of published weights as a job: downloaded files in, safetensors out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cmrseg.files import sha256
from cmrseg.labels import Target
from cmrseg.learn.weights import save_weights
from cmrseg.nets.keras_hdf5 import CLASSES, keras_width, read_unet3plus
from cmrseg.nets.keras_ranked import ranked_sizes, read_ranked
from cmrseg.nets.network import MOST_WIDTH, Network
from cmrseg.nets.published import read_published, sizes_of
from cmrseg.nets.runet import RUNet
from cmrseg.nets.tensorbundle import data_file, index_file, read_index
from cmrseg.nets.unet_myops import PlainUNet
from cmrseg.results.labelling import DEFAULTS
from cmrseg.results.record import record
from cmrseg.sequences import channels_of

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class KerasFile:
    """How the Keras file of a network is read.

    sizes: its width and number of output channels. state: its weights for some settings.
    """

    sizes: Callable[[Path], dict[str, int]]
    state: Callable[[Path, Mapping[str, Any]], State]


def _ranked(network: Callable[[int, int, int], Network]) -> KerasFile:
    """That of a network whose layers have numbers alone; it takes outputs, width and channels."""

    def state(path: Path, settings: Mapping[str, Any]) -> State:
        channels = len(channels_of(settings["sequence"]))
        with torch.device("meta"):
            made = network(Target.of(settings["tissues"]).channels, settings["width"], channels)
        return read_ranked(path, made)

    return KerasFile(ranked_sizes, state)


KERAS = {
    "unet3plus": KerasFile(
        lambda path: {"width": keras_width(path), "channels": len(CLASSES)},
        lambda path, settings: read_unet3plus(path, settings["width"], len(CLASSES)),
    ),
    "runet": _ranked(RUNet),
    "unet_myops": _ranked(PlainUNet),
}


def convert_weights(
    name: str,
    weights: Mapping[str, Any],
    folder: str | Path,
    outputs: Mapping[str, str],
    code: list[str],
) -> None:
    """Make a model's folder from a published checkpoint.

    name: of the model. weights: its entry in resources/weights.yaml. folder: contains the
    checkpoint. outputs: weights, record. The settings in the record are those of the entry, which
    are all that segmentation needs, with the width of the file's arrays.
    Raises FileNotFoundError naming a missing file, ValueError naming a file whose content does not
    match the entry's `sha256`, or whose width or number of channels contradicts the entry's
    `width` and `tissues`, or an entry whose network is not read from Keras files, or as
    `read_published`, `read_unet3plus` and `read_ranked` do.
    """
    started = time.time()
    path = Path(folder) / weights["file"]
    keras = weights["format"] == "keras"
    files = [path] if keras else [index_file(path), data_file(path)]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        raise FileNotFoundError(f"weights {name}: no {', '.join(absent)}; fetch the files again")
    if keras:
        _check_content(name, path, weights.get("sha256"))
        sizes = _keras(name, weights["network"]).sizes(path)
    else:
        sizes = sizes_of(read_index(files[0]), weights["network"], files[0])
    _check_sizes(name, files[0], weights, sizes)
    settings = {**weights, "width": sizes["width"]}
    if keras:
        state = _keras(name, weights["network"]).state(path, settings)
    else:
        state = read_published(path, settings)
    save_weights(state, outputs["weights"])
    record(
        outputs["record"],
        settings={"model": name, **DEFAULTS, **settings},
        code=code,
        inputs=files,
        seed=None,
        device="cpu",
        started=started,
        scores={},
    )


def _keras(name: str, network: str) -> KerasFile:
    if network not in KERAS:
        raise ValueError(
            f"weights {name}: network {network} is not read from Keras files, only "
            f"{', '.join(KERAS)}; correct its entry in resources/weights.yaml"
        )
    return KERAS[network]


def _check_sizes(
    name: str, file: Path, weights: Mapping[str, Any], sizes: Mapping[str, int]
) -> None:
    """Raise ValueError if a file's arrays contradict the network in its entry."""
    said = f"weights {name}: {file} has a network with"
    if weights.get("width", sizes["width"]) != sizes["width"]:
        raise ValueError(
            f"{said} width {sizes['width']}, its entry in resources/weights.yaml says "
            f"{weights['width']}; write width: {sizes['width']} there, or fetch the file again"
        )
    channels = Target.of(weights["tissues"]).channels
    if channels != sizes.get("channels", channels):
        raise ValueError(
            f"{said} {sizes['channels']} channels, the tissues {weights['tissues']} of its entry "
            f"in resources/weights.yaml need {channels}; correct them, or fetch the file again"
        )
    if sizes["width"] > MOST_WIDTH:
        raise ValueError(
            f"weights {name}: {file} has a network with width {sizes['width']}, expected at most "
            f"{MOST_WIDTH}; fetch the file again"
        )


def _check_content(name: str, file: Path, expected: str | None) -> None:
    if expected is not None and (found := sha256(file)) != expected:
        raise ValueError(
            f"weights {name}: {file} has {file.stat().st_size:,} bytes and sha256 {found}, "
            f"expected is {expected}; fetch it again (of Git LFS the file itself, not its pointer)"
        )
