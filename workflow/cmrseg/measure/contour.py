"""The contour of a mask as a chain of pixels, and the smooth curve along it.

Both as in ukbb_cardiac (Bai et al. 2018, doi:10.1186/s12968-018-0471-x). Points are (x, y) indices,
whole numbers at the centres of pixels.
"""

import numpy as np
from scipy.interpolate import UnivariateSpline

from cmrseg.contours.raster import to_world

# Steps to the eight neighbours in x and y, in the order in which a border is searched. With x drawn
# downwards and y to the right they turn counter-clockwise, from the neighbour on the right.
STEPS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
# The search starts at the neighbour before the first pixel, which is outside.
BEFORE = 4
# A smooth contour has so many points for each pixel of the chain.
SMOOTH_FACTOR = 4
# Mean squared distance of the smooth curve from the pixels that the spline may have, in px².
SMOOTH_PX2 = 0.05
DEGREE = 3


def outer_border(mask: np.ndarray) -> np.ndarray:
    """Pixels of the outer border of a mask in the order in which they follow each other.

    mask: (x, y) boolean, of one piece; of several it is the one with the first pixel. Returns
    (n, 2) integers x, y. The first pixel has the smallest x, and of these the smallest y; with x
    drawn downwards and y to the right the border runs counter-clockwise. Neighbours may touch at a
    corner; where the mask is one pixel wide, pixels come twice. Raises ValueError for an empty
    mask. Suzuki and Abe 1985, doi:10.1016/0734-189X(85)90016-7, as OpenCV has it.
    """
    if not mask.any():
        raise ValueError("the mask is empty, so it has no border; expected at least one pixel")
    inside = np.pad(mask.astype(bool), 1)
    x, y = (int(i) for i in np.unravel_index(inside.argmax(), inside.shape))
    first = (x, y)
    for turn in range(BEFORE - 1, BEFORE - len(STEPS), -1):
        dx, dy = STEPS[turn % len(STEPS)]
        if inside[x + dx, y + dy]:
            break
    else:
        return np.array([first]) - 1
    last, direction = (x + dx, y + dy), turn
    chain = []
    while True:
        chain.append((x, y))
        for turn in range(direction + 1, direction + 1 + len(STEPS)):
            dx, dy = STEPS[turn % len(STEPS)]
            if inside[x + dx, y + dy]:
                break
        # From the next pixel, the search starts after the one that it came from.
        direction = turn + BEFORE
        here, (x, y) = (x, y), (x + dx, y + dy)
        if (x, y) == first and here == last:
            return np.array(chain) - 1


def smooth_contour(points: np.ndarray, closed: bool) -> np.ndarray:
    """SMOOTH_FACTOR points for each point of a chain, on a smooth curve along it.

    points: (n, 2). closed: whether the last point is next to the first one. Returns (4 n, 2)
    float64. Cubic smoothing splines of either coordinate; the chain goes on beyond its ends, round
    and round if it is closed, else at its end points. Raises ValueError for fewer than 2 points.
    """
    count = len(points)
    if count < 2:
        raise ValueError(f"a contour of {count} pixels has no curve; expected at least 2")
    beyond = count // 2
    padded = np.pad(points, ((beyond, beyond), (0, 0)), mode="wrap" if closed else "edge")
    # In these roundings the curve is that of the original program to the last bit.
    step = 1 / count
    after = 1 + np.arange(beyond) * step
    places = np.concatenate([np.arange(-beyond, count) * step, after])
    wanted = np.arange(SMOOTH_FACTOR * count) * (step / SMOOTH_FACTOR)
    most = SMOOTH_PX2 * len(places)
    return np.column_stack(
        [UnivariateSpline(places, along, k=DEGREE, s=most)(wanted) for along in padded.T]
    )


def smooth_border_mm(mask: np.ndarray, z: int, affine: np.ndarray) -> np.ndarray:
    """The smooth closed curve along a mask's outer border; (n, 3) RAS mm.

    mask: (x, y) boolean, in slice z of a grid. affine: (4, 4) of the grid. Errors as those of
    `outer_border` and `smooth_contour`.
    """
    return to_world(smooth_contour(outer_border(mask), closed=True), z, affine)


def centre_mm(mask: np.ndarray, z: int, affine: np.ndarray) -> np.ndarray:
    """The mean place of a mask's pixels; (3,) RAS mm. Arguments as of `smooth_border_mm`."""
    return to_world(np.argwhere(mask).mean(axis=0)[None], z, affine)[0]
