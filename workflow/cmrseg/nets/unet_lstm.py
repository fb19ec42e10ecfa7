"""U-Net with a recurrent part in both directions of time, of Bai et al. 2018 (aortic cines).

doi:10.1007/978-3-030-00937-3_67. Each frame goes through a U-Net by itself; a convolutional LSTM
then runs over the frames of a window, forwards and backwards. Weight for weight the published
network; convolutions, norms and enlargement follow TensorFlow 1.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from torch import nn

from cmrseg.nets.unet_bai import LEVELS, FrameNetwork

# Frames of a window in the published training.
WINDOW = 9
# Gates of the recurrent cell: input, new value, forget, output; and what is added to the third.
GATES, FORGET_BIAS = 4, 1.0
# The published weight of frame k of a window: (1 - |k - 4| / 5) ** 0.1.
REACH, POWER = 5, 0.1


def frame_weights(window: int = WINDOW) -> torch.Tensor:
    """Weight of each frame of a window, the largest (1) in its middle.

    Raises ValueError for a window whose ends are out of reach.
    """
    away = (torch.arange(window) - window // 2).abs()
    if window < 1 or int(away.max()) >= REACH:
        raise ValueError(f"a window of {window} frames; the weights are for up to {2 * REACH - 1}")
    return (1 - away / REACH) ** POWER


class Cell(nn.Module):
    """A convolutional LSTM: maps (n, f, y, x) of each frame to its state (n, hidden, y, x)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.conv = nn.Conv2d(channels + hidden, GATES * hidden, 3, padding=1)

    def forward(self, frames: list[torch.Tensor]) -> list[torch.Tensor]:
        first = frames[0]
        hidden = cell = first.new_zeros(len(first), self.hidden, *first.shape[2:])
        states = []
        for maps in frames:
            gates = self.conv(torch.cat([maps, hidden], 1))
            enter, new, forget, leave = gates.split(self.hidden, 1)
            cell = torch.sigmoid(forget + FORGET_BIAS) * cell
            cell = cell + torch.sigmoid(enter) * torch.tanh(new)
            hidden = torch.tanh(cell) * torch.sigmoid(leave)
            states.append(hidden)
        return states


class UNetLSTM(FrameNetwork):
    """Windows (n, t, y, x) float32 to logits (n, t, classes, y, x); y, x multiples of 16.

    Images are scaled to mean 0 and standard deviation 1 (preparation zscore). filters: of the first
    level, 16 as published. hidden: of the recurrent part, as many unless given. Also in training
    the norms keep their statistics, as published: those of the U-Net that it starts from.
    """

    over_frames = ("forwards.", "backwards.", "logits.")

    def __init__(self, classes: int = 3, filters: int = 16, hidden: int = 0) -> None:
        super().__init__(filters)
        hidden = hidden or filters
        self.forwards, self.backwards = Cell(filters, hidden), Cell(filters, hidden)
        self.logits = nn.Conv2d(2 * hidden, classes, 1)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def over_time(self, frames: list[torch.Tensor]) -> torch.Tensor:
        """Logits (n, t, classes, y, x) of t frames in order, from their features (n, f, y, x)."""
        forwards = self.forwards(frames)
        backwards = self.backwards(frames[::-1])[::-1]
        both = zip(forwards, backwards, strict=True)
        return torch.stack([self.logits(torch.cat(pair, 1)) for pair in both], 1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        images, length = len(windows), windows.shape[1]
        features = self.features(windows.flatten(0, 1)[:, None]).unflatten(0, (images, length))
        return self.over_time(list(features.unbind(1)))


def from_tensorflow(variables: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """State dict of a `UNetLSTM` from the variables of a published checkpoint.

    variables: kernels (x, y, in, out), of enlargements (x, y, out, in): the published network sees
    images as (x, y), this one as (y, x). `UNet/conv_out`, which the network does not use, and the
    optimiser's state are left out. Raises KeyError naming a variable that is missing.
    """
    state: dict[str, torch.Tensor] = {}
    for level in range(LEVELS):
        for number in (0, 1):
            _unit(state, variables, f"down.{level}.{number}", f"UNet/conv{level}", number, number)
    for level in range(LEVELS - 1):
        scope = f"UNet/conv{level}_up"
        kernel = variables[f"{scope}/conv2d_transpose/kernel"]
        state[f"up.{level}.enlarge.weight"] = _tensor(kernel.T)
        _norm(state, variables, f"up.{level}.norm", f"{scope}/batch_normalization")
        for number in (0, 1):
            _unit(state, variables, f"up.{level}.units.{number}", scope, number, number + 1)
    for name, direction in (("forwards", "forward"), ("backwards", "backward")):
        cell = f"LSTM/{direction}/conv_lstm_cell"
        state[f"{name}.conv.weight"] = _tensor(variables[f"{cell}/kernel"].T)
        state[f"{name}.conv.bias"] = _tensor(variables[f"{cell}/biases"])
    output = "LSTM/output/conv2d"
    state["logits.weight"] = _tensor(variables[f"{output}/kernel"].T)
    state["logits.bias"] = _tensor(variables[f"{output}/bias"])
    return state


def _unit(
    state: dict[str, torch.Tensor],
    variables: Mapping[str, np.ndarray],
    name: str,
    scope: str,
    convolution: int,
    norm: int,
) -> None:
    """Weights of a convolution with its norm, by their numbers in TensorFlow's scope."""
    kernel = variables[f"{scope}/{numbered('conv2d', convolution)}/kernel"]
    state[f"{name}.conv.weight"] = _tensor(kernel.T)
    _norm(state, variables, f"{name}.norm", f"{scope}/{numbered('batch_normalization', norm)}")


def _norm(
    state: dict[str, torch.Tensor], variables: Mapping[str, np.ndarray], name: str, scope: str
) -> None:
    parts = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    for part, source in parts.items():
        state[f"{name}.{part}"] = _tensor(variables[f"{scope}/{source}"])
    state[f"{name}.num_batches_tracked"] = torch.zeros((), dtype=torch.int64)


def numbered(layer: str, number: int) -> str:
    """TensorFlow's name of a layer of a kind: the first one in a scope has no number."""
    return f"{layer}_{number}" if number else layer


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(values))
