"""The torso around the heart: what a short-axis picture shows besides the ventricles.

Coordinates are DICOM LPS millimetres with the origin between the lungs, at the height of the
heart: x to the patient's left, y to the back, z to the head. Nothing here moves.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

# The noise in the tissues repeats after this many cells.
LATTICE = 40
FIELDS = 4


@dataclass(frozen=True)
class BodyParameters:
    """Size and build of one subject.

    half_width_mm, half_depth_mm: of the torso; fat_mm: under the skin; muscle_mm: chest wall;
    liver_mm: how much higher than average the diaphragm stands; pericardial_fat_mm: around the
    heart; stomach_gas: part of the stomach filled with air; seed: of vessels and textures.
    """

    half_width_mm: float = 165.0
    half_depth_mm: float = 108.0
    fat_mm: float = 12.0
    muscle_mm: float = 18.0
    liver_mm: float = 0.0
    pericardial_fat_mm: float = 4.0
    stomach_gas: float = 0.4
    seed: int = 0


@dataclass(frozen=True)
class Signals:
    """Brightness of each tissue in scanner units (blood of the left ventricle about 500)."""

    blood: float
    vein: float
    myocardium: float
    muscle: float
    fat: float
    liver: float
    spleen: float
    lung: float
    marrow: float
    fluid: float
    skin: float


def soft(depth: np.ndarray, edge_mm: float) -> np.ndarray:
    """Part of a pixel `edge_mm` wide that is inside, for its centre's depth below a surface."""
    return np.clip(0.5 + depth / edge_mm, 0, 1)


@lru_cache(maxsize=4)
def _lattices(seed: int) -> np.ndarray:
    """(FIELDS, LATTICE, LATTICE, LATTICE) smooth periodic noise of unit variance."""
    rng = np.random.default_rng([seed, 3])
    noise = rng.standard_normal((FIELDS, LATTICE, LATTICE, LATTICE), np.float32)
    noise = gaussian_filter(noise, (0, 1.4, 1.4, 1.4), mode="wrap")
    return noise / noise.std(axis=(1, 2, 3), keepdims=True)


def texture(points_mm: np.ndarray, seed: int, which: int, cell_mm: float) -> np.ndarray:
    """Smooth noise of unit variance at points (..., 3); features are about 3 cells wide."""
    places = np.moveaxis(points_mm / cell_mm, -1, 0)
    field = _lattices(seed)[which]
    return map_coordinates(field, places, np.float32, order=1, mode="grid-wrap", prefilter=False)


def ellipsoid_depth(points_mm, centre_mm, half_mm) -> np.ndarray:
    """Depth in mm below an ellipsoid's surface (to first order; exact on the surface)."""
    offset = [(points_mm[..., i] - centre_mm[i]) / half_mm[i] for i in range(3)]
    level = np.sqrt(sum(o * o for o in offset) + 1e-9)
    slope = np.sqrt(sum((o / half_mm[i]) ** 2 for i, o in enumerate(offset)) + 1e-12)
    return (1 - level) * level / slope


def render_body(
    points_mm: np.ndarray,
    body: BodyParameters,
    signals: Signals,
    sac: tuple[np.ndarray, np.ndarray] | None,
    edge_mm: float,
    grain: float,
    shift_mm: np.ndarray,
) -> np.ndarray:
    """Brightness (y, x) of the resting body, float32; air is 0.

    points_mm: (k, y, x, 3), k planes through the slice, which are averaged. sac: depth (k, y, x)
    in mm below the outline of the heart at end-diastole, and how much a place faces the right
    ventricle (-1 to 1); None far from the heart. edge_mm: softness of edges. grain: strength of
    the textures. shift_mm: displacement of the organs by breathing; the chest wall stays.
    """
    p = points_mm.astype(np.float32)
    inner = p - np.asarray(shift_mm, np.float32)
    x, y, z = np.moveaxis(p, -1, 0)
    xi, yi, zi = np.moveaxis(inner, -1, 0)
    # Textures are those of the middle plane: they have no edges that a thick slice would soften.
    middle = inner[len(inner) // 2 :][:1]
    fine, thin, mid, coarse = (
        texture(middle, body.seed, i, cell) for i, cell in enumerate((2.6, 2.6, 4.5, 9.0))
    )
    vessel = np.sqrt(fine**2 + thin**2)
    image = np.zeros(p.shape[:-1], np.float32)

    def over(value, part):
        nonlocal image
        image += (value - image) * part

    # Chest wall: skin, fat, muscle with streaks of fat, ribs that slant downwards to the front.
    width, depth = body.half_width_mm * (1 - 0.0006 * z), body.half_depth_mm
    level = np.sqrt((x / width) ** 2 + (y / depth) ** 2 + 1e-9)
    slope = np.sqrt((x / width**2) ** 2 + (y / depth**2) ** 2 + 1e-12)
    below_skin = (1 - level) * level / slope + 2.5 * coarse
    over(signals.skin, soft(below_skin, edge_mm))
    front = np.clip(-y / depth, 0, 1)
    fat_mm = body.fat_mm * (1 + 0.25 * coarse) * (0.8 + 0.7 * front)
    over(signals.fat * (1 + 0.08 * grain * thin), soft(below_skin - 2, edge_mm))
    below_fat = below_skin - 2 - fat_mm
    muscle = signals.muscle * (1 + 0.15 * grain * fine)
    streak = 0.75 * soft(0.45 - np.abs(mid + 0.6 * coarse), 0.5)
    over(muscle + (signals.fat - muscle) * streak, soft(below_fat, edge_mm))
    rib = np.abs((z - 0.35 * y + 3 * coarse) / 27 % 1 - 0.5) * 27
    in_rib = np.minimum(5 + mid - rib, 4.5 + mid - np.abs(below_fat - 0.6 * body.muscle_mm))
    over(signals.lung, 0.7 * soft(in_rib, edge_mm))
    over(signals.marrow * (1 + 0.2 * mid), soft(in_rib - 2, edge_mm))

    # Lungs with vessels that get wider towards the hilum.
    cavity = soft(below_fat - body.muscle_mm, edge_mm)
    hilum = np.exp(-((np.abs(x) - 25) ** 2 + (y - 15) ** 2 + (z - 30) ** 2) / 60**2)
    lung = signals.lung * (1 + 0.6 * grain * np.abs(mid) + 0.8 * (y / depth + 0.5))
    over(
        lung + (0.8 * signals.vein - lung) * soft(0.1 + 0.12 * mid + 0.3 * hilum - vessel, 0.35),
        cavity,
    )

    # Mediastinum: soft tissue and fat in front of the spine.
    tissue = signals.muscle + (0.8 * signals.fat - signals.muscle) * soft(coarse + mid * 0.5, 0.8)
    between = ellipsoid_depth(inner, (4, 30, 40), (27, 70, 170)) + 9 * coarse + 4 * mid
    over(tissue, cavity * soft(between, 4))

    # Below the diaphragm: fat with bowel, liver, stomach, spleen.
    dome = 58 * np.exp(-(((xi + 72) / 68) ** 2) - ((yi - 10) / 80) ** 2)
    dome += 42 * np.exp(-(((xi - 88) / 55) ** 2) - ((yi - 22) / 70) ** 2)
    dome += 32 * np.exp(-(((xi - 40) / 48) ** 2) - ((yi + 36) / 50) ** 2)  # below the heart
    below_dome = (-74 + body.liver_mm + dome + 2.5 * coarse) - zi
    abdomen = soft(below_dome, edge_mm) * cavity
    over(signals.muscle, soft(below_dome + 3, edge_mm) * cavity)
    loops = soft(coarse - 0.1, 0.15) * (0.7 + 0.3 * mid)
    fat = signals.fat * (0.7 + 0.1 * thin)
    over(fat + (signals.spleen - fat) * loops, abdomen)
    liver = signals.liver * (1 + 0.06 * grain * (mid + fine))
    branch = np.sqrt(mid**2 + coarse**2)
    liver = liver + (signals.vein * 0.75 - liver) * soft(0.08 - branch, 0.25)
    over(liver, abdomen * soft(30 + 9 * coarse - xi - 0.25 * yi, edge_mm))
    stomach = ellipsoid_depth(inner, (66, -28, -96), (40, 44, 38)) + 4 * coarse
    over(signals.muscle * (1 + 0.3 * fine), abdomen * soft(stomach, edge_mm))
    gas = soft(-(yi + 28) - 40 + 80 * body.stomach_gas + 5 * coarse, edge_mm)
    meal = signals.fluid * (0.85 + 0.3 * grain * mid)
    over(meal + (signals.lung - meal) * gas, abdomen * soft(stomach - 4, edge_mm))
    spleen = ellipsoid_depth(inner, (104, 38, -70), (26, 40, 45)) + 3 * coarse
    over(signals.spleen * (1 + 0.06 * grain * fine), abdomen * soft(spleen, edge_mm))

    # Spine, aorta, veins.
    spine = 22 - np.hypot(x, y - 0.62 * depth) + 2 * coarse
    disc = soft(np.abs(z / 27 % 1 - 0.5) * 27 - 3.5, 2.0)
    bone = signals.muscle + (signals.marrow * (1 + 0.2 * grain * thin) - signals.muscle) * disc
    over(signals.lung, soft(spine + 2, edge_mm) * cavity)
    over(bone, soft(spine, edge_mm))
    aorta = 11.5 + 0.8 * coarse - np.hypot(x - 20, y - 0.40 * depth)
    over(signals.muscle * 0.7, soft(aorta + 1.5, edge_mm) * cavity)
    over(signals.blood * 0.92, soft(aorta, edge_mm) * cavity)
    cava = 11 + 2 * coarse - np.hypot((xi + 24) * 0.9, yi - 12)
    over(signals.vein * 0.8, soft(cava, edge_mm) * cavity)

    # Fat around the heart, thick in front of the right ventricle and thin towards the lung, and
    # what fills the sac where the heart has drawn back: its neighbours follow it.
    if sac is not None:
        below, facing = sac
        fat_mm = body.pericardial_fat_mm * (0.6 + 1.3 * facing + 0.8 * coarse)
        fat = signals.fat * (0.72 + 0.1 * thin)
        layer = soft(fat_mm - 0.5, 1.0)
        over(fat, soft(below + np.maximum(fat_mm, 0), edge_mm) * cavity * layer)
        near = np.clip(0.3 + 0.4 * facing + 0.3 * coarse, 0.05, 0.75)
        over(signals.lung + (fat - signals.lung) * near, soft(below - 1, edge_mm) * cavity)
    return image.mean(axis=0)
