"""Whether pictures are tagged: saturation lines across them are a sharp peak in their spectrum."""

import numpy as np
from scipy import ndimage

# Distance of the lines in pixels: 5 to 8 mm, in pixels of 0.6 to 2 mm.
PERIOD_PX = (2.5, 14.0)
# Lines fade within a beat: the first third of the frames counts, and of these so many are enough.
EARLY, ENOUGH = 3, 6
# The power around a frequency is that of a square of 17 x 17 without its inner 7 x 7: lines that
# follow the heart are peaks a little wider than one frequency.
INNER, OUTER = 7, 17
# A peak that is so many times the power around it is of tags. The cine of Ferdian et al. 2020: 148,
# single frames 39 (the last one) to 200. Cines of patients, and other sequences, without tags: at
# most 14; digital hearts: 18.
LEAST_PEAK = 30.0
# Smaller pictures do not have frequencies enough around a peak.
LEAST_PX = 32


def looks_tagged(frames: np.ndarray) -> bool:
    """Whether a cine (t, y, x), or a picture (y, x), shows the lines of tags in any direction."""
    return tag_peak(frames) >= LEAST_PEAK


def tag_peak(frames: np.ndarray) -> float:
    """The largest power of a frequency of tags, by the mean power around it; 0 without any.

    frames: (t, y, x) or (y, x), of which the first ones count; frames of one grey value do not.
    """
    cine = np.asarray(frames, np.float64)
    early = cine[None] if cine.ndim == 2 else cine[: min(ENOUGH, -(-len(cine) // EARLY))]
    shown = [frame for frame in early if np.isfinite(frame).all() and np.ptp(frame) > 0]
    if not shown or min(shown[0].shape) < LEAST_PX:
        return 0.0
    power = np.mean([_power(frame) for frame in shown], axis=0)
    around = OUTER**2 * ndimage.uniform_filter(power, OUTER, mode="wrap")
    around -= INNER**2 * ndimage.uniform_filter(power, INNER, mode="wrap")
    around /= OUTER**2 - INNER**2
    cycles = np.hypot(np.fft.fftfreq(len(power))[:, None], np.fft.fftfreq(power.shape[1])[None])
    # A slope of the spectrum is no peak.
    peak = power >= ndimage.maximum_filter(power, 3, mode="wrap")
    peak &= (cycles >= 1 / PERIOD_PX[1]) & (cycles <= 1 / PERIOD_PX[0])
    peak &= around > 0
    return float((power[peak] / around[peak]).max(initial=0.0))


def _power(frame: np.ndarray) -> np.ndarray:
    """The spectrum of a picture, without its mean and the edges of the field of view."""
    window = np.outer(*(np.hanning(size) for size in frame.shape))
    mean = (frame * window).sum() / window.sum()
    return abs(np.fft.fft2((frame - mean) * window)) ** 2
