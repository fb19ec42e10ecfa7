"""Networks of the reference numbers of the original aortic network; see the data's SOURCE.md."""

import json
import zlib
from pathlib import Path

import numpy as np

from cmrseg.nets.unet_lstm import UNetLSTM, from_tensorflow


def weight(name, shape, kind, a, b, seed):
    """A variable of the reference numbers: its values follow from its name."""
    if kind == "values":
        return np.array(a, np.float32).reshape(shape)
    normal = np.random.RandomState((zlib.crc32(name.encode("ascii")) + seed) % 2**32)
    z = normal.standard_normal(tuple(shape))
    return (a + b * z if kind == "normal" else a * np.exp(b * z)).astype(np.float32)


def variables_of(folder: Path, name: str) -> dict[str, np.ndarray]:
    """All variables of a network by the names of TensorFlow."""
    manifest = json.loads((folder / f"UNet-LSTM_{name}_manifest.json").read_text())
    return {v[0]: weight(*v, manifest["seed"]) for v in manifest["variables"]}


def reference_network(folder: Path, name: str, filters: int, hidden: int) -> UNetLSTM:
    network = UNetLSTM(3, filters, hidden)
    network.load_state_dict(from_tensorflow(variables_of(folder, name)))
    return network
