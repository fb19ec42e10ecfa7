"""Weights of Keras files whose layers have a kind and a number alone, as `conv2d_81`.

Keras counts the layers of a kind in the order in which a session made them, so that a network made
after others begins at a higher number, and lists them in another order where a layer has two
inputs. Layers are therefore told apart by the rank of their number among those of their kind, and
a network here has its layers in the order of creation.

The programs that wrote these files (MyoPS, Altunok and Oksuz 2020) take the first axis of a NIfTI
image as rows: x here. A network does not give the transposed output for a transposed image, so
kernels are transposed: on arrays (y, x) it then says what the original says on the same image.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import torch
from torch import nn

from cmrseg.layouts.plain_hdf5 import item
from cmrseg.nets.keras_hdf5 import (
    CONVOLUTION,
    NORM,
    WEIGHTS,
    is_whole,
    keras_file,
    layer_arrays,
    read_array,
)
from cmrseg.nets.network import Network

# Of each kind of layer: its class in PyTorch, and its arrays.
KINDS: Mapping[str, tuple[type[nn.Module], Mapping[str, str]]] = {
    "conv2d": (nn.Conv2d, CONVOLUTION),
    "conv2d_transpose": (nn.ConvTranspose2d, CONVOLUTION),
    "batch_normalization": (nn.BatchNorm2d, NORM),
}
# A kernel (x, y, in, out), of a transposed convolution (x, y, out, in), has all axes reversed in
# PyTorch's (out, in, y, x) and (in, out, y, x).
REVERSED = (3, 2, 1, 0)
# The published network has 82 convolutions.
MOST_LAYERS = 4096


def ranked_sizes(path: str | Path) -> dict[str, int]:
    """`width` and `channels` of the outputs of the network in a file.

    By the shapes of its first and its last convolution. Raises ValueError naming the file and what
    is wrong in it.
    """
    with keras_file(path) as file:
        names = ranked_layers(file, "conv2d")
        if not names:
            raise ValueError("no layer conv2d; is this the published network?")
        sizes = []
        for name in (names[0], names[-1]):
            kernel = layer_arrays(file, name, CONVOLUTION)["kernel"]
            if kernel.ndim != 4 or not kernel.shape[-1]:
                raise ValueError(
                    f"{kernel.name} is {kernel.shape}, expected a kernel (x, y, in, out)"
                )
            sizes.append(int(kernel.shape[-1]))
        return {"width": sizes[0], "channels": sizes[1]}


def read_ranked(path: str | Path, network: Network) -> dict[str, torch.Tensor]:
    """State dict of a network from a file of the same one, on images (y, x).

    network: on any device, also `meta`; only its shapes are read. Raises ValueError naming the file
    and a kind of which it has more or fewer layers, or what is absent, linked, or of another shape
    or type, or not finite.
    """
    expected = network.state_dict()
    state: dict[str, torch.Tensor] = {}
    with keras_file(path) as file:
        for kind, (layer_type, parts) in KINDS.items():
            places = [name for name, m in network.named_modules() if type(m) is layer_type]
            names = ranked_layers(file, kind)
            if len(names) != len(places):
                raise ValueError(
                    f"{len(names)} layers {kind}, expected {len(places)} of a "
                    f"{type(network).__name__}; is this the published network?"
                )
            for name, place in zip(names, places, strict=True):
                arrays = layer_arrays(file, name, parts)
                for keras, own in parts.items():
                    shape = tuple(expected[f"{place}.{own}"].shape)
                    axes = REVERSED if keras == "kernel" else (0,)
                    value = read_array(arrays[keras], shape, axes)
                    state[f"{place}.{own}"] = torch.from_numpy(value)
    # Batches seen is a counter of PyTorch alone, and unused with a fixed momentum.
    return {name: state.get(name, torch.tensor(0)) for name in expected}


def ranked_layers(file: h5py.File, kind: str) -> list[str]:
    """Names of the layers of a kind, in the order of their numbers; the first may have none."""
    top = item(file, WEIGHTS) if is_whole(file) else file
    if not isinstance(top, h5py.Group) or len(top) > MOST_LAYERS:
        raise ValueError(f"{WEIGHTS} is no group of at most {MOST_LAYERS} layers")
    found = {}
    for name in top:
        if match := re.fullmatch(rf"{kind}(?:_(\d{{1,9}}))?", name):
            found[name] = int(match[1] or 0)
    return sorted(found, key=lambda name: found[name])
