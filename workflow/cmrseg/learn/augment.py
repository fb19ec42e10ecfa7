"""Augmentation: parameters are drawn on the CPU by a seeded generator, applied in batches.

All geometry of an image is one matrix, and displacements of single pixels beside it, so that it is
resampled once: images bilinear, labels nearest, zeros outside.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from cmrseg.learn.channel_greys import ChannelGreys, apply_channel_greys, draw_channel_greys
from cmrseg.learn.dropped import draw_dropped
from cmrseg.learn.elastic import Elastic, displacements_px, draw_elastic
from cmrseg.learn.lighting import Lighting, apply_lighting, draw_lighting, own_range, per_image
from cmrseg.learn.matrices import (
    fcn_matrices,
    flip_matrices,
    product,
    rotation_matrices,
    shift_matrices,
    warp_matrices,
    zoom_matrices,
)
from cmrseg.learn.source import send

MOUSE = ("mouse", "mouse_notebook")
MYOPS = ("myops", "myops_cmrseg")
PRESETS = ("no", "normal", "extreme", "fcn", "aorta", *MOUSE, *MYOPS)

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

# Kinds of the training of Altunok and Oksuz 2020 (MyoPS 2020, LNCS 12554, pages 128-137); their
# strengths are not published.
MYOPS_ROTATION_DEG = 15.0
MYOPS_FLIP_PROBABILITY = 0.5
MYOPS_ELASTIC_PROBABILITY = 0.3
MYOPS_DROPPED_PROBABILITY = 0.3

# Training of ours on the same images: stacks of few slices, turned in any way.
CMRSEG_ROTATION_DEG = 180.0
CMRSEG_ZOOM = (0.8, 1.2)
CMRSEG_SHIFT_PX = 12.0
CMRSEG_ELASTIC_PROBABILITY = 0.5

# Grey values 0 and 1 have no finite logit.
LOGIT_MARGIN = 1e-7


@dataclass(frozen=True)
class Transforms:
    """One transform per image of a batch.

    matrices: (n, 3, 3), take (x, y, 1) of a pixel of the result to where the source is read, up
    to the third component (perspective). brightness: (n,) added to the grey values' logits,
    0 = none. contrast: (n,) the sum's factor, 1 = none. lighting: steps before all others, of
    presets that scale each image to 0..1 at the end. greys: steps of each channel, before all
    others. elastic: displacements where a pixel is read, beside those of its matrix. dropped:
    (n, y, x) bool, pixels of the result that are 0 in the image, and stay what they are in labels.
    """

    matrices: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    lighting: Lighting | None = None
    greys: ChannelGreys | None = None
    elastic: Elastic | None = None
    dropped: np.ndarray | None = None


def identity(count: int) -> Transforms:
    """Transforms that change nothing."""
    return Transforms(np.tile(np.eye(3), (count, 1, 1)), np.zeros(count), np.ones(count))


def draw_transforms(
    rng: np.random.Generator, count: int, preset: str, size_px: int, channels: int = 1
) -> Transforms:
    """Draw the transforms of `count` images on a canvas of `size_px` x `size_px`.

    Always draws the same amount of numbers for a preset, whichever transforms are then applied.
    `normal` and `extreme`: warp, rotation and zoom, brightness, contrast, flip, as Ankenbrand et
    al. 2021, who clip at the image's own border where this clips at that of the padded square.
    `fcn` and `aorta`: as Bai et al. 2018. `mouse`: as the paper of Hanisah et al. 2026 says;
    `mouse_notebook`: as their notebook, with far more noise and a constant shift. `myops`: the
    kinds of Altunok and Oksuz 2020; `myops_cmrseg`: ours, with grey values of each of `channels` by
    itself. Raises ValueError for an unknown preset.
    """
    if preset not in PRESETS:
        raise ValueError(f"augmentation {preset!r} is unknown, expected one of {PRESETS}")
    if preset == "no":
        return identity(count)
    if preset in MOUSE:
        return _draw_mouse(rng, count, preset == "mouse_notebook", size_px)
    if preset in MYOPS:
        ours = preset == "myops_cmrseg"
        return (_draw_cmrseg if ours else _draw_myops)(rng, count, size_px, channels)
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


def _draw_myops(rng: np.random.Generator, count: int, size_px: int, channels: int) -> Transforms:
    """The same for all channels."""
    angles_deg = rng.uniform(-MYOPS_ROTATION_DEG, MYOPS_ROTATION_DEG, count)
    flips = rng.random(count) < MYOPS_FLIP_PROBABILITY
    return Transforms(
        product(flip_matrices(flips), rotation_matrices(angles_deg)),
        np.zeros(count),
        np.ones(count),
        elastic=draw_elastic(rng, count, size_px, MYOPS_ELASTIC_PROBABILITY),
        dropped=draw_dropped(rng, count, size_px, MYOPS_DROPPED_PROBABILITY),
    )


def _draw_cmrseg(rng: np.random.Generator, count: int, size_px: int, channels: int) -> Transforms:
    angles_deg = rng.uniform(-CMRSEG_ROTATION_DEG, CMRSEG_ROTATION_DEG, count)
    flips = rng.random(count) < MYOPS_FLIP_PROBABILITY
    zooms = rng.uniform(*CMRSEG_ZOOM, count)
    shifts = rng.uniform(-CMRSEG_SHIFT_PX, CMRSEG_SHIFT_PX, (2, count)) / size_px
    geometry = product(
        flip_matrices(flips),
        rotation_matrices(angles_deg),
        zoom_matrices(zooms, np.zeros((2, count))),
        shift_matrices(shifts),
    )
    return Transforms(
        geometry,
        np.zeros(count),
        np.ones(count),
        greys=draw_channel_greys(rng, count, channels, size_px),
        elastic=draw_elastic(rng, count, size_px, CMRSEG_ELASTIC_PROBABILITY),
    )


def apply_transforms(
    images: torch.Tensor, labels: torch.Tensor, transforms: Transforms
) -> tuple[torch.Tensor, torch.Tensor]:
    """Apply one transform to each image and its labels, on the device where they are.

    images: (n, y, x) float32 in 0...1, or (n, c, y, x), whose channels all change alike except for
    `greys`, as do the frames of windows (n, t, y, x). labels: (n, y, x) uint8, of windows
    (n, t, y, x). Returns both in the same shape; background outside the source. Images whose
    transform changes nothing come back as they are.
    """
    if transforms.lighting is not None:
        images = apply_lighting(images, transforms.lighting)
    if transforms.greys is not None:
        images = apply_channel_greys(images, transforms.greys)
    moves = (transforms.matrices != np.eye(3)).any(axis=(1, 2))
    if transforms.elastic is not None:
        moves |= transforms.elastic.amplitudes_px > 0
    moved = np.flatnonzero(moves)
    if len(moved):
        where = send(moved, images.device)
        grid = _sampling_grid(transforms.matrices[moved], images)
        if transforms.elastic is not None:
            grid = grid + _displacements(transforms.elastic, moved, images)
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
    if transforms.dropped is not None:
        dropped = send(transforms.dropped, images.device)
        images = images.masked_fill(dropped if images.ndim == 3 else dropped[:, None], 0)
    return (images if transforms.lighting is None else own_range(images)), labels


def _sampling_grid(matrices: np.ndarray, images: torch.Tensor) -> torch.Tensor:
    maps = send(matrices, images.device, images.dtype)
    y, x = ((2 * torch.arange(n, device=images.device) + 1) / n - 1 for n in images.shape[-2:])
    points = torch.stack(
        [x.expand(len(y), -1), y[:, None].expand(-1, len(x)), torch.ones_like(x).expand(len(y), -1)]
    )
    read = torch.einsum("nij,jyx->niyx", maps, points)
    return (read[:, :2] / read[:, 2:]).movedim(1, -1)


def _displacements(elastic: Elastic, some: np.ndarray, images: torch.Tensor) -> torch.Tensor:
    """Those of some images (m, y, x, 2) in units of the canvas, whose side is two of them."""
    size = images.shape[-1]
    fields = displacements_px(elastic, some, size) * np.float32(2 / size)
    return send(fields, images.device, images.dtype).movedim(1, -1)


def _sample(planes: torch.Tensor, grid: torch.Tensor, mode: str) -> torch.Tensor:
    channels = planes[:, None] if planes.ndim == 3 else planes
    return functional.grid_sample(
        channels, grid, mode=mode, padding_mode="zeros", align_corners=False
    ).reshape(planes.shape)
