"""Residual U-Net of Altunok and Oksuz 2020 (MyoPS challenge, LNCS 12554, pp. 128-137).

Bottleneck units of three convolutions, as in ResNet-50; the decoder enlarges by the nearest
neighbour. Norms follow Keras. The image is halved twice before the first unit, and the last maps,
of half the size, are enlarged without another convolution.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.fcn import NORM_EPS, NORM_MOMENTUM
from cmrseg.nets.images import CHANNELS_LAST, check_images
from cmrseg.nets.network import Network, initialise_layers

# Sides of images are multiples of it: two halvings at the start, one in each level but the first.
MULTIPLE_PX = 32
# Levels of the encoder with the bridge. Each has twice the filters of the one before, and gives
# twice as many channels as it has filters.
LEVELS = 4
EXPANSION = 2
# Units without a change of size after the first one of a level.
SAME_UNITS = 2
# Zeros on every side before the first convolution: two more than 'same' has.
STEM_PADDING = 5


class Unit(nn.Module):
    """Three convolutions beside a shortcut: (n, channels_in, y, x) to (n, widths[2], ...).

    widths: filters of the three. stride: of the first one. changes: does a convolution lie on the
    shortcut? Without one the unit adds to what it gets, which has widths[2] channels.
    """

    def __init__(
        self, channels_in: int, widths: tuple[int, int, int], stride: int = 1, changes: bool = True
    ) -> None:
        super().__init__()
        first, second, third = widths
        norm = partial(nn.BatchNorm2d, eps=NORM_EPS, momentum=NORM_MOMENTUM)
        self.conv1, self.norm1 = nn.Conv2d(channels_in, first, 1, stride), norm(first)
        self.conv2, self.norm2 = nn.Conv2d(first, second, 3, padding=1), norm(second)
        self.conv3, self.norm3 = nn.Conv2d(second, third, 1), norm(third)
        self.changes = changes
        if changes:
            self.conv4, self.norm4 = nn.Conv2d(channels_in, third, 1, stride), norm(third)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        own = functional.relu(self.norm1(self.conv1(maps)))
        own = functional.relu(self.norm2(self.conv2(own)))
        own = self.norm3(self.conv3(own))
        return functional.relu(own + (self.norm4(self.conv4(maps)) if self.changes else maps))


def level(channels_in: int, widths: tuple[int, int, int], stride: int = 1) -> nn.Sequential:
    """A unit that changes the number of channels, and those after it that do not."""
    same = [Unit(widths[2], widths, changes=False) for _ in range(SAME_UNITS)]
    return nn.Sequential(Unit(channels_in, widths, stride), *same)


def doubled(maps: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(maps, scale_factor=2, mode="nearest")


class RUNet(Network):
    """Images (n, channels, y, x) float32 to logits (n, outputs, y, x); y, x multiples of 32.

    filters: of the first level, 16 as published. channels: of the images, 3 as published.
    """

    def __init__(self, outputs: int = 6, filters: int = 16, channels: int = 3) -> None:
        super().__init__(channels)
        self.stem = nn.Conv2d(channels, filters, 7, 2, padding=STEM_PADDING)
        self.stem_norm = nn.BatchNorm2d(filters, eps=NORM_EPS, momentum=NORM_MOMENTUM)
        self.down = nn.ModuleList()
        given = filters
        for number in range(LEVELS):
            wanted = filters * 2**number
            widths = (wanted, wanted, EXPANSION * wanted)
            self.down.append(level(given, widths, 2 if number else 1))
            given = widths[2]
        self.up = nn.ModuleList()
        for number in range(LEVELS - 1, -1, -1):
            wanted = filters * 2**number
            # What comes in is as wide as the level below gave, or two of these joined.
            self.up.append(level(given, (given, wanted, wanted)))
            given = 2 * wanted
        self.logits = nn.Conv2d(filters, outputs, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, MULTIPLE_PX, self.channels)
        images = images.contiguous(memory_format=CHANNELS_LAST)
        maps = functional.relu(self.stem_norm(self.stem(images)))
        maps = functional.max_pool2d(maps, 3, 2)
        skips = []
        for units in self.down:
            maps = units(maps)
            skips.append(maps)
        for units, skip in zip(self.up[:-1], skips[-2::-1], strict=True):
            maps = torch.cat([units(doubled(maps)), skip], 1)
        return self.logits(doubled(self.up[-1](doubled(maps))))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as Keras does: Glorot uniform, biases 0, norms 1 and 0."""
        draw = partial(nn.init.xavier_uniform_, generator=generator)
        initialise_layers(self.modules(), draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The first layers with the two fine levels, and the two coarse levels."""
        return [self.stem, self.stem_norm, *self.down[:2]], list(self.down[2:])
