"""The long axis of an atrium in one frame of a long-axis view.

The axis goes through the middles of the lowest and of the highest third of the atrium, as in Bai et
al. 2018, doi:10.1186/s12968-018-0471-x, and their program ukbb_cardiac. Masks are (y, x) of one
plane; affines take (x, y, z, 1) indices to RAS mm.
"""

import numpy as np

from cmrseg.measure.rows import Mode
from cmrseg.vectors import dot, length

# How far the published program draws the line to either side, in pixels.
REACH_PX = 100
# Pixels whose heights differ by less are in one row across the axis, in decimals of a mm.
ROW_DECIMALS = 6
# Half a pixel and a hair, so that a line along an edge of pixels meets them.
HALF_PX = 0.5 + 1e-9


def atrial_axis(
    mask: np.ndarray, affine: np.ndarray, up: np.ndarray, mode: Mode
) -> np.ndarray | None:
    """The lower and the upper end of the axis, (2, 3) RAS mm; None where there is no axis.

    mask: (y, x) bool, one piece. up: unit (3,), along the long axis of the left ventricle to the
    head. `corrected` gives the points where the axis enters the first pixel and leaves the last
    one. `compat` gives the centres of the lowest and the highest pixel of a drawn line, as
    published: about one pixel short. There is no axis with fewer than three pixels, or where the
    thirds have the same middle.
    """
    pixels = np.argwhere(mask.T)
    heights = dot(_places_mm(pixels, affine), up)
    if len(pixels) < 3:
        return None
    if mode == "compat":
        ends = _drawn_ends(pixels, heights, mask.T)
    else:
        ends = _crossed_ends(pixels, heights)
    if ends is None:
        return None
    ends_mm = _places_mm(ends, affine)
    return ends_mm[np.argsort(dot(ends_mm, up), kind="stable")[[0, -1]]]


def axis_length_cm(ends_mm: np.ndarray) -> float:
    """Length of an axis of `atrial_axis`."""
    return length(ends_mm[1] - ends_mm[0]) / 10


def _places_mm(pixels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(n, 3) RAS mm of pixels (n, 2) x, y of the first slice."""
    return pixels[:, :1] * affine[:3, 0] + pixels[:, 1:] * affine[:3, 1] + affine[:3, 3]


def _crossed_ends(pixels: np.ndarray, heights: np.ndarray) -> np.ndarray | None:
    """(2, 2) x, y where the axis enters and leaves the squares that pixels are."""
    middle = _middle_of_lowest_third(pixels, -heights)
    direction = middle - _middle_of_lowest_third(pixels, heights)
    if np.abs(direction).max() < 10.0**-ROW_DECIMALS:
        return None
    with np.errstate(divide="ignore"):
        edges = [(pixels + side - middle) / direction for side in (-HALF_PX, HALF_PX)]
    enters = np.minimum(*edges).max(axis=1)
    leaves = np.maximum(*edges).min(axis=1)
    crossed = enters < leaves
    ends = np.array([enters[crossed].min(), leaves[crossed].max()]) if crossed.any() else None
    return None if ends is None else middle + ends[:, None] * direction


def _middle_of_lowest_third(pixels: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Mean x, y of the lowest third of pixels.

    Where the third ends within a row, all pixels of that row count in part, so that the axis of a
    mirrored image is the mirrored axis.
    """
    _, row, sizes = np.unique(
        np.round(heights, ROW_DECIMALS), return_inverse=True, return_counts=True
    )
    below = np.cumsum(sizes) - sizes
    weights = np.clip((len(pixels) / 3 - below) / sizes, 0, 1)[row]
    return np.average(pixels, axis=0, weights=weights)


def _drawn_ends(pixels: np.ndarray, heights: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """(k, 2) x, y of the pixels of the mask (x, y) on the published line; None without any.

    numpy's default sort is not stable: which pixels of a row are in a third depends on it.
    """
    ranked = pixels[heights.argsort()]
    count = len(ranked)
    top, bottom = ranked[int(2 * count / 3) :].mean(axis=0), ranked[: count // 3].mean(axis=0)
    reach = np.sqrt(((top - bottom) ** 2).sum())
    if reach == 0:
        return None
    step = REACH_PX * (top - bottom) / reach
    # Towards zero, also outside the image.
    below, above = np.trunc(top - step).astype(int), np.trunc(top + step).astype(int)
    line = line_pixels(below, above, mask.shape)
    line = line[mask[line[:, 0], line[:, 1]]]
    return line if len(line) else None


def line_pixels(first: np.ndarray, last: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(n, 2) pixels of a line between two pixels, clipped to an image of that shape, as OpenCV's.

    OpenCV draws from the end with the smaller second index, which decides between two pixels that
    are equally near. Empty where the line misses the image.
    """
    ends = [[int(i) for i in first], [int(i) for i in last]]
    for axis, size in enumerate(shape):
        other = 1 - axis
        if max(end[axis] for end in ends) < 0 or min(end[axis] for end in ends) >= size:
            return np.empty((0, 2), int)
        for end in ends:
            if not 0 <= end[axis] < size:
                edge = 0 if end[axis] < 0 else size - 1
                # The product first: rounding the slope would change what is cut off below.
                along = (edge - end[axis]) * (ends[1][other] - ends[0][other])
                end[other] += int(along / (ends[1][axis] - ends[0][axis]))
                end[axis] = edge
    start, stop = sorted(ends, key=lambda end: end[1])
    ahead = np.subtract(stop, start)
    main = 0 if abs(ahead[0]) > abs(ahead[1]) else 1
    longer, shorter = abs(ahead[main]), abs(ahead[1 - main])
    # Twice the distance from the line, in units of 1/(2 longer) pixels.
    error = longer - 2 * shorter
    pixels = [np.array(start)]
    for _ in range(longer):
        pixel = pixels[-1].copy()
        if error < 0:
            pixel[1 - main] += np.sign(ahead[1 - main])
            error += 2 * longer
        error -= 2 * shorter
        pixel[main] += np.sign(ahead[main])
        pixels.append(pixel)
    return np.array(pixels)
