"""The frames of a tagged cine that a network over time sees, and what it says of the others."""

import itertools

import numpy as np


def seen_frames(frames: int, seen: int) -> np.ndarray:
    """Numbers (seen,) of the frames that a network sees, from the first to the last one.

    Of as many frames as it sees all; of more the nearest to even steps, of fewer some twice. A
    frame between two is never made up: a mean of two frames has faint tags in two places. Raises
    ValueError for a cine of fewer than two frames where the network sees several.
    """
    if frames < 1 or (seen > 1 and frames < 2):
        raise ValueError(
            f"{frames} frames, expected 2 or more: points are followed from frame to frame"
        )
    return np.rint(np.linspace(0, frames - 1, seen)).astype(int)


def all_frames(points: np.ndarray, frames: int) -> np.ndarray:
    """Points (frames, ...) in every frame of a cine, from those in the frames seen (seen, ...).

    Between two frames seen, points move in a straight line. Of a frame seen twice it is the mean. A
    network that sees the first frame alone tells of that: the others are nan.
    """
    numbers = seen_frames(frames, len(points))
    found = np.full((frames, *points.shape[1:]), np.nan)
    known = np.unique(numbers)
    for number in known:
        found[number] = points[numbers == number].mean(axis=0)
    for before, after in itertools.pairwise(known):
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            found[number] = (1 - share) * found[before] + share * found[after]
    return found
