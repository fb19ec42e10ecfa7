"""Places, times and surfaces of the digital heart: what `heart` computes and `beat` draws.

The heart's own coordinates are the height above the apex (of the epicardium) along the long
axis, the distance from that axis, and the angle around it: 0 towards the right ventricle,
+90 degrees towards the inferior wall, -90 towards the anterior one.
"""

import math
from dataclasses import dataclass

import numpy as np

from cmrseg.labels import Tissue

# Part of the filling that is rapid filling, diastasis and atrial contraction, with the part of
# diastole in which each happens.
FILLING = ((0.70, 0.0, 0.45), (0.08, 0.0, 1.0), (0.22, 0.72, 1.0))
# Heads of the papillary muscles, anterolateral and posteromedial: angle (degrees), thickness over
# the cavity's radius, and how far from apex to base its middle is.
PAPILLARY_HEADS = ((-134, 0.17, 0.44), (-112, 0.14, 0.38), (122, 0.18, 0.42), (104, 0.12, 0.36))


@dataclass(frozen=True)
class Coordinates:
    """Points in the heart's coordinates; arrays that broadcast to the points' shape.

    height_mm above the fixed apex; x_mm towards the right ventricle, y_mm towards the inferior
    wall; cos, sin of the angle around the axis and angle_rad itself.
    """

    height_mm: np.ndarray
    x_mm: np.ndarray
    y_mm: np.ndarray
    radius2_mm2: np.ndarray
    cos: np.ndarray
    sin: np.ndarray
    angle_rad: np.ndarray


@dataclass(frozen=True)
class State:
    """Position in the cardiac cycle: contraction from 0 (end-diastole) to 1 (end-systole)."""

    contraction: float
    bend: float  # k above: the base's loss of length, doubled
    squeeze: float  # factor of the cavity's squared radius
    twist_rad: float  # at the apex, against the base
    rv_mm2: float  # scale of the right ventricle's squared radius
    height_mm: float  # of the base above the apex


@dataclass(frozen=True)
class Surfaces:
    """Squared radii (mm2) of the surfaces at the heights and angles of given points."""

    endo_mm2: np.ndarray
    epi_mm2: np.ndarray
    rv_mm2: np.ndarray
    material_height_mm: np.ndarray


def contraction(phase: float, es_phase: float) -> float:
    """Part of the stroke volume that has left the heart: 0 at phase 0, 1 at `es_phase`.

    Smooth over the cycle, also from its end to the next beat.
    """
    phase = phase % 1.0
    if phase <= es_phase:
        return (1 - math.cos(math.pi * phase / es_phase)) / 2
    time = (phase - es_phase) / (1 - es_phase)
    filled = 0.0
    for part, start, end in FILLING:
        s = min(max((time - start) / (end - start), 0.0), 1.0)
        filled += part * s * s * (3 - 2 * s)
    return 1 - filled


def classify(at: Coordinates, surfaces: Surfaces, state: State) -> np.ndarray:
    """Label map (`Tissue`, uint8) of points, given the surfaces around them."""
    inside = (at.height_mm >= 0) & (at.height_mm <= state.height_mm)
    labels = np.where(at.radius2_mm2 < surfaces.rv_mm2, Tissue.RV, Tissue.BACKGROUND)
    labels = np.where(at.radius2_mm2 < surfaces.epi_mm2, Tissue.MYO, labels)
    labels = np.where(at.radius2_mm2 < surfaces.endo_mm2, Tissue.LV, labels)
    return np.where(inside, labels, Tissue.BACKGROUND).astype(np.uint8)


def papillary_depth(
    heads, length_mm: float, at: Coordinates, surfaces: Surfaces, state: State
) -> np.ndarray:
    """How deep points lie in a papillary muscle, over the cavity's radius; negative outside.

    heads: as `PAPILLARY_HEADS`; length_mm: of the heart at end-diastole. The muscles keep their
    cross-section while the cavity shrinks around them.
    """
    v = surfaces.material_height_mm / length_mm
    inverse = 1 / np.sqrt(np.maximum(surfaces.endo_mm2, 1e-3))
    x, y = at.x_mm * inverse, at.y_mm * inverse
    twist = state.twist_rad * (1 - v)
    depth = np.full(np.broadcast_shapes(x.shape, v.shape), -1.0, x.dtype)
    for degrees, thickness, middle in heads:
        size = np.sqrt(np.maximum(1 - ((v - middle) / 0.24) ** 2, 0))
        size = size * (thickness / math.sqrt(max(state.squeeze, 0.35)))
        # At its foot a muscle touches the wall, its tip is nearer to the axis.
        distance = 0.98 - size - 0.12 * np.clip((v - middle + 0.02) / 0.25, 0, 1)
        angle = math.radians(degrees) + twist
        dx, dy = x - distance * np.cos(angle), y - distance * np.sin(angle)
        depth = np.maximum(depth, size - np.sqrt(dx * dx + dy * dy))
    return depth
