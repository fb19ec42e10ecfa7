"""Receiver noise and respiratory ghosting."""

import math

import numpy as np


def with_ghosts(image: np.ndarray, strength: float, phase: float) -> np.ndarray:
    """Respiratory ghosts: weak copies displaced by a third of the image, varying with the phase."""
    third = image.shape[0] // 3
    turn = math.cos(2 * math.pi * phase)
    copies = (1 + turn) * np.roll(image, third, axis=0) + (1 - turn) * np.roll(
        image, -third, axis=0
    )
    return image + np.float32(strength) * copies.astype(np.float32)


def unit_noise(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Spatially correlated unit normal noise, as in images interpolated from fewer samples."""
    noise = rng.standard_normal((shape[0] + 1, shape[1] + 1), np.float32)
    noise = noise[1:] + noise[:-1]
    noise = noise[:, 1:] + noise[:, :-1]
    noise *= np.float32(0.5)
    return noise


def detected(
    image: np.ndarray, noise: float, rng: np.random.Generator, out: np.ndarray | None = None
) -> np.ndarray:
    """Magnitude image of a real image, with noise in both channels (Rician).

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
