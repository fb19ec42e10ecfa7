"""Overlap of two label maps: confusion counts of every image, and Dice from them."""

from typing import Literal

import numpy as np

from cmrseg.labels import UNLABELLED


def confusion_counts(reference: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of every image by the pair of their classes.

    reference, predicted: (..., y, x) integers of equal shape. Returns (n, classes, classes)
    int64, n images in C order of the leading axes; [i, a, b] counts the pixels of image i that
    are a in the reference and b in the prediction. Pixels that are UNLABELLED in either count
    nowhere. Raises ValueError for unequal shapes, values that are no class, and more than 254
    classes, the highest that labels beside UNLABELLED can have.
    """
    if not 1 <= classes < UNLABELLED:
        raise ValueError(f"classes must be 1 to {UNLABELLED - 1}, got {classes}")
    if reference.shape != predicted.shape or reference.ndim < 2:
        raise ValueError(
            f"reference {reference.shape} and prediction {predicted.shape} must have one shape"
        )
    side = classes + 1  # the last class takes what is unlabelled
    first = _as_classes(reference, classes, "reference")
    second = _as_classes(predicted, classes, "prediction")
    # A pair of the last classes has the number side² - 1, up to 65,024.
    dtype = np.uint8 if side * side <= 256 else np.uint16
    pairs = (first.astype(dtype) * np.asarray(side, dtype) + second).reshape(
        -1, *reference.shape[-2:]
    )
    counts = np.empty((len(pairs), side, side), np.int64)
    for i, image in enumerate(pairs):
        counts[i] = np.bincount(image.ravel(), minlength=side * side).reshape(side, side)
    return counts[:, :classes, :classes]


def _as_classes(labels: np.ndarray, classes: int, name: str) -> np.ndarray:
    """uint8 labels with UNLABELLED moved to the number `classes`."""
    unlabelled = labels == UNLABELLED
    wrong = ((labels < 0) | (labels >= classes)) & ~unlabelled
    if wrong.any():
        raise ValueError(
            f"{name} has labels {np.unique(labels[wrong]).tolist()}, "
            f"expected 0 to {classes - 1} or {UNLABELLED} (unlabelled)"
        )
    return np.where(unlabelled, np.uint8(classes), labels.astype(np.uint8))


def dice(counts: np.ndarray, absent: Literal["nan", "one"] = "nan") -> np.ndarray:
    """Dice of every class, 2 |A and B|/(|A| + |B|).

    counts: (..., classes, classes) from confusion_counts; sum them over images first for the
    Dice of a volume. absent: value where neither has the class, "one" as Ankenbrand et al. 2021
    (doi:10.1002/mrm.28822) or "nan" to leave such images out of means. Returns (..., classes).
    """
    if absent not in ("nan", "one"):
        raise ValueError(f"absent must be 'nan' or 'one', got {absent!r}")
    both = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    missing = 1.0 if absent == "one" else np.nan
    return np.where(total > 0, 2 * both / np.maximum(total, 1), missing)


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Fraction of labelled pixels with the right class; nan where no pixel is labelled."""
    total = counts.sum(axis=(-2, -1))
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.where(total > 0, right / np.maximum(total, 1), np.nan)


def foreground(counts: np.ndarray) -> np.ndarray:
    """(..., 2, 2) counts of background against everything else, for the Dice of the whole heart."""
    merged = np.empty((*counts.shape[:-2], 2, 2), counts.dtype)
    merged[..., 0, 0] = counts[..., 0, 0]
    merged[..., 0, 1] = counts[..., 0, 1:].sum(axis=-1)
    merged[..., 1, 0] = counts[..., 1:, 0].sum(axis=-1)
    merged[..., 1, 1] = counts[..., 1:, 1:].sum(axis=(-2, -1))
    return merged


def mean_rows(counts: np.ndarray) -> np.ndarray:
    """Mean over images of the shares of a class that went to each class: (classes, classes).

    counts: (n, classes, classes) from confusion_counts. Images without the class in the reference
    are left out of its row, which is nan where no image has it. Otherwise rows sum to 1.
    """
    total = counts.sum(axis=-1, keepdims=True)
    shares = np.where(total > 0, counts / np.maximum(total, 1), 0.0).sum(axis=0)
    images = (total > 0).sum(axis=0)
    return np.where(images > 0, shares / np.maximum(images, 1), np.nan)
