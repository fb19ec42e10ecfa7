"""Augmentation: parameters are drawn on the CPU by a seeded generator, applied in batches.

Positions are those of pixel centres in units of the canvas: x and y run from -1 at the outer
edge of the first pixel to 1 at the outer edge of the last. All geometry of an image is one
matrix, so that it is resampled once: images bilinear, labels nearest, zeros outside.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from cmrseg.learn.lighting import Lighting, apply_lighting, draw_lighting, own_range, per_image
from cmrseg.learn.source import send

MOUSE = ("mouse", "mouse_notebook")
PRESETS = ("no", "normal", "extreme", "fcn", "aorta", *MOUSE)

# Presets of Ankenbrand et al. 2021 (doi:10.1002/mrm.28822): largest rotation and left-right flip.
ROTATION_DEG = {"normal": 20.0, "extreme": 90.0}
FLIP_PROBABILITY = {"normal": 0.0, "extreme": 0.5}
# Every transform except the flip is applied with this probability.
PROBABILITY = 0.75
WARP = 0.2
MAX_ZOOM = 1.2
BRIGHTNESS = (0.3, 0.7)
CONTRAST = (0.6, 1 / 0.6)

# Trainings of Bai et al. 2018 (doi:10.1186/s12968-018-0471-x; aorta: 10.1007/978-3-030-00937-3_67):
# standard deviations of normal draws clipped to three of them. Shift, intensity and flip are off in
# the published trainings.
FCN_ROTATION_DEG = 10.0
FCN_ZOOM = {"fcn": 0.2, "aorta": 0.1}
FCN_CLIP = 3.0

# Pre-clinical training of Hanisah et al. 2026 (doi:10.1016/j.jocmr.2026.102706): left-right flips,
# quarter turns, and one step of zoom (each axis by itself), rotation and shift (fraction of the
# side). The published notebook shifts each image that it moves by that much down and right.
MOUSE_PROBABILITY = 0.5
MOUSE_ZOOM = (0.9, 1.1)
MOUSE_ROTATION_DEG = 10.0
MOUSE_SHIFT = 0.0625

# Grey values 0 and 1 have no finite logit.
LOGIT_MARGIN = 1e-7


@dataclass(frozen=True)
class Transforms:
    """One transform per image of a batch.

    matrices: (n, 3, 3), take (x, y, 1) of a pixel of the result to where the source is read, up
    to the third component (perspective). brightness: (n,) added to the grey values' logits,
    0 = none. contrast: (n,) the sum's factor, 1 = none. lighting: steps before all others, of
    presets that scale each image to 0..1 at the end.
    """

    matrices: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    lighting: Lighting | None = None


def identity(count: int) -> Transforms:
    """Transforms that change nothing."""
    return Transforms(np.tile(np.eye(3), (count, 1, 1)), np.zeros(count), np.ones(count))


def draw_transforms(rng: np.random.Generator, count: int, preset: str, size_px: int) -> Transforms:
    """Draw the transforms of `count` images on a canvas of `size_px` x `size_px`.

    Always draws the same amount of numbers for a preset, whichever transforms are then applied.
    `normal` and `extreme`: warp, rotation and zoom, brightness, contrast, flip, as Ankenbrand et
    al. 2021, who clip at the image's own border where this clips at that of the padded square.
    `fcn` and `aorta`: as Bai et al. 2018. `mouse`: as the paper of Hanisah et al. 2026 says;
    `mouse_notebook`: as their notebook, with far more noise and a constant shift. Raises
    ValueError for an unknown preset.
    """
    if preset not in PRESETS:
        raise ValueError(f"augmentation {preset!r} is unknown, expected one of {PRESETS}")
    if preset == "no":
        return identity(count)
    if preset in MOUSE:
        return _draw_mouse(rng, count, preset == "mouse_notebook", size_px)
    if preset in FCN_ZOOM:
        normal = np.clip(rng.standard_normal((2, count)), -FCN_CLIP, FCN_CLIP)
        angles_deg, zooms = FCN_ROTATION_DEG * normal[0], 1 + FCN_ZOOM[preset] * normal[1]
        matrices = fcn_matrices(angles_deg, zooms, size_px)
        return Transforms(matrices, np.zeros(count), np.ones(count))
    happens = rng.random((5, count)) < PROBABILITY
    warps = np.where(happens[0], rng.uniform(-WARP, WARP, (4, count)), 0)
    limit = ROTATION_DEG[preset]
    angles_deg = np.where(happens[1], rng.uniform(-limit, limit, count), 0)
    zooms = np.where(happens[2], rng.uniform(1, MAX_ZOOM, count), 1)
    focus = rng.uniform(-1, 1, (2, count))
    shares = np.where(happens[3], rng.uniform(*BRIGHTNESS, count), 0.5)
    contrast = np.where(
        happens[4], np.exp(rng.uniform(math.log(CONTRAST[0]), math.log(CONTRAST[1]), count)), 1
    )
    flips = rng.random(count) < FLIP_PROBABILITY[preset]
    geometry = product(
        warp_matrices(warps),
        rotation_matrices(angles_deg),
        zoom_matrices(zooms, focus),
        flip_matrices(flips),
    )
    return Transforms(geometry, np.log(shares / (1 - shares)), contrast)


def _draw_mouse(rng: np.random.Generator, count: int, notebook: bool, size_px: int) -> Transforms:
    """There, flips and rotations come before the grey value steps; the order does not matter.

    The exception is CLAHE, whose tiles are half a pixel off the centre.
    """
    happens = rng.random((3, count)) < MOUSE_PROBABILITY
    turns = np.where(happens[1], rng.integers(4, size=count), 0)
    zooms = np.where(happens[2], rng.uniform(*MOUSE_ZOOM, (2, count)), 1)
    angles_deg = np.where(
        happens[2], rng.uniform(-MOUSE_ROTATION_DEG, MOUSE_ROTATION_DEG, count), 0
    )
    shifts = rng.uniform(-MOUSE_SHIFT, MOUSE_SHIFT, (2, count))
    shifts = np.where(happens[2], np.full_like(shifts, MOUSE_SHIFT) if notebook else shifts, 0)
    geometry = product(
        flip_matrices(happens[0]),
        rotation_matrices(90.0 * turns),
        zoom_matrices(zooms, np.zeros((2, count))),
        rotation_matrices(angles_deg),
        shift_matrices(shifts),
    )
    lighting = draw_lighting(rng, count, notebook, size_px)
    return Transforms(geometry, np.zeros(count), np.ones(count), lighting)


def product(first: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Products of matrices (n, 3, 3), the last one applied first.

    Not `@`, whose last digit depends on the processor's linear algebra kernels.
    """
    for other in others:
        first = np.einsum("nij,njk->nik", first, other)
    return first


def rotation_matrices(angles_deg: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) of the image about its centre, counter-clockwise as displayed."""
    cosine, sine = np.cos(np.deg2rad(angles_deg)), np.sin(np.deg2rad(angles_deg))
    matrices = np.tile(np.eye(3), (len(angles_deg), 1, 1))
    # y runs down, so reading clockwise turns the picture counter-clockwise.
    matrices[:, 0, 0], matrices[:, 0, 1] = cosine, -sine
    matrices[:, 1, 0], matrices[:, 1, 1] = sine, cosine
    return matrices


def zoom_matrices(zooms: np.ndarray, focus: np.ndarray) -> np.ndarray:
    """Enlargement (n, 3, 3) by `zooms`; the point `focus` (2, n), (x, y), stays in place.

    zooms: (n,), or (2, n) along x and y.
    """
    matrices = np.tile(np.eye(3), (focus.shape[1], 1, 1))
    for axis, zoom in enumerate(np.broadcast_to(zooms, focus.shape)):
        matrices[:, axis, axis] = 1 / zoom
        matrices[:, axis, 2] = (1 - 1 / zoom) * focus[axis]
    return matrices


def shift_matrices(shifts: np.ndarray) -> np.ndarray:
    """Shifts (n, 3, 3) right and down by `shifts` (2, n), (x, y), fractions of the side."""
    matrices = np.tile(np.eye(3), (shifts.shape[1], 1, 1))
    # The side is two units long.
    matrices[:, :2, 2] = -2 * shifts.T
    return matrices


def flip_matrices(flips: np.ndarray) -> np.ndarray:
    """Left-right flips (n, 3, 3) where `flips` (n,) is true."""
    matrices = np.tile(np.eye(3), (len(flips), 1, 1))
    matrices[:, 0, 0] = np.where(flips, -1, 1)
    return matrices


def warp_matrices(warps: np.ndarray) -> np.ndarray:
    """Symmetric perspective warps (n, 3, 3) from four magnitudes (4, n).

    Magnitudes lengthen the edges x = -1, x = 1, y = -1, y = 1 of the area that is read by that
    fraction, on both sides of their middle.
    """
    left, right, top, bottom = warps
    # Of the read area, the mean half width and half height, and how they change across it.
    width, width_change = 1 + (bottom + top) / 2, (bottom - top) / 2
    height, height_change = 1 + (right + left) / 2, (right - left) / 2
    # Solved by hand for the four corners (x, y), whose coordinates are all 1 or -1: a product
    # of both vanishes for these slopes of the denominator.
    slope_x, slope_y = -height_change / height, -width_change / width
    rows = (
        (width + width_change * slope_y, width_change * slope_x, width * slope_x),
        (height_change * slope_y, height + height_change * slope_x, height * slope_y),
        (slope_x, slope_y, np.ones_like(slope_x)),
    )
    return np.moveaxis(np.array(rows), -1, 0)


def fcn_matrices(angles_deg: np.ndarray, zooms: np.ndarray, size_px: int) -> np.ndarray:
    """Rotation and zoom (n, 3, 3) of Bai et al. 2018 on a square canvas of `size_px` pixels.

    Pixel (y, x) of the result is read at M (y, x) + c - M c with M = [[cos, sin], [-sin, cos]]
    / zoom. As published c is pixel size_px / 2, half a pixel behind the true centre.
    """
    centre = np.full((2, len(zooms)), 1 / size_px)
    there, back = np.tile(np.eye(3), (2, len(zooms), 1, 1))
    there[:, :2, 2], back[:, :2, 2] = centre.T, -centre.T
    zoom = zoom_matrices(zooms, np.zeros_like(centre))
    return product(there, rotation_matrices(angles_deg), zoom, back)


def apply_transforms(
    images: torch.Tensor, labels: torch.Tensor, transforms: Transforms
) -> tuple[torch.Tensor, torch.Tensor]:
    """Apply one transform to each image and its labels, on the device where they are.

    images: (n, y, x) float32 in 0...1, or (n, c, y, x), whose channels all change alike, as do the
    frames of windows (n, t, y, x). labels: (n, y, x) uint8, of windows (n, t, y, x). Returns both
    in the same shape; background outside the source. Images whose transform changes nothing come
    back as they are.
    """
    if transforms.lighting is not None:
        images = apply_lighting(images, transforms.lighting)
    moved = np.flatnonzero((transforms.matrices != np.eye(3)).any(axis=(1, 2)))
    if len(moved):
        where = send(moved, images.device)
        grid = _sampling_grid(transforms.matrices[moved], images)
        images, labels = images.clone(), labels.clone()
        images[where] = _sample(images[where], grid, "bilinear")
        labels[where] = _sample(labels[where].float(), grid, "nearest").to(labels.dtype)
    lit = np.flatnonzero((transforms.brightness != 0) | (transforms.contrast != 1))
    if len(lit):
        where = send(lit, images.device)
        brightness, contrast = (
            per_image(send(values[lit], images.device, images.dtype), images)
            for values in (transforms.brightness, transforms.contrast)
        )
        logits = torch.logit(images[where], eps=LOGIT_MARGIN)
        images = images.clone()
        images[where] = torch.sigmoid((logits + brightness) * contrast)
    return (images if transforms.lighting is None else own_range(images)), labels


def _sampling_grid(matrices: np.ndarray, images: torch.Tensor) -> torch.Tensor:
    maps = send(matrices, images.device, images.dtype)
    y, x = ((2 * torch.arange(n, device=images.device) + 1) / n - 1 for n in images.shape[-2:])
    points = torch.stack(
        [x.expand(len(y), -1), y[:, None].expand(-1, len(x)), torch.ones_like(x).expand(len(y), -1)]
    )
    read = torch.einsum("nij,jyx->niyx", maps, points)
    return (read[:, :2] / read[:, 2:]).movedim(1, -1)


def _sample(planes: torch.Tensor, grid: torch.Tensor, mode: str) -> torch.Tensor:
    channels = planes[:, None] if planes.ndim == 3 else planes
    return functional.grid_sample(
        channels, grid, mode=mode, padding_mode="zeros", align_corners=False
    ).reshape(planes.shape)
