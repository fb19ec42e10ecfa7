"""Where native images lie in what a network sees: preparations by name, and their canvases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Preparation:
    """What sets a preparation apart.

    dtype: of the stored pixels, unsigned integers or float32. resized: are images scaled to the
    canvas, or cropped and padded? scaled_by: the smallest and largest grey value of each image, or
    percentiles, or mean and standard deviation, of all images of a frame or cine. padded_to_size:
    is the canvas of prediction at least as large as that of training?
    """

    dtype: type[Any]
    resized: bool
    scaled_by: Literal["range", "percentiles", "moments"]
    padded_to_size: bool = False

    @property
    def joint(self) -> bool:
        """Whether all images of a frame or cine are scaled together."""
        return self.scaled_by != "range"


PREPARATIONS = {
    "unet": Preparation(np.uint8, resized=True, scaled_by="range"),
    "fcn": Preparation(np.uint16, resized=False, scaled_by="percentiles"),
    "minmax": Preparation(np.uint16, resized=False, scaled_by="range"),
    # As published, its recurrent network sees how far away the border is.
    "zscore": Preparation(np.float32, resized=False, scaled_by="moments", padded_to_size=True),
}

# The networks of images that are not resized halve them four times.
MULTIPLE_PX = 16


@dataclass(frozen=True)
class Canvas:
    """Where a native image lies in a prepared one; all pairs are (y, x) in pixels.

    native: the image's own shape. scaled: its shape after resizing. size: shape of the prepared
    image. offset: place of the scaled image's first pixel; negative where it is cropped.
    """

    native: tuple[int, ...]
    scaled: tuple[int, ...]
    size: tuple[int, ...]
    offset: tuple[int, ...]


def training_canvas(shape_px: tuple[int, int], settings: Mapping) -> Canvas:
    """The square canvas of training: scaled to fit (`unet`) or a centred window (the others)."""
    size = settings["size_px"]
    if not PREPARATIONS[settings["preparation"]].resized:
        offset = tuple(size // 2 - n // 2 for n in shape_px)
        return Canvas(tuple(shape_px), tuple(shape_px), (size, size), offset)
    factor = size / max(shape_px)
    scaled = tuple(max(1, round(n * factor)) for n in shape_px)
    # An odd difference puts the smaller half on the low side.
    offset = tuple((size - n) // 2 for n in scaled)
    return Canvas(tuple(shape_px), scaled, (size, size), offset)


def prediction_canvas(shape_px: tuple[int, int], settings: Mapping) -> Canvas:
    """The canvas of prediction: as in training (`unet`) or padded to multiples of 16 px.

    That of `zscore` has at least the size of training.
    """
    preparation = PREPARATIONS[settings["preparation"]]
    if preparation.resized:
        return training_canvas(shape_px, settings)
    least = settings["size_px"] if preparation.padded_to_size else 0
    size = tuple(-(-max(n, least) // MULTIPLE_PX) * MULTIPLE_PX for n in shape_px)
    offset = tuple((s - n) // 2 for s, n in zip(size, shape_px, strict=True))
    return Canvas(tuple(shape_px), tuple(shape_px), size, offset)
