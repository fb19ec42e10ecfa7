"""The image preparation of prediction on a graphics card: the numbers of `prepare`, to the bit.

A card segments a cine in less time than the CPU needs to prepare it. For `fcn` the native voxels
are copied to the card, and the percentiles and batches are computed there; `unet` images, which
are resized, are prepared on the CPU.
"""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from cmrseg.canvas import MULTIPLE_PX, PREPARATIONS, Canvas, prediction_canvas
from cmrseg.learn.heart_window import Heart
from cmrseg.learn.prepare import FCN_PERCENTILES, neighbours, prepare_cines, with_channels


def planes_for_card(
    channels: Sequence[np.ndarray],
    settings: Mapping,
    multiple_px: int = MULTIPLE_PX,
    heart: Heart | None = None,
) -> tuple[torch.Tensor, Canvas]:
    """The data of a cine for the card: planes (t, z, [c,] y, x), and the canvas of its images.

    channels: (t, z, y, x) each, not changed. A single channel of integers of up to 16 bits keeps
    its type. multiple_px: of which the network takes both sides. heart: around
    which a window lies. If there is a card the planes are
    in pinned memory.
    """
    if PREPARATIONS[settings["preparation"]].scaled_by != "percentiles":
        planes, canvas = prepare_cines(channels, settings, multiple_px, heart)
    else:
        first = channels[0]
        canvas = prediction_canvas(first.shape[-2:], settings, multiple_px)
        small = len(channels) == 1 and first.dtype.kind in "iu" and first.dtype.itemsize <= 2
        # torch does not support the other byte order.
        dtype = first.dtype.newbyteorder("=") if small else np.float32
        planes = with_channels([voxels.astype(dtype, copy=False) for voxels in channels])
    result = torch.from_numpy(np.ascontiguousarray(planes))
    return (result.pin_memory() if torch.cuda.is_available() else result), canvas


class CardImages:
    """The images of a cine on a card: `images[a:b]` is (n, c, Y, X) float32 in 0..1.

    planes, canvas: as `planes_for_card` gives them. Nothing waits for the card.
    """

    def __init__(
        self, planes: torch.Tensor, canvas: Canvas, settings: Mapping, device: str
    ) -> None:
        self.slices = planes.shape[1]
        self.planes = planes.to(device, non_blocking=True).flatten(0, 1)
        self.canvas = canvas
        # A tensor, as torch multiplies by the reciprocal of a number, which rounds differently.
        preparation = PREPARATIONS[settings["preparation"]]
        whole = np.issubdtype(preparation.dtype, np.integer)
        highest = float(np.iinfo(preparation.dtype).max) if whole else 1.0
        self.highest = torch.full((), highest, device=device)
        self.is_native = preparation.scaled_by == "percentiles"
        if self.is_native:
            self.low, self.high = self._percentiles()

    def _percentiles(self) -> list[torch.Tensor]:
        """Those of each channel, in a shape that planes (n, [c,] y, x) can be compared with."""
        if self.planes.ndim == 3:
            return percentiles(self.planes)
        each = zip(*(percentiles(channel) for channel in self.planes.unbind(1)), strict=True)
        return [torch.stack(values)[:, None, None] for values in each]

    def chosen(self, numbers: np.ndarray) -> "CardImages":
        """The images of some numbers (int64), with the percentiles of all."""
        some, dtype = copy.copy(self), self.planes.dtype
        # A card cannot index arrays of uint16.
        planes = self.planes.view(torch.int16) if dtype == torch.uint16 else self.planes
        there = torch.from_numpy(numbers).to(planes.device, non_blocking=True)
        some.planes = planes[there].view(dtype)
        return some

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, some: slice) -> torch.Tensor:
        pixels = self.planes[some]
        if self.is_native:
            pixels = self._scaled(pixels)
        pixels = pixels.float() / self.highest
        return pixels[:, None] if pixels.ndim == 3 else pixels

    def _scaled(self, planes: torch.Tensor) -> torch.Tensor:
        """`prepare._prepare_fcn` and its padding; numbers have 64 bits there too."""
        low, high = self.low, self.high
        span = (high - low).float().double()
        clipped = planes.float().double().clamp(low, high)
        scaled = ((clipped - low.float().double()) / span).clamp(0, 1) * self.highest.double()
        pixels = torch.where(high > low, scaled.round(), torch.zeros_like(scaled))
        (top, left), (y, x) = self.canvas.offset, self.canvas.native
        bottom, right = self.canvas.size[0] - top - y, self.canvas.size[1] - left - x
        return functional.pad(pixels, (left, right, top, bottom))


def percentiles(planes: torch.Tensor) -> list[torch.Tensor]:
    """`prepare.percentiles` where the planes are; two float64 of no dimension."""
    if planes.dtype == torch.uint16:  # cannot be sorted everywhere
        planes = planes.int()
    ordered = planes.flatten().sort().values
    found = []
    for percent in FCN_PERCENTILES:
        lower, upper, share = neighbours(len(ordered), percent)
        below, above = ordered[lower].float(), ordered[upper].float()
        span = (above - below).double()
        weighted = span * share if share < 0.5 else span * -(1 - share)
        found.append((below if share < 0.5 else above).double() + weighted)
    return found
