"""The dynamic U-Net of fastai 1.0.60 as its learner factory built it, for comparison.

Howard and Gugger 2020, doi:10.3390/info11020108. Kept with its peculiarities: no norm in the
decoder's convolutions, and a VGG whose only skip is its coarsest map, used twice.
"""

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.encoder import EncodedNetwork, Encoder
from cmrseg.nets.images import check_images
from cmrseg.nets.vgg import Vgg16

# fastai starts its own batch norms with this bias.
NORM_BIAS = 1e-3
# The VGG's pool in front of its classifier, which fastai left in the encoder.
VGG_POOL_PX = 7


class PixelShuffle(nn.Module):
    """1x1 convolution, ReLU and pixel shuffle: (n, c_in, y, x) to (n, c_out, 2 y, 2 x)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, 4 * channels_out, 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(functional.relu(self.conv(maps)), 2)


class UpBlock(nn.Module):
    """Doubles the map, joins the skip and convolves twice; `halved` makes half as many filters."""

    def __init__(self, channels_up: int, channels_skip: int, halved: bool) -> None:
        super().__init__()
        joined = channels_up // 2 + channels_skip
        self.channels = joined // 2 if halved else joined
        self.shuffle = PixelShuffle(channels_up, channels_up // 2)
        self.norm = nn.BatchNorm2d(channels_skip)
        self.conv1 = nn.Conv2d(joined, self.channels, 3, padding=1)
        self.conv2 = nn.Conv2d(self.channels, self.channels, 3, padding=1)

    def forward(self, maps: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        maps = self.shuffle(maps)
        if maps.shape[2:] != skip.shape[2:]:
            maps = functional.interpolate(maps, skip.shape[2:], mode="nearest")
        maps = functional.relu(torch.cat([maps, self.norm(skip)], 1))
        return functional.relu(self.conv2(functional.relu(self.conv1(maps))))


class CompatUNet(EncodedNetwork):
    """(n, channels, y, x) float32 in 0..1 to logits (n, classes, y, x); y, x multiples of 32.

    channels: 1 for grey images, or 3.
    """

    def __init__(self, encoder: Encoder, classes: int, channels: int = 1) -> None:
        super().__init__(encoder, channels)
        bottom = encoder.channels[-1]
        self.vgg = isinstance(encoder, Vgg16)
        skips = [bottom, bottom] if self.vgg else encoder.channels[-2::-1]
        self.norm = nn.BatchNorm2d(bottom)
        self.middle1 = nn.Conv2d(bottom, 2 * bottom, 3, padding=1)
        self.middle2 = nn.Conv2d(2 * bottom, bottom, 3, padding=1)
        self.blocks = nn.ModuleList()
        channels = bottom
        for number, skip in enumerate(skips, 1):
            block = UpBlock(channels, skip, halved=number == len(skips))
            self.blocks.append(block)
            channels = block.channels
        self.shuffle = PixelShuffle(channels, channels)
        channels += 3
        self.last1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.last2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.logits = nn.Conv2d(channels, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, 32, self.channels)
        images = self.input(images)
        *skips, maps = self.encoder(images)
        if self.vgg:
            skips = [maps, maps]
            maps = functional.adaptive_avg_pool2d(maps, VGG_POOL_PX)
        maps = functional.relu(self.norm(maps))
        maps = functional.relu(self.middle2(functional.relu(self.middle1(maps))))
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            maps = block(maps, skip)
        maps = self.shuffle(maps)
        if maps.shape[2:] != images.shape[2:]:
            maps = functional.interpolate(maps, images.shape[2:], mode="nearest")
        joined = torch.cat([maps, images], 1)
        maps = functional.relu(self.last2(functional.relu(self.last1(joined))))
        return self.logits(joined + maps)

    def initialise(self, generator: torch.Generator) -> None:
        """Kaiming normal by fan in, biases 0; the four filters of a shuffled pixel start equal.

        The latter avoids checkerboards (ICNR, Aitken et al. 2017, arXiv:1707.02937).
        """
        super().initialise(generator)
        for name, module in self.named_modules():
            if isinstance(module, nn.BatchNorm2d) and not name.startswith("encoder."):
                nn.init.constant_(module.bias, NORM_BIAS)
            elif isinstance(module, PixelShuffle):
                with torch.no_grad():
                    weight = module.conv.weight
                    weight.copy_(weight[::4].repeat_interleave(4, 0))
