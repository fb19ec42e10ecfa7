"""Spatial variation of brightness: receive coil sensitivity and transmit field."""

import math

import numpy as np

from cmrseg.vectors import dot, unit

# Coils: x (LPS mm), front (-1) or back (1), weight. They lie this far from the skin.
COILS = ((60.0, -1, 1.0), (-60.0, -1, 0.6), (40.0, 1, 0.8))
OFF_SKIN_MM = 25.0
# Distance at which a coil's sensitivity has fallen to half.
REACH_MM = 95.0
# Length of the excitation's waves in the body at 7T; it is inversely proportional to the field.
WAVELENGTH_7T_MM = 130.0


def receive_field(points_mm: np.ndarray, heart_mm: np.ndarray, half_depth_mm: float) -> np.ndarray:
    """What the coils on chest and back see of points (..., 3), float32, 1 at the heart."""

    def seen(points):
        field = np.zeros(points.shape[:-1], np.float32)
        for x, side, weight in COILS:
            coil = np.array([x, side * (half_depth_mm + OFF_SKIN_MM), 0], np.float32)
            field += weight / (1 + ((points - coil) ** 2).sum(axis=-1) / REACH_MM**2)
        return field

    return seen(points_mm.astype(np.float32)) / seen(np.asarray(heart_mm, np.float32)[None])[0]


def transmit_field(
    points_mm: np.ndarray, heart_mm: np.ndarray, field_t: float, seed: int
) -> np.ndarray:
    """Excitation of points (..., 3), float32: 1 where waves add up, 0 where they cancel.

    Standing waves through the heart, in a direction and with a phase that `seed` decides.
    """
    rng = np.random.default_rng([seed, 4])
    direction = rng.normal(0, 1, 3)
    direction = unit(direction)
    turns = dot((points_mm - heart_mm).astype(np.float32), direction.astype(np.float32))
    turns *= field_t / (7 * WAVELENGTH_7T_MM)
    wave = np.cos(2 * math.pi * turns + np.float32(rng.uniform(-1, 1)))
    return 1 - (0.5 - 0.5 * wave) ** 2


def sensitivity(
    points_mm: np.ndarray,
    heart_mm: np.ndarray,
    half_depth_mm: float,
    shading: float,
    bands: float,
    field_t: float,
    seed: int,
) -> np.ndarray:
    """What coils and excitation make of the signal at points (..., 3), 1 at the heart.

    shading: power of the coils' sensitivity; bands: depth of dark bands of the excitation.
    """
    found = receive_field(points_mm, heart_mm, half_depth_mm) ** shading
    if bands > 0:
        found = found * (1 - bands * (1 - transmit_field(points_mm, heart_mm, field_t, seed)))
    return found
