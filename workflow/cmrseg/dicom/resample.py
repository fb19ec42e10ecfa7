"""Bring images to another grid: scaling, turning, cropping and padding in the plane.

Linear with anti-aliasing; rotation also by nearest neighbour, for labels. All functions take
(..., y, x) and treat every leading index alike.
"""

import math
from functools import lru_cache

import numpy as np

# Standard deviations at which the Gaussian is cut off, as in scikit-image.
GAUSSIAN_TRUNCATE = 4.0


def scaled_size(size_px: int, factor: float) -> int:
    """Pixels of an axis after scaling; halves are rounded to even, at least 1."""
    return max(round(size_px * factor), 1)


def resize(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scale images to (rows, columns), linearly.

    images: (..., y, x). Before shrinking by f an axis is smoothed by a Gaussian of
    sigma = (1/f - 1)/2 pixels; borders are mirrored about the centre of the outermost pixel.
    Returns float64, or the array itself where the shape is right already.
    Equals `resize` of scikit-image 0.16 with its defaults; done as one matrix per axis.
    """
    if images.shape[-2:] == tuple(shape):
        return images
    down = _sparse_matrix(images.shape[-2], shape[0])
    across = _sparse_matrix(images.shape[-1], shape[1])
    flat = images.reshape(-1, *images.shape[-2:])
    scaled = np.empty((len(flat), *shape))
    # One by one, as an image fits into the processor's cache and a stack does not.
    for i, image in enumerate(flat):
        lines = across @ np.ascontiguousarray(image.T, np.float64)
        scaled[i] = down @ np.ascontiguousarray(lines.T)
    return scaled.reshape(*images.shape[:-2], *shape)


@lru_cache(maxsize=64)
def _sparse_matrix(size_in: int, size_out: int):
    """`linear_matrix`, sparse: its products are fast and do not depend on a linear algebra library.

    scipy is loaded here, as that takes longer than the import of a study without scaling.
    """
    from scipy import sparse

    return sparse.csr_array(linear_matrix(size_in, size_out))


def linear_matrix(size_in: int, size_out: int) -> np.ndarray:
    """Weights (size_out, size_in) that resize one axis linearly with anti-aliasing."""
    step = size_in / size_out
    smooth = np.eye(size_in)
    sigma = max(0.0, (step - 1) / 2)
    if sigma > 0:
        from scipy.ndimage import gaussian_filter1d

        smooth = gaussian_filter1d(smooth, sigma, axis=0, mode="mirror", truncate=GAUSSIAN_TRUNCATE)
    # Mirrored at the centres of the outermost pixels; beyond 1 pixel it cannot get.
    place = np.abs((np.arange(size_out) + 0.5) * step - 0.5)
    place = (size_in - 1) - np.abs((size_in - 1) - place)
    low = np.clip(np.floor(place).astype(int), 0, max(size_in - 2, 0))
    high = np.minimum(low + 1, size_in - 1)
    weight = place - low
    return (1 - weight)[:, None] * smooth[low] + weight[:, None] * smooth[high]


def rotate(
    images: np.ndarray,
    angle_deg: float,
    shape: tuple[int, int],
    nearest: bool = False,
    shift: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Turn images counter-clockwise (as displayed, y downwards) about their centre.

    images: (..., y, x). shape: (rows, columns) of the result, whose centre is the images'
    centre, moved by `shift` (rows, columns) after turning. Linear, or values only picked where
    `nearest`; zero outside the images.
    """
    rows, columns = images.shape[-2:]
    down = np.arange(shape[0])[:, None] - (shape[0] - 1) / 2 - shift[0]
    across = np.arange(shape[1])[None, :] - (shape[1] - 1) / 2 - shift[1]
    # Cosine and sine of whole quarter turns are exact, so that four of them are the identity.
    quarters = angle_deg / 90
    cos, sin = (
        ((1, 0), (0, 1), (-1, 0), (0, -1))[int(quarters) % 4]
        if quarters == int(quarters)
        else (math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg)))
    )
    x = across * cos - down * sin + (columns - 1) / 2
    y = across * sin + down * cos + (rows - 1) / 2
    # One pixel of zeros around the images; all that lies further out falls on it, too.
    padded = np.pad(images, [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)])
    x, y = np.clip(x + 1, 0, columns + 1), np.clip(y + 1, 0, rows + 1)
    if nearest:
        return padded[..., np.floor(y + 0.5).astype(int), np.floor(x + 0.5).astype(int)]
    x0, y0 = np.minimum(x.astype(int), columns), np.minimum(y.astype(int), rows)
    wx, wy = x - x0, y - y0
    upper = padded[..., y0, x0] * (1 - wx) + padded[..., y0, x0 + 1] * wx
    lower = padded[..., y0 + 1, x0] * (1 - wx) + padded[..., y0 + 1, x0 + 1] * wx
    return upper * (1 - wy) + lower * wy


def fit(
    images: np.ndarray,
    shape: tuple[int, int],
    shift: tuple[float, float] = (0.0, 0.0),
    nearest: bool = False,
) -> np.ndarray:
    """Crop or zero-pad (..., y, x) to (rows, columns), each axis on its own.

    Half of the difference goes on each side, an odd pixel on the low side. Then moved by
    `shift` pixels (rows, columns), linearly, or for labels by the nearest whole number
    (`nearest`); what is cropped without the shift comes in with it. Whole pixels are exact.
    """
    for axis, size, step in zip((-2, -1), shape, shift, strict=True):
        more = size - images.shape[axis]
        low = (abs(more) + 1) // 2 * (1 if more > 0 else -1)
        whole = math.floor(step + 0.5 if nearest else step)
        part = 0.0 if nearest else step - whole
        moved = _moved(images, axis, size, low + whole)
        if part:
            moved = (1 - part) * moved + part * _moved(images, axis, size, low + whole + 1)
        images = moved
    return images


def _moved(images: np.ndarray, axis: int, size: int, start: int) -> np.ndarray:
    """An axis cropped and zero-padded to `size`, its first pixel coming to place `start`."""
    length = images.shape[axis]
    if start == 0 and length == size:
        return images
    picked: list[slice] = [slice(None)] * images.ndim
    picked[axis] = slice(min(max(-start, 0), length), max(min(size - start, length), 0))
    images = images[tuple(picked)]
    widths = [(0, 0)] * images.ndim
    low = min(max(start, 0), size)
    widths[axis] = (low, size - low - images.shape[axis])
    return np.pad(images, widths)
