"""Pictures of the digital heart that are no cine: enhancement, T1, perfusion, flow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from cmrseg.phantom.beat import chambers_mm
from cmrseg.phantom.body import Signals
from cmrseg.phantom.geometry import contraction
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.receiver import detected, unit_noise
from cmrseg.phantom.scanner import ScannerSettings, acquire
from cmrseg.phantom.views import AORTIC_ROOT
from cmrseg.vectors import dot

# Late after contrast, with the inversion time that nulls muscle.
_ENHANCED = Signals(
    blood=360, vein=345, myocardium=16, muscle=40, fat=520, liver=190,
    spleen=170, lung=8, marrow=230, fluid=45, skin=170,
)  # fmt: skip
# Spoiled gradient echo with fresh blood, as flow is measured.
_FLOW = Signals(
    blood=620, vein=430, myocardium=190, muscle=180, fat=330, liver=200,
    spleen=210, lung=20, marrow=190, fluid=150, skin=200,
)  # fmt: skip
# Saturation recovery before contrast arrives.
_SATURATED = Signals(
    blood=45, vein=45, myocardium=55, muscle=50, fat=190, liver=80,
    spleen=60, lung=8, marrow=90, fluid=25, skin=90,
)  # fmt: skip
# Native T1 in ms at 1.5 T (Messroghli et al. 2017, doi:10.1186/s12968-017-0389-8, for heart and
# blood; others as usual in textbooks).
T1_MS = Signals(
    blood=1550, vein=1600, myocardium=1000, muscle=1050, fat=320, liver=580,
    spleen=1050, lung=1150, marrow=430, fluid=2600, skin=600,
)  # fmt: skip
# Most that a map's pixels hold, in ms.
LARGEST_T1_MS = 4095
# Contrast: signal at the peak and after it; heartbeat of the peak, and beats from arrival to it.
_PASSES = {
    "vein": (620, 180, 5.0, 2.2),
    "blood": (600, 200, 10.0, 2.8),
    "myocardium": (190, 120, 13.0, 6.0),
}
AORTA_MM, ROOT_CM_S, DESCENDING_CM_S = 11.5, 110.0, 85.0


def enhanced(scanner: ScannerSettings) -> ScannerSettings:
    """The scanner while it takes late enhancement: blood and fat bright, muscle black."""
    return replace(scanner, signals=_ENHANCED, flow=0.2, papillary=0.7, trabeculae=0.4)


def inverted(scanner: ScannerSettings, inversion_ms: float) -> ScannerSettings:
    """The scanner at a time after an inversion, muscle and blood at their native T1."""

    def recovered(name: str) -> float:
        relaxed = 1 - 2 * math.exp(-inversion_ms / getattr(T1_MS, name))
        return float(getattr(scanner.signals, name) * relaxed)

    signals = Signals(**{field.name: recovered(field.name) for field in fields(Signals)})
    return replace(scanner, signals=signals, flow=0.2)


def t1_map_ms(
    parameters: HeartParameters,
    plane: Plane,
    phase: float,
    scanner: ScannerSettings,
    rng: np.random.Generator,
    shift_mm: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """T1 in ms, (rows, columns) float32, 0 to LARGEST_T1_MS: noise where there is no signal."""
    exact = replace(
        scanner, signals=T1_MS, noise=0.0, shading=0.0, bands=0.0, fold_over=0.0, flow=0.0
    )
    weight = replace(scanner, noise=0.0, flow=0.0)
    (image,), _ = acquire(parameters, plane, (phase,), exact, rng, tuple(shift_mm))
    (signal,), _ = acquire(parameters, plane, (phase,), weight, rng, tuple(shift_mm))
    spread_ms = 1.5 * image.mean() * scanner.noise / (signal + scanner.noise)
    return np.clip(image + spread_ms * unit_noise(image.shape, rng), 0, LARGEST_T1_MS)


def first_pass(
    parameters: HeartParameters,
    plane: Plane,
    phase: float,
    beats: int,
    scanner: ScannerSettings,
    rng: np.random.Generator,
    shift_mm: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """Perfusion: one picture a heartbeat at one phase, (beats, rows, columns) float32.

    Contrast reaches the right ventricle, the left one, then the muscle. Without noise a picture is
    linear in the signals of its tissues, so that four of them make all.
    """
    quiet = replace(scanner, noise=0.0, flow=0.2, trabeculae=0.4)

    def bright(**signals: float) -> np.ndarray:
        seen = replace(quiet, signals=replace(_SATURATED, **signals))
        return acquire(parameters, plane, (phase,), seen, rng, tuple(shift_mm))[0][0]

    rest = bright()
    more = {name: bright(**{name: pass_[0]}) - rest for name, pass_ in _PASSES.items()}
    images = np.empty((beats, plane.rows, plane.columns), np.float32)
    for beat in range(beats):
        image = rest.copy()
        for name, (peak, late, middle, rise) in _PASSES.items():
            image += np.float32(_arrived(beat, late / peak, middle, rise)) * more[name]
        detected(image, scanner.noise, rng, out=images[beat])
    return images


def _arrived(beat: float, late: float, middle: float, rise: float) -> float:
    """Part of its peak that a bolus has at a heartbeat; `late` is the part that stays."""
    time = (beat - middle) / rise
    if time <= -1:
        return 0.0
    return max((1 + time) * math.exp(-time), late * (1 - math.exp(-(1 + time))))


@dataclass(frozen=True)
class Flow:
    """Phase contrast: magnitude and velocity (cm/s, along the plane's normal), (t, y, x) each."""

    magnitude: np.ndarray
    velocity_cm_s: np.ndarray


def measured_flow(
    parameters: HeartParameters,
    plane: Plane,
    phases: np.ndarray,
    venc_cm_s: float,
    scanner: ScannerSettings,
    rng: np.random.Generator,
) -> Flow:
    """Flow through a plane: blood in the aorta streams, all else rests.

    phases: (t,) parts of the RR interval. venc_cm_s: velocity at which the phase wraps. Where
    there is no signal the velocity is anything between -venc and venc.
    """
    quiet = replace(scanner, signals=_FLOW, noise=0.0, flow=0.5)
    images, _ = acquire(parameters, plane, phases, quiet, rng)
    magnitude, velocity = np.empty_like(images), np.empty_like(images)
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0]
    for t, phase in enumerate(phases):
        streams = velocity_mm_s(parameters, points, float(phase))
        turn = math.pi / (10 * venc_cm_s) * dot(streams, plane.normal)
        real = images[t] * np.cos(turn) + scanner.noise * unit_noise(turn.shape, rng)
        imaginary = images[t] * np.sin(turn) + scanner.noise * unit_noise(turn.shape, rng)
        magnitude[t] = np.hypot(real, imaginary)
        velocity[t] = np.arctan2(imaginary, real) / math.pi * venc_cm_s
    return Flow(magnitude, velocity)


def velocity_mm_s(parameters: HeartParameters, points_mm: np.ndarray, phase: float) -> np.ndarray:
    """Velocity of blood in the aorta at points (..., 3) in LPS mm; (..., 3), elsewhere 0.

    Up the root and down the descending part; fastest in mid-systole, in the vessel's middle.
    """
    heart = Heart(parameters)
    es = parameters.es_phase
    pace = math.sin(math.pi * phase / es) if phase < es else -0.05
    at, part = heart.coordinates(points_mm), contraction(phase, es)
    above = at.height_mm - heart.state(phase).height_mm
    depth = list(chambers_mm(heart, at, above, part))[AORTIC_ROOT][0]
    root = np.where(above > 0, np.clip(depth / (0.5 * heart.short_mm), 0, 1), 0)
    root = 10 * ROOT_CM_S * pace * root * (2 - root)
    down = np.hypot(points_mm[..., 0] - 20, points_mm[..., 1] - 0.4 * parameters.body.half_depth_mm)
    down = 10 * DESCENDING_CM_S * pace * np.clip(1 - (down / AORTA_MM) ** 2, 0, 1)
    return -root[..., None] * heart.axis - down[..., None] * np.array([0.0, 0.0, 1.0])
