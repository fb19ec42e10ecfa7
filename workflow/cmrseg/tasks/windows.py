"""Frames that a network over time sees together."""

import numpy as np


def windows(frames: int, length: int, cyclic: bool = True) -> np.ndarray:
    """Frames in the window around each frame: (frames, length) integers, in the order of time.

    length: of a window, odd, so that its frame is in the middle. cyclic: does the first frame
    follow the last one, as in a cine of a whole heartbeat? Else the first or last frame stands in
    for those beyond it. Raises ValueError where the length is not odd and positive, where there is
    no frame, and where a cyclic window is longer than the cycle and would meet a frame twice.
    """
    if length < 1 or length % 2 == 0:
        raise ValueError(f"a window of {length} frames has no middle; its length is odd")
    if frames < 1:
        raise ValueError(f"{frames} frames: there is nothing to look at")
    if cyclic and length > frames:
        raise ValueError(
            f"a window of {length} frames is longer than a cycle of {frames}; "
            "choose a shorter one, or one that is not cyclic"
        )
    around = np.arange(frames)[:, None] + np.arange(length) - length // 2
    return around % frames if cyclic else around.clip(0, frames - 1)
