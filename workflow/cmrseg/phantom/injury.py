"""How an infarct looks in a picture, and which points of the wall belong to it."""

from dataclasses import dataclass

import numpy as np

from cmrseg.phantom.body import soft
from cmrseg.phantom.geometry import Coordinates, State, Surfaces, classify
from cmrseg.phantom.heart import Heart

LEAST_WALL_MM2 = 1e-3


@dataclass(frozen=True)
class Injury:
    """Brightness of injured muscle over that of healthy muscle, by what it is.

    scar: muscle cells dead; grey: scar and muscle mixed; obstruction: the scar's core without
    contrast agent, or bled into; edema: swollen muscle; old: of a scar without oedema around it.
    """

    scar: float
    grey: float
    obstruction: float
    edema: float
    old: float


def wall_places(heart: Heart, at: Coordinates, surfaces: Surfaces, state: State):
    """Depth in the wall, and distance from the infarct's middle, of points around the cavity."""
    infarct = heart.parameters.infarct
    assert infarct is not None
    height = surfaces.material_height_mm / heart.length_mm
    twist = state.twist_rad * (1 - height)
    c, s = np.cos(twist), np.sin(twist)
    distance = infarct.distance(height, at.cos * c + at.sin * s, at.sin * c - at.cos * s)
    wall = np.maximum(surfaces.epi_mm2 - surfaces.endo_mm2, LEAST_WALL_MM2)
    return (at.radius2_mm2 - surfaces.endo_mm2) / wall, distance


def injured_at(heart: Heart, at: Coordinates, phase: float) -> np.ndarray:
    """Labels of the ventricles at points in the heart's coordinates, with oedema and scar."""
    state = heart.state(phase)
    surfaces = heart.surfaces(at, state)
    labels = classify(at, surfaces, state)
    infarct = heart.parameters.infarct
    if infarct is None:
        return labels
    return infarct.labels(labels, *wall_places(heart, at, surfaces, state))


def injured_muscle(
    heart: Heart,
    at: Coordinates,
    surfaces: Surfaces,
    state: State,
    injury: Injury,
    pixel_edge: float,
) -> np.ndarray:
    """Brightness (k, y, x) of the wall over that of healthy muscle.

    pixel_edge: softness of the borders in pixels.
    """
    infarct = heart.parameters.infarct
    if infarct is None:
        return np.ones((1, 1, 1), np.float32)
    depth, distance = wall_places(heart, at, surfaces, state)
    depth = np.clip(depth, -1, 2)
    image = np.ones(depth.shape, np.float32)

    def over(value: float, limit) -> None:
        # To first order the number of pixels to the border.
        inside = np.clip(limit, -3, 3) - depth
        slope = np.hypot(*np.gradient(inside, axis=(1, 2)))
        part = soft(inside / np.maximum(slope, 1e-3), pixel_edge)
        image[...] += (value - image) * part

    if infarct.edema:
        over(injury.edema, infarct.edema_depth(distance))
    if infarct.transmurality:
        over(injury.grey if infarct.edema else (1 + injury.old) / 2, infarct.scar_depth(distance))
        over(injury.scar if infarct.edema else injury.old, infarct.core_depth(distance))
    if infarct.obstruction:
        over(injury.obstruction, infarct.obstruction_depth(distance))
    return image
