"""Distances between the contours of two masks of one slice, in millimetres.

The contour of a mask is its outer border as Bai et al. 2018 (doi:10.1186/s12968-018-0471-x) take
it: the pixels of all 8-connected components that share an edge with the background reached from
outside the image. Holes have no contour, so the contour of the myocardium is the epicardium.
Positions are pixel centres in millimetres with their own spacing along y and x; Bai et al.
measure in pixels and multiply by one pixel size, which is the same where pixels are square.
"""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree


def contour_pixels(mask: np.ndarray) -> np.ndarray:
    """(n, 2) row and column of the pixels on the outer border of a (y, x) boolean mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return np.empty((0, 2), np.intp)
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # One pixel of background all around joins the background outside to one component.
    background = np.ones((mask.shape[0] + 2, mask.shape[1] + 2), bool)
    background[1:-1, 1:-1] = ~mask
    components, _ = ndimage.label(background)  # 4-connected, the dual of an 8-connected mask
    outside = components == components[0, 0]
    touches = outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:]
    return np.argwhere(mask & touches) + np.array([rows[0], columns[0]])


def contour_distances_mm(
    reference: np.ndarray, predicted: np.ndarray, spacing_mm: tuple[float, float]
) -> tuple[float, float]:
    """Hausdorff distance and mean contour distance of two masks.

    reference, predicted: (y, x) boolean of equal shape. spacing_mm: along y, x. Hausdorff is the
    larger of the two largest distances to the other contour's nearest pixel, the mean distance is
    the mean of the two mean ones. Both are nan unless both masks have a pixel.
    """
    if reference.shape != predicted.shape or reference.ndim != 2:
        raise ValueError(
            f"masks must be (y, x) of one shape, got {reference.shape} and {predicted.shape}"
        )
    if not min(spacing_mm) > 0:
        raise ValueError(f"spacing_mm must be two positive numbers (y, x), got {spacing_mm}")
    first = contour_pixels(reference) * spacing_mm
    second = contour_pixels(predicted) * spacing_mm
    if not len(first) or not len(second):
        return np.nan, np.nan
    forth, _ = cKDTree(second).query(first)
    back, _ = cKDTree(first).query(second)
    return float(max(forth.max(), back.max())), float((forth.mean() + back.mean()) / 2)


def slice_distances_mm(
    reference: np.ndarray, predicted: np.ndarray, spacing_mm: tuple[float, float]
) -> np.ndarray:
    """contour_distances_mm of every pair of (n, y, x) masks: (n, 2), Hausdorff first."""
    if reference.shape != predicted.shape or reference.ndim != 3:
        raise ValueError(
            f"masks must be (n, y, x) of one shape, got {reference.shape} and {predicted.shape}"
        )
    distances = np.full((len(reference), 2), np.nan)
    occupied = reference.any(axis=(1, 2)) & predicted.any(axis=(1, 2))
    for i in np.flatnonzero(occupied):
        distances[i] = contour_distances_mm(reference[i], predicted[i], spacing_mm)
    return distances
