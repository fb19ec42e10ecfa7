"""Tags of SPAMM: their pattern at end-diastole, and how they fade over the beat.

Spatial modulation of magnetization (Axel and Dougherty 1989, doi:10.1148/radiology.171.3.2717762):
hard pulses, whose flip angles are in the proportions of binomial coefficients, with a gradient
between them, turn the magnetization along z into a pattern of the phase that the gradient gives a
place. Two such trains with gradients across each other make a grid.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmrseg.phantom.body import Signals
from cmrseg.phantom.contrasts import T1_MS

PATTERNS = ("grid", "lines")
# Orders of binomials: 1-1, 1-2-1 and 1-3-3-1, whose tags get narrower in this order.
BINOMIALS = (1, 2, 3)
# UK Biobank's tagging (Petersen et al. 2016, doi:10.1186/s12968-016-0227-4): grid, 6 mm, readouts
# every 8.2 ms. Flip angles fit the growth and fading of published images.
TR_MS = 8.2
# Longitudinal magnetization when tags are made, over that of the steady state of the readouts:
# after the last frame it recovers undisturbed until the next beat.
RECOVERED = 1.6
# T1 grows with the field by this power; contrasts.T1_MS holds for 1.5 T.
T1_POWER, T1_FIELD_T = 0.3, 1.5
# The ventricles' blood has lost its tags after so many ms.
WASHOUT_MS = 60.0
# Standard deviations at variety 1 of settings that are not given: of the logarithm of spacing and
# flip angles, and of the angle in degrees.
SPACING_SD, FLIP_SD, ANGLE_SD_DEG = 0.08, 0.1, 5.0


@dataclass(frozen=True)
class Tagging:
    """How a scanner tags.

    pattern: grid, or lines in one direction. binomial: order of the pulses' binomial coefficients,
    as BINOMIALS. spacing_mm: of neighbouring tags. angle_deg: of the direction across the tags,
    against the rows of the picture, clockwise; a grid has others at right angles to it.
    flip_deg: of all pulses of a train together; 90 leaves no signal in the middle of a tag.
    readout_flip_deg: of each readout; larger ones fade tags faster. Raises ValueError for a value
    out of range.
    """

    pattern: str = "grid"
    binomial: int = 1
    spacing_mm: float = 6.0
    angle_deg: float = 45.0
    flip_deg: float = 80.0
    readout_flip_deg: float = 10.0

    def __post_init__(self):
        if self.pattern not in PATTERNS:
            raise ValueError(f"pattern is {self.pattern!r}, expected {' or '.join(PATTERNS)}")
        if self.binomial not in BINOMIALS:
            raise ValueError(f"binomial is {self.binomial}, expected one of {BINOMIALS}")
        if self.spacing_mm <= 0:
            raise ValueError(f"spacing_mm is {self.spacing_mm}, expected more than 0")
        for name, most in (("flip_deg", 180), ("readout_flip_deg", 90)):
            if not 0 < getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 to {most}")

    @cached_property
    def _series(self) -> np.ndarray:
        """Chebyshev coefficients of the profile as a function of the phase's cosine."""
        return np.polynomial.chebyshev.chebinterpolate(
            lambda cos: magnetization(np.arccos(cos), self.binomial, self.flip_deg), self.binomial
        )

    def profile(self, phase_rad: np.ndarray) -> np.ndarray:
        """Longitudinal magnetization at gradient phases after one train, 1 before it."""
        cos = np.cos(phase_rad)
        constant, *others = (float(c) for c in self._series)
        found, before, last = constant + others[0] * cos, np.ones_like(cos), cos
        for coefficient in others[1:]:
            before, last = last, 2 * cos * last - before
            found += coefficient * last
        return found

    def pattern_at(self, x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
        """Longitudinal magnetization just after the tags, 1 before them.

        x_mm, y_mm: places along rows and columns of the picture, from the scanner's isocentre.
        """
        turns = 2 * math.pi / self.spacing_mm
        c, s = (f(math.radians(self.angle_deg)) * turns for f in (math.cos, math.sin))
        found = self.profile(c * x_mm + s * y_mm)
        return found * self.profile(c * y_mm - s * x_mm) if self.pattern == "grid" else found

    @property
    def mean(self) -> float:
        """The pattern's mean over space."""
        constant = float(self.profile(np.arange(16) * (math.pi / 8)).mean())
        return constant**2 if self.pattern == "grid" else constant

    def left(self, time_ms: float, t1_ms: float) -> float:
        """Part of the way to the readouts' steady state that is left after some time, 1 to 0.

        Each readout leaves the cosine of its flip angle (Fischer et al. 1993,
        doi:10.1002/mrm.1910300207).
        """
        readouts = -math.log(math.cos(math.radians(self.readout_flip_deg))) / TR_MS
        return math.exp(-time_ms * (1 / t1_ms + readouts))

    def faded(self, signal: float, time_ms: float, t1_ms: float) -> tuple[float, float]:
        """Signal of a tissue some time after the tags, as a + b * pattern: (a, b).

        signal: in the steady state.
        """
        left = self.left(time_ms, t1_ms)
        return signal * (1 - left), signal * left * RECOVERED


def magnetization(phase_rad: np.ndarray, binomial: int, flip_deg: float) -> np.ndarray:
    """Longitudinal magnetization after pulses with a gradient's phase between each two of them.

    Rotation after rotation, from (0, 0, 1); what is transverse at the end is spoiled.
    """
    weights = [math.comb(binomial, i) for i in range(binomial + 1)]
    c, s = np.cos(phase_rad), np.sin(phase_rad)
    x, y, z = np.zeros_like(c), np.zeros_like(c), np.ones_like(c)
    for weight in weights:
        flip = math.radians(flip_deg) * weight / sum(weights)
        x, y = c * x - s * y, s * x + c * y
        y, z = math.cos(flip) * y - math.sin(flip) * z, math.sin(flip) * y + math.cos(flip) * z
    return z


def t1_ms(tissue: str, field_t: float) -> float:
    """T1 of a tissue, a field of `Signals`, at a field strength."""
    return float(getattr(T1_MS, tissue)) * (field_t / T1_FIELD_T) ** T1_POWER


def tagged_signals(
    tagging: Tagging, signals: Signals, field_t: float, time_ms: float, pattern: np.ndarray
) -> dict[str, np.ndarray]:
    """Signals of the beating heart's tissues, arrays like `pattern`, by field of `Signals`.

    signals: of the steady state. pattern: of the material that is at each place. Blood mixes.
    """
    kept = math.exp(-((time_ms / WASHOUT_MS) ** 2))
    found = {}
    for tissue in ("blood", "vein", "myocardium", "muscle", "fat"):
        a, b = tagging.faded(getattr(signals, tissue), time_ms, t1_ms(tissue, field_t))
        if tissue in ("blood", "vein"):
            a, b = a + b * (1 - kept) * tagging.mean, b * kept
        found[tissue] = np.float32(a) + np.float32(b) * pattern
    return found


def draw_tagging(given: Mapping[str, object], variety: float, rng: np.random.Generator) -> Tagging:
    """The tagging of one site.

    given: fields of `Tagging`; a number, or (least, most) to draw from; of pattern and binomial
    one value, or several to choose from. What is not given varies around the usual with
    `variety`, except pattern and binomial. Raises ValueError naming an unknown setting.
    """
    usual = Tagging()
    names = list(Tagging.__dataclass_fields__)
    if unknown := sorted(set(given) - set(names)):
        raise ValueError(f"tagging has {unknown[0]}, expected some of {', '.join(names)}")
    found: dict[str, object] = {}
    for name in names:
        # One draw for each, so that a setting does not change the others.
        part, normal = float(rng.random()), float(rng.normal())
        value, middle = given.get(name), getattr(usual, name)
        if name in ("pattern", "binomial"):
            several = value if isinstance(value, Sequence) and not isinstance(value, str) else None
            found[name] = several[int(part * len(several))] if several else (value or middle)
        elif isinstance(value, Sequence):
            least, most = (float(v) for v in value)
            found[name] = least + part * (most - least)
        elif value is not None:
            found[name] = float(value)  # type: ignore[arg-type]
        elif name == "angle_deg":
            found[name] = middle + ANGLE_SD_DEG * variety * normal
        else:
            spread = SPACING_SD if name == "spacing_mm" else FLIP_SD
            found[name] = middle * math.exp(spread * variety * normal)
    return Tagging(**found)  # type: ignore[arg-type]
