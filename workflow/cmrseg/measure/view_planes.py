"""Whether two files are the 2-chamber and the 4-chamber view, by their planes and labels."""

import math

import numpy as np

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.pieces import LEAST_PIXELS
from cmrseg.vectors import dot, length, unit

# All limits are far from what is planned at a scanner: only what is certain is a doubt.
# A long-axis plane is across the short axis, within some 20 degrees.
LEAST_TO_SHORT_AXIS_DEG = 45.0
# The two views are some 60 to 90 degrees apart.
LEAST_APART_DEG = 20.0
# About the long axis, a plane that is upright is at 90 degrees, one with the horizontal at 0. The
# 2-chamber view is more upright than the 4-chamber view, by some 25 to 70 degrees.
LEAST_SWAPPED_DEG = 20.0
# Of a long axis nearer to the head-foot direction, planes about it are neither.
LEAST_TILT_DEG = 20.0


def view_doubts(two: Cine | None, four: Cine | None, sa_affine: np.ndarray) -> str:
    """Why these are not the 2-chamber and the 4-chamber view of one heart, or an empty text.

    two, four: label maps (t, z, y, x) of `Tissue`, None where there is none. sa_affine: of the
    short-axis cine. One sentence, about what is certain alone: a plane that is nearly that of the
    short axis, two views of nearly one plane, planes that are turned as each other's should be, and
    a right atrium in most frames of the 2-chamber view, which cannot show it. Limits of angles are
    far outside of what is usual, so that an odd heart or an odd plan does not fail.
    """
    normals = {
        view: _normal(cine.affine)
        for view, cine in (("2-chamber", two), ("4-chamber", four))
        if cine is not None
    }
    axis = _normal(sa_affine)
    for view, normal in normals.items():
        angle = _angle_deg(normal, axis)
        if angle < LEAST_TO_SHORT_AXIS_DEG:
            return (
                f"the {view} view is {angle:.0f} degrees from the short-axis plane, expected about "
                f"90 and at least {LEAST_TO_SHORT_AXIS_DEG:g}; check which series it is"
            )
    doubt = ""
    if len(normals) == 2:
        doubt = _turned(normals["2-chamber"], normals["4-chamber"], axis)
    return doubt or (_right_atrium(two) if two is not None else "")


def _turned(two: np.ndarray, four: np.ndarray, axis: np.ndarray) -> str:
    """What is wrong with how two views lie to each other; normals of them and of the short axis."""
    apart = _angle_deg(two, four)
    if apart < LEAST_APART_DEG:
        return (
            f"the 2-chamber and the 4-chamber view are {apart:.0f} degrees apart, expected about "
            f"70 and at least {LEAST_APART_DEG:g}; one view may be there under both names"
        )
    upright = [_upright_deg(normal, axis) for normal in (two, four)]
    if upright[1] - upright[0] > LEAST_SWAPPED_DEG:
        return (
            f"about the long axis, the 2-chamber view is {upright[0]:.0f} degrees from horizontal "
            f"and the 4-chamber view {upright[1]:.0f}, expected the 2-chamber view to be more "
            "upright; they are likely to be swapped"
        )
    return ""


def _right_atrium(two: Cine) -> str:
    shown = np.isin(two.voxels, (Tissue.LA, Tissue.RA)).any(axis=(1, 2, 3))
    pixels = (two.voxels == Tissue.RA).sum(axis=(1, 2, 3))
    right = pixels >= LEAST_PIXELS
    if not right.any() or 2 * right.sum() <= shown.sum():
        return ""
    frame = int(right.argmax())
    return (
        f"frame {frame + 1} (from 1) of the 2-chamber view and {right.sum() - 1} more have a right "
        f"atrium, of {pixels[frame]} pixels, expected none; the 4-chamber view may be there under "
        "its name"
    )


def _normal(affine: np.ndarray) -> np.ndarray:
    """Unit (3,), across the plane of an affine. Raises ValueError where it has none."""
    across = np.cross(affine[:3, 0], affine[:3, 1])
    if not np.isfinite(across).all() or length(across) == 0:
        raise ValueError(f"the affine {affine.tolist()} has no plane; repair the header")
    return unit(across)


def _angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    """Angle of two planes by their unit normals, 0 to 90."""
    return math.degrees(math.acos(min(1.0, abs(float(dot(a, b))))))


def _upright_deg(normal: np.ndarray, axis: np.ndarray) -> float:
    """How far a plane is turned about the long axis from horizontal, 0 to 90.

    nan for a long axis that is nearly upright itself.
    """
    tilt = math.sqrt(max(0.0, 1 - float(axis[2]) ** 2))
    across = np.cross(normal, axis)
    if tilt < math.sin(math.radians(LEAST_TILT_DEG)):
        return math.nan
    return math.degrees(math.asin(min(1.0, abs(float(unit(across)[2])) / tilt)))
