"""Geometry of the augmentation: matrices of one transform per image.

Matrices (n, 3, 3) take (x, y, 1) of a pixel of the result to where the source is read, up to the
third component (perspective). Positions are those of pixel centres in units of the canvas: x and y
run from -1 at the outer edge of the first pixel to 1 at the outer edge of the last.
"""

import numpy as np


def product(first: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Products of matrices (n, 3, 3), the last one applied first.

    Not `@`, whose last digit depends on the processor's linear algebra kernels.
    """
    for other in others:
        first = np.einsum("nij,njk->nik", first, other)
    return first


def rotation_matrices(angles_deg: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) of the image about its centre, counter-clockwise as displayed."""
    cosine, sine = np.cos(np.deg2rad(angles_deg)), np.sin(np.deg2rad(angles_deg))
    matrices = np.tile(np.eye(3), (len(angles_deg), 1, 1))
    # y runs down, so reading clockwise turns the picture counter-clockwise.
    matrices[:, 0, 0], matrices[:, 0, 1] = cosine, -sine
    matrices[:, 1, 0], matrices[:, 1, 1] = sine, cosine
    return matrices


def zoom_matrices(zooms: np.ndarray, focus: np.ndarray) -> np.ndarray:
    """Enlargement (n, 3, 3) by `zooms`; the point `focus` (2, n), (x, y), stays in place.

    zooms: (n,), or (2, n) along x and y.
    """
    matrices = np.tile(np.eye(3), (focus.shape[1], 1, 1))
    for axis, zoom in enumerate(np.broadcast_to(zooms, focus.shape)):
        matrices[:, axis, axis] = 1 / zoom
        matrices[:, axis, 2] = (1 - 1 / zoom) * focus[axis]
    return matrices


def shift_matrices(shifts: np.ndarray) -> np.ndarray:
    """Shifts (n, 3, 3) right and down by `shifts` (2, n), (x, y), fractions of the side."""
    matrices = np.tile(np.eye(3), (shifts.shape[1], 1, 1))
    # The side is two units long.
    matrices[:, :2, 2] = -2 * shifts.T
    return matrices


def flip_matrices(flips: np.ndarray) -> np.ndarray:
    """Left-right flips (n, 3, 3) where `flips` (n,) is true."""
    matrices = np.tile(np.eye(3), (len(flips), 1, 1))
    matrices[:, 0, 0] = np.where(flips, -1, 1)
    return matrices


def warp_matrices(warps: np.ndarray) -> np.ndarray:
    """Symmetric perspective warps (n, 3, 3) from four magnitudes (4, n).

    Magnitudes lengthen the edges x = -1, x = 1, y = -1, y = 1 of the area that is read by that
    fraction, on both sides of their middle.
    """
    left, right, top, bottom = warps
    # Of the read area, the mean half width and half height, and how they change across it.
    width, width_change = 1 + (bottom + top) / 2, (bottom - top) / 2
    height, height_change = 1 + (right + left) / 2, (right - left) / 2
    # Solved by hand for the four corners (x, y), whose coordinates are all 1 or -1: a product
    # of both vanishes for these slopes of the denominator.
    slope_x, slope_y = -height_change / height, -width_change / width
    rows = (
        (width + width_change * slope_y, width_change * slope_x, width * slope_x),
        (height_change * slope_y, height + height_change * slope_x, height * slope_y),
        (slope_x, slope_y, np.ones_like(slope_x)),
    )
    return np.moveaxis(np.array(rows), -1, 0)


def fcn_matrices(angles_deg: np.ndarray, zooms: np.ndarray, size_px: int) -> np.ndarray:
    """Rotation and zoom (n, 3, 3) of Bai et al. 2018 on a square canvas of `size_px` pixels.

    Pixel (y, x) of the result is read at M (y, x) + c - M c with M = [[cos, sin], [-sin, cos]]
    / zoom. As published c is pixel size_px / 2, half a pixel behind the true centre.
    """
    centre = np.full((2, len(zooms)), 1 / size_px)
    there, back = np.tile(np.eye(3), (2, len(zooms), 1, 1))
    there[:, :2, 2], back[:, :2, 2] = centre.T, -centre.T
    zoom = zoom_matrices(zooms, np.zeros_like(centre))
    return product(there, rotation_matrices(angles_deg), zoom, back)
