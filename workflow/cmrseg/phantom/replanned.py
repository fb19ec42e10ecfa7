"""The planes of another scan of a digital patient, as they are planned anew."""

import numpy as np

from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.plan import moved, turned_about
from cmrseg.phantom.scans import SLICE_OFFSET

# Standard deviation of how far the planned slices are from perpendicular to the long axis, in each
# of two directions.
TILT_DEG = 2.0


def replanned(
    planes: list[Plane], slice_distance_mm: float, rng: np.random.Generator, what: str
) -> list[Plane]:
    """The planes as they are planned at another scan.

    what: SLICE_OFFSET moves all of them along their normal, by up to half a slice distance to
    either side; `scans.POSITION` tilts the stack about its middle, as nobody hits the long axis
    twice.
    """
    if what == SLICE_OFFSET:
        offset_mm = rng.uniform(-0.5, 0.5) * slice_distance_mm
        return [moved(plane, plane.normal * offset_mm) for plane in planes]
    tilts_deg = rng.normal(0, TILT_DEG, 2)
    first = planes[0]
    for name, angle_deg in zip(("row_direction", "column_direction"), tilts_deg, strict=True):
        axis = np.asarray(getattr(first, name), float)
        planes = _tilted(planes, axis, float(angle_deg))
    return planes


def _tilted(planes: list[Plane], axis: np.ndarray, angle_deg: float) -> list[Plane]:
    """A stack of parallel planes turned about an axis through its middle.

    axis: unit vector in the planes.
    """
    centres = [_centre_mm(plane) for plane in planes]
    middle = (centres[0] + centres[-1]) / 2
    angle = np.deg2rad(angle_deg)
    found = []
    for plane, centre in zip(planes, centres, strict=True):
        turned = turned_about(plane, axis, angle_deg)
        # Centres lie along the normal, which is perpendicular to the axis.
        offset = centre - middle
        where = middle + offset * np.cos(angle) + np.cross(axis, offset) * np.sin(angle)
        found.append(moved(turned, where - _centre_mm(turned)))
    return found


def _centre_mm(plane: Plane) -> np.ndarray:
    across = np.asarray(plane.row_direction) * (plane.columns - 1) / 2 * plane.column_spacing_mm
    down = np.asarray(plane.column_direction) * (plane.rows - 1) / 2 * plane.row_spacing_mm
    return np.asarray(plane.position_mm, float) + across + down
