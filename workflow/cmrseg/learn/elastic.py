"""Elastic deformation of the augmentation: smooth random displacements of the pixels.

Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801: random displacements smoothed by a Gaussian.
"""

from dataclasses import dataclass

import numpy as np

from cmrseg.learn.smooth_fields import NODES_PER_SIGMA, node_count, smooth_fields

SIGMA_PX = 10.0
AMPLITUDE_PX = 8.0


@dataclass(frozen=True)
class Elastic:
    """Deformations of n images.

    nodes: (n, 2, k, k) float32, displacements along x and y on a coarse grid, of any size.
    amplitudes_px: (n,) the length of the largest displacement of a pixel, 0 = none.
    """

    nodes: np.ndarray
    amplitudes_px: np.ndarray


def draw_elastic(rng: np.random.Generator, count: int, size_px: int, probability: float) -> Elastic:
    """Draw the deformations of `count` images of `size_px` x `size_px`; always as many numbers."""
    happens = rng.random(count) < probability
    amplitudes_px = rng.uniform(0, AMPLITUDE_PX, count)
    side = node_count(size_px, SIGMA_PX * NODES_PER_SIGMA)
    nodes = rng.standard_normal((count, 2, side, side), np.float32)
    return Elastic(nodes, np.where(happens, amplitudes_px, 0))


def displacements_px(elastic: Elastic, some: np.ndarray, size_px: int) -> np.ndarray:
    """Where pixels of some images are read, beside their own place: (m, 2, y, x), along x and y.

    some: numbers (m,) of the images. Zero where there is no deformation.
    """
    fields = np.zeros((len(some), 2, size_px, size_px), np.float32)
    deformed = elastic.amplitudes_px[some] > 0
    if deformed.any():
        nodes, amplitudes_px = (a[some[deformed]] for a in (elastic.nodes, elastic.amplitudes_px))
        drawn = smooth_fields(nodes, size_px, SIGMA_PX * NODES_PER_SIGMA)
        squares = drawn[:, 0] * drawn[:, 0] + drawn[:, 1] * drawn[:, 1]
        factors = amplitudes_px / np.sqrt(squares.max((1, 2)))
        fields[deformed] = drawn * factors.astype(np.float32)[:, None, None, None]
    return fields
