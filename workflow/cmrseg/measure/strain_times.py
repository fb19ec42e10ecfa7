"""When a heart contracts: end-systole of a ring of landmarks, peaks and rates of strain curves."""

from typing import NamedTuple

import numpy as np

from cmrseg.ring import ENDOCARDIUM, by_spoke

# Part of the time from end-systole to the last frame in which early diastole is looked for; later
# the atria contract, and the ventricle lengthens once more.
EARLY = 0.5


class Peak(NamedTuple):
    """The greatest strain of a curve and its frame, from 0; nan where it is unknown."""

    value: float
    frame: float


class Rates(NamedTuple):
    """Fastest change of strain in systole and in early diastole, per second; nan where unknown."""

    systolic: float
    early_diastolic: float


def cavity_area_mm2(points_px: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    """Area (t, z) within the endocardial landmarks; nan where one of them is unknown.

    points_px: (t, z, 168, 2), landmarks (y, x). spacing_mm: of pixels along y and x.
    """
    y, x = np.moveaxis(by_spoke(np.asarray(points_px, np.float64))[..., ENDOCARDIUM, :], -1, 0)
    twice = x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1)
    return np.abs(twice.sum(axis=-1)) / 2 * spacing_mm[0] * spacing_mm[1]


def extreme_frame(curve: np.ndarray, largest: bool) -> int | None:
    """The first frame in which a curve (t,) is largest, or smallest.

    None where its frames up to there, or the one after, are not all known (nan): the extreme may be
    one of these.
    """
    curve = np.asarray(curve, np.float64)
    if not np.isfinite(curve).any():
        return None
    frame = int(np.nanargmax(curve) if largest else np.nanargmin(curve))
    return frame if np.isfinite(curve[: frame + 2]).all() else None


def peak_of(curve: np.ndarray, direction: str) -> Peak:
    """The greatest strain of a curve (t,): the smallest value around, the largest across."""
    frame = extreme_frame(curve, largest=direction == "radial")
    return Peak(np.nan, np.nan) if frame is None else Peak(float(curve[frame]), float(frame))


def rates_of(curve: np.ndarray, direction: str, es_frame: int, interval_s: float) -> Rates:
    """Rates of a strain curve (t,) in its unit per second, by differences of neighbouring frames.

    systolic: the fastest shortening of lines around the heart (negative), or lengthening of those
    across the wall, from the first frame to end-systole. early_diastolic: the fastest way back, in
    the first part (EARLY) of the time from end-systole to the last frame. nan where a frame of that
    time, or the interval of frames, is unknown.
    """
    curve = np.asarray(curve, np.float64)
    if len(curve) < 2 or not interval_s > 0:
        return Rates(np.nan, np.nan)
    rate = np.gradient(curve, interval_s) * (-1 if direction == "circumferential" else 1)
    last = es_frame + max(1, round((len(curve) - 1 - es_frame) * EARLY))
    systole, diastole = rate[: es_frame + 1], rate[es_frame : last + 1]
    sign = -1.0 if direction == "circumferential" else 1.0
    # Both are nan where any of their frames is.
    early = sign * diastole.min() if es_frame < len(curve) - 1 else np.nan
    return Rates(float(sign * systole.max()), float(early))
