"""Brightness of what lies above the base of a heart whose atria are known.

The atria with the veins that enter them, the valves, the aortic root and the way to the lungs.
"""

import math
from typing import Protocol

import numpy as np

from cmrseg.phantom.atria import ROOT_END_MM, Atrium, upper_of
from cmrseg.phantom.body import Signals, soft
from cmrseg.phantom.geometry import Coordinates
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.look import Look

WALL_MM, LEAFLET_MM = 2.0, 0.9
# Muscle and fat between the atria and the ventricles' base.
RING_MM, GROOVE_MM = 3.0, 9.0
# Veins: whether they enter the left atrium; direction (towards RV, towards inferior, up) from its
# middle, radius and length in mm.
VEINS = (
    (True, (-0.75, 0.20, 0.62), 6.5, 58.0),
    (True, (-0.70, -0.35, 0.62), 6.0, 55.0),
    (True, (0.45, 0.35, 0.82), 6.5, 58.0),
    (False, (0.10, 0.75, 0.65), 9.5, 60.0),
    (False, (0.0, -0.72, 0.70), 9.0, 75.0),
)
# The way to the lungs: place at the base over the short semi-axis, lean in mm per mm, radius, end.
OUTFLOW, OUTFLOW_LEAN, OUTFLOW_MM, OUTFLOW_END_MM = (0.72, -1.25), (-0.35, -0.25), 13.0, 60.0
# Vessels that leave the picture of the heart are rounded over this length.
ROUND_MM = 20.0
# Leaflets of a valve: how deep in mm their tips hang and where they end, over the ring's radius,
# while it is closed and while it is open.
TIPS = ((4.5, 0.0), (17.0, 0.62))


class Scene(Protocol):
    """What `Beat` has: the points of a slice, textures, signals and the look."""

    heart: Heart
    signals: Signals
    look: Look
    at: Coordinates
    fat: np.ndarray
    swirl: tuple[np.ndarray, np.ndarray]


def upper_depth_mm(heart: Heart, at: Coordinates, phase: float) -> np.ndarray:
    """Depth (mm) below the walls of atria, root and outflow; without the base plane."""
    upper = upper_of(heart, phase)
    above = upper.above_mm(at)
    depth = np.maximum(upper.left.depth_mm(at, above), upper.right.depth_mm(at, above))
    depth = np.maximum(depth, _ended(upper.root_depth_mm(at, above), above, ROOT_END_MM))
    return np.maximum(depth, _outflow_depth_mm(heart, at, above))


def _ended(depth: np.ndarray, above: np.ndarray, end_mm: float) -> np.ndarray:
    """The depth in a tube that ends, rounded, at a height above the base."""
    return depth - OUTFLOW_MM * np.maximum((above - end_mm) / ROUND_MM + 1, 0) ** 2


def _outflow_depth_mm(heart: Heart, at: Coordinates, above: np.ndarray) -> np.ndarray:
    x = OUTFLOW[0] * heart.short_mm + OUTFLOW_LEAN[0] * above
    y = OUTFLOW[1] * heart.short_mm + OUTFLOW_LEAN[1] * above
    return _ended(OUTFLOW_MM - np.hypot(at.x_mm - x, at.y_mm - y), above, OUTFLOW_END_MM)


def _vein_depth_mm(atrium: Atrium, at: Coordinates, above: np.ndarray, vein) -> np.ndarray:
    """Depth below the wall of a tube from the atrium's middle."""
    _, direction, radius, length = vein
    start = atrium.length_mm * (atrium.widest + 0.1)
    x = at.x_mm - (atrium.centre_mm[0] + atrium.lean[0] * start)
    y = at.y_mm - (atrium.centre_mm[1] + atrium.lean[1] * start)
    z = above - start
    norm = math.sqrt(sum(d * d for d in direction))
    dx, dy, dz = (d / norm for d in direction)
    along = np.clip(x * dx + y * dy + z * dz, 0, length)
    off2 = (x - along * dx) ** 2 + (y - along * dy) ** 2 + (z - along * dz) ** 2
    return radius - np.sqrt(off2)


def draw_above_base(
    scene: Scene, image: np.ndarray, phase: float, outline: np.ndarray
) -> np.ndarray:
    """The image (k, y, x) with all that lies above the base at a phase.

    outline: depth (mm) within the outline of both ventricles at the base.
    """
    heart, at, signals, look = scene.heart, scene.at, scene.signals, scene.look
    edge = look.edge_mm
    upper = upper_of(heart, phase)
    above = upper.above_mm(at)
    if float(above.max()) < -look.step_mm:
        return image
    here = soft(above, look.step_mm)
    es = heart.parameters.es_phase
    turn = 2 * math.pi * phase
    swirl = scene.swirl[0] * math.cos(turn) - scene.swirl[1] * math.sin(turn)
    fresh = 0.98 + look.flow * 0.07 * swirl
    filling = math.exp(-(((phase - es - 0.15) / 0.08) ** 2))
    systole = max(0.0, math.sin(math.pi * phase / es)) if phase < es else 0.0

    left, right = upper.left.depth_mm(at, above), upper.right.depth_mm(at, above)
    root = _ended(upper.root_depth_mm(at, above), above, ROOT_END_MM)
    outflow = _outflow_depth_mm(heart, at, above)
    veins = np.full(image.shape, -99.0, np.float32)
    for vein in VEINS:
        atrium = upper.left if vein[0] else upper.right
        veins = np.maximum(veins, _vein_depth_mm(atrium, at, above, vein))
    chambers = np.maximum(np.maximum(left, right), np.maximum(root, outflow))

    def over(value, part):
        nonlocal image
        image += (value - image) * part

    # Fat of the groove lies on the base within the ventricles' outline, and around the vessels.
    fat = signals.fat * (0.72 + 0.06 * scene.fat)
    groove = np.minimum(outline + 1.5, GROOVE_MM + 2 * scene.fat - above)
    sheath = chambers + 2.5 + 2.0 * scene.fat
    over(fat, here * soft(np.maximum(groove, sheath), edge))
    muscle = signals.muscle * 0.95
    ring = np.minimum(outline, RING_MM - above)
    over(muscle, here * soft(np.maximum(ring, veins + 1.2), edge))
    over(signals.vein * 0.95 * fresh, here * soft(veins, edge))
    over(muscle, here * soft(chambers + WALL_MM, edge))
    # Each chamber's blood over the walls; streams from the veins, and jets at the valves.
    jet = 1 - look.flow * 0.30 * systole * np.exp(-((np.maximum(above, 0) / 16) ** 2))
    over(signals.vein * fresh, here * soft(outflow, edge))
    over(signals.blood * fresh * jet, here * soft(root, edge))
    mouth = 1 - look.flow * 0.25 * filling * np.exp(-np.maximum(above, 0) / 10)
    over(signals.vein * fresh * mouth, here * soft(right, edge))
    over(signals.blood * fresh * mouth, here * soft(left, edge))
    return image


def draw_valves(scene: Scene, image: np.ndarray, phase: float) -> np.ndarray:
    """The image (k, y, x) with the leaflets of mitral, tricuspid and aortic valve at a phase."""
    heart, at, look = scene.heart, scene.at, scene.look
    upper = upper_of(heart, phase)
    above = upper.above_mm(at)
    if float(above.max()) < -TIPS[1][0]:
        return image
    opened = openness(phase, heart.parameters.es_phase)
    dark = scene.signals.myocardium * 0.8
    for atrium in (upper.left, upper.right):
        part = 0.75 * soft(_leaflets_mm(atrium, at, above, opened), look.edge_mm)
        image += (dark - image) * part
    systole = phase < heart.parameters.es_phase
    if not systole:
        cusps = np.minimum(LEAFLET_MM - np.abs(above - 5.0), upper.root_depth_mm(at, above))
        image += (dark - image) * (0.7 * soft(cusps, look.edge_mm))
    return image


def openness(phase: float, es_phase: float) -> float:
    """How far the valves between atria and ventricles are open: 0 in systole, 1 in filling."""
    if phase <= es_phase:
        return 0.0
    time = (phase - es_phase) / (1 - es_phase)
    # Half closed in diastasis; the atria's contraction opens them again.
    early = math.exp(-(((time - 0.22) / 0.16) ** 2))
    late = 0.8 * math.exp(-(((time - 0.85) / 0.09) ** 2))
    rest = 0.45 * min(time / 0.2, 1.0) * min((1 - time) / 0.06, 1.0)
    return min(max(early, late, rest), 1.0)


def _leaflets_mm(atrium: Atrium, at: Coordinates, above: np.ndarray, opened: float) -> np.ndarray:
    """Depth (mm) below the surface of a valve's leaflets, a funnel that hangs from its ring."""
    size = math.sqrt(1 - (atrium.widest / (1 - atrium.widest)) ** 2)
    x = (at.x_mm - atrium.centre_mm[0]) / (atrium.x_mm * size)
    y = (at.y_mm - atrium.centre_mm[1]) / (atrium.y_mm * size)
    part = np.sqrt(x * x + y * y)
    for cut_x, cut_y, most in atrium.cuts:
        part = np.maximum(part, (cut_x * x + cut_y * y) / most)
    (shut_mm, shut), (open_mm, wide) = TIPS
    tip = shut + (wide - shut) * opened
    hang_mm = shut_mm + (open_mm - shut_mm) * opened
    reach_mm = math.sqrt(atrium.x_mm * atrium.y_mm) * size
    off = (1 - part) * hang_mm + above * (1 - tip)
    distance = np.abs(off) / math.hypot(hang_mm / reach_mm, 1 - tip)
    depth = LEAFLET_MM - distance
    depth = np.minimum(depth, (1.03 - part) * reach_mm)
    return np.minimum(depth, (part - tip) * reach_mm + 0.5)
