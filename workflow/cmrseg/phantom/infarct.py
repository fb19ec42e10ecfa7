"""An infarct of one coronary territory, as a part of the material of the left ventricle's wall.

A place in the wall has a height over the heart's length (0 at the apex, 1 at the base), an angle
around the long axis (as in `geometry`), and a depth: the part of the wall's volume that lies
between it and the cavity, 0 at the endocardium and 1 at the epicardium. The motion of the heart
changes none of the three, so that an infarct moves with the wall.

Necrosis spreads from the endocardium outwards (the wavefront of Reimer and Jennings 1979, Lab
Invest 40:633), within a larger area at risk, whose oedema reaches through the wall.
"""

import math
from dataclasses import dataclass

import numpy as np

from cmrseg.labels import Tissue

# Beyond this half angle an infarct would meet itself behind the heart.
WIDEST_DEG = 110.0
# How far the wall moves less than elsewhere, over the extent of the scar.
STUNNED = 1.35
# How steeply depth falls towards the sides: of the scar, and of the oedema, whose sides are steep.
SCAR_POWER, EDEMA_POWER = 4, 6
# Heights and angles of the wall at which volumes are added up.
HEIGHTS, ANGLES = 240, 240


def material_grid(length_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Heights in mm (n, 1), cosines and sines of angles (m,), and the mm times rad of each cell.

    A volume in mm3 is the sum of half of the squared radii at them, times the last.
    """
    h = (np.arange(HEIGHTS) + 0.5) * (length_mm / HEIGHTS)
    a = (np.arange(ANGLES) + 0.5) * (2 * math.pi / ANGLES)
    return h[:, None], np.cos(a), np.sin(a), length_mm / HEIGHTS * 2 * math.pi / ANGLES


@dataclass(frozen=True)
class Infarct:
    """Where an infarct lies in the wall, and what it consists of.

    territory: LAD, RCA or LCX. angle_deg, height: its middle. half_angle_deg: at mid-height of the
    heart; half_height: over the heart's length. taper: by how much it is wider towards the apex.
    outline: amplitude and phase (rad) of 2, 3, ... waves around its outline.
    transmurality: depth of the scar in the middle, more than 1 where a larger part of it reaches
    the epicardium; 0 where there is no scar. grey: part of the extent that is grey zone, in which
    scar and muscle are mixed. obstruction: extent of the dark core (microvascular obstruction) over
    that of the scar, 0 without. edema: whether the area at risk is oedematous, as it is while the
    infarct is acute. risk: extent of the area at risk over that of the scar.
    akinesia: how much of the remote wall's inward motion lacks in the middle, 0 to 1.
    """

    territory: str
    angle_deg: float
    height: float
    half_angle_deg: float
    half_height: float
    taper: float = 0.0
    outline: tuple[tuple[float, float], ...] = ()
    transmurality: float = 0.8
    grey: float = 0.2
    obstruction: float = 0.0
    edema: bool = True
    risk: float = 1.3
    akinesia: float = 0.8

    def __post_init__(self):
        for name, least, most in (
            ("half_angle_deg", 1, 180),
            ("half_height", 0.01, 2),
            ("transmurality", 0, 2),
            ("grey", 0, 0.9),
            ("obstruction", 0, 0.9),
            ("risk", 1, 4),
            ("akinesia", 0, 1),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} of an infarct is {value}, expected {least} to {most}")

    def distance(self, height, cos, sin):
        """How far places are from the infarct's middle: 1 at the edge of the scar, without unit.

        height: over the heart's length. cos, sin: of the angle in the material. They broadcast.
        """
        middle = math.radians(self.angle_deg)
        c, s = math.cos(middle), math.sin(middle)
        wider = np.clip(1 + self.taper * (0.5 - height), 0.3, 2.5)
        half = np.minimum(wider * math.radians(self.half_angle_deg), math.radians(WIDEST_DEG))
        across = np.arctan2(sin * c - cos * s, cos * c + sin * s) / half
        along = (height - self.height) / self.half_height
        found = np.sqrt(across * across + along * along)
        if self.outline:
            around = np.arctan2(along, across)
            ripple = 1
            for waves, (amplitude, phase) in enumerate(self.outline, 2):
                ripple = ripple + amplitude * np.cos(waves * around + phase)
            found = found * ripple
        return found

    def scar_depth(self, distance):
        """Depth down to which the wall is scar, at most 1; negative outside."""
        return _depth(self.transmurality, distance, SCAR_POWER)

    def core_depth(self, distance):
        """Depth down to which scar is dense; what is deeper is its grey zone."""
        inner = 1 - self.grey
        return _depth(self.transmurality * inner, distance / inner, SCAR_POWER)

    def edema_depth(self, distance):
        """Depth of the area at risk, which contains the scar; negative where nothing is swollen."""
        if not self.edema:
            return np.full_like(distance, -1)
        return _depth(1.1 + self.transmurality / 2, distance / self.risk, EDEMA_POWER)

    def obstruction_depth(self, distance):
        """Depth down to which the core's vessels are obstructed; negative where none are."""
        if not self.obstruction:
            return np.full_like(distance, -1)
        inside = 1 - (distance / self.obstruction) ** SCAR_POWER
        return np.where(inside > 0, 0.9 * self.core_depth(distance) * inside, -1)

    def lack(self, distance):
        """Part of the remote wall's inward motion that lacks, 0 to 1, smooth."""
        extent = STUNNED if self.transmurality else self.risk
        inside = np.maximum(1 - (distance / extent) ** 2, 0)
        return self.akinesia * inside * inside * (3 - 2 * inside)

    def labels(self, labels: np.ndarray, depth, distance) -> np.ndarray:
        """Labels with the wall divided into muscle, oedema and scar; obstructed core is scar."""
        wall = labels == Tissue.MYO
        found = np.where(wall & (depth < self.edema_depth(distance)), Tissue.EDEMA, labels)
        return np.where(wall & (depth < self.scar_depth(distance)), Tissue.SCAR, found).astype(
            np.uint8
        )


def _depth(middle: float, distance, power: int):
    """Depth that falls from `middle` to 0 at distance 1; at most 1."""
    if not middle:
        return np.full_like(distance, -1)
    return np.minimum(middle * (1 - distance**power), 1)
