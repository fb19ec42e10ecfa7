"""Augmentation of tagged cines and the points in them, drawn by a seeded generator.

Frames of a cine are transformed alike: what moves in it is the heart. Points move with the pixels,
and keep their meaning: the first corner of a box is the upper left one, and spoke 0 of a ring
is at the lower left, also of a picture that is turned or mirrored.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from cmrseg.ring import LANDMARKS, STEP_DEG, mirrored_spokes, turned_spokes

PRESETS = ("no", "tag_turned", "tag_turned_compat", "tag_moved", "tag_cmrseg")

QUARTER_DEG = 90.0
# Quarter turns of the published training of boxes: of eight draws three turn the image, once each
# by 90, 180 and 270 degrees (Ferdian et al. 2020, doi:10.1148/ryct.2020190032). Their boxes turn
# about half the side in place of the image's centre (compat), a pixel off along reversed axes.
TURN_DRAWS, TURNS = 8, 4

# Ours. Rings are turned by whole steps from spoke to spoke, boxes by quarter turns.
MIRROR_PROBABILITY = 0.5
# A box is found some pixels away, and in another size: factors, and parts of the side.
ZOOM = (0.85, 1.18)
SHIFT = 0.08
# Grey values of other scanners: exponents, factors, noise in parts of the bright pixels, and blur.
GAMMA = (0.7, 1.4)
CONTRAST = (0.8, 1.25)
NOISE = (0.0, 0.05)
BLUR_PROBABILITY, BLUR_PX = 0.5, (0.3, 0.9)
BLUR_RADIUS = 2


@dataclass(frozen=True)
class TagTransforms:
    """One transform per cine of a batch, (n,) each.

    mirrored: left to right, first. turn_deg: then clockwise as displayed, in steps of STEP_DEG, or
    of quarter turns. zoom: how much larger all gets, about the image's centre. shift_px: (n, 2), by
    how much all moves along (y, x). gamma, contrast: exponent and factor of grey values. blur_px: 0
    for none. noise: of the shape of the images, to add, or None, where grey values stay.
    points_off: are points turned about half the side, as published?
    """

    mirrored: np.ndarray
    turn_deg: np.ndarray
    zoom: np.ndarray
    shift_px: np.ndarray
    gamma: np.ndarray
    contrast: np.ndarray
    blur_px: np.ndarray
    noise: np.ndarray | None = None
    points_off: bool = False

    @classmethod
    def none(cls, n: int) -> "TagTransforms":
        """Those that change nothing."""
        zero, one = np.zeros(n), np.ones(n)
        return cls(zero.astype(bool), zero, one, np.zeros((n, 2)), one, one, zero)


def draw_tag_transforms(
    rng: np.random.Generator, shape: tuple[int, ...], points: int, preset: str
) -> TagTransforms:
    """Draw the transforms of a batch. shape: of its images, (n, [t,] y, x); points: in each frame.

    Raises ValueError for a preset that is none of points.
    """
    n, size = shape[0], shape[-1]
    if preset not in PRESETS:
        raise ValueError(
            f"augmentation {preset!r} does not move points; expected one of {', '.join(PRESETS)}"
        )
    same = TagTransforms.none(n)
    if preset == "no":
        return same
    if preset in ("tag_turned", "tag_turned_compat"):
        turns = rng.integers(0, TURN_DRAWS, n)
        # Counter-clockwise, as published.
        turn_deg = np.where(turns < TURNS, -QUARTER_DEG * turns, 0.0) % 360
        return replace(same, turn_deg=turn_deg, points_off=preset == "tag_turned_compat")
    moved = replace(
        same,
        zoom=_factors(rng, ZOOM, n),
        shift_px=rng.uniform(-SHIFT, SHIFT, (n, 2)) * size,
    )
    if preset == "tag_moved":
        return moved
    step_deg = STEP_DEG if points == LANDMARKS else QUARTER_DEG
    noise = rng.standard_normal(shape, np.float32)
    noise *= rng.uniform(*NOISE, n).astype(np.float32).reshape(-1, *[1] * (len(shape) - 1))
    return replace(
        moved,
        mirrored=rng.random(n) < MIRROR_PROBABILITY,
        turn_deg=step_deg * rng.integers(0, round(360 / step_deg), n),
        gamma=_factors(rng, GAMMA, n),
        contrast=_factors(rng, CONTRAST, n),
        blur_px=rng.uniform(*BLUR_PX, n) * (rng.random(n) < BLUR_PROBABILITY),
        noise=noise,
    )


def _factors(rng: np.random.Generator, bounds: tuple[float, float], n: int) -> np.ndarray:
    """Factors, as often above 1 as their reciprocals below."""
    least, most = (math.log(bound) for bound in bounds)
    return np.exp(rng.uniform(least, most, n))


def apply_tag_transforms(
    images: torch.Tensor, points: torch.Tensor, transforms: TagTransforms
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, [t,] y, x) float32 and points (n, t, p, 2), (y, x) in px, after a transform each.

    Beyond the border the image's edge is repeated. Grey values are about 0..1 before. Quarter turns
    alone keep each pixel's value.
    """
    cines = images if images.ndim == 4 else images[:, None]
    matrices = _matrices(transforms)
    if np.array_equal(matrices.round(), matrices):
        cines = _exactly(cines, transforms)
    else:
        cines = _resampled(cines, matrices)
    centre_px = (cines.shape[-1] - (not transforms.points_off)) / 2
    points = _renumbered(_carried(points, matrices, centre_px), transforms)
    if transforms.blur_px.any():
        cines = _blurred(cines, transforms.blur_px)
    if transforms.noise is not None:
        gamma, contrast = (
            torch.tensor(values, dtype=cines.dtype, device=cines.device)[:, None, None, None]
            for values in (transforms.gamma, transforms.contrast)
        )
        cines = contrast * cines.clamp(min=0) ** gamma
        cines = cines + torch.tensor(transforms.noise, device=cines.device).reshape(cines.shape)
    return cines.reshape(images.shape), points


def _matrices(transforms: TagTransforms) -> np.ndarray:
    """(n, 2, 3): take (y, x, 1), from the image's centre, to where it is afterwards."""
    turn = np.deg2rad(transforms.turn_deg)
    cos, sin = (np.round(f(turn), 12) * transforms.zoom for f in (np.cos, np.sin))
    side = np.where(transforms.mirrored, -1.0, 1.0)
    rows = np.stack([cos, sin * side], 1), np.stack([-sin, cos * side], 1)
    return np.concatenate([np.stack(rows, 1), transforms.shift_px[:, :, None]], axis=2)


def _exactly(cines: torch.Tensor, transforms: TagTransforms) -> torch.Tensor:
    """Mirrored, and by quarter turns."""
    found = []
    for cine, mirrored, turn_deg in zip(
        cines, transforms.mirrored, transforms.turn_deg, strict=True
    ):
        flipped = cine.flip(2) if mirrored else cine
        found.append(torch.rot90(flipped, -round(turn_deg / QUARTER_DEG) % TURNS, (1, 2)))
    return torch.stack(found)


def _resampled(cines: torch.Tensor, matrices: np.ndarray) -> torch.Tensor:
    """Bilinear; each pixel is read where it comes from."""
    matrix = torch.tensor(matrices, dtype=torch.float64)
    back = torch.linalg.inv(matrix[:, :, :2])
    shift = back @ matrix[:, :, 2:]
    theta = torch.cat([back, -shift * 2 / cines.shape[-1]], 2)
    # grid_sample has (x, y), with 1 at half a pixel beyond the last centre.
    theta = theta.flip(1)[:, :, [1, 0, 2]].to(cines.device, cines.dtype)
    grid = functional.affine_grid(theta, list(cines.shape), align_corners=False)
    return functional.grid_sample(cines, grid, padding_mode="border", align_corners=False)


def _carried(points: torch.Tensor, matrices: np.ndarray, centre_px: float) -> torch.Tensor:
    matrix = torch.tensor(matrices, dtype=torch.float64, device=points.device)[:, None, None]
    moved = matrix[..., :2] @ (points.double() - centre_px)[..., None]
    return (moved[..., 0] + matrix[..., 2] + centre_px).to(points.dtype)


def _renumbered(points: torch.Tensor, transforms: TagTransforms) -> torch.Tensor:
    """Points in the order that they have in the picture as it is now."""
    if points.shape[2] != LANDMARKS:
        return torch.stack([points.amin(2), points.amax(2)], 2)
    found = []
    for ring, mirrored, turn_deg in zip(
        points, transforms.mirrored, transforms.turn_deg, strict=True
    ):
        spokes = turned_spokes(round(turn_deg / STEP_DEG))
        spokes = mirrored_spokes()[spokes] if mirrored else spokes
        order = torch.tensor(spokes, device=points.device)
        found.append(ring.unflatten(1, (len(spokes), -1))[:, order].flatten(1, 2))
    return torch.stack(found)


def _blurred(cines: torch.Tensor, blur_px: np.ndarray) -> torch.Tensor:
    """Gaussian blur of each cine by its own width."""
    steps = np.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    found = cines.clone()
    for number in np.flatnonzero(blur_px):
        weights = np.exp(-0.5 * (steps / blur_px[number]) ** 2)
        kernel = torch.tensor(weights / weights.sum(), dtype=cines.dtype, device=cines.device)
        frames = functional.pad(cines[number][:, None], [BLUR_RADIUS] * 4, mode="replicate")
        frames = functional.conv2d(frames, kernel.reshape(1, 1, -1, 1))
        found[number] = functional.conv2d(frames, kernel.reshape(1, 1, 1, -1))[:, 0]
    return found
