"""VGG-16 encoder with batch norm, torchvision's names (Simonyan 2015, arXiv:1409.1556)."""

import torch
from torch import nn

from cmrseg.nets.encoder import Encoder

# Convolutions before each of the five max pools, and their filters as multiples of the width.
CONVOLUTIONS = (2, 2, 3, 3, 3)
MULTIPLES = (1, 2, 4, 8, 8)
# First entry of `features` in the late half, as fastai 1 splits this network. It is the
# activation before the third pool, so the late half begins with the fourth block's weights.
LATE_FROM = 22


class Vgg16(Encoder):
    """VGG-16 with batch norm, without classifier.

    width: filters of the first block, 64 as published. Maps (n, 3, y, x) to six maps: the
    five before each max pool (strides 1, 2, 4, 8, 16) and the pooled last one (stride 32).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        filters = [width * multiple for multiple in MULTIPLES]
        self.channels = [*filters, filters[-1]]
        self.strides = [1, 2, 4, 8, 16, 32]
        layers: list[nn.Module] = []
        channels = 3
        for count, wanted in zip(CONVOLUTIONS, filters, strict=True):
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, wanted, 3, padding=1),
                    nn.BatchNorm2d(wanted),
                    nn.ReLU(inplace=True),
                ]
                channels = wanted
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        current = images
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(current)
            current = layer(current)
        return [*maps, current]

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        layers = list(self.features)
        return layers[:LATE_FROM], layers[LATE_FROM:]
