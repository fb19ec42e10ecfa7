"""The ring of landmarks of a tagged short-axis slice: where each stands, as published.

A slice has SPOKES x WALLS landmarks, spoke after spoke: `index = WALLS * spoke + wall`. Wall 0 is
the endocardium and wall 6 the epicardium, evenly spaced at end-diastole. Spokes run clockwise on
the displayed image (x to the right, y down); the last one is next to the first one.
Ferdian et al. 2020, doi:10.1148/ryct.2020190032.
"""

import numpy as np

SPOKES, WALLS = 24, 7
LANDMARKS = SPOKES * WALLS
# Of a box: the first and the last.
CORNERS = 2
# Frames of a cine in which the published network follows a ring; it sees no other number.
SEEN_FRAMES = 20
# Angle of spoke 0 from the middle of the ring, from the right clockwise: lower left. In the
# published example it is 143.5; with this one the mirrored and the turned ring are rings, too.
FIRST_SPOKE_DEG = 142.5
STEP_DEG = 360 / SPOKES
# Walls by name.
ENDOCARDIUM, SUBENDOCARDIUM, MIDWALL, SUBEPICARDIUM, EPICARDIUM = 0, 1, 3, 5, 6


def by_spoke(points: np.ndarray) -> np.ndarray:
    """Landmarks (..., 168, 2) as (..., spoke, wall, 2).

    Raises ValueError for another number of points.
    """
    if points.ndim < 2 or points.shape[-2:] != (LANDMARKS, 2):
        raise ValueError(
            f"points {points.shape}, expected (..., {LANDMARKS}, 2): {SPOKES} spokes of {WALLS} "
            "walls"
        )
    return points.reshape(*points.shape[:-2], SPOKES, WALLS, 2)


def mirrored_spokes() -> np.ndarray:
    """Of each spoke, in the picture mirrored left to right, the number that it had before."""
    return (round((180 - 2 * FIRST_SPOKE_DEG) / STEP_DEG) - np.arange(SPOKES)) % SPOKES


def turned_spokes(steps: int) -> np.ndarray:
    """Of each spoke, in the picture turned clockwise by steps of STEP_DEG, the number before."""
    return (np.arange(SPOKES) - steps) % SPOKES
