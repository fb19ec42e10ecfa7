"""Contrast-limited adaptive histogram equalisation of batches, as OpenCV defines it.

Zuiderveld 1994, doi:10.1016/B978-0-12-336156-1.50061-6. The image is divided into 8 x 8 tiles; each
tile has a curve from its histogram of 256 grey values, and each pixel is interpolated between the
curves of the four surrounding tiles.
"""

import numpy as np
import torch

from cmrseg.learn.source import send

TILES = 8
LEVELS = 256


def clahe(images: torch.Tensor, clip_limits: np.ndarray) -> torch.Tensor:
    """Equalise each image with its own clip limit, on the device where they are.

    images: (n, y, x) float32 in 0..1; y and x multiples of 8. clip_limits: (n,); a grey
    value counts at most this many times as often as if all were equally frequent. Returns the
    same shape, in 0..1. Raises ValueError if the image cannot be divided into 8 x 8 tiles.
    """
    count, *size = images.shape
    if any(pixels % TILES for pixels in size):
        raise ValueError(f"images of {size} pixels (y, x): both must be multiples of {TILES}")
    tile = [pixels // TILES for pixels in size]
    levels = (images.clamp(0, 1) * (LEVELS - 1)).round().long()
    rows, columns = (torch.arange(pixels, device=images.device) for pixels in size)
    of_tile = _curve_starts(rows // tile[0], columns // tile[1], count)
    # Not bincount, which waits for the GPU.
    counts = torch.zeros(count * TILES**2 * LEVELS, dtype=torch.long, device=images.device)
    counts.scatter_add_(0, (of_tile + levels).flatten(), torch.ones_like(levels).flatten())
    area = tile[0] * tile[1]
    limits = send(np.maximum((clip_limits * area / LEVELS).astype(int), 1), images.device)
    curves = _curves(counts.reshape(count, TILES**2, LEVELS), limits, area).flatten()
    # Tiles above and below, left and right of a pixel, and the share of the later one.
    (above, below, down), (left, right, across) = (
        _neighbours(places, pixels) for places, pixels in zip((rows, columns), tile, strict=True)
    )
    down = down[:, None]
    corners = [
        curves[_curve_starts(vertical, horizontal, count) + levels]
        for vertical in (above, below)
        for horizontal in (left, right)
    ]
    upper = corners[0] * (1 - across) + corners[1] * across
    lower = corners[2] * (1 - across) + corners[3] * across
    return (upper * (1 - down) + lower * down) / (LEVELS - 1)


def _curve_starts(vertical: torch.Tensor, horizontal: torch.Tensor, count: int) -> torch.Tensor:
    """Place (n, y, x) of a tile's curve in the list of all, from its row and column per pixel."""
    tiles = vertical[:, None] * TILES + horizontal
    images = torch.arange(count, device=tiles.device)[:, None, None] * TILES**2
    return (images + tiles) * LEVELS


def _curves(counts: torch.Tensor, limits: torch.Tensor, area: int) -> torch.Tensor:
    """Curve of each tile (n, tiles, 256) in 0..255 from counts of its pixels by grey value.

    The excess above the limit is spread over all grey values, the remainder at equal distances.
    """
    kept = torch.minimum(counts, limits[:, None, None])
    excess = (counts - kept).sum(-1, keepdim=True)
    rest = excess % LEVELS
    step = (LEVELS // rest.clamp(min=1)).clamp(min=1)
    level = torch.arange(LEVELS, device=counts.device)
    extra = (level % step == 0) & (level // step < rest)
    kept = kept + excess // LEVELS + extra
    return (kept.cumsum(-1) * ((LEVELS - 1) / area)).round().float()


def _neighbours(places: torch.Tensor, tile: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tiles before and behind each place along an axis, and the share of the one behind."""
    # Not (places + 0.5) / tile - 0.5: OpenCV counts from the middle of the first pixel.
    position = places / tile - 0.5
    before = position.floor()
    first, second = (index.long().clamp(0, TILES - 1) for index in (before, before + 1))
    return first, second, position - before
