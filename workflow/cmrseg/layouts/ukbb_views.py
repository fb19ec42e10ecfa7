"""Which long-axis view a plane is, by its place in the patient.

The planes of all views hold the long axis of the left ventricle. Around it they are told by their
normals, as angles from the direction of the feet towards the right ventricle.
"""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from cmrseg.dicom.series import LONG_AXIS
from cmrseg.vectors import unit

# Angle of each view's normal in degrees; a normal and its opposite are one plane. Of standard
# views (2-chamber through the anterior and inferior wall, 4-chamber through the lateral wall and
# the lower septum, 3-chamber through the upper septum) in a heart with the usual axis.
USUAL_DEG = {"la_2ch": 80.0, "la_3ch": 28.0, "la_4ch": -27.0}
# Planes that are further from the usual ones than this, on average, are no such views.
FURTHEST_DEG = 35.0
# Another assignment of views has at least so many times the squared distance, or nothing is clear.
CLEARLY = 2.0
# Planes turned by less than this are one view.
SAME_VIEW_DEG = 10.0
FEET = np.array([0.0, 0.0, -1.0])


def views_of(normals: Sequence[np.ndarray]) -> list[str] | None:
    """The view of each plane: la_2ch, la_3ch or la_4ch, each once; None where that is not clear.

    normals: unit, LPS, of one to three planes that are different views.
    """
    if not 1 <= len(normals) <= len(USUAL_DEG):
        return None
    axis = _long_axis(normals)
    feet = unit(FEET - axis * (FEET @ axis))
    right = np.cross(feet, axis)
    angles = [math.degrees(math.atan2(n @ right, n @ feet)) for n in normals]
    costs = sorted(
        (sum(_apart_deg(a, USUAL_DEG[v]) ** 2 for a, v in zip(angles, views, strict=True)), views)
        for views in permutations(USUAL_DEG, len(normals))
    )
    (best, views), (second, _) = costs[:2]
    if best > len(normals) * FURTHEST_DEG**2 or second < CLEARLY * best:
        return None
    return list(views)


def same_view(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two planes, by their normals (unit), are so little apart that they are one view."""
    return abs(float(a @ b)) >= math.cos(math.radians(SAME_VIEW_DEG))


def _long_axis(normals: Sequence[np.ndarray]) -> np.ndarray:
    """The direction that all planes hold, from base to apex; of one plane the nearest to usual."""
    if len(normals) == 1:
        return unit(LONG_AXIS - normals[0] * float(LONG_AXIS @ normals[0]))
    axis = np.linalg.svd(np.array(normals))[2][-1]
    return axis if axis @ LONG_AXIS > 0 else -axis


def _apart_deg(a: float, b: float) -> float:
    """Angle between two lines, 0 to 90."""
    return abs((a - b + 90) % 180 - 90)
