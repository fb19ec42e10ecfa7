"""Lines on the wall of a digital heart, where they are at each phase, and their strain."""

from dataclasses import dataclass

import numpy as np

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.scanner import SCANNERS, Plane, acquire, short_axis_planes
from cmrseg.phantom.views import long_axis_views

DISTANCE_MM, THICKNESS_MM = 10.0, 8.0
POINTS, SPOKES = 144, 36


@dataclass(frozen=True)
class View:
    """A cine of one plane, and points on the wall in it.

    frames: (t, y, x). true_px: (t, 2 * POINTS, 2) as x and y, endocardium then epicardium: where
    the material of end-diastole is, projected onto the plane. closed: whether contours are.
    """

    frames: np.ndarray
    true_px: np.ndarray
    closed: bool


def short_axis(
    parameters: HeartParameters,
    level: float,
    frames: int,
    pixel_mm: float,
    field_mm: float,
    scanner,
) -> View:
    """The slice next to a level: a part of the length from apex to base."""
    heart = Heart(parameters)
    pixels = round(field_mm / pixel_mm)
    planes = short_axis_planes(parameters, pixels, pixels, pixel_mm, DISTANCE_MM, THICKNESS_MM)
    heights = [float(heart.coordinates(np.array(p.position_mm)).height_mm) for p in planes]
    nearest = int(np.abs(np.array(heights) - level * heart.length_mm).argmin())
    angles = np.arange(POINTS) / POINTS * 2 * np.pi
    walls = on_walls(heart, np.full(POINTS, heights[nearest]), angles)
    return view(heart, planes[nearest], np.concatenate(walls), frames, scanner, closed=True)


def four_chamber(
    parameters: HeartParameters, frames: int, pixel_mm: float, field_mm: float, scanner
) -> View:
    """Contours go from base to apex to base, their points at equal distances."""
    heart = Heart(parameters)
    pixels = round(field_mm / pixel_mm)
    like = short_axis_planes(parameters, pixels, pixels, pixel_mm, DISTANCE_MM, THICKNESS_MM, 1)[0]
    walls = []
    for number, lowest_mm in enumerate((parameters.apex_wall_mm, 0.0)):
        down = np.linspace(heart.length_mm, lowest_mm + 0.01, 2000)
        angles = np.repeat([0.0, np.pi], len(down))
        wall = on_walls(heart, np.append(down, down[::-1]), angles)[number]
        length = np.append(0, np.linalg.norm(np.diff(wall, axis=0), axis=1).cumsum())
        even = np.linspace(0, length[-1], POINTS)
        walls.append(np.stack([np.interp(even, length, axis) for axis in wall.T], axis=-1))
    plane = long_axis_views(parameters, like)["4ch"]
    return view(heart, plane, np.concatenate(walls), frames, scanner, closed=False)


def view(
    heart: Heart, plane: Plane, walls_mm: np.ndarray, frames: int, scanner: str, closed: bool
) -> View:
    phases = np.arange(frames) / frames
    rng = np.random.default_rng([heart.parameters.seed, int(closed)])
    images, _ = acquire(heart.parameters, plane, phases, SCANNERS[scanner], rng)
    moved = (heart.move(walls_mm, phase) - plane.position_mm for phase in phases)
    true_px = [
        (m @ np.stack([plane.row_direction, plane.column_direction], axis=1))
        / (plane.column_spacing_mm, plane.row_spacing_mm)
        for m in moved
    ]
    return View(images, np.stack(true_px), closed)


def on_walls(heart: Heart, height_mm: np.ndarray, angle_rad: np.ndarray) -> list[np.ndarray]:
    """Points (n, 3) on endo- and epicardium at end-diastole (LPS mm)."""
    outwards = np.cos(angle_rad)[:, None] * heart.towards_rv
    outwards = outwards + np.sin(angle_rad)[:, None] * heart.towards_inferior
    axis = heart.apex_mm - height_mm[:, None] * heart.axis
    surfaces = heart.surfaces(heart.coordinates(axis + outwards), heart.state(0.0))
    radii = np.sqrt(surfaces.endo_mm2), np.sqrt(surfaces.epi_mm2)
    return [axis + radius[:, None] * outwards for radius in radii]


def strains(points: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Strain (t, lines) in % of the lines along both contours, and of spokes between them."""
    walls = np.split(points, 2, axis=1)
    last = None if closed else -1
    along = np.concatenate([lengths(w, np.roll(w, -1, axis=1))[:, :last] for w in walls], axis=1)
    across = lengths(*(wall[:, :: POINTS // SPOKES] for wall in walls))
    return 100 * (along / along[:1] - 1), 100 * (across / across[:1] - 1)


def lengths(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(one - other, axis=-1)
