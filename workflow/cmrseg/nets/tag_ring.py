"""Network that follows landmarks through a tagged cine: a CNN with an LSTM (Ferdian et al. 2020).

doi:10.1148/ryct.2020190032. One CNN sees each frame of a window, an LSTM runs over what it says of
them, and a head places the landmarks of each frame. Two ways of it: as published, whose last layer
says coordinates as they are; and one that says them as shares of the window, which is learnt in
fewer steps.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST
from cmrseg.nets.network import Network, initialise_layers
from cmrseg.nets.tag_box import check_size, in_float32
from cmrseg.ring import LANDMARKS, SEEN_FRAMES

# Filters of the four convolutions, and units of each further layer, by the width (published 32).
FILTERS_TIMES, UNITS_TIMES = (1, 2, 2, 4), 32
CONVOLUTIONS = ("conv1", "conv2", "conv4", "conv8")
SLOPE = 0.1
DROPOUT = 0.2
GATES, FORGET_BIAS = 4, 1.0


class LSTM(nn.Module):
    """Basic LSTM from zeros: (n, t, features) to its outputs (n, t, units).

    Gates are input, new value, forget, output. The forget gate has a constant 1 added, which is no
    part of its bias, and there is one bias, as in TensorFlow; PyTorch's own has two.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.entering = nn.Linear(features, GATES * units)
        self.recurrent = nn.Linear(units, GATES * units, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        entering = self.entering(features)
        cell = entering.new_zeros(len(entering), self.recurrent.in_features)
        output, outputs = cell, []
        for of_frame in entering.unbind(1):
            enter, new, forget, leave = (of_frame + self.recurrent(output)).chunk(GATES, 1)
            cell = torch.sigmoid(forget + FORGET_BIAS) * cell
            cell = cell + torch.sigmoid(enter) * torch.tanh(new)
            output = torch.tanh(cell) * torch.sigmoid(leave)
            outputs.append(output)
        return torch.stack(outputs, 1)


class TagRing(Network):
    """Windows (n, 20, y, x) float32 to landmarks (n, 20, 168, 2), (y, x) in px of the window.

    size_px: side of the windows, 128 as published. filters: of the four convolutions. units: of
    each further layer (published: 32, 64, 64, 128; 1024). compat: as published. Raises ValueError
    for windows that are too small for its convolutions.
    """

    def __init__(
        self,
        filters: tuple[int, int, int, int] = (32, 64, 64, 128),
        units: int = 1024,
        size_px: int = 128,
        compat: bool = False,
    ) -> None:
        super().__init__()
        self.size_px, self.compat = size_px, compat
        counts = (1, *filters)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=int(number == len(filters)))
            for number, (before, after) in enumerate(zip(counts[:-1], filters, strict=True), 1)
        )
        self.dense = nn.Linear(filters[-1] * map_side(size_px) ** 2, units)
        self.lstm = LSTM(units, units)
        self.dropout = nn.Dropout(DROPOUT)
        self.hidden = nn.Linear(units, units)
        self.landmarks = nn.Linear(units, 2 * LANDMARKS)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        check_size(windows, SEEN_FRAMES, self.size_px)
        maps = windows.flatten(0, 1)[:, None].contiguous(memory_format=CHANNELS_LAST)
        for number, convolution in enumerate(self.convolutions):
            if number:
                maps = functional.max_pool2d(maps, 2)
            maps = functional.leaky_relu(convolution(maps), SLOPE)
        features = functional.leaky_relu(self.dense(maps.flatten(1)), SLOPE)
        outputs = in_float32(self.lstm, features.unflatten(0, (-1, SEEN_FRAMES)))
        hidden = functional.relu(self.hidden(self.dropout(outputs)))
        found = in_float32(self.landmarks, hidden)
        if not self.compat:
            found = (0.5 + found) * self.size_px
        return found.unflatten(2, (LANDMARKS, 2))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as TensorFlow does: Glorot uniform, biases 0.

        Its LSTM has one kernel for what enters and for its own output.
        """
        draw = partial(nn.init.xavier_uniform_, generator=generator)
        initialise_layers(self.modules(), draw)
        entering, recurrent = self.lstm.entering.weight, self.lstm.recurrent.weight
        bound = (6 / (entering.shape[1] + recurrent.shape[1] + len(entering))) ** 0.5
        for weight in (entering, recurrent):
            nn.init.uniform_(weight, -bound, bound, generator=generator)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The first two convolutions and the other two."""
        return list(self.convolutions[:2]), list(self.convolutions[2:])


def widths(width: int) -> tuple[tuple[int, int, int, int], int]:
    """`filters` and `units` of a network of some width; published: 32."""
    one, two, three, four = (times * width for times in FILTERS_TIMES)
    return (one, two, three, four), UNITS_TIMES * width


def map_side(size_px: int) -> int:
    """Side of the maps of the last convolution. Raises ValueError where none is left."""
    side = size_px
    for _ in range(len(CONVOLUTIONS) - 1):
        side = (side - 2) // 2
    if side < 1:
        raise ValueError(f"size_px {size_px}: too small for landmarks; take at least 22")
    return side


def variables(
    filters: tuple[int, int, int, int], units: int, size_px: int
) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a published checkpoint, kernels as (y, x, in, out)."""
    shapes: dict[str, tuple[int, ...]] = {}
    before = 1
    for name, count in zip(CONVOLUTIONS, filters, strict=True):
        shapes |= {f"cnn_cell/{name}/kernel": (3, 3, before, count)}
        shapes |= {f"cnn_cell/{name}/bias": (count,)}
        before = count
    dense = {
        "cnn_cell/dense": (filters[-1] * map_side(size_px) ** 2, units),
        "rnn/basic_lstm_cell": (2 * units, GATES * units),
        "dense": (units, units),
        "dense_1": (units, 2 * LANDMARKS),
    }
    for scope, kernel in dense.items():
        shapes |= {f"{scope}/kernel": kernel, f"{scope}/bias": kernel[1:]}
    return shapes


def from_tensorflow(values: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """State dict of a `TagRing` from the variables of a published checkpoint.

    The published last layer says all x, then all y; this one (y, x) of each landmark. Raises
    KeyError naming a variable that is missing.
    """
    state: dict[str, torch.Tensor] = {}
    for number, name in enumerate(CONVOLUTIONS):
        kernel = values[f"cnn_cell/{name}/kernel"]
        state[f"convolutions.{number}.weight"] = _tensor(kernel.transpose(3, 2, 0, 1))
        state[f"convolutions.{number}.bias"] = _tensor(values[f"cnn_cell/{name}/bias"])
    dense = {"dense": "cnn_cell/dense", "hidden": "dense", "landmarks": "dense_1"}
    for place, scope in dense.items():
        state[f"{place}.weight"] = _tensor(values[f"{scope}/kernel"].T)
        state[f"{place}.bias"] = _tensor(values[f"{scope}/bias"])
    cell = "rnn/basic_lstm_cell"
    kernel = values[f"{cell}/kernel"]
    units = kernel.shape[1] // GATES
    state["lstm.entering.weight"] = _tensor(kernel[:-units].T)
    state["lstm.entering.bias"] = _tensor(values[f"{cell}/bias"])
    state["lstm.recurrent.weight"] = _tensor(kernel[-units:].T)
    order = np.arange(2 * LANDMARKS).reshape(2, LANDMARKS)[::-1].T.ravel()
    for part in ("weight", "bias"):
        state[f"landmarks.{part}"] = state[f"landmarks.{part}"][order].contiguous()
    return state


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(values))
