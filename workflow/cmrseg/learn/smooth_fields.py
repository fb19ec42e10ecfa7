"""Smooth random fields: a few numbers on a coarse grid, and a cubic B-spline between them.

That is white noise smoothed by a kernel much like a Gaussian, at a fraction of the cost: the
standard deviation of a cubic B-spline is the distance of its nodes by the square root of 3.
"""

import math

import numpy as np

# Nodes that a pixel's value is made of, along each axis.
TAPS = 4
# Distance of nodes, in standard deviations of the kernel.
NODES_PER_SIGMA = math.sqrt(3)


def node_count(size_px: int, spacing_px: float) -> int:
    """Nodes along a side of `size_px` pixels, with those beyond its two ends."""
    return int((size_px - 0.5) / spacing_px) + TAPS


def smooth_fields(nodes: np.ndarray, size_px: int, spacing_px: float) -> np.ndarray:
    """Fields (..., size_px, size_px) float32 from numbers at nodes (..., k, k), see `node_count`.

    Sums are in one order, tap after tap, so that the rounding is the same on every processor.
    """
    place = (np.arange(size_px) + 0.5) / spacing_px
    first = place.astype(np.intp)
    weights = bspline(place - first).astype(np.float32)
    nodes = nodes.astype(np.float32, copy=False)
    # Along x first, where there are few rows.
    narrow = nodes[..., first] * weights[0]
    for tap in range(1, TAPS):
        narrow += nodes[..., first + tap] * weights[tap]
    fields = np.take(narrow, first, -2)
    fields *= weights[0][:, None]
    for tap in range(1, TAPS):
        part = np.take(narrow, first + tap, -2)
        part *= weights[tap][:, None]
        fields += part
    return fields


def bspline(share: np.ndarray) -> np.ndarray:
    """Weights (4, n) of the nodes around places (n,), how far each is from its second node, 0...1.

    They sum up to 1.
    """
    back = 1 - share
    return (
        np.stack(
            [
                back * back * back,
                4 - 6 * share * share + 3 * share * share * share,
                4 - 6 * back * back + 3 * back * back * back,
                share * share * share,
            ]
        )
        / 6
    )
