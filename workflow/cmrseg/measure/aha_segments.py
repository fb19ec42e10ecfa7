"""The segments of the left ventricle: 16 of the short axis, 6 of the 4-chamber view.

Names and numbers of the 16 are those of the American Heart Association, Cerqueira et al. 2002,
doi:10.1161/hc0402.102975; its segment 17, the tip of the apex, is in no short-axis slice. The angle
of a point of the short axis is that around the centre of the cavity, 0 at the anterior wall and
rising to the septum: what is anterior is at 0 degrees, septal at 90, inferior at 180, lateral at
-90. A bull's eye that is seen from the apex has angle + 90 degrees, anticlockwise from the right.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Level = Literal["basal", "mid", "apical"]
LEVELS: tuple[Level, ...] = ("basal", "mid", "apical")


@dataclass(frozen=True)
class Segment:
    """A segment of the short axis.

    start_deg, end_deg: the angles in it, from the first on and below the second; the end may lie
    beyond 180 degrees.
    """

    number: int
    name: str
    level: Level
    start_deg: float
    end_deg: float


@dataclass(frozen=True)
class LongAxisSegment:
    """A segment of the 4-chamber view, at the septum or opposite."""

    number: int
    name: str
    level: Level
    septal: bool


# In tables, the row of all segments together.
GLOBAL = "global"

WALLS_OF_SIX = (
    "anterior",
    "anteroseptal",
    "inferoseptal",
    "inferior",
    "inferolateral",
    "anterolateral",
)
WALLS_OF_FOUR = ("anterior", "septal", "inferior", "lateral")


def _ring(first: int, level: Level, walls: tuple[str, ...]) -> tuple[Segment, ...]:
    """Equal segments of a level, the first one centred at 0 degrees."""
    width = 360 / len(walls)
    starts = [(i - 0.5) * width for i in range(len(walls))]
    # Angles run from -180 to 180 degrees; a segment may end beyond, but starts before.
    starts = [start - 360 if start > 180 else start for start in starts]
    return tuple(
        Segment(first + i, f"{level} {wall}", level, start, start + width)
        for i, (wall, start) in enumerate(zip(walls, starts, strict=True))
    )


SEGMENTS = (
    *_ring(1, "basal", WALLS_OF_SIX),
    *_ring(7, "mid", WALLS_OF_SIX),
    *_ring(13, "apical", WALLS_OF_FOUR),
)
LONG_AXIS_SEGMENTS = tuple(
    LongAxisSegment(1 + 2 * i + j, f"{level} {wall}", level, wall == "septal")
    for i, level in enumerate(LEVELS)
    for j, wall in enumerate(("septal", "lateral"))
)


# Rows of tables by segment.
SHORT_AXIS_ROWS = (*(str(segment.number) for segment in SEGMENTS), GLOBAL)
LONG_AXIS_ROWS = (*(str(segment.number) for segment in LONG_AXIS_SEGMENTS), GLOBAL)


def segments_at(angles_deg: np.ndarray, level: Level) -> np.ndarray:
    """Numbers of the segments of a level at some angles in degrees; the shape of the angles."""
    ring = sorted((s for s in SEGMENTS if s.level == level), key=lambda s: s.start_deg)
    numbers = np.array([segment.number for segment in ring])
    # Before the first start is the end of the last segment.
    return numbers[np.searchsorted([s.start_deg for s in ring], angles_deg, side="right") - 1]


def long_axis_segments(is_septal: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Numbers of the segments of the 4-chamber view; (n,) integers.

    is_septal: (n,) boolean. level: (n,) places in LEVELS.
    """
    return 1 + 2 * level + ~is_septal
