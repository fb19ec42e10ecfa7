"""Grey values in the pre-clinical augmentation: 8 bits, brightness, gamma, noise, CLAHE.

Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706. Images are first reduced to 8 bits, as
published; between the steps they are not rounded again.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cmrseg.learn.clahe import clahe
from cmrseg.learn.source import send

# Probability of each step; limits of what is added to grey values in 0..1, of gamma, and of
# CLAHE's clip limit.
BRIGHTNESS_PROBABILITY, BRIGHTNESS = 0.4, 0.17
GAMMA_PROBABILITY, GAMMA = 0.3, (0.7, 1.2)
NOISE_PROBABILITY = 0.5
CLAHE_PROBABILITY, CLIP_LIMITS = 0.5, (1.0, 2.0)
# The paper gives the variance of the noise in 8-bit grey values. The published notebook has
# standard deviations of the full scale, about ten times as much.
NOISE_VARIANCE = (30.0, 100.0)
NOTEBOOK_NOISE_SD = (0.1, 0.4)
EIGHT_BITS = 255
# Stored images have 16 bits, 257 steps to each of 8; float32 must not lose one that is whole.
TRUNCATION_MARGIN = 1e-3


@dataclass(frozen=True)
class Lighting:
    """Steps of n images. added: (n,), 0 = none. gamma: (n,), 1 = none. noise: (n, y, x) float32,
    0 = none. clip_limits: (n,) of CLAHE, 0 = none.
    """

    added: np.ndarray
    gamma: np.ndarray
    noise: np.ndarray
    clip_limits: np.ndarray


def draw_lighting(rng: np.random.Generator, count: int, notebook: bool, size_px: int) -> Lighting:
    """Draw the steps of `count` images of `size_px` x `size_px`; always as many numbers.

    notebook: noise as in the published notebook, not as in the paper.
    """
    chances = (BRIGHTNESS_PROBABILITY, GAMMA_PROBABILITY, NOISE_PROBABILITY, CLAHE_PROBABILITY)
    happens = rng.random((4, count)) < np.array(chances)[:, None]
    added = rng.uniform(-BRIGHTNESS, BRIGHTNESS, count)
    gamma = rng.uniform(*GAMMA, count)
    if notebook:
        sd = rng.uniform(*NOTEBOOK_NOISE_SD, count)
    else:
        sd = np.sqrt(rng.uniform(*NOISE_VARIANCE, count)) / EIGHT_BITS
    clip_limits = rng.uniform(*CLIP_LIMITS, count)
    noise = rng.standard_normal((count, size_px, size_px), np.float32)
    noise *= np.where(happens[2], sd, 0)[:, None, None].astype(np.float32)
    return Lighting(
        np.where(happens[0], added, 0),
        np.where(happens[1], gamma, 1),
        noise,
        np.where(happens[3], clip_limits, 0),
    )


def apply_lighting(images: torch.Tensor, lighting: Lighting) -> torch.Tensor:
    """Apply one set of steps to each image (n, [c,] y, x) float32 in 0..1; the same shape, range.

    Channels of an image change alike, noise included.
    """
    images = eight_bits(images)
    added, gamma = (
        per_image(send(values, images.device, images.dtype), images)
        for values in (lighting.added, lighting.gamma)
    )
    images = (images + added).clamp(0, 1) ** gamma
    noise = send(lighting.noise, images.device)
    images = (images + (noise if images.ndim == 3 else noise[:, None])).clamp(0, 1)
    equalised = np.flatnonzero(lighting.clip_limits)
    if len(equalised):
        where = send(equalised, images.device)
        for channel in [images] if images.ndim == 3 else images.unbind(1):
            channel[where] = clahe(channel[where], lighting.clip_limits[equalised])
    return images


def per_image(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Values (n,) of images (n, ..., y, x), in a shape that they can be added in."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def eight_bits(images: torch.Tensor) -> torch.Tensor:
    """Images in 0..1 with 256 grey values; values in between are rounded down."""
    return (images * EIGHT_BITS + TRUNCATION_MARGIN).floor() / EIGHT_BITS


def own_range(images: torch.Tensor) -> torch.Tensor:
    """Each image (..., y, x) scaled to values from 0 to 1; a constant one is zeros."""
    low, high = images.amin((-2, -1), keepdim=True), images.amax((-2, -1), keepdim=True)
    return (images - low) / torch.where(high > low, high - low, 1)
