"""Weights in the HDF5 files of Keras 2, read without Keras.

A whole model has the architecture as JSON, weights and maybe the optimiser's state, a file of
weights has them alone; only the weights are read: a group per layer, whose attribute
`weight_names` lists its arrays, in the group `model_weights` or, without that, in the file itself.
Nothing in the file is run or unpickled, no link is followed out of it, and an array is read only
if it has the shape and type that are expected.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import torch

from cmrseg.layouts.plain_hdf5 import UNREADABLE, item, line, opened, values
from cmrseg.nets.unet3plus import LEVELS, UNet3Plus, head_levels

WEIGHTS = "model_weights"
NAMES = "weight_names"
# The layer whose kernel has as many filters as the network is wide.
FIRST = "Encoder1_Conv_1"
# The published file has 156 MB; names of a layer's arrays are few.
MOST_BYTES, MOST_NAMES = 2**30, 8
# Own order of the published classes 0 background, 1 myocardium, 2 blood pool: see labels.Tissue.
CLASSES = (0, 2, 1)
# Parts of a layer: its name in Keras and in PyTorch.
CONVOLUTION = {"kernel": "weight", "bias": "bias"}
NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Axes of a kernel (y, x, in, out) in the order that PyTorch has them.
KERNEL_AXES = (3, 2, 0, 1)


def layers() -> dict[str, tuple[str, dict[str, str]]]:
    """Of each layer of the published UNet 3+: place in a `UNet3Plus`, and its parts."""
    found: dict[str, tuple[str, dict[str, str]]] = {}

    def unit(keras: str, number: int, place: str) -> None:
        found[f"{keras}_Conv_{number}"] = (f"{place}.conv", CONVOLUTION)
        found[f"{keras}_BN_{number}"] = (f"{place}.norm", NORM)

    for level in range(1, LEVELS + 1):
        for number in (1, 2):
            unit(f"Encoder{level}", number, f"encoder.{level - 1}.{number - 1}")
    for level in range(LEVELS - 1, 0, -1):
        for source in range(1, LEVELS + 1):
            unit(f"Skip{source}_{level}", 1, f"branches.{source}_{level}")
        unit(f"Decoder{level}", 1, f"decoder.{level}")
    for head, level in enumerate(head_levels(deep=True)):
        for number in (1, 2):
            place = f"logits.{head}.conv{number}"
            found[f"deepsup_conv_{level}_{number}"] = (place, CONVOLUTION)
    return found


def read_unet3plus(path: str | Path, width: int, classes: int) -> dict[str, torch.Tensor]:
    """State dict of a `UNet3Plus` with deep supervision from a Keras file of the published one.

    The classes change places so that the network speaks of tissues by their registered numbers.
    Raises ValueError naming the file and what in it is absent, linked or of another shape, type
    or not finite.
    """
    if classes != len(CLASSES):
        raise ValueError(f"{path}: the published network has {len(CLASSES)} classes, not {classes}")
    with torch.device("meta"):
        expected = UNet3Plus(classes, width).state_dict()
    state: dict[str, torch.Tensor] = {}
    with keras_file(path) as file:
        for layer, (place, parts) in layers().items():
            arrays = layer_arrays(file, layer, parts)
            for keras, own in parts.items():
                name = f"{place}.{own}"
                axes = KERNEL_AXES if keras == "kernel" else (0,)
                value = read_array(arrays[keras], tuple(expected[name].shape), axes)
                state[name] = torch.from_numpy(value)
    state = _registered(state)
    # Batches seen is a counter of PyTorch alone, and unused with a fixed momentum.
    return {name: state.get(name, torch.tensor(0)) for name in expected}


def keras_width(path: str | Path) -> int:
    """Filters of the first level of the network in a Keras file, by the shape of its first kernel.

    Raises ValueError as `read_unet3plus` does.
    """
    with keras_file(path) as file:
        kernel = layer_arrays(file, FIRST, CONVOLUTION)["kernel"]
        if kernel.ndim != 4 or not kernel.shape[-1]:
            raise ValueError(f"{kernel.name} is {kernel.shape}, expected a kernel (y, x, in, out)")
        return int(kernel.shape[-1])


@contextmanager
def keras_file(path: str | Path) -> Iterator[h5py.File]:
    """The file, which is named in all errors of reading it."""
    if Path(path).exists() and Path(path).stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: is larger than {MOST_BYTES:,} bytes, which no such model is")
    with opened(path) as file:
        try:
            yield file
        except UNREADABLE as error:
            raise ValueError(f"{path}: {line(error)}; fetch it again") from error


def is_whole(file: h5py.File) -> bool:
    """Whether a file has the whole model, with the weights in a group of their own."""
    return file.get(WEIGHTS, getlink=True) is not None


def layer_arrays(file: h5py.File, layer: str, parts: Mapping[str, str]) -> dict[str, h5py.Dataset]:
    """The arrays of a layer by the last part of their names, such as `kernel`.

    Raises ValueError where they are not those of `parts`, or where one is no array.
    """
    where = f"{WEIGHTS}/{layer}" if is_whole(file) else layer
    group = _inner(file, where)
    if not isinstance(group, h5py.Group) or NAMES not in group.attrs:
        raise ValueError(f"{where} has no attribute {NAMES}; is it a Keras 2 model in HDF5?")
    shape = group.attrs.get_id(NAMES).shape
    if len(shape) != 1 or shape[0] > MOST_NAMES:
        raise ValueError(f"{where}: attribute {NAMES} is {shape}, expected a short list of names")
    names = [
        n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in group.attrs[NAMES]
    ]
    found = {name.rsplit("/", 1)[-1].removesuffix(":0"): f"{where}/{name}" for name in names}
    if len(names) != len(found) or found.keys() != parts.keys():
        raise ValueError(
            f"{where} has the arrays {', '.join(names)}, expected one each of {', '.join(parts)}"
        )
    arrays = {part: _inner(file, name) for part, name in found.items()}
    for part, array in arrays.items():
        if not isinstance(array, h5py.Dataset):
            raise ValueError(f"{found[part]} is no array")
    return arrays


def _inner(file: h5py.File, path: str) -> h5py.Group | h5py.Dataset:
    found = item(file, path)
    if found is None:
        raise ValueError(f"{path} is missing; is this the published network?")
    return found


def read_array(array: h5py.Dataset, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    """Values of an array in PyTorch's layout.

    shape: there. axes: of the stored array, in the order that they have there. Raises ValueError
    naming the array that has another shape or type, or values that are not finite.
    """
    stored = tuple(shape[axes.index(axis)] for axis in range(len(axes)))
    if array.shape != stored or array.dtype != np.float32:
        raise ValueError(f"{array.name} is {array.dtype} {array.shape}, expected float32 {stored}")
    value = values(array)
    if not np.isfinite(value).all():
        raise ValueError(f"{array.name} has values that are not finite")
    return np.ascontiguousarray(value.transpose(axes))


def _registered(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same network with its classes in the order of the registry.

    A head's last convolution takes classes and gives classes: both change places.
    """
    order, changed = list(CLASSES), dict(state)
    for name, value in state.items():
        if name.startswith("logits."):
            value = value[order]
            inner = name.endswith("conv2.weight")
            changed[name] = (value[:, order] if inner else value).contiguous()
    return changed
