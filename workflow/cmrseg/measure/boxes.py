"""How two boxes around the heart overlap."""

import numpy as np


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
