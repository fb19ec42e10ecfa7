"""The atria above the base of the ventricles, with volumes in closed form, and the aortic root.

An atrium is an ellipsoid cut by the base plane. Its cross-section at each level is cut by the
plane of the interatrial septum, that of the left one also by a plane that the aortic root touches:
all cuts of a level are scaled with its ellipse, so that

    V = length * x_mm * y_mm * F * I

with F the area of the unit disc between the cuts and I the integral of the ellipse's squared scale
over the part of the length (0 to 1). The base plane descends in systole and the roof stays, so the
length is given by the ventricles; the width is chosen so that the volume is the wanted one. Centres
of the levels lie on a line that leans: a shear, which keeps volumes.
"""

import math
from dataclasses import dataclass

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.phantom.curves import Atria
from cmrseg.phantom.geometry import Coordinates
from cmrseg.phantom.heart import ML_PER_MM3, Heart

SEPTUM_MM, ROOT_WALL_MM = 2.2, 2.0
# Where the septum cuts the left and the right atrium, and the root's plane the left one: distance
# from the middle of the ellipse, which is 1 where it only touches.
SEPTAL_CUT, RIGHT_CUT, ROOT_CUT = 0.84, 0.72, 0.58
# Direction (towards RV, towards inferior) from the long axis to the aortic root.
TO_ROOT = (0.68, -0.7332)
# Part of the length at which an atrium is widest, at its smallest and its largest volume: the
# valve's ring keeps its size while the atrium fills.
WIDEST = (0.12, 0.38)
RIGHT_CUTS = ((-1.0, 0.0, RIGHT_CUT),)
# How much the root leans along the plane that it touches, in mm per mm.
ROOT_ASIDE = 0.25
# Depth from front to back over width of the right atrium.
RIGHT_FLATNESS = 0.95
# Where the atria's middle should be, over the LV's short semi-axis: left one (towards RV, towards
# inferior), right one (towards inferior).
LEFT_MIDDLE, RIGHT_MIDDLE = (0.05, 0.28), 0.33
# Least and most that the septum and the plane before the left atrium lean, in mm per mm above the
# base.
LEANS = ((-0.3, 0.12), (0.12, 0.45))
# Radius in mm of the root's ring, sinuses and tube in a heart with short semi-axis USUAL_MM, and
# their heights above the base; how much a root may be smaller or larger.
USUAL_MM, ROOT_SIZES = 28.0, (0.8, 1.1)
ROOT_RADII_MM, ROOT_HEIGHTS_MM = (10.5, 14.5, 12.5, 14.0), (0.0, 10.0, 20.0, 40.0)
ROOT_END_MM = 58.0

Cuts = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Atrium:
    """One atrium at one phase, in the heart's coordinates above the base plane.

    length_mm: from base to roof. widest: part of it. x_mm, y_mm: semi-axes of the ellipse there.
    centre_mm: (x, y) of the ellipses at the base, and their change per mm above it. cuts: (x, y,
    most): points of the unit disc with x X + y Y < most are in the atrium.
    """

    length_mm: float
    widest: float
    x_mm: float
    y_mm: float
    centre_mm: tuple[float, float]
    lean: tuple[float, float]
    cuts: Cuts

    def disc(self, at: Coordinates, above_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points in units of the semi-axes, from the middle of their level."""
        x = (at.x_mm - (self.centre_mm[0] + self.lean[0] * above_mm)) / self.x_mm
        y = (at.y_mm - (self.centre_mm[1] + self.lean[1] * above_mm)) / self.y_mm
        return x, y

    def along(self, above_mm: np.ndarray) -> np.ndarray:
        """Place along the length, from the widest level (0) to the roof (1)."""
        return (above_mm / self.length_mm - self.widest) / (1 - self.widest)

    def inside(self, at: Coordinates, above_mm: np.ndarray) -> np.ndarray:
        """Which points are in the atrium."""
        x, y = self.disc(at, above_mm)
        size2 = 1 - self.along(above_mm) ** 2
        found = (above_mm >= 0) & (x * x + y * y < size2)
        size = np.sqrt(np.maximum(size2, 0))
        for cut_x, cut_y, most in self.cuts:
            found &= cut_x * x + cut_y * y < most * size
        return found

    def depth_mm(self, at: Coordinates, above_mm: np.ndarray) -> np.ndarray:
        """Depth below the wall, to first order; without the base plane."""
        x, y = self.disc(at, above_mm)
        z = self.along(above_mm)
        half_mm = self.length_mm * (1 - self.widest)
        level = np.sqrt(x * x + y * y + z * z + 1e-6)
        slope = np.sqrt((x / self.x_mm) ** 2 + (y / self.y_mm) ** 2 + (z / half_mm) ** 2 + 1e-9)
        depth = (1 - level) * level / slope
        size = np.sqrt(np.maximum(1 - z * z, 0))
        for cut_x, cut_y, most in self.cuts:
            slope_mm = math.hypot(cut_x / self.x_mm, cut_y / self.y_mm)
            depth = np.minimum(depth, (most * size - cut_x * x - cut_y * y) / slope_mm)
        return depth

    def volume_ml(self) -> float:
        """Volume from the formula above."""
        area = self.x_mm * self.y_mm * disc_part(self.cuts)
        return self.length_mm * area * profile(self.widest) * ML_PER_MM3


@dataclass(frozen=True)
class Upper:
    """What lies above the base at one phase: both atria and the aortic root.

    root_mm: (x, y) of the root's middle at the base, and its change per mm above it, without the
    radius by which it lies further along TO_ROOT.
    """

    left: Atrium
    right: Atrium
    root_mm: tuple[float, float]
    root_lean: tuple[float, float]
    root_size: float
    base_mm: float

    @property
    def ring_mm(self) -> tuple[float, float]:
        """(x, y) of the middle of the root's ring."""
        ring = self.root_size * ROOT_RADII_MM[0]
        x, y = (m + d * ring for m, d in zip(self.root_mm, TO_ROOT, strict=True))
        return x, y

    def above_mm(self, at: Coordinates) -> np.ndarray:
        """Height above the base plane."""
        return at.height_mm - self.base_mm

    def root_depth_mm(self, at: Coordinates, above_mm: np.ndarray) -> np.ndarray:
        """Depth below the aortic root's wall; without the base plane."""
        radius = np.interp(above_mm, ROOT_HEIGHTS_MM, ROOT_RADII_MM).astype(at.x_mm.dtype)
        radius = self.root_size * radius
        x = self.root_mm[0] + self.root_lean[0] * above_mm + TO_ROOT[0] * radius
        y = self.root_mm[1] + self.root_lean[1] * above_mm + TO_ROOT[1] * radius
        return radius - np.hypot(at.x_mm - x, at.y_mm - y)


def atria_of(heart: Heart) -> Atria:
    """The atria of a heart's parameters. Raises ValueError if they have none."""
    if heart.parameters.atria is None:
        raise ValueError("the heart has no atria of known volume; give HeartParameters.atria")
    return heart.parameters.atria


def root_size(heart: Heart) -> float:
    """Size of the aortic root over the usual one."""
    return min(max(heart.short_mm / USUAL_MM, ROOT_SIZES[0]), ROOT_SIZES[1])


def upper_of(heart: Heart, phase: float) -> Upper:
    """What lies above the base of a heart at a phase.

    Raises ValueError as `atria_of`, and where an atrium is shorter than the base's way.
    """
    atria = atria_of(heart)
    septum, front = _planes(heart, phase)
    length, widest, x, y = _sizes(heart, phase, True)
    reach = math.hypot(TO_ROOT[0] * x, TO_ROOT[1] * y)
    cx = septum[0] - SEPTUM_MM / 2 - SEPTAL_CUT * x
    cy = (front[0] - ROOT_CUT * reach - TO_ROOT[0] * cx) / TO_ROOT[1]
    lean = (septum[1], (front[1] - TO_ROOT[0] * septum[1]) / TO_ROOT[1])
    left = Atrium(length, widest, x, y, (cx, cy), lean, _left_cuts(atria.flatness))
    length, widest, x, y = _sizes(heart, phase, False)
    centre = septum[0] + SEPTUM_MM / 2 + RIGHT_CUT * x, RIGHT_MIDDLE * heart.short_mm
    right = Atrium(length, widest, x, y, centre, (septum[1], 0.0), RIGHT_CUTS)
    near = front[0] + ROOT_WALL_MM
    # The root leans as the plane that it touches, and along it to the patient's left.
    root_lean = (
        front[1] * TO_ROOT[0] + ROOT_ASIDE * TO_ROOT[1],
        front[1] * TO_ROOT[1] - ROOT_ASIDE * TO_ROOT[0],
    )
    root = (near * TO_ROOT[0], near * TO_ROOT[1])
    return Upper(left, right, root, root_lean, root_size(heart), heart.state(phase).height_mm)


def place_mm(heart: Heart, place: tuple[float, float], height_mm: float) -> np.ndarray:
    """A point (towards RV, towards inferior) at a height above the apex, in LPS mm."""
    x, y = place
    return (
        heart.apex_mm - height_mm * heart.axis + x * heart.towards_rv + y * heart.towards_inferior
    )


def upper_labels(heart: Heart, at: Coordinates, phase: float) -> np.ndarray:
    """Label map (uint8) of what lies above the base: LA, RA, and AAO for the aortic root."""
    upper = upper_of(heart, phase)
    above = upper.above_mm(at)
    root = (upper.root_depth_mm(at, above) > 0) & (above >= 0) & (above < ROOT_END_MM)
    labels = np.where(root, Tissue.AAO, Tissue.BACKGROUND)
    labels = np.where(upper.left.inside(at, above), Tissue.LA, labels)
    return np.where(upper.right.inside(at, above), Tissue.RA, labels).astype(np.uint8)


def profile(widest: float) -> float:
    """Integral of an atrium's squared scale over its length from 0 to 1."""
    top = 1 - widest
    return 1 - (top**3 + widest**3) / (3 * top**2)


def disc_part(cuts: Cuts) -> float:
    """Area of the unit disc between one or two cuts (x, y, most), (x, y) unit vectors."""
    area = math.pi - sum(_segment(most) for _, _, most in cuts)
    if len(cuts) < 2:
        return area
    (ax, ay, a), (bx, by, b) = cuts
    first, second = math.atan2(ay, ax), math.atan2(by, bx)
    turn = (second - first + math.pi) % (2 * math.pi) - math.pi
    if math.acos(a) + math.acos(b) <= abs(turn):
        return area
    # Both cuts take the corner where they meet; it has been taken away twice.
    way = math.copysign(1.0, turn)
    one, other = first + way * math.acos(a), second - way * math.acos(b)
    det = ax * by - ay * bx
    corner = ((a * by - b * ay) / det, (ax * b - bx * a) / det)
    p, q = (math.cos(one), math.sin(one)), (math.cos(other), math.sin(other))
    cross = (p[0] - corner[0]) * (q[1] - corner[1]) - (p[1] - corner[1]) * (q[0] - corner[0])
    arc = abs(one - other)
    return area + abs(cross) / 2 + (arc - math.sin(arc)) / 2


def _segment(distance: float) -> float:
    """Area of the unit disc beyond a line at a distance from its middle."""
    return math.acos(distance) - distance * math.sqrt(1 - distance**2)


def _left_cuts(flatness: float) -> Cuts:
    """Cuts of the left atrium's unit disc."""
    reach = math.hypot(TO_ROOT[0], TO_ROOT[1] * flatness)
    root = (TO_ROOT[0] / reach, TO_ROOT[1] * flatness / reach, ROOT_CUT)
    return (1.0, 0.0, SEPTAL_CUT), root


def _sizes(heart: Heart, phase: float, left: bool) -> tuple[float, float, float, float]:
    """Length, widest part and both semi-axes of an atrium at a phase."""
    p, atria = heart.parameters, atria_of(heart)
    largest, least, volume_ml = (
        (atria.lav_max_ml, atria.lav_min_ml, atria.left_ml(phase, p.es_phase))
        if left
        else (atria.rav_max_ml, atria.rav_min_ml, atria.right_ml(phase, p.es_phase))
    )
    longest = atria.length * (largest / ML_PER_MM3) ** (1 / 3)
    length = longest - (heart.state(phase).height_mm - heart.state(p.es_phase).height_mm)
    if length <= 0:
        raise ValueError(
            f"an atrium of {largest} ml would be {longest:.0f} mm long, less than the base comes "
            "down; give it a larger volume or the heart less shortening"
        )
    filled = (volume_ml - least) / (largest - least)
    widest = WIDEST[0] + (WIDEST[1] - WIDEST[0]) * filled
    flatness = atria.flatness if left else RIGHT_FLATNESS
    part = disc_part(_left_cuts(flatness) if left else RIGHT_CUTS)
    x2 = volume_ml / ML_PER_MM3 / (length * profile(widest) * part * flatness)
    return length, widest, math.sqrt(x2), flatness * math.sqrt(x2)


def _planes(heart: Heart, phase: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The planes of the septum and in front of the left atrium at a phase.

    Each as its distance from the long axis at the base and the change per mm above it. They move
    with the base and stay where they are at the roof, which is where the largest left atrium has
    its middle behind the ventricle's.
    """
    es = heart.parameters.es_phase
    length, widest, x, y = _sizes(heart, es, True)
    middle = [part * heart.short_mm for part in LEFT_MIDDLE]
    reach = math.hypot(TO_ROOT[0] * x, TO_ROOT[1] * y)
    wanted = (
        middle[0] + SEPTUM_MM / 2 + SEPTAL_CUT * x,
        TO_ROOT[0] * middle[0] + TO_ROOT[1] * middle[1] + ROOT_CUT * reach,
    )
    now_mm = _sizes(heart, phase, True)[0]
    planes = []
    bases = zip(wanted, _base(heart, es), _base(heart, phase), LEANS, strict=True)
    for want, at_es, at_base, (least, most) in bases:
        lean = min(max((want - at_es) / (widest * length), least), most)
        planes.append((at_base, (at_es + lean * length - at_base) / now_mm))
    return planes[0], planes[1]


def _base(heart: Heart, phase: float) -> tuple[float, float]:
    """Distance of the septum's middle and of the plane before the LA from the axis at the base."""
    state = heart.state(phase)
    x, y = np.array([1.0, TO_ROOT[0]]), np.array([0.0, TO_ROOT[1]])
    radius = np.hypot(x, y)
    at = Coordinates(
        np.full(2, state.height_mm), x, y, radius**2, x / radius, y / radius, np.arctan2(y, x)
    )
    surfaces = heart.surfaces(at, state)
    endo, epi = np.sqrt(surfaces.endo_mm2), np.sqrt(surfaces.epi_mm2)
    ring = root_size(heart) * ROOT_RADII_MM[0]
    # The root begins within the ventricle's opening, and for a good part over its wall.
    return float(endo[0] + epi[0]) / 2, float(endo[1]) - 1.2 * ring - ROOT_WALL_MM
