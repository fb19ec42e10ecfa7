"""ResNet encoders, torchvision's names (He et al. 2016, doi:10.1109/CVPR.2016.90)."""

import torch
from torch import nn

from cmrseg.nets.encoder import Encoder

# Units in each of the four stages.
UNITS = (3, 4, 6, 3)
# Output channels of a bottleneck unit per inner channel.
EXPANSION = 4


class BasicUnit(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = _shortcut(channels_in, channels, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        maps = self.relu(self.bn1(self.conv1(maps)))
        return self.relu(self.bn2(self.conv2(maps)) + shortcut)


class BottleneckUnit(nn.Module):
    """1x1, 3x3 and widening 1x1 convolution beside a shortcut; the 3x3 has the stride."""

    expansion = EXPANSION

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        channels_out = channels * EXPANSION
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample = _shortcut(channels_in, channels_out, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        maps = self.relu(self.bn1(self.conv1(maps)))
        maps = self.relu(self.bn2(self.conv2(maps)))
        return self.relu(self.bn3(self.conv3(maps)) + shortcut)


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Sequential | None:
    if channels_in == channels_out and stride == 1:
        return None
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
    )


class ResNet(Encoder):
    """ResNet-34 (`bottleneck` false) or ResNet-50 (true) without pooling and classifier.

    width: filters of the stem, 64 as published. Maps (n, 3, y, x) to five maps at strides
    2 (after the stem's activation), 4, 8, 16 and 32.
    """

    def __init__(self, bottleneck: bool, width: int = 64) -> None:
        super().__init__()
        unit = BottleneckUnit if bottleneck else BasicUnit
        stages = [width * 2**level * unit.expansion for level in range(4)]
        self.channels = [width, *stages]
        self.strides = [2, 4, 8, 16, 32]
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)

        def stage(level: int) -> nn.Sequential:
            first = unit(self.channels[level], width * 2**level, 1 if level == 0 else 2)
            rest = [unit(stages[level], width * 2**level, 1) for _ in range(1, UNITS[level])]
            return nn.Sequential(first, *rest)

        self.layer1 = stage(0)
        self.layer2 = stage(1)
        self.layer3 = stage(2)
        self.layer4 = stage(3)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.relu(self.bn1(self.conv1(images)))]
        maps.append(self.layer1(self.maxpool(maps[-1])))
        for layer in (self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return maps

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        return [self.conv1, self.bn1, self.layer1, self.layer2], [self.layer3, self.layer4]
