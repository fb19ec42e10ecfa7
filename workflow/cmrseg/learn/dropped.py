"""Drop-out of the augmentation: pixels and patches of an image that are missing."""

import numpy as np

# Share of the image, of pixels or of patches.
DROPPED = (0.02, 0.10)
PATCH_PX = 8


def draw_dropped(
    rng: np.random.Generator, count: int, size_px: int, probability: float
) -> np.ndarray:
    """Which pixels of `count` images are dropped: (n, y, x) bool; always as many numbers drawn.

    Single pixels are dropped with that probability, and patches of PATCH_PX, too.
    """
    happens = rng.random((2, count)) < probability
    shares = np.where(happens, rng.uniform(*DROPPED, (2, count)), 0)
    shares = shares.astype(np.float32)[:, :, None, None]
    pixels = rng.random((count, size_px, size_px), np.float32) < shares[0]
    side = -(-size_px // PATCH_PX)
    patches = rng.random((count, side, side), np.float32) < shares[1]
    whole = patches.repeat(PATCH_PX, 1).repeat(PATCH_PX, 2)
    return pixels | whole[:, :size_px, :size_px]
