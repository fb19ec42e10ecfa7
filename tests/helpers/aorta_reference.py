"""Networks of the reference numbers of the original aortic network; see the data's SOURCE.md."""

from pathlib import Path

import numpy as np

from cmrseg.nets.unet_lstm import UNetLSTM, from_tensorflow
from formula_weights import formula_weights


def variables_of(folder: Path, name: str) -> dict[str, np.ndarray]:
    """All variables of a network by the names of TensorFlow."""
    return formula_weights(folder / f"UNet-LSTM_{name}_manifest.json")


def reference_network(folder: Path, name: str, filters: int, hidden: int) -> UNetLSTM:
    network = UNetLSTM(3, filters, hidden)
    network.load_state_dict(from_tensorflow(variables_of(folder, name)))
    return network
