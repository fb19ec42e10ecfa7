"""The pictures of a label map as one array: cut to the heart, and sums of each picture."""

import math
from typing import NamedTuple

import numpy as np

from cmrseg.labels import Tissue

# Ventricles and muscle of the short axis, with the background as number 0.
TISSUES = (Tissue.LV, Tissue.MYO, Tissue.RV)
CLASSES = 1 + len(TISSUES)
# Pixels around the labels that are looked at, too.
MARGIN_PX = 3


class Planes(NamedTuple):
    """Labels (t, z, y, x) uint8, 0 to 3, and images of the same shape, cut to the heart.

    pixel_mm: side of a pixel, the mean of rows and columns.
    """

    labels: np.ndarray
    image: np.ndarray
    pixel_mm: float


def planes_of(
    labels: np.ndarray, image: np.ndarray, spacing_mm: tuple[float, float, float]
) -> Planes:
    """The pictures of a subject, cut to a box around all that is labelled in any of them.

    labels: (t, z, y, x) of the short axis; other tissues are background. image: of the same shape.
    spacing_mm: along z, y, x. Raises ValueError for other shapes, an image that is not finite,
    or labels of which all are background.
    """
    if labels.ndim != 4 or labels.shape != image.shape:
        raise ValueError(
            f"labels {labels.shape} and image {image.shape} must have one shape (t, z, y, x)"
        )
    heart = (labels > 0) & (labels <= max(TISSUES))
    if not heart.any():
        raise ValueError("nothing is labelled, so there is nothing to judge")
    box = []
    for axis in (2, 3):
        others = tuple(other for other in range(4) if other != axis)
        places = np.flatnonzero(heart.any(axis=others))
        first = max(int(places[0]) - MARGIN_PX, 0)
        box.append(slice(first, int(places[-1]) + 1 + MARGIN_PX))
    cut = (slice(None), slice(None), *box)
    grey = image[cut].astype(np.float32)
    if not np.isfinite(grey).all():
        raise ValueError("the image has values that are not finite; repair it or leave it out")
    kept = np.where(heart[cut], labels[cut], 0).astype(np.uint8)
    return Planes(kept, grey, (spacing_mm[1] * spacing_mm[2]) ** 0.5)


def areas(labels: np.ndarray) -> np.ndarray:
    """Pixels of each class in each picture: (t, z, CLASSES)."""
    return sums(labels, None)


def sums(labels: np.ndarray, values: np.ndarray | None) -> np.ndarray:
    """Sum of values over the pixels of each class of each picture: (t, z, CLASSES) float64.

    values: of the shape of the labels; None counts pixels.
    """
    frames, slices = labels.shape[:2]
    first = np.arange(frames * slices, dtype=np.int64) * CLASSES
    # There are no pictures where the neighbours of a single slice are asked for.
    places = labels.reshape(len(first), math.prod(labels.shape[2:])) + first[:, None]
    weights = None if values is None else values.ravel()
    found = np.bincount(places.ravel(), weights, len(first) * CLASSES)
    return found.reshape(frames, slices, CLASSES).astype(float)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, nan where whole is 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
