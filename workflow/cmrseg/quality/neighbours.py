"""Agreement of a picture's labels with the pictures before and after it, in time and in space."""

import numpy as np

from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.quality.planes import TISSUES, areas, ratio, sums

# Names of the tissues in columns.
WALLED = (Tissue.LV, Tissue.MYO)


def neighbours(labels: np.ndarray, pixel_mm: float) -> dict[str, np.ndarray]:
    """Columns by name, each (t, z); labels: (t, z, y, x), 0 to 3. A beat is a circle.

    time_overlap, time_overlap_rv: Dice with the frames before and after, the smaller of the two, of
    cavity and wall, and of the right ventricle. slice_overlap, slice_overlap_rv: the same with the
    slices below and above, the larger one. time_jump_*: difference of the area from the mean of the
    frames before and after, as a share of the slice's largest one. slice_jump_*: the same with the
    slices below and above, as a share of the subject's largest one. slice_shift_mm: how far the
    centre of cavity and wall lies from that of its neighbours in space. end_distance: slices to the
    nearer end of what is labelled in the frame; -1 where the picture is empty. nan where there is
    no such neighbour or nothing to compare.
    """
    found = areas(labels)
    frames = len(labels)
    following = np.roll(labels, -1, axis=0)
    after = _dice(labels, following, found, np.roll(found, -1, axis=0))
    before = np.roll(after, 1, axis=0)
    if frames == 1:
        before = after = np.full_like(after, np.nan)
    above = np.full_like(after, np.nan)
    above[:, :-1] = _dice(labels[:, :-1], labels[:, 1:], found[:, :-1], found[:, 1:])
    below = np.full_like(after, np.nan)
    below[:, 1:] = above[:, :-1]
    columns = {
        "time_overlap": np.fmin(before[..., 0], after[..., 0]),
        "time_overlap_rv": np.fmin(before[..., 1], after[..., 1]),
        "slice_overlap": np.fmax(below[..., 0], above[..., 0]),
        "slice_overlap_rv": np.fmax(below[..., 1], above[..., 1]),
    }
    sides = [np.full_like(found, np.nan) for _ in range(2)]
    sides[0][:, 1:], sides[1][:, :-1] = found[:, :-1], found[:, 1:]
    between = (np.roll(found, 1, axis=0) + np.roll(found, -1, axis=0)) / 2
    for tissue in TISSUES:
        name, own = SHORT_NAMES[tissue], found[..., tissue]
        largest = own.max(axis=0, keepdims=True)
        columns[f"time_jump_{name}"] = ratio(abs(own - between[..., tissue]), largest + 0 * own)
        both = (sides[0][..., tissue] + sides[1][..., tissue]) / 2
        columns[f"slice_jump_{name}"] = ratio(abs(own - both), own.max() + 0 * own)
    columns["slice_shift_mm"] = _shift_px(labels, found) * pixel_mm
    columns["end_distance"] = _end_distance(found[..., 1:].sum(axis=-1) > 0)
    return columns


def _dice(a: np.ndarray, b: np.ndarray, of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
    """(t, z, 2): mean Dice of cavity and wall, Dice of the right ventricle."""
    both = sums(np.where(a == b, a, 0).astype(np.uint8), None)
    each = ratio(2 * both, of_a + of_b)[..., 1:]
    walled = np.stack([each[..., t - 1] for t in WALLED])
    there = np.isfinite(walled)
    mean = ratio(np.where(there, walled, 0).sum(axis=0), there.sum(axis=0))
    return np.stack([mean, each[..., Tissue.RV - 1]], axis=-1)


def _shift_px(labels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Distance in px of a picture's centre from the mean of those below and above."""
    rows, columns = np.indices(labels.shape[2:])
    of_heart = found[..., Tissue.LV] + found[..., Tissue.MYO]
    centre = []
    for grid in (rows, columns):
        total = sums(labels, np.broadcast_to(grid, labels.shape).astype(float))
        centre.append(ratio(total[..., Tissue.LV] + total[..., Tissue.MYO], of_heart))
    place = np.stack(centre, axis=-1)
    below, above = (np.full_like(place, np.nan) for _ in range(2))
    below[:, 1:], above[:, :-1] = place[:, :-1], place[:, 1:]
    alone = np.where(np.isnan(below), above, below)
    between = np.where(np.isnan(below) | np.isnan(above), alone, (below + above) / 2)
    return np.sqrt(((place - between) ** 2).sum(axis=-1))


def _end_distance(there: np.ndarray) -> np.ndarray:
    """Slices to the nearer end of the labelled ones in each frame, -1 where nothing is labelled."""
    z = np.arange(there.shape[1])
    first = np.where(there, z, there.shape[1]).min(axis=1, keepdims=True)
    last = np.where(there, z, -1).max(axis=1, keepdims=True)
    return np.where(there, np.minimum(z - first, last - z), -1).astype(float)
