"""True landmarks of a tagged slice: material points of the wall, carried over the beat.

At end-diastole they are where Ferdian et al. 2020 (doi:10.1148/ryct.2020190032) put theirs in the
picture; `cmrseg.ring` has the order.
"""

from collections.abc import Sequence

import numpy as np

from cmrseg.phantom.heart import Heart
from cmrseg.phantom.image_plane import Plane
from cmrseg.ring import FIRST_SPOKE_DEG, SPOKES, WALLS
from cmrseg.vectors import dot

# Cosine of the largest tilt of a plane that still counts as across the long axis.
ACROSS = 1 - 1e-9


def ring_mm(
    heart: Heart, plane: Plane, shift_mm: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0)
) -> np.ndarray:
    """The landmarks at end-diastole, (168, 3) LPS mm: evenly spaced within the wall in a plane.

    Spokes go out from the long axis, at even angles. shift_mm: of the heart by a breath-hold.
    Raises ValueError for a plane that is not across the long axis, or does not cut the cavity.
    """
    if abs(dot(plane.normal, heart.axis)) < ACROSS:
        raise ValueError(
            f"a plane with normal {plane.normal.round(4).tolist()} is not across the long axis "
            f"{heart.axis.round(4).tolist()}; landmarks are placed in short-axis planes"
        )
    shift = np.asarray(shift_mm, float)
    angles = np.radians(FIRST_SPOKE_DEG + np.arange(SPOKES) * (360 / SPOKES))[:, None]
    right, down = (np.asarray(d, float) for d in (plane.row_direction, plane.column_direction))
    spokes = np.cos(angles) * right + np.sin(angles) * down
    apex = heart.apex_mm + shift
    centre = apex + dot(np.asarray(plane.position_mm) - apex, heart.axis) * heart.axis
    at = heart.coordinates(centre - shift + spokes)
    surfaces = heart.surfaces(at, heart.state(0.0))
    endo, epi = np.sqrt(surfaces.endo_mm2), np.sqrt(surfaces.epi_mm2)
    if endo.min() <= 0 or at.height_mm.max() > heart.length_mm:
        raise ValueError(
            f"a plane {at.height_mm.mean():.1f} mm above the apex does not cut the cavity of a "
            f"heart of {heart.length_mm:.1f} mm; choose another slice"
        )
    radii = endo[:, None] + (epi - endo)[:, None] * np.linspace(0, 1, WALLS)
    return (centre + radii[..., None] * spokes[:, None]).reshape(-1, 3)


def carried_mm(
    heart: Heart,
    ring: np.ndarray,
    phases: Sequence[float] | np.ndarray,
    shift_mm: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """Where landmarks (p, 3) of end-diastole are at phases: (t, p, 3) LPS mm."""
    shift = np.asarray(shift_mm, float)
    return np.stack([heart.move(ring - shift, float(phase)) + shift for phase in phases])


def in_plane_px(points_mm: np.ndarray, plane: Plane) -> np.ndarray:
    """Points (..., 3) LPS mm projected into a plane: (..., 2) px, (y, x) from the first pixel."""
    offset = points_mm - np.asarray(plane.position_mm, float)
    return np.stack(
        [
            dot(offset, plane.column_direction) / plane.row_spacing_mm,
            dot(offset, plane.row_direction) / plane.column_spacing_mm,
        ],
        axis=-1,
    )
