"""U-Net of single frames, of Bai et al. 2018 (aortic cines), doi:10.1007/978-3-030-00937-3_67.

Alone it segments frame by frame; the network over time (nets.unet_lstm) has it in it and starts
from its weights. Convolutions, norms and enlargement follow TensorFlow 1.
"""

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.fcn import NORM_EPS, NORM_MOMENTUM, Unit
from cmrseg.nets.images import CHANNELS_LAST, check_images
from cmrseg.nets.network import Network, initialise_layers

# Each level has twice the filters and half the size.
LEVELS = 5


class UpStep(nn.Module):
    """Maps of a level, enlarged and joined with those of the next finer one."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(channels_in, channels, 3, 2, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)
        self.units = nn.Sequential(Unit(2 * channels, channels, 3), Unit(channels, channels, 3))

    def forward(self, maps: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        rows, columns = skip.shape[2:]
        # TensorFlow's 'same' crops one row and column behind.
        enlarged = self.enlarge(maps)[..., :rows, :columns]
        return self.units(torch.cat([skip, functional.relu(self.norm(enlarged))], 1))


class FrameNetwork(Network):
    """All but the last layers: images (n, 1, y, x) to maps; y, x multiples of 16.

    Images are scaled to mean 0 and standard deviation 1 (preparation zscore). filters: of the first
    level, 16 as published.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        widths = [filters * 2**level for level in range(LEVELS)]
        self.down = nn.ModuleList()
        for level, wanted in enumerate(widths):
            source = widths[level - 1] if level else 1
            units = Unit(source, wanted, 3, 2 if level else 1), Unit(wanted, wanted, 3)
            self.down.append(nn.Sequential(*units))
        self.up = nn.ModuleList(
            UpStep(widths[level + 1], widths[level]) for level in range(LEVELS - 1)
        )

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """What the U-Net makes of single frames: (n, 1, y, x) to (n, filters, y, x)."""
        check_images(images, 2 ** (LEVELS - 1))
        maps, skips = images, []
        for units in self.down:
            maps = units(maps).contiguous(memory_format=CHANNELS_LAST)
            skips.append(maps)
        for level in range(LEVELS - 2, -1, -1):
            maps = self.up[level](maps, skips[level])
        return maps

    def initialise(self, generator: torch.Generator) -> None:
        """Glorot uniform, biases 0, norms 1 and 0, as TensorFlow's layers start."""

        def draw(weight: torch.Tensor) -> None:
            nn.init.xavier_uniform_(weight, generator=generator)

        initialise_layers(self.modules(), draw)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                draw(module.weight)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The three fine levels and the two coarse ones."""
        return list(self.down[:3]), list(self.down[3:])


class FrameUNet(FrameNetwork):
    """Images (n, 1, y, x) float32 to logits (n, classes, y, x)."""

    def __init__(self, classes: int = 3, filters: int = 16) -> None:
        super().__init__(filters)
        self.logits = nn.Conv2d(filters, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits(self.features(images))
