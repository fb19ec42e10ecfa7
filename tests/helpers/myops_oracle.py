"""Keras files of the networks of MyoPS, and reference numbers of the published program's form.

The numbers lie in the folder `myops_oracle` of the real data, whose SOURCE.md says how they were
made. Arrays of the original are (n, x, y, c), as it takes the first axis of a NIfTI image as rows.
"""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.nets.keras_ranked import KINDS
from cmrseg.nets.network import Network
from formula_weights import formula_weights

# Values of the original's labels and what they are here, in the order of its channels.
VALUES = (0, 500, 600, 200, 1220, 2221)
TISSUES = (0, Tissue.LV, Tissue.RV, Tissue.MYO, Tissue.EDEMA, Tissue.SCAR)
CASE, CHANNELS, SLICE = "myops_training_119_{}.nii.gz", ("C0", "DE", "T2"), 3
Layers = dict[str, dict[str, np.ndarray]]


def oracle(data: Path) -> Path:
    """The folder of reference numbers; tests that need it are skipped where it is absent."""
    folder = data / "myops_oracle"
    if not (folder / "expected.npz").is_file():
        pytest.skip(f"no reference numbers of MyoPS at {folder}")
    return folder


def write_keras(path: Path, layers: Layers, whole: bool = True) -> Path:
    """A Keras 2 file with the layers in a given order, as a whole model or weights alone."""
    with h5py.File(path, "w") as file:
        top = file.create_group("model_weights") if whole else file
        top.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, arrays in layers.items():
            group = top.create_group(layer)
            names = [f"{layer}/{part}:0" for part in arrays]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, arrays.values(), strict=True):
                group[name] = value
        if whole:
            file.create_group("optimizer_weights")["iter:0"] = np.int64(1)
    return path


def keras_layers(network: Network, first: int = 0) -> Layers:
    """Layers as Keras stores a network (its kernels x first), the last ones before the others.

    first: number of its first layer of a kind; 0 has none.
    """
    state, layers = network.state_dict(), {}
    for kind, (layer_type, parts) in KINDS.items():
        places = [name for name, m in network.named_modules() if type(m) is layer_type]
        for number, place in enumerate(places, first):
            arrays = {part: state[f"{place}.{own}"].numpy() for part, own in parts.items()}
            if "kernel" in arrays:
                arrays["kernel"] = np.ascontiguousarray(arrays["kernel"].transpose(3, 2, 1, 0))
            layers[f"{kind}_{number}" if number else kind] = arrays
    layers["activation"] = {}
    return dict(reversed(layers.items()))


def formula_layers(manifest: Path) -> Layers:
    """The weights that a manifest says, by layer."""
    layers: Layers = {}
    for name, value in formula_weights(manifest).items():
        layer, part = name.split("/")
        layers.setdefault(layer, {})[part] = value
    return layers


def keras_file(folder: Path, name: str, target: Path) -> Path:
    """A Keras file of the oracle: `runet_full`, `unet_full` or `runet_narrow`."""
    if name != "runet_narrow":
        return write_keras(target, formula_layers(folder / f"{name}_manifest.json"))
    target.write_bytes(gzip.decompress((folder / "runet_narrow_model.h5.gz").read_bytes()))
    return target


def case(data: Path) -> list[Cine]:
    """The three images of the example."""
    paths = [data / "myops" / CASE.format(channel) for channel in CHANNELS]
    if not paths[0].is_file():
        pytest.skip(f"no example of MyoPS at {paths[0].parent}")
    return [Cine.load(path) for path in paths]


def random_input() -> np.ndarray:
    """The oracle's (x, y, c) of random numbers."""
    state = np.random.RandomState(21)
    return state.randint(0, 256, size=(2, 256, 256, 3))[0] / 255.0


def ours(original: np.ndarray) -> torch.Tensor:
    """Images (n, x, y, c) as networks take them: (n, c, y, x)."""
    return torch.from_numpy(np.ascontiguousarray(original.transpose(0, 3, 2, 1), np.float32))


def theirs(maps: torch.Tensor) -> np.ndarray:
    """Maps (n, c, y, x) as the original has them: (n, x, y, c)."""
    return maps.numpy().transpose(0, 3, 2, 1)
