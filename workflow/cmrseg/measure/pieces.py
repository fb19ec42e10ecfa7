"""Connected pieces of a mask of one picture, and the masks of a short-axis slice made of them.

Neighbours share an edge (a face in three dimensions). The rules are those of Bai et al. 2018,
doi:10.1186/s12968-018-0471-x, and their program ukbb_cardiac.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cmrseg.labels import Tissue

# Smaller pieces, and slices with fewer pixels of a tissue, do not count.
LEAST_PIXELS = 10


@dataclass(frozen=True)
class SliceMasks:
    """What is measured of a slice: boolean masks of the slice's shape.

    endo: the cavity. myo: the wall without small pieces. epi: cavity and wall. rv: the right
    ventricle. Of cavity, epi and rv it is the largest piece.
    """

    endo: np.ndarray
    myo: np.ndarray
    epi: np.ndarray
    rv: np.ndarray

    @property
    def valid(self) -> bool:
        """Whether cavity and wall have LEAST_PIXELS each."""
        return bool(min(self.endo.sum(), self.myo.sum()) >= LEAST_PIXELS)


def slice_masks(labels: np.ndarray) -> SliceMasks:
    """The masks of one slice; labels: (y, x) or (x, y) of `Tissue`."""
    endo = largest_piece(labels == Tissue.LV)
    myo = without_small_pieces(labels == Tissue.MYO)
    epi = largest_piece(endo | myo)
    return SliceMasks(endo, myo, epi, largest_piece(labels == Tissue.RV))


def largest_piece(mask: np.ndarray) -> np.ndarray:
    """The piece with the most pixels, the first of equal ones; may be empty."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask.astype(bool)
    return pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()


def without_small_pieces(mask: np.ndarray, least: int = LEAST_PIXELS) -> np.ndarray:
    """The mask without pieces of fewer than `least` pixels."""
    pieces, _ = ndimage.label(mask)
    large = np.bincount(pieces.ravel()) >= least
    large[0] = False
    return large[pieces]
