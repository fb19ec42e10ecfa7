"""Which of some labelled frames are end-diastole, end-systole and between them."""

import logging
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from cmrseg.labels import UNLABELLED, Tissue

logger = logging.getLogger(__name__)

# Smaller pieces of cavity are none (50 pixels of 0.1 mm).
SMALLEST_MM2 = 0.5
# A frame with more slices less than end-diastole is taken for contoured in part.
FEWER_SLICES = 2


class Phases(NamedTuple):
    """Frames, from 0; es is -1 where there is none. doubts: what to look at, with frames from 1."""

    ed: int
    es: int
    inflow: tuple[int, ...]
    doubts: tuple[str, ...] = ()


def phases(
    labels: np.ndarray, frames: np.ndarray, pixel_mm2: float, ed: int | None = None
) -> Phases:
    """End-diastole is the first labelled frame, end-systole the one with the smallest cavity.

    labels: (t, z, y, x) `Tissue`. frames: the labelled ones, in order. ed: the one that is
    end-diastole, if it is not the first. The cavity is counted
    within the heart at end-diastole, without pieces below SMALLEST_MM2. A frame that lacks more
    than FEWER_SLICES of the slices that are labelled at end-diastole, or one between two others, is
    labelled in part and not taken for end-systole, nor is one with a slice that is UNLABELLED. The
    others are the frames of inflow. Rule of Hanisah et al., doi:10.1016/j.jocmr.2026.102706, with
    these guards. Raises ValueError without a labelled frame.
    """
    if not len(frames):
        raise ValueError("no labelled frame, expected at least end-diastole")
    ed = int(frames[0]) if ed is None else ed
    others = [int(frame) for frame in frames if frame != ed]
    heart = np.isin(labels, (Tissue.LV, Tissue.MYO))
    drawn = np.asarray(heart.any(axis=(2, 3)))
    slices = drawn.sum(axis=1)
    open_ = np.asarray((labels == UNLABELLED).all(axis=(2, 3)).any(axis=1))
    counts = {t: _cavity(labels[t], heart[ed], pixel_mm2) for t in (ed, *others)}
    by_size = sorted(others, key=lambda t: (counts[t], t))
    whole = [
        t
        for t in by_size
        if slices[t] >= slices[ed] - FEWER_SLICES and not open_[t] and not _has_gap(drawn[t])
    ]
    es = whole[0] if whole else -1
    doubts = []
    if max(counts.values()) > counts[ed]:
        most = max(counts, key=counts.__getitem__)
        doubts.append(f"frame {most + 1} has more cavity than ED (frame {ed + 1}, from 1)")
    if by_size and by_size[0] != es:
        least = by_size[0]
        taken = "unknown" if es < 0 else f"taken as frame {es + 1}"
        gap = " and a gap between them" if _has_gap(drawn[least]) else ""
        doubts.append(
            f"frame {least + 1} (from 1) has the smallest cavity, but {slices[least]} labelled "
            f"slices of {slices[ed]} at ED{gap}; ES is {taken}"
        )
    return Phases(ed, es, tuple(t for t in others if t != es), tuple(doubts))


def _has_gap(drawn: np.ndarray) -> bool:
    """Whether a slice without the heart lies between two with it. drawn: (z,) bool."""
    found = np.flatnonzero(drawn)
    return bool(len(found)) and bool(len(found) <= found[-1] - found[0])


def _cavity(labels: np.ndarray, heart: np.ndarray, pixel_mm2: float) -> int:
    """Pixels of cavity (z, y, x) within the heart, without small pieces of a slice."""
    count = 0
    for lv, within in zip(labels == Tissue.LV, heart, strict=True):
        pieces, number = ndimage.label(lv, np.ones((3, 3)))
        sizes = np.bincount(pieces.ravel(), minlength=number + 1) * pixel_mm2
        large = sizes >= SMALLEST_MM2 * (1 - 1e-9)
        large[0] = False
        count += int((large[pieces] & within).sum())
    return count
