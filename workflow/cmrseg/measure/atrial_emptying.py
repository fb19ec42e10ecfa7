"""When an atrium begins to contract, told from its volume curve alone."""

import numpy as np
from scipy import ndimage

# Fewer frames do not show the contraction: 20 of a beat at 60 per minute are 50 ms each.
LEAST_FRAMES = 20
# Standard deviation of the smoothing, as part of the beat (about 20 ms).
SMOOTHING = 0.02
# Emptying below this part of its peak is none: between the peaks of early and late diastole it
# gets so slow, and contraction begins where it gets faster.
QUIET = 1 / 3
# Parts of what the atrium empties by; what is less is noise of the outlines.
LEAST_PART = 0.1


def pre_contraction_frame(volume_ml: np.ndarray) -> int | None:
    """The frame (from 0) with the volume before atrial contraction; None where none is certain.

    volume_ml: (t,) over one heartbeat, whose end goes on at its start. Between its largest and its
    smallest volume an atrium empties twice: when the valve opens, and when it contracts. Of the
    smoothed curve, that is where emptying is slow between two peaks, at most QUIET of the lower
    one; the frame is the last one before emptying gets faster than QUIET of the second peak. There
    is none with fewer than LEAST_FRAMES, with an unknown frame, without two such peaks (fast heart
    rates merge them), or where either of the two falls is less than LEAST_PART of both together, as
    without a contraction in atrial fibrillation. What the volume means: Maceira et al. 2016,
    doi:10.1186/s12968-016-0284-8.
    """
    count = len(volume_ml)
    if count < LEAST_FRAMES or not np.isfinite(volume_ml).all():
        return None
    largest, smallest = int(volume_ml.argmax()), int(volume_ml.argmin())
    frames = (largest + np.arange((smallest - largest) % count + 1)) % count
    smooth = ndimage.gaussian_filter1d(volume_ml, SMOOTHING * count, mode="wrap")
    falls = -np.diff(smooth[frames])
    if len(falls) < 3:
        return None
    early = np.maximum.accumulate(falls)
    late = np.maximum.accumulate(falls[::-1])[::-1]
    between = int((np.minimum(early, late) - falls).argmax())
    lower_peak = min(early[between], late[between])
    if lower_peak <= 0 or falls[between] > QUIET * lower_peak:
        return None
    contraction = between + int(falls[between:].argmax())
    slow = np.flatnonzero(falls[:contraction] <= QUIET * falls[contraction])
    frame = int(frames[slow[-1] + 1])
    parts = volume_ml[largest] - volume_ml[frame], volume_ml[frame] - volume_ml[smallest]
    return frame if min(parts) >= LEAST_PART * sum(parts) else None
