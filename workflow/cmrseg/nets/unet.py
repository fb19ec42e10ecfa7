"""U-Net with a pre-trainable encoder (Ronneberger et al. 2015, doi:10.1007/978-3-319-24574-4_28).

The decoder is light: each step halves the channels down to half the encoder's width, so
that the two finest steps, which see the most pixels, cost no more than the encoder.
"""

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.encoder import EncodedNetwork, Encoder
from cmrseg.nets.images import check_images

# Fewest channels of a decoder step, also for narrow encoders.
MIN_CHANNELS = 8


def _convolution(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


class UpStep(nn.Module):
    """Doubles the map, joins the skip, and convolves twice."""

    def __init__(self, channels_up: int, channels_skip: int, channels: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels_up + channels_skip, channels)
        self.conv2 = _convolution(channels, channels)

    def forward(self, maps: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        maps = copied(maps) if maps.is_cuda else functional.interpolate(maps, scale_factor=2)
        return self.conv2(self.conv1(torch.cat([maps, skip], 1)))


def copied(maps: torch.Tensor) -> torch.Tensor:
    """Maps (n, c, y, x) with each pixel four times, (n, c, 2 y, 2 x), channels last in memory.

    `interpolate` gives the same. On a card it does so in 32 bits only, which costs an eighth of a
    training step, and the gradient that a compiler finds for it took longer than all else.
    """
    n, c, y, x = maps.shape
    pixels = maps.permute(0, 2, 3, 1)[:, :, None, :, None]
    return pixels.expand(n, y, 2, x, 2, c).reshape(n, 2 * y, 2 * x, c).permute(0, 3, 1, 2)


class UNet(EncodedNetwork):
    """(n, channels, y, x) float32 in 0..1 to logits (n, classes, y, x); y, x multiples of 32.

    channels: 1 for grey images, or 3. width: filters of the encoder's first level; the decoder has
    4, 2, 1, 1/2, 1/2 times as many. An encoder without a map at full size gets one from a small
    stem of its own.
    """

    def __init__(self, encoder: Encoder, classes: int, width: int, channels: int = 1) -> None:
        super().__init__(encoder, channels)
        finest = max(width // 2, MIN_CHANNELS)
        self.stem = None if encoder.strides[0] == 1 else _convolution(3, finest)
        *skips, channels = encoder.channels if self.stem is None else [finest, *encoder.channels]
        self.steps = nn.ModuleList()
        for skip, multiple in zip(reversed(skips), (4, 2, 1, 0.5, 0.5), strict=True):
            wanted = max(int(width * multiple), MIN_CHANNELS)
            self.steps.append(UpStep(channels, skip, wanted))
            channels = wanted
        self.logits = nn.Conv2d(channels, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, 32, self.channels)
        images = self.input(images)
        *skips, maps = self.encoder(images)
        if self.stem is not None:
            skips = [self.stem(images), *skips]
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            maps = step(maps, skip)
        return self.logits(maps)
