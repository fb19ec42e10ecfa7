"""Brightness of the beating heart in one slice, drawn over the resting body frame by frame."""

import math

import numpy as np

from cmrseg.phantom.above_base import draw_above_base, draw_valves, upper_depth_mm
from cmrseg.phantom.body import Signals, soft, texture
from cmrseg.phantom.geometry import Coordinates, State, Surfaces, papillary_depth
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.injury import injured_muscle
from cmrseg.phantom.look import Look
from cmrseg.phantom.material import origins_mm

RV_WALL_MM = 2.8
# Chambers above the base: centre (towards RV, towards inferior) over the LV's short semi-axis,
# radius over it, height over it, and whether it holds the blood of the left heart.
CHAMBERS = (
    ((-0.05, 0.25), 1.0, 2.6, True),  # left atrium
    ((0.42, -0.62), 0.5, 4.0, True),  # aortic root
    ((1.75, 0.35), 1.0, 2.6, False),  # right atrium
    ((0.75, -1.35), 0.5, 4.0, False),  # outflow to the lungs
)


class Beat:
    """One slice's points, prepared once, and their brightness at each phase.

    points_mm: (k, y, x, 3) LPS mm, k planes through the slice; the middle one is the label's.
    """

    def __init__(self, heart: Heart, points_mm: np.ndarray, signals: Signals, look: Look):
        self.heart, self.signals, self.look = heart, signals, look
        at = heart.coordinates(points_mm, np.float32)
        if np.ptp(at.height_mm, axis=(1, 2)).max() < 0.05:
            # Planes across the long axis have one height each: most of the work is then scalar.
            at = Coordinates(
                at.height_mm.mean(axis=(1, 2), keepdims=True),
                *(at.x_mm, at.y_mm, at.radius2_mm2, at.cos, at.sin, at.angle_rad),
            )
        self.at = at
        self.radius = np.sqrt(at.radius2_mm2)
        seed = heart.parameters.seed
        middle = points_mm[points_mm.shape[0] // 2 :][:1].astype(np.float32)
        self.fat = texture(middle, seed, 2, 6.0)
        self.fibre, self.rough, self.layer = self._textures(points_mm.astype(np.float32))
        swirl = 0.1 * at.x_mm[:1] + 1.2 * texture(middle, seed, 3, 8.0)
        self.swirl = np.cos(swirl), np.sin(swirl)
        if look.inflow > 0:
            self.curl = 2.5 * texture(middle, seed, 1, 4.5) + 0.25 * at.y_mm[:1]
        a = heart.short_mm
        x, y = at.x_mm / a, at.y_mm / a
        self.mitral = np.exp(-((x + 0.2) ** 2 + (y - 0.2) ** 2) / 0.25)
        self.outflow = np.exp(-((x - 0.5) ** 2 + (y + 0.5) ** 2) / 0.2)

    def _textures(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Textures of muscle, trabeculae and the fat on the ventricles, at float32 points."""
        seed = self.heart.parameters.seed
        middle = points_mm[points_mm.shape[0] // 2 :][:1]
        fibre = 1 + 0.08 * self.look.grain * texture(middle, seed, 0, 2.2)
        return fibre, texture(points_mm, seed, 1, 1.6), texture(middle, seed, 2, 6.0)

    def carry(self, origins_mm: np.ndarray, phase: float) -> None:
        """Set what the tissue carries along: its textures, by the places of its origins."""
        self.fibre, self.rough, self.layer = self._textures(origins_mm.astype(np.float32))

    def draw(self, rest: np.ndarray, phase: float) -> np.ndarray:
        """Brightness (y, x) at a phase over the resting body `rest` (y, x)."""
        heart, at, look = self.heart, self.at, self.look
        state = heart.state(phase)
        surfaces = heart.surfaces(at, state)
        if heart.parameters.moving_textures:
            self.carry(origins_mm(heart, at, state), phase)
        signals = self.signals
        endo, epi = np.sqrt(surfaces.endo_mm2), np.sqrt(surfaces.epi_mm2)
        rv = np.sqrt(surfaces.rv_mm2)
        edge, radius = look.edge_mm, self.radius
        below_base = soft(state.height_mm - at.height_mm, look.step_mm)
        inside = below_base * soft(at.height_mm, look.step_mm)
        image = np.broadcast_to(rest, radius.shape).copy()
        measured = heart.parameters.atria is not None
        if measured:
            image = draw_above_base(self, image, phase, np.maximum(epi, rv) - radius)
        else:
            image = self._atria(image, state)

        def over(value, part):
            nonlocal image
            image += (value - image) * part

        muscle = signals.myocardium * self.fibre
        if look.injury is not None:
            place = heart, at, surfaces, state
            muscle = muscle * injured_muscle(*place, look.injury, look.edge_px)
        blood, vein = self._blood(phase, state, surfaces)
        wall_mm = RV_WALL_MM * (1 + 0.2 * self.layer) * soft(rv - epi - 1.5, 2.0)
        fat_mm = np.clip(2.5 * (self.layer + 0.2 + at.cos[:1]), 0, 6)
        outside = rv - radius + wall_mm
        over(signals.fat * 0.72, soft(outside + fat_mm, edge) * inside * soft(fat_mm - 1, 2.0))
        over(signals.muscle * 0.9, soft(outside, edge) * inside * (wall_mm > 0))
        over(vein, soft(rv - radius, edge) * inside)
        over(muscle, soft(epi - radius, edge) * inside)
        over(blood, soft(endo - radius, edge) * inside)
        if measured:
            image = draw_valves(self, image, phase)
        return image.mean(axis=0)

    def _blood(self, phase: float, state: State, surfaces: Surfaces):
        """Brightness of left and right ventricular blood with the muscles in it."""
        at, signals, look = self.at, self.signals, self.look
        depth = papillary_depth(
            self.heart.papillary_heads, self.heart.length_mm, at, surfaces, state
        )
        inverse = 1 / np.sqrt(np.maximum(surfaces.endo_mm2, 1))
        depth = depth + 0.035 * self.rough
        part = look.papillary * soft(depth, look.edge_mm * inverse)
        zone = np.clip((self.radius * inverse - 0.72) / 0.28, 0, 1)
        part = np.maximum(part, look.trabeculae * np.clip(zone * 1.5 * (self.rough + 0.2), 0, 1))
        turn = 2 * math.pi * phase
        swirl = self.swirl[0] * math.cos(turn) - self.swirl[1] * math.sin(turn)
        fresh = 1 + look.flow * (0.10 * swirl - 0.05 * state.contraction)
        near_base = np.exp(-np.maximum(state.height_mm - at.height_mm, 0) / 22)
        systole = max(0.0, math.sin(math.pi * phase / self.heart.parameters.es_phase))
        systole *= phase < self.heart.parameters.es_phase
        filling = math.exp(-(((phase - self.heart.parameters.es_phase - 0.15) / 0.08) ** 2))
        void = (systole * self.outflow + filling * self.mitral) * (look.flow * 0.55 * near_base)
        blood = signals.blood * fresh * (1 - np.minimum(void, 0.8))
        if look.inflow > 0:
            blood = blood * self._streams(phase)
        if look.stasis > 0:
            part = np.maximum(part, self._rests(inverse))
        blood = blood + (signals.myocardium - blood) * part
        rough = np.clip(0.8 * (self.rough - 0.5), 0, 0.6) * look.trabeculae
        vein = signals.vein * fresh
        return blood, vein + (signals.muscle - vein) * rough

    def _rests(self, inverse) -> np.ndarray:
        """Part of the blood that is as bright as muscle: at the wall and in the apex.

        inverse: one over the cavity's radius.
        """
        at, heart = self.at, self.heart
        deep = at.height_mm - heart.parameters.apex_wall_mm
        near = np.clip(self.radius * inverse, 0, 1) ** 3 * 0.7 + np.exp(-np.maximum(deep, 0) / 18)
        return self.look.stasis * np.clip(near * (0.75 + 0.35 * self.rough), 0, 1)

    def _streams(self, phase: float) -> np.ndarray:
        """Factor of the blood's brightness: curled streaks while it streams fastest."""
        es = self.heart.parameters.es_phase
        pace = math.exp(-(((phase - 0.5 * es) / 0.09) ** 2))
        pace += math.exp(-(((phase - es - 0.14) / 0.09) ** 2))
        places = self.curl + 2 * math.pi * phase
        return 1 + (self.look.inflow * pace) * np.cos(places)

    def _atria(self, image: np.ndarray, state: State) -> np.ndarray:
        """Atria and great vessels above the base, which follow it down in systole."""
        at, signals, edge = self.at, self.signals, self.look.edge_mm
        above = at.height_mm - state.height_mm
        if float(above.max()) < -self.look.step_mm:
            return image
        here = soft(above, self.look.step_mm)
        deepest = np.full(image.shape, -99.0, np.float32)
        value = np.full(image.shape, signals.vein, np.float32)
        septum = np.full(image.shape, 99.0, np.float32)
        for depth, left in chambers_mm(self.heart, at, above, state.contraction):
            depth = depth + 1.5 * self.fat
            septum = np.minimum(septum, np.abs(depth - deepest))
            value = np.where(depth > deepest, signals.blood if left else signals.vein, value)
            deepest = np.maximum(deepest, depth)
        fat = signals.fat * 0.8
        image += (fat - image) * (here * soft(deepest + 5 + 4 * self.fat, edge))
        image += (signals.muscle - image) * (here * soft(deepest + 1.8, edge))
        # Neighbouring chambers touch with their walls.
        thin = soft(deepest, edge) * (1 - 0.75 * soft(1.0 - septum / 2, edge))
        image += (value * (0.9 + 0.05 * self.fat) - image) * (here * thin)
        return image


def chambers_mm(heart: Heart, at: Coordinates, above_mm, contraction: float):
    """Depth (mm) below the wall of each chamber above the base, and whether its blood is left.

    above_mm: height above the base. The atria fill while the ventricles contract.
    """
    a = heart.short_mm
    for (x, y), radius, height, left in CHAMBERS:
        size = radius * a * (1 + (0.12 * contraction if height < 3 else 0))
        level = np.clip(above_mm / (height * a), 0, 1)
        size = size * np.sqrt(np.maximum(1 - level * level, 1e-4))
        yield size - np.hypot(at.x_mm - x * a, at.y_mm - y * a), left


def outline_mm(heart: Heart, at: Coordinates) -> np.ndarray:
    """Depth (mm) below the outline of the whole heart at end-diastole; about 0 on it."""
    state = heart.state(0.0)
    surfaces = heart.surfaces(at, state)
    radius = np.sqrt(at.radius2_mm2)
    ventricles = np.sqrt(np.maximum(surfaces.epi_mm2, surfaces.rv_mm2)) + RV_WALL_MM - radius
    ventricles = np.minimum(ventricles, at.height_mm)
    above = at.height_mm - state.height_mm
    depth = np.minimum(ventricles, -above)
    if heart.parameters.atria is not None:
        return np.maximum(depth, np.minimum(upper_depth_mm(heart, at, 0.0) + 2, above + 4))
    for chamber, _ in chambers_mm(heart, at, above, 0.0):
        depth = np.maximum(depth, np.minimum(chamber + 2, above + 4))
    return depth
