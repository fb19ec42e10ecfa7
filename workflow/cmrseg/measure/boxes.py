"""Boxes around the heart in a tagged slice: that of its landmarks, and how two overlap."""

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


def box_overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union (...) of boxes (..., 2, 2); nan where a corner is unknown.

    0 of boxes that do not touch, and of those whose corners are in the wrong order.
    """
    low = np.maximum(first[..., 0, :], second[..., 0, :])
    both = _area(np.stack([low, np.minimum(first[..., 1, :], second[..., 1, :])], axis=-2))
    whole = _area(first) + _area(second) - both
    known = np.isfinite(whole)
    return np.where(known, both / np.where(whole > 0, whole, 1), np.nan)


def _area(boxes: np.ndarray) -> np.ndarray:
    sides = boxes[..., 1, :] - boxes[..., 0, :]
    return np.where(np.isnan(sides).any(axis=-1), np.nan, np.maximum(sides, 0).prod(axis=-1))
