"""Grey values of the augmentation of several images as channels: each channel by itself.

Contrast, gamma, bias field and noise, on a copy scaled to 0...1 by the channel's own range: images
of preparation `zscore` have no limits. They come back to that range, and do not leave it.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cmrseg.learn.smooth_fields import node_count, smooth_fields
from cmrseg.learn.source import send

# Each step of each channel is applied with this probability.
PROBABILITY = 0.5
# Largest factor of the contrast, and exponent of gamma; as often the inverse.
CONTRAST = 1.3
GAMMA = 1.4
# Of the gain, on both sides of 1. There are two nodes of the field to a side.
BIAS = 0.3
BIAS_CELLS = 2
# Standard deviation of the noise, in the channel's median grey value.
NOISE = 0.1
# The median is that of every eighth pixel along both axes.
MEDIAN_STEP = 8


@dataclass(frozen=True)
class ChannelGreys:
    """Steps of n images of c channels.

    contrast: (n, c), 1 = none. gamma: (n, c), 1 = none. bias: (n, c, k, k) float32, gains on a
    coarse grid beside 1, 0 = none. noise: (n, c, y, x) float32, in the channel's median, 0 = none.
    """

    contrast: np.ndarray
    gamma: np.ndarray
    bias: np.ndarray
    noise: np.ndarray


def draw_channel_greys(
    rng: np.random.Generator, count: int, channels: int, size_px: int
) -> ChannelGreys:
    """Draw the steps of `count` images of `size_px` x `size_px`; always as many numbers."""
    each = (count, channels)
    happens = rng.random((4, *each)) < PROBABILITY
    contrast, gamma = (rng.uniform(1, most, each) for most in (CONTRAST, GAMMA))
    inverse = rng.random((2, *each)) < 0.5
    contrast, gamma = (
        np.where(turned, 1 / value, value)
        for turned, value in zip(inverse, (contrast, gamma), strict=True)
    )
    side = node_count(size_px, size_px / BIAS_CELLS)
    # No gain exceeds those of the nodes around it.
    bias = rng.uniform(-BIAS, BIAS, (*each, side, side)).astype(np.float32)
    sd = np.where(happens[3], rng.uniform(0, NOISE, each), 0).astype(np.float32)
    noise = rng.standard_normal((*each, size_px, size_px), np.float32)
    noise *= sd[..., None, None]
    return ChannelGreys(
        np.where(happens[0], contrast, 1),
        np.where(happens[1], gamma, 1),
        np.where(happens[2][..., None, None], bias, np.float32(0)),
        noise,
    )


def apply_channel_greys(images: torch.Tensor, greys: ChannelGreys) -> torch.Tensor:
    """Apply the steps to each channel of images (n, [c,] y, x) float32; the same shape.

    Images of windows (n, t, y, x), whose frames change alike, take steps of one channel. A channel
    without a step comes back as it is.
    """
    channels = images[:, None] if images.ndim == 3 else images
    low, high = (f(channels, dim=(-2, -1), keepdim=True) for f in (torch.amin, torch.amax))
    span = torch.where(high > low, high - low, 1)
    contrast, gamma = (
        send(values, images.device, images.dtype)[..., None, None]
        for values in (greys.contrast, greys.gamma)
    )
    scaled = (channels - low) / span
    # Any mean would depend on the order of its sum.
    middle = _median(scaled)
    scaled = scaled.sub_(middle).mul_(contrast).add_(middle).clamp_(0, 1).pow_(gamma)
    size = channels.shape[-1]
    gains = 1 + smooth_fields(greys.bias, size, size / BIAS_CELLS)
    scaled = scaled * send(gains, images.device)
    scaled = middle * send(greys.noise, images.device) + scaled
    result = scaled.clamp_(0, 1).mul_(span).add_(low)
    touched = (
        (greys.contrast != 1)
        | (greys.gamma != 1)
        | greys.bias.any((-2, -1))
        | greys.noise.any((-2, -1))
    )
    where = send(touched, images.device)[..., None, None]
    return torch.where(where, result, channels).reshape(images.shape)


def _median(channels: torch.Tensor) -> torch.Tensor:
    """Median (n, c, 1, 1) of channels (n, c, y, x)."""
    some = channels[..., ::MEDIAN_STEP, ::MEDIAN_STEP].flatten(-2).sort(-1).values
    return some[..., some.shape[-1] // 2, None, None]
