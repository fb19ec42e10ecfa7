"""What the networks of tagged cines see: the whole first frame, and a window around the heart.

And where points of the one lie in the other. Places are (y, x) in px, 0 at the centre of the first
pixel. A box is (2, 2): the first and the last corner. Ferdian et al. 2020,
doi:10.1148/ryct.2020190032; the ways with `compat` are as published, with what is wrong there.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch.nn import functional

from cmrseg.boxes import box_of
from cmrseg.canvas import Canvas, Preparation

Mode = Literal["square", "compat"]

# Grey values are divided by this percentile, which then is 1.
GREY_PERCENTILE = 99
# A box may be so many times as long as the longer side of its image, and no longer.
MOST_SIDES = 2


def box_around(points: np.ndarray, shape_px: tuple[int, ...]) -> np.ndarray:
    """The box (2, 2) around landmarks (p, 2) of a frame, see `boxes.box_of`.

    shape_px: (y, x) of the image, beyond which it does not reach. Points that are nan do not count.
    Raises ValueError where no point is known, or all lie on a line along an axis, or beside the
    image.
    """
    known = points[np.isfinite(points).all(1)]
    if not len(known):
        raise ValueError("no landmark is known; there is no box around them")
    low, high = known.min(0).astype(np.float64), known.max(0).astype(np.float64)
    rows, columns = shape_px
    box = box_of(points, (rows, columns))
    if not (box[1] > box[0]).all():
        raise ValueError(
            f"landmarks between (y, x) {low.tolist()} and {high.tolist()} of an image of "
            f"{tuple(shape_px)} (y, x): no box is around them; are they of this image?"
        )
    return box


@dataclass(frozen=True)
class Window:
    """A part of an image that becomes `size_px` x `size_px` pixels.

    y, x: its first row and column, maybe before the image. height, width: in px of the image.
    mode: in `square` both sides are equal, and places are mapped as pixels are, which are squares
    that keep their outer edges. In `compat` each axis is stretched by itself, while places are
    multiplied by the ratio of the height along both axes, from the corner of the window; strains
    are not affected by that.
    """

    y: int
    x: int
    height: int
    width: int
    size_px: int
    mode: Mode = "square"

    @classmethod
    def of(
        cls, box: np.ndarray, shape_px: tuple[int, ...], size_px: int, mode: Mode = "square"
    ) -> "Window":
        """The window of a box in an image of `shape_px` (y, x).

        `square`: the shorter side is as long as the longer one, around the same centre. `compat`:
        whole pixels around the box; it ends where the image does, but along an axis on which it
        begins before the image. Raises ValueError as `check_box`.
        """
        check_box(box, shape_px)
        first, last = np.floor(box[0]).astype(int), np.ceil(box[1]).astype(int)
        if mode == "square":
            side = int((last - first).max()) + 1
            y, x = np.floor(box.mean(0) - (side - 1) / 2 + 0.5).astype(int).tolist()
            return cls(y, x, side, side, size_px, mode)
        last = np.where(first < 0, last, np.minimum(last, shape_px))
        (y, x), (height, width) = first.tolist(), (last - first).tolist()
        return cls(y, x, height, width, size_px, mode)

    def crop(self, cine: np.ndarray) -> np.ndarray:
        """The window of images (t, y, x) as (t, size_px, size_px) float32, with zeros beyond them.

        Bicubic, without smoothing before (OpenCV's INTER_CUBIC), of float32: grey values may lie a
        little beyond those of the images. A window that is reduced is smoothed in `square`.
        """
        part = np.zeros((len(cine), self.height, self.width), np.float32)
        y, x = max(self.y, 0), max(self.x, 0)
        inside = cine[:, y : max(self.y + self.height, 0), x : max(self.x + self.width, 0)]
        below, right = y - self.y, x - self.x
        part[:, below : below + inside.shape[1], right : right + inside.shape[2]] = inside
        smoothed = self.mode == "square" and self.height > self.size_px
        return resized(part, (self.size_px, self.size_px), "bicubic", smoothed)

    def to_window(self, points: np.ndarray) -> np.ndarray:
        """Places (..., 2) in the image as places in the window."""
        first = np.array([self.y, self.x])
        ratio = self.size_px / self.height
        if self.mode == "compat":
            return (points - first) * ratio
        return (points - first + 0.5) * ratio - 0.5

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Places (..., 2) in the window as places in the image."""
        first = np.array([self.y, self.x])
        ratio = self.size_px / self.height
        if self.mode == "compat":
            return points / ratio + first
        return (points + 0.5) / ratio - 0.5 + first


def check_box(box: np.ndarray, shape_px: tuple[int, ...]) -> None:
    """Raise ValueError for a box (2, 2) that is none, or shows nothing of an image (y, x)."""
    shape, wrong = np.array(shape_px), ""
    if not np.isfinite(box).all():
        wrong = "has corners that are no numbers"
    elif (box[1] <= box[0]).any():
        wrong = "has no area"
    elif (box[1] - box[0]).max() > MOST_SIDES * shape.max():
        wrong = f"is more than {MOST_SIDES} times as long as the image"
    elif (np.ceil(box[1]) <= 0).any() or (np.floor(box[0]) >= shape).any():
        wrong = "lies beside the image"
    if wrong:
        corners = [[round(float(value), 2) for value in corner] for corner in box]
        raise ValueError(f"box {corners} (y, x) in an image of {tuple(shape_px)} (y, x) {wrong}")


def frame_canvas(shape_px: tuple[int, ...], size_px: int, mode: Mode = "square") -> Canvas:
    """Where a whole image of `shape_px` (y, x) lies in the one that the localisation network sees.

    `square`: scaled so that its longer side has `size_px`; `compat`: not scaled. Both are padded
    with zeros on all sides. Raises ValueError for an image that is larger in `compat`.
    """
    rows, columns = shape_px
    scaled: tuple[int, ...] = (rows, columns)
    if mode == "square":
        scaled = tuple(max(1, round(n * size_px / max(shape_px))) for n in shape_px)
    elif max(shape_px) > size_px:
        raise ValueError(
            f"an image of {rows} x {columns} pixels (y, x); the network as published sees "
            f"{size_px} x {size_px}, and scales nothing: take preparation tag_frame"
        )
    offset = tuple((size_px - n) // 2 for n in scaled)
    return Canvas((rows, columns), scaled, (size_px, size_px), offset)


def on_canvas(images: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Images (n, y, x) on a canvas of `frame_canvas`, (n, size, size) float32, zeros around."""
    scaled = np.asarray(images, np.float32)
    if canvas.scaled != canvas.native:
        scaled = resized(scaled, canvas.scaled, "bilinear", smoothed=True)
    placed = np.zeros((len(images), *canvas.size), np.float32)
    _, inside = canvas.overlap
    placed[:, *inside] = scaled
    return placed


def to_canvas(points: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Places (..., 2) in the image as places on the canvas."""
    native, scaled, offset = (np.array(n) for n in (canvas.native, canvas.scaled, canvas.offset))
    return (points + 0.5) * scaled / native - 0.5 + offset


def from_canvas(points: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Places (..., 2) on the canvas as places in the image."""
    native, scaled, offset = (np.array(n) for n in (canvas.native, canvas.scaled, canvas.offset))
    return (points - offset + 0.5) * native / scaled - 0.5


def scaled_greys(images: np.ndarray, preparation: Preparation) -> np.ndarray:
    """Images (t, y, x) as a preparation scales their grey values: all frames by one number.

    Divided by their 99th percentile, so that tags and noise of one scanner are about as bright as
    those of another; images without one stay as they are, as those of a preparation `compat` do.
    """
    if preparation.scaled_by == "nothing":
        return np.asarray(images, np.float32)
    high = float(np.percentile(images, GREY_PERCENTILE))
    return np.asarray(images, np.float32) / np.float32(high if high > 0 else 1)


def resized(
    images: np.ndarray,
    size_px: tuple[int, ...],
    how: Literal["bilinear", "bicubic"],
    smoothed: bool,
) -> np.ndarray:
    """Images (n, y, x) float32 of another size, whose pixels keep the same outer edges."""
    found = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(images))[:, None],
        size=size_px,
        mode=how,
        align_corners=False,
        antialias=smoothed,
    )
    return found[:, 0].numpy()
