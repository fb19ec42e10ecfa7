"""A beating left and right ventricle in closed form: label maps, volumes and motion.

Coordinates are DICOM LPS millimetres; the heart's own are those of `geometry`.

At end-diastole cavity and wall are ellipsoids with a common centre, truncated at the base. In
material coordinates (height h, squared radius q, angle a) the wall then moves by

    h' = h - k h^2 / 2H        q' = q / (dh'/dh) + b(h, a)        a' = a + twist(h)

whose Jacobian is 1 whatever k, b and twist are: the wall keeps its volume exactly, as muscle does
(modes of motion as in Arts et al. 1992, J Biomech 25:1119). b is chosen so that the cavity has
exactly the wanted volume at every phase.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.phantom.body import BodyParameters
from cmrseg.phantom.curves import Aorta, Atria
from cmrseg.phantom.geometry import (
    PAPILLARY_HEADS,
    Coordinates,
    State,
    Surfaces,
    classify,
    contraction,
    papillary_depth,
)
from cmrseg.phantom.infarct import Infarct, material_grid
from cmrseg.vectors import dot, unit

ML_PER_MM3 = 1e-3
# The right ventricle ends above the apex of the left, at this part of the heart's length.
RV_APEX = 0.22


@dataclass(frozen=True)
class HeartParameters:
    """All that is known about one digital subject.

    edv_ml, esv_ml, rv_edv_ml, rv_esv_ml: cavity volumes; the papillary muscles count as cavity.
    wall_mm: thickness of the wall at end-diastole, at the widest level; apex_wall_mm: at the apex.
    septal_excess: added to the septum's thickness and taken from the lateral wall (a fraction).
    es_phase: fraction of the RR interval at which the volume is smallest.
    centre_mm: middle of the long axis at end-diastole; long_axis: unit, base to apex;
    rv_direction: unit, perpendicular to it, from the left to the right ventricle.
    elongation: long over short semi-axis of the cavity; truncation: how far beyond the widest
    level the base lies, over the long semi-axis.
    shortening: loss of length at end-systole (a fraction); twist_deg: rotation of the apex
    against the base at end-systole. akinesia: how much the wall at akinesia_deg lacks of the
    others' inward motion, 0 to 1. ellipticity: of the cross-section, its long side at
    ellipticity_deg. rv_span_deg: half of the angle over which the right ventricle is attached.
    seed: of papillary muscles and textures. body: the torso around the heart. atria, aorta: of
    known volumes and areas; None draws them without. infarct: lacks motion in place of akinesia.
    moving_textures: whether muscle, trabeculae and fat carry their textures along, as tissue does;
    else these lie still in space.
    """

    edv_ml: float = 150.0
    esv_ml: float = 60.0
    wall_mm: float = 9.0
    es_phase: float = 0.37
    rv_edv_ml: float = 155.0
    rv_esv_ml: float = 65.0
    centre_mm: tuple[float, float, float] = (35.0, -37.0, 0.0)
    long_axis: tuple[float, float, float] = (0.6209, -0.6409, -0.4513)
    rv_direction: tuple[float, float, float] = (-0.7838, -0.5232, -0.3345)
    heart_rate_bpm: float = 70.0
    seed: int = 0
    apex_wall_mm: float = 6.0
    septal_excess: float = 0.05
    elongation: float = 2.3
    truncation: float = 0.4
    shortening: float = 0.15
    twist_deg: float = 10.0
    akinesia: float = 0.05
    akinesia_deg: float = 0.0
    ellipticity: float = 0.06
    ellipticity_deg: float = 80.0
    rv_span_deg: float = 72.0
    body: BodyParameters = field(default_factory=BodyParameters)
    atria: Atria | None = None
    aorta: Aorta | None = None
    infarct: Infarct | None = None
    moving_textures: bool = False


class Heart:
    """The heart of one subject: its geometry, volumes and motion.

    Raises ValueError if the parameters do not describe a heart.
    """

    def __init__(self, parameters: HeartParameters):
        p = self.parameters = parameters
        for name, small, large in [
            ("LV", p.esv_ml, p.edv_ml),
            ("RV", p.rv_esv_ml, p.rv_edv_ml),
        ]:
            if not 0 < small < large:
                raise ValueError(
                    f"{name} volumes must be 0 < end-systolic < end-diastolic ml, "
                    f"got {small} and {large}; correct the subject table"
                )
        if not 0 < p.es_phase < 1:
            raise ValueError(f"es_phase must be between 0 and 1, got {p.es_phase}")
        self.axis = unit(p.long_axis)
        rv = np.asarray(p.rv_direction, float)
        self.towards_rv = unit(rv - dot(rv, self.axis) * self.axis)
        self.towards_inferior = np.cross(self.axis, self.towards_rv)
        tau = p.truncation
        self._profile = 2 / 3 + tau - tau**3 / 3
        edv_mm3 = p.edv_ml / ML_PER_MM3
        self.short_mm = (edv_mm3 / (math.pi * p.elongation * self._profile)) ** (1 / 3)
        self.long_mm = p.elongation * self.short_mm
        self.middle_mm = p.apex_wall_mm + self.long_mm  # height of the widest level
        self.length_mm = self.middle_mm + tau * self.long_mm
        self.apex_mm = np.asarray(p.centre_mm, float) + self.axis * self.length_mm / 2
        rng = np.random.default_rng([p.seed, 5])
        self.papillary_heads = [
            (degrees + rng.normal(0, 7), thickness * rng.uniform(0.75, 1.3), middle)
            for degrees, thickness, middle in PAPILLARY_HEADS
        ]
        lowest = self.state(p.es_phase).squeeze
        if lowest <= 0 and p.infarct is not None:
            raise ValueError(
                f"{p.edv_ml} and {p.esv_ml} ml leave no cavity beside an infarct with akinesia "
                f"{p.infarct.akinesia}; lower it, or raise the end-systolic volume"
            )
        if p.infarct is None and lowest - p.akinesia * (1 - lowest) <= 0:
            raise ValueError(
                f"akinesia {p.akinesia} with {p.edv_ml} and {p.esv_ml} ml leaves a wall that "
                "crosses the axis; lower it"
            )

    @cached_property
    def _cavity_integrals(self) -> tuple[float, float]:
        """Integrals over height of the cavity's squared radius, and of that times height."""
        tau, a2, c = self.parameters.truncation, self.short_mm**2, self.long_mm
        zeroth = a2 * c * self._profile
        first = self.middle_mm * zeroth + a2 * c**2 * (tau**2 / 2 - tau**4 / 4 - 1 / 4)
        return zeroth, first

    @cached_property
    def _lacking(self) -> tuple[float, float]:
        """As `_cavity_integrals` times pi, of the part that an infarct does not squeeze."""
        infarct = self.parameters.infarct
        assert infarct is not None
        h, cos, sin, cell = material_grid(self.length_mm)
        endo, _ = self.at_rest(h, cos, sin)
        lack = endo * infarct.lack(infarct.distance(h / self.length_mm, cos, sin)) * (cell / 2)
        return float(lack.sum()), float((lack * h).sum())

    def state(self, phase: float) -> State:
        """The motion's parameters at a phase (fraction of the RR interval, 0 = end-diastole)."""
        p = self.parameters
        part = contraction(phase, p.es_phase)
        bend = 2 * p.shortening * part
        lv_mm3 = (p.edv_ml + (p.esv_ml - p.edv_ml) * part) / ML_PER_MM3
        rv_mm3 = (p.rv_edv_ml + (p.rv_esv_ml - p.rv_edv_ml) * part) / ML_PER_MM3
        zeroth, first = self._cavity_integrals
        whole = math.pi * (zeroth - bend * first / self.length_mm)
        squeeze = lv_mm3 / whole
        if p.infarct is not None:
            # What the infarct does not squeeze, the rest does.
            lacking = self._lacking[0] - bend * self._lacking[1] / self.length_mm
            squeeze = (lv_mm3 - lacking) / (whole - lacking)
        above = 1 - RV_APEX
        heights = self.length_mm * above * ((1 - bend * RV_APEX) * 3 / 4 - bend * above * 9 / 20)
        angles = 4 / 3 * math.radians(p.rv_span_deg)
        return State(
            contraction=part,
            bend=bend,
            squeeze=squeeze,
            twist_rad=math.radians(p.twist_deg) * part,
            rv_mm2=2 * rv_mm3 / (heights * angles),
            height_mm=self.length_mm * (1 - bend / 2),
        )

    def coordinates(self, points_mm: np.ndarray, dtype=np.float64) -> Coordinates:
        """Points (..., 3) in LPS mm in the heart's coordinates."""
        offset = np.asarray(points_mm, float) - self.apex_mm
        height = -dot(offset, self.axis)
        x = dot(offset, self.towards_rv).astype(dtype)
        y = dot(offset, self.towards_inferior).astype(dtype)
        radius2 = x * x + y * y
        radius = np.sqrt(np.maximum(radius2, np.finfo(dtype).tiny))
        return Coordinates(
            height.astype(dtype), x, y, radius2, x / radius, y / radius, np.arctan2(y, x)
        )

    def surfaces(self, at: Coordinates, state: State) -> Surfaces:
        """Squared radii of endocardium, epicardium and right ventricle around given points.

        Heights beyond apex and base are taken as those of apex and base.
        """
        p = self.parameters
        height = np.clip(at.height_mm, 0, state.height_mm)
        slope = np.sqrt(1 - height * (2 * state.bend / self.length_mm))  # dh'/dh
        h = 2 * height / (1 + slope)
        twist = state.twist_rad * (1 - h / self.length_mm)
        c, s = np.cos(twist), np.sin(twist)
        cos, sin = at.cos * c + at.sin * s, at.sin * c - at.cos * s  # of the material
        endo, epi = self.at_rest(h, cos, sin)
        wall = (epi - endo) / slope
        endo = endo * self.squeeze(h, cos, sin, state)
        epi = endo + wall
        v = np.maximum(h / self.length_mm - RV_APEX, 0) / (1 - RV_APEX)
        angle = np.minimum(np.abs(at.angle_rad) / math.radians(p.rv_span_deg), 1)
        rv = epi + state.rv_mm2 * (1 - (1 - v) ** 3) * (1 - angle * angle)
        return Surfaces(endo, epi, rv, h)

    def at_rest(self, h, cos, sin):
        """Squared radii of endo- and epicardium at end-diastole, for material places."""
        p = self.parameters
        long_side = 2 * math.radians(p.ellipticity_deg)
        cos2, sin2 = 2 * cos * cos - 1, 2 * sin * cos
        around = 1 + p.ellipticity * (cos2 * math.cos(long_side) + sin2 * math.sin(long_side))
        u = h - self.middle_mm
        endo = np.maximum(1 - (u / self.long_mm) ** 2, 0) * self.short_mm**2 * around
        outer = self.short_mm + p.wall_mm * (1 + p.septal_excess * cos)
        return endo, np.maximum(1 - (u / self.middle_mm) ** 2, 0) * outer * outer * around

    def squeeze(self, h, cos, sin, state: State):
        """Factor of the cavity's squared radius, for material places."""
        p = self.parameters
        if p.infarct is not None:
            lack = p.infarct.lack(p.infarct.distance(h / self.length_mm, cos, sin))
            return state.squeeze + (1 - state.squeeze) * lack
        lame = math.radians(p.akinesia_deg)
        towards = cos * math.cos(lame) + sin * math.sin(lame)
        return state.squeeze + p.akinesia * (1 - state.squeeze) * towards

    def tissue(self, points_mm: np.ndarray, phase: float) -> np.ndarray:
        """Label map (`Tissue`, uint8) of points (..., 3) in LPS mm at a phase."""
        at, state = self.coordinates(points_mm), self.state(phase)
        return classify(at, self.surfaces(at, state), state)

    def papillary(self, points_mm: np.ndarray, phase: float) -> np.ndarray:
        """Which points (..., 3) lie in a papillary muscle; `tissue` calls them LV cavity."""
        at, state = self.coordinates(points_mm), self.state(phase)
        surfaces = self.surfaces(at, state)
        depth = papillary_depth(self.papillary_heads, self.length_mm, at, surfaces, state)
        return (depth > 0) & (classify(at, surfaces, state) == Tissue.LV)

    def volume_ml(self, tissue: Tissue, phase: float) -> float:
        """Volume of LV, MYO, RV, or of atria that are known, at a phase, from the formulas.

        Raises ValueError for another tissue.
        """
        p, part = self.parameters, self.state(phase).contraction
        if tissue == Tissue.LV:
            return p.edv_ml + (p.esv_ml - p.edv_ml) * part
        if tissue == Tissue.RV:
            return p.rv_edv_ml + (p.rv_esv_ml - p.rv_edv_ml) * part
        if p.atria is not None and tissue in (Tissue.LA, Tissue.RA):
            volume = p.atria.left_ml if tissue == Tissue.LA else p.atria.right_ml
            return volume(phase, p.es_phase)
        if tissue != Tissue.MYO:
            raise ValueError(f"volumes are known of LV, MYO and RV, not of {tissue!r}")
        end = p.truncation * self.long_mm
        heights = 2 / 3 * self.middle_mm + end - end**3 / (3 * self.middle_mm**2)
        mean, septal = self.short_mm + p.wall_mm, p.wall_mm * p.septal_excess
        skew = p.ellipticity * math.cos(2 * math.radians(p.ellipticity_deg))
        squares = mean**2 + septal**2 * (1 / 2 + skew / 4)
        return math.pi * heights * squares * ML_PER_MM3 - p.edv_ml

    def move(self, points_mm: np.ndarray, phase: float) -> np.ndarray:
        """Where the material at `points_mm` (..., 3) at end-diastole is at a phase (LPS mm).

        Exact for the wall; points in the cavity keep their part of its radius. Points outside
        the heart get no meaningful place.
        """
        at, state = self.coordinates(points_mm), self.state(phase)
        h = np.clip(at.height_mm, 0, self.length_mm)
        slope = 1 - state.bend * h / self.length_mm
        endo, _ = self.at_rest(h, at.cos, at.sin)
        squeeze = self.squeeze(h, at.cos, at.sin, state)
        in_wall = (at.radius2_mm2 - endo) / slope + endo * squeeze
        radius = np.sqrt(np.where(at.radius2_mm2 < endo, at.radius2_mm2 * squeeze, in_wall))
        height = h - state.bend * h * h / (2 * self.length_mm)
        angle = at.angle_rad + state.twist_rad * (1 - h / self.length_mm)
        return (
            self.apex_mm
            - height[..., None] * self.axis
            + (radius * np.cos(angle))[..., None] * self.towards_rv
            + (radius * np.sin(angle))[..., None] * self.towards_inferior
        )

    def base_apex_mm(self, phase: float) -> tuple[np.ndarray, np.ndarray]:
        """Centre of the base and the apex of the epicardium (LPS mm) at a phase."""
        return self.apex_mm - self.axis * self.state(phase).height_mm, self.apex_mm.copy()
