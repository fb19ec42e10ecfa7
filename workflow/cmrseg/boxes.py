"""The box around the landmarks of a tagged slice."""

import numpy as np

# A box reaches so far beyond the landmarks on each side, as part of their extent; Ferdian et al.
# 2020, doi:10.1148/ryct.2020190032.
MARGIN = 0.3


def box_of(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The box (..., 2, 2) of landmarks (..., p, 2): two corners (y, x) in px, the smaller first.

    It reaches MARGIN beyond them, and not beyond the image, of `shape` rows and columns. Landmarks
    that are nan do not count; nan where none is known.
    """
    points = np.asarray(points, np.float64)
    unknown = ~np.isfinite(points).all(axis=-1, keepdims=True)
    first = np.where(unknown, np.inf, points).min(axis=-2)
    last = np.where(unknown, -np.inf, points).max(axis=-2)
    first, last = (np.where(np.isfinite(end), end, np.nan) for end in (first, last))
    beyond = MARGIN * (last - first)
    corners = np.stack([first - beyond, last + beyond], axis=-2)
    return np.clip(corners, 0, np.array(shape))
