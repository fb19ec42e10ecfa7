"""Volumes of the atria and areas of the aorta over a heartbeat, as formulas."""

import math
from dataclasses import dataclass

from cmrseg.phantom.geometry import FILLING

# Parts of diastole in which an atrium empties: while the ventricle relaxes, and by itself.
PASSIVE, ACTIVE = (FILLING[0][1:], FILLING[2][1:])


@dataclass(frozen=True)
class Atria:
    """Volumes in ml of the left and the right atrium, and their shape.

    max: at the ventricles' end-systole; pre_a: before the atria contract; min: at end-diastole.
    length: of an atrium at its largest, over the cube root of its volume. flatness: of the left
    one, what its depth from front to back is over its width.
    """

    lav_max_ml: float = 70.0
    lav_pre_a_ml: float = 46.0
    lav_min_ml: float = 27.0
    rav_max_ml: float = 85.0
    rav_pre_a_ml: float = 60.0
    rav_min_ml: float = 38.0
    length: float = 1.25
    flatness: float = 0.85

    def __post_init__(self):
        for name, largest, before, least in (
            ("LA", self.lav_max_ml, self.lav_pre_a_ml, self.lav_min_ml),
            ("RA", self.rav_max_ml, self.rav_pre_a_ml, self.rav_min_ml),
        ):
            if not 0 < least < before < largest:
                raise ValueError(
                    f"{name} volumes must be 0 < min < pre_a < max ml, got {least}, {before} and "
                    f"{largest}; correct the parameters"
                )

    def left_ml(self, phase: float, es_phase: float) -> float:
        """Volume of the left atrium at a phase (part of the RR interval, 0 = end-diastole)."""
        return emptying(self.lav_max_ml, self.lav_pre_a_ml, self.lav_min_ml, phase, es_phase)

    def right_ml(self, phase: float, es_phase: float) -> float:
        """Volume of the right atrium at a phase."""
        return emptying(self.rav_max_ml, self.rav_pre_a_ml, self.rav_min_ml, phase, es_phase)


@dataclass(frozen=True)
class Aorta:
    """Lumen of the aorta in the plane across it at the level of the pulmonary artery.

    Areas in mm2 of the ascending (aao) and descending (dao) aorta. pulse_pressure_mmhg: central.
    rise_phase, peak_phase: when the areas begin to grow, and when they are largest. decay: time
    constants of their fall until the next beat's rise. ellipticity: long over short axis, of both;
    ellipticity_deg: of the long axis in the plane. tilt_deg: of the plane, and the vessels with it,
    against the transverse plane, front down.
    """

    aao_max_mm2: float = 820.0
    aao_min_mm2: float = 760.0
    dao_max_mm2: float = 460.0
    dao_min_mm2: float = 425.0
    pulse_pressure_mmhg: float = 42.0
    rise_phase: float = 0.04
    peak_phase: float = 0.24
    decay: float = 2.2
    ellipticity: float = 1.06
    ellipticity_deg: float = 30.0
    tilt_deg: float = 8.0

    def __post_init__(self):
        for name, least, largest in (
            ("ascending", self.aao_min_mm2, self.aao_max_mm2),
            ("descending", self.dao_min_mm2, self.dao_max_mm2),
        ):
            if not 0 < least < largest:
                raise ValueError(
                    f"areas of the {name} aorta must be 0 < min < max mm2, got {least} and "
                    f"{largest}; correct the parameters"
                )
        if not 0 <= self.rise_phase < self.peak_phase < 1:
            raise ValueError(
                f"areas must rise before they are largest within a beat, got rise_phase "
                f"{self.rise_phase} and peak_phase {self.peak_phase}"
            )
        if self.pulse_pressure_mmhg <= 0:
            raise ValueError(f"pulse_pressure_mmhg must be above 0, got {self.pulse_pressure_mmhg}")

    def filled(self, phase: float) -> float:
        """How far the areas are from the smallest (0) to the largest (1) at a phase."""
        since = (phase - self.rise_phase) % 1.0
        rise = self.peak_phase - self.rise_phase
        if since <= rise:
            return (1 - math.cos(math.pi * since / rise)) / 2
        rest = math.exp(-self.decay)
        return (math.exp(-self.decay * (since - rise) / (1 - rise)) - rest) / (1 - rest)

    def ascending_mm2(self, phase: float) -> float:
        """Area of the ascending aorta at a phase."""
        return self.aao_min_mm2 + (self.aao_max_mm2 - self.aao_min_mm2) * self.filled(phase)

    def descending_mm2(self, phase: float) -> float:
        """Area of the descending aorta at a phase."""
        return self.dao_min_mm2 + (self.dao_max_mm2 - self.dao_min_mm2) * self.filled(phase)


def emptying(max_ml: float, pre_a_ml: float, min_ml: float, phase: float, es_phase: float) -> float:
    """Volume of an atrium at a phase: it fills in systole, empties passively, then contracts."""
    phase = phase % 1.0
    if phase <= es_phase:
        return min_ml + (max_ml - min_ml) * (1 - math.cos(math.pi * phase / es_phase)) / 2
    time = (phase - es_phase) / (1 - es_phase)
    passive, active = _smooth(time, *PASSIVE), _smooth(time, *ACTIVE)
    return max_ml - (max_ml - pre_a_ml) * passive - (pre_a_ml - min_ml) * active


def _smooth(time: float, start: float, end: float) -> float:
    """0 until `start`, 1 from `end` on."""
    s = min(max((time - start) / (end - start), 0.0), 1.0)
    return s * s * (3 - 2 * s)


def distensibility(max_mm2: float, min_mm2: float, pulse_pressure_mmhg: float) -> float:
    """Distensibility of a vessel in 1e-3 / mmHg (Redheuil et al. 2010)."""
    return (max_mm2 - min_mm2) / (min_mm2 * pulse_pressure_mmhg) * 1000
