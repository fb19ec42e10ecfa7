"""The aorta across the plane of its distensibility, where its lumen is an ellipse of known area."""

import math
from dataclasses import dataclass

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.phantom.atria import place_mm, upper_of
from cmrseg.phantom.heart import Heart
from cmrseg.vectors import dot

# From the root's ring to the middle of the ascending aorta in the plane, LPS mm.
FROM_ROOT_MM = (-6.0, 2.0, 36.0)
# The descending aorta runs at this x (LPS mm), and this part of the chest's half depth behind.
DESCENDING_X_MM, DESCENDING_DEPTH = 20.0, 0.40
# The beating heart draws the ascending aorta down; in the plane it moves this far, to the front.
PULLED_MM = 1.5


@dataclass(frozen=True)
class Lumen:
    """An ellipse in the plane: middle, semi-axes and the angle of the long one against the rows."""

    middle_mm: tuple[float, float]
    long_mm: float
    short_mm: float
    angle_rad: float

    def depth_mm(self, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Depth below the wall, to first order."""
        c, s = math.cos(self.angle_rad), math.sin(self.angle_rad)
        dx, dy = x_mm - self.middle_mm[0], y_mm - self.middle_mm[1]
        u, v = (c * dx + s * dy) / self.long_mm, (c * dy - s * dx) / self.short_mm
        level = np.sqrt(u * u + v * v + 1e-9)
        slope = np.sqrt((u / self.long_mm) ** 2 + (v / self.short_mm) ** 2 + 1e-12)
        return (1 - level) * level / slope


class AorticArch:
    """Both aortic vessels of a heart, perpendicular to one plane.

    row, column: unit directions (LPS) in the plane, to the patient's left and to the back.
    origin_mm: middle of the ascending aorta at end-diastole.
    Raises ValueError if the heart's parameters have no aorta or no atria.
    """

    def __init__(self, heart: Heart):
        p = heart.parameters
        if p.aorta is None:
            raise ValueError("the heart has no aorta of known area; give HeartParameters.aorta")
        self.heart, self.aorta = heart, p.aorta
        upper = upper_of(heart, 0.0)
        ring = place_mm(heart, upper.ring_mm, upper.base_mm)
        self.origin_mm = ring + np.array(FROM_ROOT_MM)
        tilt = math.radians(p.aorta.tilt_deg)
        self.row = np.array([1.0, 0.0, 0.0])
        self.column = np.array([0.0, math.cos(tilt), math.sin(tilt)])
        depth = DESCENDING_DEPTH * p.body.half_depth_mm
        behind = (depth - self.origin_mm[1]) / math.cos(tilt)
        self.descending_mm = (DESCENDING_X_MM - float(self.origin_mm[0]), float(behind))

    def places(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (..., 3) in LPS mm: their place along rows and columns, from the origin."""
        offset = np.asarray(points_mm, float) - self.origin_mm
        return dot(offset, self.row), dot(offset, self.column)

    def lumens(self, phase: float) -> tuple[Lumen, Lumen]:
        """Ascending and descending aorta at a phase."""
        aorta = self.aorta
        pulled = -PULLED_MM * self.heart.state(phase).contraction
        places = ((0.0, pulled), self.descending_mm)
        areas = aorta.ascending_mm2(phase), aorta.descending_mm2(phase)
        angle = math.radians(aorta.ellipticity_deg)
        ascending, descending = (
            Lumen(
                place,
                math.sqrt(area * aorta.ellipticity / math.pi),
                math.sqrt(area / (aorta.ellipticity * math.pi)),
                angle,
            )
            for place, area in zip(places, areas, strict=True)
        )
        return ascending, descending

    def labels(self, points_mm: np.ndarray, phase: float) -> np.ndarray:
        """Label map (`Tissue`, uint8) of points (..., 3) in LPS mm near the plane."""
        x, y = self.places(points_mm)
        ascending, descending = self.lumens(phase)
        labels = np.where(ascending.depth_mm(x, y) > 0, Tissue.AAO, Tissue.BACKGROUND)
        return np.where(descending.depth_mm(x, y) > 0, Tissue.DAO, labels).astype(np.uint8)
