"""Products of vectors in space, added up in one fixed order.

A linear algebra library (`@`, `numpy.linalg.norm`) rounds as the processor's kernels do. Raw data
and images are to be the same bytes whichever kernels are at work.
"""

import numpy as np
from numpy.typing import ArrayLike


def dot(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Scalar products of vectors (..., 3) and (..., 3), which broadcast; (...)."""
    a, b = np.asarray(a), np.asarray(b)
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def length(vector: ArrayLike) -> float:
    """Length of one vector (3,), in its own unit."""
    return float(np.sqrt(dot(vector, vector)))


def unit(vector: ArrayLike) -> np.ndarray:
    """The vector (3,) made one long, float64. It must not be zero."""
    vector = np.asarray(vector, float)
    return vector / length(vector)
