"""How far the members of an ensemble agree, where each labelled the same images."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from cmrseg.quality.planes import areas, ratio


def agreement(members: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Mean Dice of all pairs of label maps: of each picture (t, z), and of the subject.

    members: (t, z, y, x) of each member, 0 to 3; of a pair it is the mean over the tissues that
    either has. nan where none has any. Raises ValueError for fewer than two members.
    """
    if len(members) < 2:
        raise ValueError(f"{len(members)} member, expected at least 2 that can be compared")
    counted = [areas(labels) for labels in members]
    pictures, subjects = [], []
    for i, j in combinations(range(len(members)), 2):
        a, b = members[i], members[j]
        both = areas(np.where(a == b, a, 0).astype(np.uint8))[..., 1:]
        either = (counted[i] + counted[j])[..., 1:]
        pictures.append(_mean(ratio(2 * both, either)))
        sums = both.sum(axis=(0, 1)), either.sum(axis=(0, 1))
        subjects.append(_mean(ratio(2 * sums[0], sums[1])))
    return _mean(np.stack(pictures, axis=-1)), float(_mean(np.stack(subjects, axis=-1)))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not nan."""
    there = np.isfinite(values)
    return ratio(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))
