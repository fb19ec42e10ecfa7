"""Where native images lie in what a network sees: preparations by name, and their canvases."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cmrseg.ring import SEEN_FRAMES


@dataclass(frozen=True)
class Preparation:
    """What sets a preparation apart.

    dtype: of the stored pixels, unsigned integers or float32. resized: are images scaled to the
    canvas, or cropped and padded? scaled_by: the smallest and largest grey value of each image, or
    the largest one of its window, or percentiles, or mean and standard deviation, of all images of
    a frame or cine; or the bright pixels of a cine, or nothing. padded_to_size: is the canvas of
    prediction at least as large as that of training? windowed: is it the window of training, with
    background outside? together: do the channels of an image have one largest value? swapped: does
    the window begin along y where it should along x, and the other way round? frames: of a cine,
    seen together by networks that place points (learn.tag_window); 0 of networks of label maps.
    """

    dtype: type[Any]
    resized: bool
    scaled_by: Literal["range", "maximum", "percentiles", "moments", "bright", "nothing"]
    padded_to_size: bool = False
    windowed: bool = False
    together: bool = False
    swapped: bool = False
    frames: int = 0

    @property
    def joint(self) -> bool:
        """Whether all images of a frame or cine are scaled together."""
        return self.scaled_by in ("percentiles", "moments")


def _window(**how: bool) -> Preparation:
    """Windows of images divided by largest values: such an image is 0..1, but has no fixed step."""
    return Preparation(np.float32, resized=False, scaled_by="maximum", windowed=True, **how)


def _tagged(scaled_by: Literal["bright", "nothing"], frames: int) -> Preparation:
    """Images of tagged cines, for networks that place points."""
    return Preparation(np.float32, True, scaled_by, windowed=frames > 1, frames=frames)


PREPARATIONS = {
    "unet": Preparation(np.uint8, resized=True, scaled_by="range"),
    "fcn": Preparation(np.uint16, resized=False, scaled_by="percentiles"),
    "minmax": Preparation(np.uint16, resized=False, scaled_by="range"),
    # As published, its recurrent network sees how far away the border is.
    "zscore": Preparation(np.float32, resized=False, scaled_by="moments", padded_to_size=True),
    "joint_max": _window(together=True),
    # As the published program of MyoPS cuts them out.
    "joint_max_compat": _window(together=True, swapped=True),
    "channel_max": _window(),
    "zscore_window": Preparation(np.float32, resized=False, scaled_by="moments", windowed=True),
    # Tagged cines: the whole first frame, or the frames of a window around the heart.
    "tag_frame": _tagged("bright", 1),
    "tag_frame_compat": _tagged("nothing", 1),
    "tag_window": _tagged("bright", SEEN_FRAMES),
    "tag_window_compat": _tagged("nothing", SEEN_FRAMES),
}

# Networks of images that are not resized halve them four times, or more (nets.kinds).
MULTIPLE_PX = 16


@dataclass(frozen=True)
class Canvas:
    """Where a native image lies in a prepared one; all pairs are (y, x) in pixels.

    native: the image's own shape. scaled: its shape after resizing. size: shape of the prepared
    image. offset: place of the scaled image's first pixel; negative where it is cropped. windowed:
    is what is cropped background, as a network sees the same window of every image?
    """

    native: tuple[int, ...]
    scaled: tuple[int, ...]
    size: tuple[int, ...]
    offset: tuple[int, ...]
    windowed: bool = False

    @property
    def overlap(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Where both have pixels: (y, x) of the scaled image, and of the prepared one."""
        sides = list(zip(self.offset, self.scaled, self.size, strict=True))
        scaled = tuple(slice(max(-o, 0), min(size - o, n)) for o, n, size in sides)
        return scaled, tuple(slice(max(o, 0), min(o + n, size)) for o, n, size in sides)


def _of_pixels(settings: Mapping) -> Preparation:
    """The preparation of some settings, which has canvases. Raises ValueError if it has others."""
    preparation = PREPARATIONS[settings["preparation"]]
    if preparation.frames:
        raise ValueError(
            f"preparation {settings['preparation']} is of networks that place points; it has no "
            "canvas of pixels with labels"
        )
    return preparation


def training_canvas(
    shape_px: tuple[int, int], settings: Mapping, centre_px: tuple[float, float] | None = None
) -> Canvas:
    """The square canvas of training: scaled to fit (`unet`) or a centred window (the others).

    centre_px: that of a window, see `window_canvas`, as are errors.
    """
    size, preparation = settings["size_px"], _of_pixels(settings)
    if preparation.windowed:
        return window_canvas(shape_px, size, preparation.swapped, centre_px)
    if not preparation.resized:
        offset = tuple(size // 2 - n // 2 for n in shape_px)
        return Canvas(tuple(shape_px), tuple(shape_px), (size, size), offset)
    factor = size / max(shape_px)
    scaled = tuple(max(1, round(n * factor)) for n in shape_px)
    # An odd difference puts the smaller half on the low side.
    offset = tuple((size - n) // 2 for n in scaled)
    return Canvas(tuple(shape_px), scaled, (size, size), offset)


def window_canvas(
    shape_px: tuple[int, int],
    size: int,
    swapped: bool = False,
    centre_px: tuple[float, float] | None = None,
) -> Canvas:
    """The window of `size` pixels in the centre of an image; zeros where it is larger.

    centre_px: (y, x) in the image, around which the window lies instead, with zeros beyond the
    border; its own centre is within half a pixel of there. swapped: with the first row that is
    right for the columns, and the first column that is right for the rows. So the published program
    of MyoPS (Altunok and Oksuz 2020) cuts its windows; where they run over the edge it gets smaller
    ones, which its network does not take, and which are filled up with zeros behind here. Raises
    ValueError where such a window lies beside the image.
    """
    if centre_px is not None:
        # Of an image's centre, (n - 1) / 2, this is the window below.
        offset = tuple(-math.floor(c + 1 - size / 2) for c in centre_px)
        return Canvas(tuple(shape_px), tuple(shape_px), (size, size), offset, windowed=True)
    # An odd difference puts the smaller half of what is cut off on the high side.
    offset = tuple((size - n) // 2 for n in (shape_px[::-1] if swapped else shape_px))
    if any(o + n <= 0 or o >= size for o, n in zip(offset, shape_px, strict=True)):
        raise ValueError(
            f"an image of {tuple(shape_px)} (y, x) has nothing in a window of {size} pixels whose "
            "first row and column are swapped; take preparation joint_max"
        )
    return Canvas(tuple(shape_px), tuple(shape_px), (size, size), offset, windowed=True)


def prediction_canvas(
    shape_px: tuple[int, int], settings: Mapping, multiple_px: int = MULTIPLE_PX
) -> Canvas:
    """The canvas of prediction: as in training (`unet`, windows) or padded to multiples.

    multiple_px: of which the network takes both sides. The canvas of `zscore` has at least the size
    of training.
    """
    preparation = _of_pixels(settings)
    if preparation.resized or preparation.windowed:
        return training_canvas(shape_px, settings)
    least = settings["size_px"] if preparation.padded_to_size else 0
    size = tuple(-(-max(n, least) // multiple_px) * multiple_px for n in shape_px)
    offset = tuple((s - n) // 2 for s, n in zip(size, shape_px, strict=True))
    return Canvas(tuple(shape_px), tuple(shape_px), size, offset)
