"""A texture without grid: brightness at any place, so that pictures of it can move exactly."""

import numpy as np

ROWS_COLUMNS = (64, 72)
MIDDLE = np.array([36.0, 32.0])  # x and y in px
WAVES, LENGTHS_PX = 24, (7.0, 14.0)


def texture(places: np.ndarray) -> np.ndarray:
    """Brightness around 0.5 at places (..., 2), x and y in px: waves of many directions."""
    rng = np.random.default_rng(4)
    angles = np.pi * np.arange(WAVES) / WAVES
    numbers = 2 * np.pi / rng.uniform(*LENGTHS_PX, WAVES)
    starts = rng.uniform(0, 2 * np.pi, WAVES)
    along = places @ np.stack([np.cos(angles), np.sin(angles)])
    return 0.5 + 0.05 * np.cos(along * numbers + starts).sum(axis=-1)
