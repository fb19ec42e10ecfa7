"""What a receiver adds to pictures: noise, and the ghosts of breathing."""

import math

import numpy as np


def with_ghosts(image: np.ndarray, strength: float, phase: float) -> np.ndarray:
    """What breathing leaves: weak copies a third of the picture off, another at each phase."""
    third = image.shape[0] // 3
    turn = math.cos(2 * math.pi * phase)
    copies = (1 + turn) * np.roll(image, third, axis=0) + (1 - turn) * np.roll(
        image, -third, axis=0
    )
    return image + np.float32(strength) * copies.astype(np.float32)


def unit_noise(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Unit normal noise that neighbours share, as in pictures interpolated from fewer samples."""
    noise = rng.standard_normal((shape[0] + 1, shape[1] + 1), np.float32)
    noise = noise[1:] + noise[:-1]
    noise = noise[:, 1:] + noise[:, :-1]
    noise *= np.float32(0.5)
    return noise


def detected(
    image: np.ndarray, noise: float, rng: np.random.Generator, out: np.ndarray | None = None
) -> np.ndarray:
    """The magnitude picture of a real one, with noise in both channels (Rician).

    image: (rows, columns) float32, also negative. noise: standard deviation in each channel.
    """
    real, imaginary = unit_noise(image.shape, rng), unit_noise(image.shape, rng)
    real *= noise
    real += image
    imaginary *= noise
    real *= real
    imaginary *= imaginary
    real += imaginary
    return np.sqrt(real, out=out)
