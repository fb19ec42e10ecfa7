"""Islands: pieces of a tissue that lie apart from the heart, as networks leave them.

Two rules of Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706: `code` is that of their published
program, `largest` what the paper says. Each frame and tissue is looked at by itself. Holes are
not filled.
"""

from dataclasses import dataclass

import numpy as np

from cmrseg.labels import UNLABELLED

RULES = ("code", "largest")
# Rule `code`: pieces of fewer voxels are none, and those that stay touch as many slices and have
# their centre this near to that of the main piece; pixels and slices both count as one.
LEAST_VOXELS = 10
LEAST_SLICES = 2
FARTHEST = 40.0
# Neighbours by a face within a frame; never from one frame to another.
FACES = np.abs(np.indices((3, 3, 3, 3)) - 1).sum(axis=0) <= 1
FACES[[0, 2]] = False


@dataclass(frozen=True)
class Removed:
    """What a tissue lost in a frame: voxels, in which slices, and whether nothing is left."""

    frame: int
    tissue: int
    voxels: int
    slices: tuple[int, ...]
    erased: bool


def remove_islands(labels: np.ndarray, rule: str) -> tuple[np.ndarray, list[Removed]]:
    """Labels without islands, which become background, and what was removed.

    labels: (t, z, y, x) integers, left as they are. rule: `code` keeps in each frame and for each
    tissue the pieces of at least 10 voxels (neighbours share a face) in at least 2 slices (1 of a
    cine of one slice, of which the published program leaves nothing) whose centre is at most 40
    pixels and slices from that of the piece with the most slices, the first of these along y, x, z;
    `largest` keeps the piece with the most voxels. Raises ValueError for another rule, or labels
    that are not 4-D.
    """
    if rule not in RULES:
        raise ValueError(f"islands {rule!r} is no rule, expected one of {', '.join(RULES)}")
    if labels.ndim != 4:
        raise ValueError(f"labels must be (t, z, y, x), got shape {labels.shape}")
    # Loaded here, as labelling without a rule needs none of it.
    from scipy import ndimage

    kept, removed = labels.copy(), []
    for tissue in np.unique(labels):
        if tissue in (0, UNLABELLED):
            continue
        found = labels == tissue
        box = _bounds(found)
        pieces, count = ndimage.label(found[box], FACES)
        inside = np.flatnonzero(pieces)
        piece, places = pieces.ravel()[inside] - 1, np.unravel_index(inside, pieces.shape)
        voxels = [axis + part.start for axis, part in zip(places, box, strict=True)]
        stays = _stays(rule, min(LEAST_SLICES, labels.shape[1]), count, piece, *voxels)
        gone = ~stays[piece]
        left = set(np.unique(voxels[0][~gone]).tolist())
        frames, z, y, x = (axis[gone] for axis in voxels)
        kept[frames, z, y, x] = 0
        for frame in np.unique(frames).tolist():
            here = z[frames == frame]
            slices = tuple(np.unique(here).tolist())
            removed.append(Removed(frame, int(tissue), len(here), slices, frame not in left))
    return kept, sorted(removed, key=lambda entry: (entry.frame, entry.tissue))


def _bounds(found: np.ndarray) -> tuple[slice, ...]:
    """The smallest box with all that is true; there is some."""
    box = []
    for axis in range(found.ndim):
        others = tuple(other for other in range(found.ndim) if other != axis)
        places = np.flatnonzero(found.any(axis=others))
        box.append(slice(places[0], places[-1] + 1))
    return tuple(box)


def _stays(
    rule: str,
    least_slices: int,
    count: int,
    piece: np.ndarray,
    frames: np.ndarray,
    z: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
) -> np.ndarray:
    """(count,) which pieces stay; rule `code` wants least_slices.

    piece, frames, z, y, x: of each voxel of the tissue.
    """
    voxels = np.bincount(piece, minlength=count)
    frame_of = np.zeros(count, np.intp)
    frame_of[piece] = frames
    # The published program numbers pieces by their first voxel along y, then x, then z.
    first = np.full(count, np.iinfo(np.intp).max)
    np.minimum.at(first, piece, (y * (x.max() + 1) + x) * (z.max() + 1) + z)
    if rule == "largest":
        return _most(voxels, frame_of, first)
    touched = np.zeros((count, z.max() + 1), bool)
    touched[piece, z] = True
    slices = touched.sum(axis=1)
    centres = np.stack([np.bincount(piece, axis, count) for axis in (z, y, x)]) / voxels
    large = voxels >= LEAST_VOXELS
    main = _most(np.where(large, slices, 0), frame_of, first)
    main_of_frame = np.zeros(frame_of.max() + 1, np.intp)
    main_of_frame[frame_of[main]] = np.flatnonzero(main)
    near = np.linalg.norm(centres - centres[:, main_of_frame[frame_of]], axis=0) <= FARTHEST
    return large & (slices >= least_slices) & near


def _most(values: np.ndarray, frame_of: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(count,) the piece of each frame with the largest value; on ties the one that is first."""
    ranked = np.lexsort((first, -values, frame_of))
    _, best = np.unique(frame_of[ranked], return_index=True)
    chosen = np.zeros(len(values), bool)
    chosen[ranked[best]] = True
    return chosen
