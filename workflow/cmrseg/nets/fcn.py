"""Fully convolutional network of Bai et al. 2018, doi:10.1186/s12968-018-0471-x, weight for weight.

The maps of five resolutions are brought to 32 channels each, enlarged to full size, and
joined. Convolutions, norms and enlargement follow TensorFlow 1, so that published weights
give the published labels.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST, check_images
from cmrseg.nets.network import Network, initialise_layers

# Convolutions at each resolution; each level has twice the filters and half the size.
CONVOLUTIONS = (2, 2, 3, 3, 3)
# Channels of each level where the levels are joined, and of the two layers after that.
JOINED_CHANNELS = 32
HEAD_CHANNELS = 64
# TensorFlow's batch norm: momentum 0.99 of the old value is PyTorch's 0.01 of the new one.
NORM_EPS = 1e-3
NORM_MOMENTUM = 0.01


class Unit(nn.Module):
    """Convolution padded like TensorFlow's 'same', batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if self.conv.stride[0] == 2:
            # 'same' with stride 2 and even sizes pads behind only; padding=1 would shift a pixel.
            maps = functional.pad(maps, (0, 1, 0, 1))
        return functional.relu(self.norm(self.conv(maps)))


class Enlarge(nn.Module):
    """Enlarge maps (n, c, y, x) `factor` times with a fixed triangle, zero outside the map.

    The transposed convolution of each channel with h[k] = min(k + 1, 2 f - 1 - k) / f,
    cropped as TensorFlow does: input pixel i peaks at output pixel i f + f / 2.
    """

    kernel: torch.Tensor

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.channels, self.factor = channels, factor
        ramp = torch.arange(1, 2 * factor)
        triangle = torch.minimum(ramp, 2 * factor - ramp) / factor
        kernel = torch.outer(triangle, triangle).expand(channels, 1, -1, -1).contiguous()
        # A constant, absent from the state dict as it is from the published files.
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        rows, columns = (size * self.factor for size in maps.shape[2:])
        enlarged = functional.conv_transpose2d(
            maps,
            self.kernel,
            stride=self.factor,
            padding=self.factor // 2 - 1,
            groups=self.channels,
        )
        return enlarged[..., :rows, :columns]


class FCN(Network):
    """(n, channels, y, x) float32 in 0..1 to logits (n, classes, y, x); y, x multiples of 16.

    filters: of the first level, 16 as published; the other levels have 2, 4, 8, 16 times
    as many. channels: of the images, 1 as published.
    """

    def __init__(self, classes: int = 4, filters: int = 16, channels: int = 1) -> None:
        super().__init__(channels)
        self.levels = nn.ModuleList()
        self.joins = nn.ModuleList()
        self.enlarge = nn.ModuleList()
        for level, count in enumerate(CONVOLUTIONS):
            units = []
            for number in range(count):
                wanted = filters * 2**level
                units.append(Unit(channels, wanted, 3, 2 if level and number == 0 else 1))
                channels = wanted
            self.levels.append(nn.Sequential(*units))
            self.joins.append(Unit(channels, JOINED_CHANNELS, 1))
            self.enlarge.append(Enlarge(JOINED_CHANNELS, 2**level) if level else nn.Identity())
        self.head = nn.Sequential(
            Unit(JOINED_CHANNELS * len(CONVOLUTIONS), HEAD_CHANNELS, 1),
            Unit(HEAD_CHANNELS, HEAD_CHANNELS, 1),
        )
        self.logits = nn.Conv2d(HEAD_CHANNELS, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, 2 ** (len(CONVOLUTIONS) - 1), self.channels)
        joined = []
        maps = images
        for level, join, enlarge in zip(self.levels, self.joins, self.enlarge, strict=True):
            maps = level(maps).contiguous(memory_format=CHANNELS_LAST)
            joined.append(enlarge(join(maps)))
        return self.logits(self.head(torch.cat(joined, 1)))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as TensorFlow does: Glorot uniform, biases 0, norms 1 and 0."""
        draw = partial(nn.init.xavier_uniform_, generator=generator)
        initialise_layers(self.modules(), draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The three fine levels and the two coarse ones."""
        return list(self.levels[:3]), list(self.levels[3:])


def from_tensorflow(variables: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """State dict of an `FCN` from the variables of a TensorFlow 1 checkpoint.

    The published network sees images as (x, y), this one as (y, x): the two axes of each
    kernel change places. Filters and classes follow from the variables; what else is given,
    such as the optimiser's state, is left out. Raises ValueError naming a variable that is
    missing or of the wrong shape or type.
    """
    places = _places()
    first, last = "conv2d/kernel", f"{places[-1][0]}/bias"
    for name in (first, last):
        if name not in variables:
            raise ValueError(f"{name}: missing; is this a checkpoint of the published FCN?")
    with torch.device("meta"):
        expected = FCN(
            classes=variables[last].shape[-1], filters=variables[first].shape[-1]
        ).state_dict()
    state = {}
    for tensorflow, own, kernel in _variables(places):
        if tensorflow not in variables:
            raise ValueError(f"{tensorflow}: missing; is this a checkpoint of the published FCN?")
        value = variables[tensorflow]
        if value.dtype != np.float32:
            raise ValueError(f"{tensorflow}: is {value.dtype}, expected float32")
        shape = tuple(expected[own].shape)
        # (x, y, in, out) of TensorFlow, which saw x as rows, is (out, in, y, x) here.
        shape = shape[::-1] if kernel else shape
        if value.shape != shape:
            raise ValueError(f"{tensorflow}: has shape {value.shape}, expected {shape}")
        state[own] = torch.tensor(value.T if kernel else value).contiguous()
    # Batches seen is a counter of PyTorch alone, and unused with a fixed momentum.
    return {name: state.get(name, torch.tensor(0)) for name in expected}


def _places() -> list[tuple[str, str]]:
    """TensorFlow's layer and this module's place of each convolution, in order of creation."""
    units = [f"levels.{i}.{j}" for i, count in enumerate(CONVOLUTIONS) for j in range(count)]
    units += [f"joins.{level}" for level in range(len(CONVOLUTIONS))]
    units += ["head.0", "head.1", "logits"]
    return [(f"conv2d_{i}" if i else "conv2d", unit) for i, unit in enumerate(units)]


def _variables(places: list[tuple[str, str]]) -> list[tuple[str, str, bool]]:
    """(TensorFlow's name, this module's name, whether it is a kernel) of each variable."""
    names = []
    for layer, unit in places[:-1]:
        norm = layer.replace("conv2d", "batch_normalization")
        names += [
            (f"{layer}/kernel", f"{unit}.conv.weight", True),
            (f"{norm}/gamma", f"{unit}.norm.weight", False),
            (f"{norm}/beta", f"{unit}.norm.bias", False),
            (f"{norm}/moving_mean", f"{unit}.norm.running_mean", False),
            (f"{norm}/moving_variance", f"{unit}.norm.running_var", False),
        ]
    layer, unit = places[-1]
    return [
        *names,
        (f"{layer}/kernel", f"{unit}.weight", True),
        (f"{layer}/bias", f"{unit}.bias", False),
    ]
