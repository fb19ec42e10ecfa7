"""Plain U-Net of Altunok and Oksuz 2020 (MyoPS challenge, LNCS 12554, pp. 128-137), a baseline.

Pairs of convolutions without norms, and dropout between the two of a pair.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST, check_images
from cmrseg.nets.network import Network, initialise_layers

# Share of values that are dropped, by level from the finest one; of the decoder in its order.
DROPOUT_DOWN = (0.1, 0.2, 0.2, 0.3, 0.1)
DROPOUT_UP = (0.2, 0.2, 0.1, 0.1)
MULTIPLE_PX = 2 ** (len(DROPOUT_DOWN) - 1)
# Keras's He-normal draws are cut off at two standard deviations, and widened by what that costs.
CUT_OFF, CUT_OFF_SD = 2.0, 0.87962566103423978


class Pair(nn.Module):
    """Two convolutions with ReLU, and dropout between them."""

    def __init__(self, channels_in: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.conv2(self.dropout(functional.relu(self.conv1(maps)))))


class PlainUNet(Network):
    """Images (n, channels, y, x) float32 to logits (n, outputs, y, x); y, x multiples of 16.

    filters: of the first level, 16 as published; each level has twice as many as the one before.
    """

    def __init__(self, outputs: int = 6, filters: int = 16, channels: int = 3) -> None:
        super().__init__(channels)
        widths = [filters * 2**number for number in range(len(DROPOUT_DOWN))]
        given = [channels, *widths[:-1]]
        rows = zip(given, widths, DROPOUT_DOWN, strict=True)
        self.down = nn.ModuleList(Pair(*row) for row in rows)
        finer = widths[-2::-1]
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * n, n, 2, 2) for n in finer)
        rows = zip([2 * n for n in finer], finer, DROPOUT_UP, strict=True)
        self.up = nn.ModuleList(Pair(*row) for row in rows)
        self.logits = nn.Conv2d(filters, outputs, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, MULTIPLE_PX, self.channels)
        maps, skips = images.contiguous(memory_format=CHANNELS_LAST), []
        for number, pair in enumerate(self.down):
            maps = pair(functional.max_pool2d(maps, 2) if number else maps)
            skips.append(maps)
        for enlarge, pair, skip in zip(self.enlarge, self.up, skips[-2::-1], strict=True):
            maps = pair(torch.cat([enlarge(maps), skip], 1))
        return self.logits(maps)

    def initialise(self, generator: torch.Generator) -> None:
        """He-normal as in Keras for convolutions of 3 x 3, Glorot uniform for the others."""

        def draw(weight: torch.Tensor) -> None:
            if weight.shape[-1] != 3:
                nn.init.xavier_uniform_(weight, generator=generator)
                return
            inputs = weight[0].numel()
            sd = math.sqrt(2 / inputs) / CUT_OFF_SD
            limit = CUT_OFF * sd
            nn.init.trunc_normal_(weight, 0, sd, -limit, limit, generator=generator)

        initialise_layers(self.modules(), draw)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d) and module.bias is not None:
                draw(module.weight)
                nn.init.zeros_(module.bias)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The three fine levels and the two coarse ones."""
        return list(self.down[:3]), list(self.down[3:])
