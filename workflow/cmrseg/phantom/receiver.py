"""Receiver noise, respiratory ghosting, interpolation."""

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


def zero_filled(images: np.ndarray, times: int) -> np.ndarray:
    """Images (t, y, x) interpolated as scanners do: more matrix, no more detail.

    The first pixels' centres stay where they are. Values below 0 become 0.
    """
    if times == 1:
        return images
    rows, columns = (n * times for n in images.shape[1:])
    spectrum = np.fft.fftshift(np.fft.fft2(images.astype(np.float64)), axes=(1, 2))
    before = [(n - m) // 2 for n, m in zip((rows, columns), images.shape[1:], strict=True)]
    after = [n - m - b for n, m, b in zip((rows, columns), images.shape[1:], before, strict=True)]
    padded = np.pad(spectrum, [(0, 0), *zip(before, after, strict=True)])
    full = np.fft.ifft2(np.fft.ifftshift(padded, axes=(1, 2))).real * times**2
    return np.maximum(full, 0)
