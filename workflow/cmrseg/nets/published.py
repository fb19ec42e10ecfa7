"""Published networks in TensorFlow: what their checkpoints hold, and the weights in them.

Bai et al. 2018, doi:10.1186/s12968-018-0471-x (FCN), and 2018, doi:10.1007/978-3-030-00937-3_67
(U-Net with a recurrent part, for the aorta); Ferdian et al. 2020, doi:10.1148/ryct.2020190032 (the
two networks of tagged cines). A checkpoint is checked name by name before its
data are read, so that a wrong file is refused with a reason. Width and channels are what its
shapes say; the optimiser's state, there or not, is not looked at.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cmrseg.labels import Target
from cmrseg.nets import fcn, tag_box, tag_ring, unet_lstm
from cmrseg.nets.fcn import CONVOLUTIONS, HEAD_CHANNELS, JOINED_CHANNELS
from cmrseg.nets.tensorbundle import Entry, index_file, read_bundle, read_index
from cmrseg.nets.unet_bai import LEVELS
from cmrseg.nets.unet_lstm import GATES, numbered

Shapes = dict[str, tuple[int, ...]]

# Names of the recurrent cell in checkpoints, the published one first.
CELLS = ("conv_lstm_cell", "conv_2d_lstm_cell")
# Most names that an error lists.
MOST_NAMES = 5


def fcn_variables(filters: int, classes: int) -> Shapes:
    """Names and shapes of the FCN's variables, kernels as (x, y, in, out)."""
    kernels, channels = [], 1
    for level, count in enumerate(CONVOLUTIONS):
        for _ in range(count):
            kernels.append((3, 3, channels, filters * 2**level))
            channels = filters * 2**level
    levels = len(CONVOLUTIONS)
    kernels += [(1, 1, filters * 2**level, JOINED_CHANNELS) for level in range(levels)]
    kernels += [(1, 1, levels * JOINED_CHANNELS, HEAD_CHANNELS)]
    kernels += [(1, 1, HEAD_CHANNELS, HEAD_CHANNELS)]
    shapes: Shapes = {}
    for number, kernel in enumerate(kernels):
        shapes[f"{numbered('conv2d', number)}/kernel"] = kernel
        shapes |= _norm(numbered("batch_normalization", number), kernel[-1])
    return shapes | _output(numbered("conv2d", len(kernels)), HEAD_CHANNELS, classes)


def unet_lstm_variables(filters: int, classes: int) -> Shapes:
    """Names and shapes of the variables of the U-Net with a recurrent part in both directions.

    The recurrent part has as many channels as the U-Net's first level has filters.
    """
    shapes: Shapes = {}
    for level in range(LEVELS):
        wanted = filters * 2**level
        shapes |= _pair(f"UNet/conv{level}", wanted // 2 if level else 1, wanted, first_norm=0)
    for level in range(LEVELS - 1):
        scope, wanted = f"UNet/conv{level}_up", filters * 2**level
        shapes[f"{scope}/conv2d_transpose/kernel"] = (3, 3, wanted, 2 * wanted)
        shapes |= _norm(f"{scope}/batch_normalization", wanted)
        shapes |= _pair(scope, 2 * wanted, wanted, first_norm=1)
    shapes |= _output("UNet/conv_out/conv2d", filters, classes)
    for direction in ("forward", "backward"):
        cell = f"LSTM/{direction}/conv_lstm_cell"
        shapes[f"{cell}/kernel"] = (3, 3, 2 * filters, GATES * filters)
        shapes[f"{cell}/biases"] = (GATES * filters,)
    return shapes | _output("LSTM/output/conv2d", 2 * filters, classes)


def _norm(scope: str, channels: int) -> Shapes:
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    return {f"{scope}/{part}": (channels,) for part in parts}


def _pair(scope: str, channels_in: int, channels: int, first_norm: int) -> Shapes:
    """Two convolutions with their norms."""
    shapes: Shapes = {}
    for number, source in enumerate((channels_in, channels)):
        shapes[f"{scope}/{numbered('conv2d', number)}/kernel"] = (3, 3, source, channels)
        shapes |= _norm(f"{scope}/{numbered('batch_normalization', first_norm + number)}", channels)
    return shapes


def _output(scope: str, channels: int, classes: int) -> Shapes:
    return {f"{scope}/kernel": (1, 1, channels, classes), f"{scope}/bias": (classes,)}


@dataclass(frozen=True)
class Published:
    """A published network.

    variables: its names and shapes for the settings of a catalogue's entry. sizes: the variables
    whose last axis is `width`, and `channels` where it has those of tissues. state: the state dict
    that its variables become.
    """

    variables: Callable[[Mapping[str, Any]], Shapes]
    sizes: Mapping[str, str]
    state: Callable[[Mapping[str, np.ndarray]], dict[str, torch.Tensor]]


def _channels(weights: Mapping[str, Any]) -> int:
    return Target.of(weights["tissues"]).channels


TAG_BOX = Published(
    lambda weights: tag_box.variables(*tag_box.widths(weights["width"]), weights["size_px"]),
    {"width": "layer1/conv/kernel"},
    tag_box.from_tensorflow,
)
TAG_RING = Published(
    lambda weights: tag_ring.variables(*tag_ring.widths(weights["width"]), weights["size_px"]),
    {"width": "cnn_cell/conv1/kernel"},
    tag_ring.from_tensorflow,
)
# By their names in the catalogue.
NETWORKS = {
    "fcn": Published(
        lambda weights: fcn_variables(weights["width"], _channels(weights)),
        {"width": "conv2d/kernel", "channels": "conv2d_20/bias"},
        fcn.from_tensorflow,
    ),
    "unet_lstm": Published(
        lambda weights: unet_lstm_variables(weights["width"], _channels(weights)),
        {"width": "UNet/conv0/conv2d/kernel", "channels": "LSTM/output/conv2d/bias"},
        unet_lstm.from_tensorflow,
    ),
    "tag_box_compat": TAG_BOX,
    "tag_ring_compat": TAG_RING,
}


def model_variables(weights: Mapping[str, Any]) -> Shapes:
    """Names and shapes of the variables of a network of the catalogue, without optimiser.

    weights: network, width and tissues, and size_px of a network that places points.
    Raises ValueError naming an unknown network.
    """
    return _known(weights["network"]).variables(weights)


def _known(network: str) -> Published:
    if network not in NETWORKS:
        raise ValueError(
            f"network {network!r} is not among the published ones: {', '.join(NETWORKS)}"
        )
    return NETWORKS[network]


def sizes_of(entries: Mapping[str, Entry], network: str, file: str | Path) -> dict[str, int]:
    """`width`, and `channels` of its tissues, of the network in a checkpoint, by its shapes.

    entries: what its index lists. file: the index, for the error. Raises ValueError naming an
    unknown network, or the variable that is not there.
    """
    sizes = {}
    for setting, name in _known(network).sizes.items():
        entry = entries.get(name)
        if entry is None or not entry.shape:
            raise ValueError(
                f"{file}: not the published {network}: missing {name}; fetch it again or mend its "
                "entry in resources/weights.yaml"
            )
        sizes[setting] = entry.shape[-1]
    return sizes


def check_index(entries: Mapping[str, Entry], weights: Mapping[str, Any], file: str | Path) -> None:
    """Refuse a checkpoint that does not hold the network of some settings, and nothing else.

    What an optimiser keeps may be there or not: variables below one of the network, such as
    `conv2d/kernel/Adam`, and counters, which have a single value. entries: what its index lists.
    file: the index, for the error.
    Raises ValueError with the names that are missing or unknown, or of another type or shape.
    """
    shapes = model_variables(weights)
    expected = {own: shapes[name] for name, own in as_named_in(shapes, entries).items()}
    problems = [f"missing {name}" for name in sorted(expected.keys() - entries.keys())]
    problems += [
        f"unknown {name}"
        for name in sorted(entries.keys() - expected.keys())
        if entries[name].shape and not _is_slot(name, expected)
    ]
    for name, shape in sorted(expected.items()):
        if name in entries and (entries[name].dtype, entries[name].shape) != (np.float32, shape):
            found = f"{entries[name].dtype.name} {entries[name].shape}"
            problems.append(f"{name} is {found}, expected float32 {shape}")
    if problems:
        more = f" and {len(problems) - MOST_NAMES} more" if len(problems) > MOST_NAMES else ""
        raise ValueError(
            f"{file}: not the published {weights['network']} with width {weights['width']} and "
            f"tissues {weights['tissues']}: {'; '.join(problems[:MOST_NAMES])}{more}; "
            "fetch it again or mend its entry in resources/weights.yaml"
        )


def as_named_in(shapes: Shapes, entries: Collection[str]) -> dict[str, str]:
    """Name in a checkpoint of each variable: later versions renamed the recurrent cell."""
    published, later = (f"/{cell}/" for cell in CELLS)
    renamed = any(later in name for name in entries)
    return {name: name.replace(published, later) if renamed else name for name in shapes}


def _is_slot(name: str, variables: Collection[str]) -> bool:
    return name.rpartition("/")[0] in variables


def read_published(prefix: str | Path, weights: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Weights of a published checkpoint, as this project stores them.

    prefix: its files without `.index` and `.data-...`. weights: as of `model_variables`. Returns
    the state dict of an `FCN`, a `UNetLSTM`, a `TagBox` or a `TagRing`.
    Raises ValueError as `check_index` and `read_bundle` do, or if a value is not finite.
    """
    entries = read_index(index_file(prefix))
    check_index(entries, weights, index_file(prefix))
    names = as_named_in(model_variables(weights), entries)
    read = read_bundle(prefix, names.values())
    wanted = {name: read[own] for name, own in names.items()}
    for name, value in wanted.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{prefix}: {name} has values that are not finite; fetch it again")
    return _known(weights["network"]).state(wanted)
