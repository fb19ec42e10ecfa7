"""Whether labels at end-diastole are good enough for wall thickness and strain.

The checks of ukbb_cardiac (Bai et al. 2020, doi:10.1038/s41591-020-1009-y). What is doubtful is
said in one sentence; labels without a doubt give "".
"""

from collections.abc import Iterable

import numpy as np

from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.aha import full_slices, middle_slice
from cmrseg.measure.pieces import LEAST_PIXELS, SliceMasks, slice_masks

# Fewer slices with cavity and wall do not show a whole ventricle.
LEAST_SLICES = 6
SHORT_AXIS = (Tissue.LV, Tissue.MYO, Tissue.RV)
LONG_AXIS = (*SHORT_AXIS, Tissue.LA, Tissue.RA)


def short_axis_doubts(labels: np.ndarray) -> str:
    """What is wrong with short-axis labels, "" if nothing; labels: (z, y, x) of one frame."""
    _check_axes(labels, ("z", "y", "x"))
    doubt = _too_small(labels, SHORT_AXIS)
    if doubt:
        return doubt
    slices = full_slices(labels)
    if len(slices) < LEAST_SLICES:
        return (
            f"{len(slices)} slices have {LEAST_PIXELS} pixels of cavity and of wall, expected at "
            f"least {LEAST_SLICES}"
        )
    absent = sorted(set(range(slices[0], slices[-1])) - set(slices))
    if absent:
        return (
            f"slice {absent[0] + 1} (from 1) has fewer than {LEAST_PIXELS} pixels of cavity or "
            f"wall, expected as many in every slice from {slices[0] + 1} to {slices[-1] + 1}"
        )
    z = middle_slice(labels)
    return _too_few(slice_masks(labels[z].T), ("epi", "rv"), f"slice {z + 1} (from 1), the middle,")


def long_axis_doubts(labels: np.ndarray) -> str:
    """What is wrong with 4-chamber labels, "" if nothing; labels: (y, x) of one frame."""
    _check_axes(labels, ("y", "x"))
    doubt = _too_small(labels, LONG_AXIS)
    return doubt or _too_few(slice_masks(labels.T), ("endo", "myo", "epi"), "the view")


# What the masks of a slice are, in words.
MASK_NAMES = {
    "endo": "the largest piece of LV cavity",
    "myo": "the wall without small pieces",
    "epi": "the largest piece of cavity and wall",
    "rv": "the largest piece of RV cavity",
}


def _check_axes(labels: np.ndarray, axes: tuple[str, ...]) -> None:
    if labels.ndim != len(axes):
        raise ValueError(f"labels must be ({', '.join(axes)}), got shape {labels.shape}")


def _too_small(labels: np.ndarray, tissues: Iterable[Tissue]) -> str:
    for tissue in tissues:
        count = int((labels == tissue).sum())
        if count < LEAST_PIXELS:
            return f"{NAMES[tissue]} has {count} pixels, expected at least {LEAST_PIXELS}"
    return ""


def _too_few(masks: SliceMasks, which: Iterable[str], place: str) -> str:
    for name in which:
        count = int(getattr(masks, name).sum())
        if count < LEAST_PIXELS:
            return (
                f"in {place} {MASK_NAMES[name]} has {count} pixels, expected at least "
                f"{LEAST_PIXELS}"
            )
    return ""
