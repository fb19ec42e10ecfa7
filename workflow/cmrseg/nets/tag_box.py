"""Network that finds the left ventricle in a tagged image: a box (Ferdian et al. 2020).

doi:10.1148/ryct.2020190032. Two ways of it: as published, with batch norms that take the statistics
of the batch in prediction, too, and coordinates as they are; and one whose norms keep statistics
and whose last layer says places as shares of the image, which is learnt in fewer steps.
"""

import itertools
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST
from cmrseg.nets.network import Network, initialise_layers
from cmrseg.ring import CORNERS

# Blocks of convolution and pooling, the published filters of the first one and of the others, and
# units of the layer behind them: 1, 4 and 32 times the width.
BLOCKS = 5
FURTHER_TIMES, HIDDEN_TIMES = 4, 32
# TensorFlow's batch norm: momentum 0.99 of the old value is PyTorch's 0.01 of the new one.
NORM_EPS = 1e-3
NORM_MOMENTUM = 0.01
# The published output is x1, y1, x2, y2; ours y1, x1, y2, x2.
COORDINATES = [1, 0, 3, 2]


class BatchStatisticsNorm(nn.BatchNorm2d):
    """A batch norm that takes the statistics of the batch in prediction, too, as published.

    It keeps moving ones, and does not use them.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if self.training:
            return super().forward(maps)
        weight, bias = self.weight, self.bias
        return functional.batch_norm(maps, None, None, weight, bias, True, 0, self.eps)


class Block(nn.Module):
    """Convolution without padding, batch norm, ReLU, the largest of 3 x 3 at every other pixel."""

    def __init__(self, channels_in: int, channels: int, norm: type[nn.BatchNorm2d]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3)
        self.norm = norm(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(functional.relu(self.norm(self.conv(maps))), 3, 2)


class TagBox(Network):
    """Images (n, 1, y, x) float32 to the corners of a box, (n, 1, 2, 2): frame, corner, (y, x) px.

    size_px: side of the images, 256 as published. first, further, hidden: filters of the first
    block and of the others, and units (published: 32, 128, 1024). compat: as published. Raises
    ValueError for images that are too small for its blocks.
    """

    def __init__(
        self,
        first: int = 32,
        further: int = 128,
        hidden: int = 1024,
        size_px: int = 256,
        compat: bool = False,
    ) -> None:
        super().__init__()
        self.size_px, self.compat = size_px, compat
        norm = BatchStatisticsNorm if compat else nn.BatchNorm2d
        counts = (1, first, *[further] * (BLOCKS - 1))
        self.blocks = nn.ModuleList(
            Block(before, after, norm) for before, after in itertools.pairwise(counts)
        )
        self.hidden = nn.Linear(further * map_side(size_px) ** 2, hidden)
        self.corners = nn.Linear(hidden, 2 * CORNERS)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_size(images, 1, self.size_px)
        maps = images.contiguous(memory_format=CHANNELS_LAST)
        for block in self.blocks:
            maps = block(maps)
        found = in_float32(self.corners, functional.relu(self.hidden(maps.flatten(1))))
        if not self.compat:
            found = (0.5 + found) * self.size_px
        return found.reshape(-1, 1, CORNERS, 2)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as TensorFlow does: Glorot uniform, biases 0, norms 1 and 0."""
        draw = partial(nn.init.xavier_uniform_, generator=generator)
        initialise_layers(self.modules(), draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The first three blocks and the others."""
        return list(self.blocks[:3]), list(self.blocks[3:])


def widths(width: int) -> tuple[int, int, int]:
    """`first`, `further` and `hidden` of a network of some width; published: 32."""
    return width, FURTHER_TIMES * width, HIDDEN_TIMES * width


def map_side(size_px: int) -> int:
    """Side of the maps behind the blocks. Raises ValueError if nothing is left of the images."""
    side = size_px
    for _ in range(BLOCKS):
        side = (side - 2 - 3) // 2 + 1
    if side < 1:
        raise ValueError(f"size_px {size_px}: too small for a box; take at least 125, such as 128")
    return side


def in_float32(layer: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """What a layer of float32 weights says, also where others compute in bfloat16.

    That has steps of half a pixel at 100 pixels.
    """
    with torch.autocast(features.device.type, enabled=False):
        return layer(features.float() if features.dtype == torch.bfloat16 else features)


def check_size(images: torch.Tensor, channels: int, size_px: int) -> None:
    """Raise ValueError for images that are not (n, channels, size_px, size_px)."""
    if images.shape[1:] != (channels, size_px, size_px):
        raise ValueError(
            f"images {tuple(images.shape)}, expected (n, {channels}, {size_px}, {size_px}) of a "
            "network whose dense layer is made for this size"
        )


def variables(first: int, further: int, hidden: int, size_px: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a published checkpoint, kernels as (y, x, in, out)."""
    shapes: dict[str, tuple[int, ...]] = {}
    before = 1
    for number in range(1, BLOCKS + 1):
        count = first if number == 1 else further
        scope = f"layer{number}"
        shapes |= {f"{scope}/conv/kernel": (3, 3, before, count), f"{scope}/conv/bias": (count,)}
        for part in NORM_PARTS.values():
            shapes[f"{scope}/batch_normalization/{part}"] = (count,)
        before = count
    shapes["dense1/dense/kernel"] = (further * map_side(size_px) ** 2, hidden)
    shapes["dense1/dense/bias"] = (hidden,)
    shapes["dense2/dense/kernel"] = (hidden, 2 * CORNERS)
    shapes["dense2/dense/bias"] = (2 * CORNERS,)
    return shapes


NORM_PARTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def from_tensorflow(values: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """State dict of a `TagBox` from the variables of a published checkpoint.

    The published dense layer reads maps in the order height, width, channel; this one channel
    first. The last layer's outputs change from (x, y) to (y, x). Raises KeyError naming a variable
    that is missing.
    """
    state: dict[str, torch.Tensor] = {}
    for block in range(BLOCKS):
        scope, place = f"layer{block + 1}", f"blocks.{block}"
        kernel = values[f"{scope}/conv/kernel"]
        state[f"{place}.conv.weight"] = _tensor(kernel.transpose(3, 2, 0, 1))
        state[f"{place}.conv.bias"] = _tensor(values[f"{scope}/conv/bias"])
        for own, part in NORM_PARTS.items():
            state[f"{place}.norm.{own}"] = _tensor(values[f"{scope}/batch_normalization/{part}"])
        state[f"{place}.norm.num_batches_tracked"] = torch.tensor(0)
    channels = len(values[f"layer{BLOCKS}/conv/bias"])
    kernel = values["dense1/dense/kernel"]
    maps = kernel.reshape(-1, channels, kernel.shape[1])
    state["hidden.weight"] = _tensor(maps.transpose(2, 1, 0).reshape(kernel.shape[1], -1))
    state["hidden.bias"] = _tensor(values["dense1/dense/bias"])
    state["corners.weight"] = _tensor(values["dense2/dense/kernel"].T[COORDINATES])
    state["corners.bias"] = _tensor(values["dense2/dense/bias"][COORDINATES])
    return state


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(values))
