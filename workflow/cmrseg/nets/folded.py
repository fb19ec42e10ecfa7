"""Networks in the form in which they label: the same function with less arithmetic.

In a network that learns no more, the batch norm after a convolution is a factor and a shift of each
channel, and goes into the convolution's weights. The FCN's first convolution after the join is
linear, as are its enlargements, so they change places: each level goes through its part of that
convolution while it is small, and the enlarged levels are added. That is a fifth less arithmetic,
and no map of 160 channels. Results differ from the plain network's by rounding alone.
"""

import copy
import itertools
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.ensemble import Ensemble
from cmrseg.nets.fcn import CONVOLUTIONS, FCN, JOINED_CHANNELS, Unit
from cmrseg.nets.images import CHANNELS_LAST, check_images

CONVOLUTION_TYPES = (nn.Conv2d, nn.ConvTranspose2d)
Convolution = TypeVar("Convolution", bound=nn.Conv2d | nn.ConvTranspose2d)

# Rows of full-size maps that a processor core works on at once: 64 channels of them fit its cache.
STRIP_ROWS = 48


def folded(network: nn.Module, device: str = "cpu", dtype: torch.dtype | None = None) -> nn.Module:
    """A copy of a network on a device, in the form in which it labels.

    device: cpu, cuda or mps. dtype: of weights and images, by default the network's.
    """
    if isinstance(network, Ensemble):
        members = [folded(member, device, dtype) for member in network.members]
        return Ensemble(members, network.mean, network.channels)
    if isinstance(network, FCN):
        fused = device == "cuda" and dtype == torch.float16 and _has_cudnn()
        result: nn.Module = FusedFCN(network) if fused else FoldedFCN(network)
    else:
        result = _without_norms(network)
    if device == "cpu":
        _prefer_onednn(result)
    result.eval().requires_grad_(False).to(device=device, dtype=dtype)
    return result.to(memory_format=CHANNELS_LAST)  # type: ignore[call-overload]


class FoldedFCN(nn.Module):
    """An `FCN` as it labels, from (n, channels, y, x) in 0..1 to the same logits as the FCN."""

    def __init__(self, network: FCN) -> None:
        super().__init__()
        self.channels = network.channels
        self.levels = nn.ModuleList(
            nn.ModuleList(_merged(unit.conv, unit.norm) for unit in _units(level))
            for level in network.levels
        )
        self.joins = nn.ModuleList(_merged(unit.conv, unit.norm) for unit in _units(network.joins))
        first, second = (_merged(unit.conv, unit.norm) for unit in _units(network.head))
        self.parts = nn.ModuleList()
        for level, weight in enumerate(first.weight.split(JOINED_CHANNELS, 1)):
            part = nn.Conv2d(JOINED_CHANNELS, first.out_channels, 1, bias=level == 0)
            part.weight.data = weight.clone()
            if level == 0:
                part.bias = first.bias
            self.parts.append(part)
        self.second = second
        self.logits = copy.deepcopy(network.logits)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        check_images(images, 2 ** (len(CONVOLUTIONS) - 1), self.channels)
        maps, coarse = images.contiguous(memory_format=CHANNELS_LAST), []
        for level, convolutions in enumerate(self.levels):
            for convolution in convolutions.children():
                if convolution.stride == (2, 2):
                    maps = functional.pad(maps, (0, 1, 0, 1))
                maps = self._active(convolution, maps)
            if level == 0:
                fine = maps
            else:
                coarse.append(self.parts[level](self._active(self.joins[level], maps)))
        return self._joined(fine, coarse)

    def _active(self, convolution, maps: torch.Tensor) -> torch.Tensor:
        """What is above zero of a convolution."""
        return functional.relu_(convolution(maps))

    def _joined(self, fine: torch.Tensor, coarse: list[torch.Tensor]) -> torch.Tensor:
        """Logits from the maps of full size and the parts of the other levels, finest first."""
        images, _, rows, columns = fine.shape
        # A graphics card takes all at once.
        together, strip = (1, STRIP_ROWS) if fine.device.type == "cpu" else (images, rows)
        shape = (images, self.logits.out_channels, rows, columns)
        logits = fine.new_empty(shape).contiguous(memory_format=CHANNELS_LAST)
        for first in range(0, images, together):
            some = slice(first, first + together)
            even = on_even_pixels([maps[some] for maps in coarse[1:]])
            odd = functional.pad(coarse[0][some], (1, 1, 1, 1))
            for top in range(0, rows, strip):
                # Row r of the image is r / 2 of `even`; r / 2 of `odd` is a row before it.
                upper, lower = top // 2, min(top + strip, rows) // 2
                joined = self._active(self.joins[0], fine[some, :, top : 2 * lower])
                joined = self.parts[0](joined)
                joined.add_(doubled(even[:, :, upper : lower + 1])[:, :, :-1, :-1])
                joined.add_(doubled(odd[:, :, upper : lower + 2])[:, :, 1:-2, 1:-2])
                joined = self._active(self.second, functional.relu_(joined))
                logits[some, :, top : 2 * lower] = self.logits(joined)
        return logits


class FusedFCN(FoldedFCN):
    """The same on a CUDA device, where cuDNN adds, and cuts off at zero, as it convolves.

    A third faster than three passes over maps that a card's memory is too slow for.
    """

    def _active(self, convolution, maps: torch.Tensor) -> torch.Tensor:
        return torch.cudnn_convolution_relu(
            maps, convolution.weight, convolution.bias, *_places(convolution)
        )

    def _joined(self, fine: torch.Tensor, coarse: list[torch.Tensor]) -> torch.Tensor:
        even = doubled(on_even_pixels(coarse[1:]))[:, :, :-1, :-1]
        odd = doubled(functional.pad(coarse[0], (1, 1, 1, 1)))[:, :, 1:-2, 1:-2]
        added = (even + odd).contiguous(memory_format=CHANNELS_LAST)
        part: Any = self.parts[0]
        maps = self._active(self.joins[0], fine)
        joined = torch.cudnn_convolution_add_relu(
            maps, part.weight, added, 1.0, part.bias, *_places(part)
        )
        return self.logits(self._active(self.second, joined))


def _has_cudnn() -> bool:
    return torch.version.hip is None and torch.backends.cudnn.is_available()


def _places(convolution) -> tuple:
    """Stride, padding, dilation and groups."""
    return convolution.stride, convolution.padding, convolution.dilation, convolution.groups


def doubled(maps: torch.Tensor) -> torch.Tensor:
    """Maps with the means of neighbours in between: (n, c, y, x) to (n, c, 2 y - 1, 2 x - 1)."""
    size = [2 * length - 1 for length in maps.shape[2:]]
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)


def on_even_pixels(coarse: list[torch.Tensor]) -> torch.Tensor:
    """The sum of maps that `fcn.Enlarge` enlarges 4, 8, 16, ... times, at even pixels of the image.

    coarse: (n, c, y / 4, x / 4), (n, c, y / 8, x / 8), ... for an image of (y, x). Returns
    (n, c, y / 2 + 1, x / 2 + 1), pixels 0, 2, ..., y. Between these the sum is linear, as Enlarge
    is linear between its peaks: a map that is enlarged f times has them at f / 2, 3 f / 2, ...,
    which are even, and zeros at -f / 2 and beyond the other end. A level is doubled from its peaks
    to all multiples of f / 2, and so is the sum of the coarser ones, known at multiples of f.
    """
    total = None
    for maps in reversed(coarse):
        own = doubled(functional.pad(maps, (1, 1, 1, 1)))[:, :, 1:-1, 1:-1]
        if total is None:
            total = own.contiguous(memory_format=CHANNELS_LAST)
        else:
            total = doubled(total).add_(own)
    assert total is not None
    return total


def _units(module: nn.Module) -> list[Unit]:
    return [unit for unit in module.modules() if isinstance(unit, Unit)]


def _merged(convolution: Convolution, norm: nn.BatchNorm2d) -> Convolution:
    """A convolution with bias that equals one with the batch norm after it."""
    merged = copy.deepcopy(convolution)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - norm.running_mean.double() * factor
    if convolution.bias is not None:
        shift += convolution.bias.double() * factor
    dtype = convolution.weight.dtype
    # Weights are (out, in, y, x), of a transposed convolution (in, out, y, x).
    outputs = factor[:, None, None]
    if isinstance(convolution, nn.Conv2d):
        outputs = outputs[:, None]
    merged.weight.data = (convolution.weight.double() * outputs).to(dtype)
    merged.bias = nn.Parameter(shift.to(dtype))
    return merged


def _without_norms(network: nn.Module) -> nn.Module:
    """A copy in which every norm that is registered right after a convolution is part of it.

    All networks here use the two in that order, and norms elsewhere are registered elsewhere. A
    norm of the batch's own statistics (nets.tag_box) is no constant factor and stays.
    """
    result = copy.deepcopy(network)
    for module in list(result.modules()):
        children = list(module.named_children())
        for (name, convolution), (after, norm) in itertools.pairwise(children):
            if isinstance(convolution, CONVOLUTION_TYPES) and type(norm) is nn.BatchNorm2d:
                setattr(module, name, _merged(convolution, norm))
                setattr(module, after, nn.Identity())
    return result


def _prefer_onednn(network: nn.Module) -> None:
    """Let torch compute 1 x 1 convolutions by the same library with one thread as with more.

    With one thread and few images it takes another way, which is several times slower and rounds
    differently, unless the kernel is dilated; that changes nothing in a kernel of one pixel.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (2, 2)
