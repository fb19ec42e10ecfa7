"""What a label map tells of each tissue: where it is drawn, where it is not, and what is open.

An annotator may draw the cavity alone, with UNLABELLED around it, or the epicardium alone, with
UNLABELLED inside. Such a slice tells where the drawn tissue ends and nothing of the others.
"""

import numpy as np

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.sequences import ATRIA, VENTRICLES

# What somebody may draw alone.
CAVITIES = (Tissue.LV, *ATRIA)


def known_tissues(labels: np.ndarray, shown: tuple[Tissue, ...] = VENTRICLES) -> np.ndarray:
    """Which tissues each slice tells of, present or absent: (t, z, tissues) bool.

    labels: (t, z, y, x) integers. shown: tissues that maps of the sequence may hold; of others
    nothing is open. A slice without any labelled voxel tells of none. One in which
    UNLABELLED voxels touch a cavity, or are enclosed, tells of the tissues that are drawn in it,
    as the others may be there; UNLABELLED voxels elsewhere (a border that a rotation added, labels
    of a part of the image) hide nothing. Where the muscle is unknown beside a cavity, slices of
    that frame without any tissue do not tell of it either: nobody drew it. Background is known
    where anything is.
    """
    known = np.ones((*labels.shape[:2], len(Tissue)), bool)
    unlabelled = labels == UNLABELLED
    for t, z in np.argwhere(unlabelled.any(axis=(2, 3))):
        if unlabelled[t, z].all():
            known[t, z] = False
        elif _hides(labels[t, z], unlabelled[t, z]):
            for tissue in shown:
                known[t, z, tissue] = (labels[t, z] == tissue).any()
    cavity_alone = np.any(known[..., Tissue.LV] & ~known[..., Tissue.MYO], axis=1, keepdims=True)
    empty = (labels == Tissue.BACKGROUND).all(axis=(2, 3))
    known[..., Tissue.MYO] &= ~(cavity_alone & empty)
    return known


def _hides(plane: np.ndarray, unlabelled: np.ndarray) -> bool:
    """Whether there may be tissue among the unlabelled pixels of a slice (y, x).

    scipy is loaded here, as most maps hide nothing.
    """
    from scipy import ndimage

    if (ndimage.binary_dilation(np.isin(plane, CAVITIES)) & unlabelled).any():
        return True
    parts, count = ndimage.label(unlabelled)
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    return len(np.setdiff1d(np.arange(1, count + 1), border)) > 0


def drawn_in_part(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(t, z) slices with labels that do not tell of all tissues. known: of `known_tissues`."""
    return (labels != UNLABELLED).any(axis=(2, 3)) & ~known.all(axis=2)


def around_drawn(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Labels (t, z, y, x) to count the drawn tissues of slices that are drawn in part.

    A cavity that is drawn ends at its outline: what is UNLABELLED beside it is BACKGROUND here, so
    that cavity predicted there is a mistake. Of tissues that are not known, counts mean nothing.
    """
    part = drawn_in_part(labels, known)[..., None, None]
    return np.where(part & (labels == UNLABELLED), labels.dtype.type(Tissue.BACKGROUND), labels)
