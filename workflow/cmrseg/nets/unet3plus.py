"""UNet 3+ of the pre-clinical system, Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706.

After Huang et al. 2020, doi:10.1109/ICASSP40776.2020.9053405: each decoder level joins maps of
all five levels. Here a level has the encoder's width instead of one width for all, and what lies
deeper than the next level comes from the encoder, unless `skips` is `decoder` as in that paper.
"""

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST, check_images
from cmrseg.nets.network import Network, initialise_layers

# Levels, from the finest (1); each has twice the filters and half the size of the one before.
LEVELS = 5
# Where maps of levels deeper than the next come from.
SKIPS = ("encoder", "decoder")
# Keras's batch norm: momentum 0.99 of the old value is PyTorch's 0.01 of the new one.
NORM_EPS = 1e-3
NORM_MOMENTUM = 0.01
# Part of the deepest level's values that a training step leaves out.
DROPOUT = 0.3
# A normal distribution cut off at two standard deviations is narrower by this factor.
CUT_SD = 0.87962566103423978


class Unit(nn.Module):
    """3x3 convolution with bias, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.conv(maps)))


class Head(nn.Module):
    """Maps of a level to logits at full size: convolution, enlargement, convolution of classes."""

    def __init__(self, channels: int, classes: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.conv1 = nn.Conv2d(channels, classes, 3, padding=1)
        self.conv2 = nn.Conv2d(classes, classes, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.conv2(_enlarge(self.conv1(maps), self.factor))


class UNet3Plus(Network):
    """(n, channels, y, x) float32 in 0..1 to logits (n, classes, y, x); y, x multiples of 16.

    width: filters of level 1, 32 as published; the others have 2, 4, 8, 16 times as many.
    skips: `encoder` or `decoder`. deep: deep supervision, a head for each level, not for level 1
    alone.
    """

    def __init__(
        self,
        classes: int,
        width: int = 32,
        skips: str = "encoder",
        deep: bool = True,
        channels: int = 1,
    ) -> None:
        super().__init__(channels)
        if skips not in SKIPS:
            raise ValueError(f"skips {skips!r} are unknown; one of {', '.join(SKIPS)}")
        self.skips = skips
        filters = {level: width * 2 ** (level - 1) for level in range(1, LEVELS + 1)}
        self.encoder = nn.ModuleList(
            nn.Sequential(Unit(filters.get(level - 1, channels), wanted), Unit(wanted, wanted))
            for level, wanted in filters.items()
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.branches = nn.ModuleDict()
        self.decoder = nn.ModuleDict()
        for level in range(LEVELS - 1, 0, -1):
            for source, channels in filters.items():
                self.branches[f"{source}_{level}"] = Unit(channels, filters[level])
            self.decoder[str(level)] = Unit(LEVELS * filters[level], filters[level])
        self.logits = nn.ModuleList(
            Head(filters[level], classes, 2 ** (level - 1)) for level in head_levels(deep)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[-1](self._decoded(images)[1])

    def heads(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Logits (n, classes, y, x) of each head, from the deepest level to level 1."""
        decoded = self._decoded(images)
        levels = head_levels(len(self.logits) > 1)
        return [head(decoded[level]) for head, level in zip(self.logits, levels, strict=True)]

    def _decoded(self, images: torch.Tensor) -> dict[int, torch.Tensor]:
        """Maps of each level of the decoder; its deepest one is the encoder's."""
        check_images(images, 2 ** (LEVELS - 1), self.channels)
        encoded, maps = {}, images
        for level, units in enumerate(self.encoder, 1):
            maps = units(maps if level == 1 else functional.max_pool2d(maps, 2))
            encoded[level] = maps = maps.contiguous(memory_format=CHANNELS_LAST)
        encoded[LEVELS] = self.dropout(encoded[LEVELS])
        decoded = {LEVELS: encoded[LEVELS]}
        for level in range(LEVELS - 1, 0, -1):
            next_one = {level + 1: decoded[level + 1]}
            sources = encoded | (decoded if self.skips == "decoder" else next_one)
            joined = [
                self.branches[f"{source}_{level}"](_brought(sources[source], source, level))
                for source in sorted(sources)
            ]
            decoded[level] = self.decoder[str(level)](torch.cat(joined, 1))
        return decoded

    def initialise(self, generator: torch.Generator) -> None:
        """He normal by fan in, cut off at two standard deviations; biases 0, norms 1 and 0.

        He et al. 2015, doi:10.1109/ICCV.2015.123, as Keras draws it.
        """

        def draw(weight: torch.Tensor) -> None:
            sd = (2 / weight[0].numel()) ** 0.5 / CUT_SD
            nn.init.trunc_normal_(weight, std=sd, a=-2 * sd, b=2 * sd, generator=generator)

        initialise_layers(self.modules(), draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """The three fine levels and the two coarse ones."""
        return list(self.encoder[:3]), list(self.encoder[3:])


def head_levels(deep: bool) -> list[int]:
    """Levels that have a head, in the order of the heads."""
    return list(range(LEVELS, 0, -1)) if deep else [1]


def _brought(maps: torch.Tensor, source: int, level: int) -> torch.Tensor:
    """Maps of a level in the size of another: their largest values, or bilinear in between."""
    if source < level:
        return functional.max_pool2d(maps, 2 ** (level - source))
    return _enlarge(maps, 2 ** (source - level))


def _enlarge(maps: torch.Tensor, factor: int) -> torch.Tensor:
    if factor == 1:
        return maps
    if maps.is_cuda:
        return enlarged_by_products(maps, factor)
    return functional.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)


def enlarged_by_products(maps: torch.Tensor, factor: int) -> torch.Tensor:
    """Maps (n, c, y, x) enlarged bilinearly to (n, c, factor y, factor x), channels last in memory.

    `interpolate` gives the same but for rounding. On a card its repeatable gradient is a sum by
    index, of 32 bits, with which a training step took thirteen times as long.
    """
    n, c, y, x = maps.shape
    pixels = maps.permute(0, 2, 3, 1).reshape(n, y, x * c)
    pixels = (_weights(y, factor, maps) @ pixels).reshape(n * factor * y, x, c)
    pixels = _weights(x, factor, maps) @ pixels
    return pixels.reshape(n, factor * y, factor * x, c).permute(0, 3, 1, 2)


def _weights(size: int, factor: int, like: torch.Tensor) -> torch.Tensor:
    """Parts (factor size, size) of pixels in those of an enlarged line; 16 bits hold them."""
    pixels = torch.arange(factor * size, device=like.device)
    at = ((pixels + 0.5) / factor - 0.5).clamp(0, size - 1)
    far = (at[:, None] - torch.arange(size, device=like.device)).abs()
    return (1 - far).clamp(min=0).to(like.dtype)
