"""Strain of rings of landmarks, in every convention that is in use.

Strain of a line that is l long, and L in the frame of reference: Green's (l²/L² - 1) / 2, or
Lagrangian (engineering) l/L - 1. Lines around the heart are the links between neighbouring spokes
of one wall, 24 in a closed ring; those across it run from wall 0 to wall 6 of a spoke. A ring's
strain is the mean of the strains of its links (Ferdian et al. 2020, doi:10.1148/ryct.2020190032),
or the strain of its whole contour, the summed length, as programs for feature tracking report it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cmrseg.ring import (
    ENDOCARDIUM,
    EPICARDIUM,
    MIDWALL,
    SPOKES,
    SUBENDOCARDIUM,
    SUBEPICARDIUM,
    WALLS,
    by_spoke,
)

Tensor = Literal["green", "lagrangian"]
Average = Literal["links", "contour"]
Along = Literal["circumferential", "radial"]
TENSORS: tuple[Tensor, ...] = ("green", "lagrangian")
AVERAGES: tuple[Average, ...] = ("links", "contour")

# A ring, or a segment, of which less than this share of links is known has no strain.
LEAST_LINKS = 0.75


@dataclass(frozen=True)
class Layer:
    """Where in the wall strain is measured.

    key: in tables. name: in words. rings: places in the last axis of the links' lengths; several
    are averaged.
    """

    direction: Along
    key: str
    name: str
    rings: tuple[int, ...]


LAYERS = (
    Layer("circumferential", "endo", "endocardium", (ENDOCARDIUM,)),
    Layer("circumferential", "subendo", "subendocardium", (SUBENDOCARDIUM,)),
    Layer("circumferential", "midwall", "mid-wall", (MIDWALL,)),
    Layer("circumferential", "subepi", "subepicardium", (SUBEPICARDIUM,)),
    Layer("circumferential", "epi", "epicardium", (EPICARDIUM,)),
    Layer("circumferential", "wall", "mean of 7 layers", tuple(range(WALLS))),
    Layer("radial", "wall", "endocardium to epicardium", (0,)),
)


def link_lengths_mm(
    points_px: np.ndarray, spacing_mm: tuple[float, float]
) -> dict[Along, np.ndarray]:
    """Lengths of the links of each direction, in mm; nan where an end is unknown.

    points_px: (t, z, 168, 2), landmarks (y, x). spacing_mm: of pixels along y and x. Returns
    "circumferential" (t, z, 24, 7), of which link s runs from spoke s to the next one, and "radial"
    (t, z, 24, 1). Raises ValueError for another shape, and a spacing that is not positive.
    """
    points_px = np.asarray(points_px, np.float64)
    if points_px.ndim != 4:
        raise ValueError(f"points have shape {points_px.shape}, expected (t, z, 168, 2)")
    if len(spacing_mm) != 2 or not min(spacing_mm) > 0:
        raise ValueError(f"spacing_mm must be two positive numbers, y and x, got {spacing_mm}")
    places_mm = by_spoke(points_px) * np.asarray(spacing_mm, np.float64)
    around = np.roll(places_mm, -1, axis=2) - places_mm
    across = places_mm[..., [EPICARDIUM], :] - places_mm[..., [ENDOCARDIUM], :]
    return {
        "circumferential": np.hypot(around[..., 0], around[..., 1]),
        "radial": np.hypot(across[..., 0], across[..., 1]),
    }


def layer_strain(
    lengths_mm: Mapping[Along, np.ndarray],
    layer: Layer,
    tensor: Tensor = "green",
    average: Average = "links",
    reference: int = 0,
    chosen: np.ndarray | None = None,
) -> np.ndarray:
    """Strain (t, z) of a layer in each frame and slice, a fraction; shortening is negative.

    lengths_mm: of `link_lengths_mm`. average: "links", the mean of the links' strains, or
    "contour", the strain of their summed length. reference: frame of reference. chosen: (z, 24),
    the links that count, as those of a segment; all unless given. Links that are unknown in a frame
    or in the reference are left out; nan where less than LEAST_LINKS of the chosen ones of a ring
    are known. Raises ValueError for a frame of reference that is not there, and unknown names.
    """
    if tensor not in TENSORS or average not in AVERAGES:
        raise ValueError(
            f"strain {tensor!r} by {average!r} is unknown; there are {', '.join(TENSORS)} by "
            + ", ".join(AVERAGES)
        )
    lengths, known, enough = _links(lengths_mm, layer, reference, chosen)
    first = np.broadcast_to(lengths[reference], lengths.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        if average == "contour":
            sums = [np.where(known, each, 0).sum(axis=2) for each in (lengths, first)]
            rings = _strain(sums[0] / sums[1], tensor)
        else:
            links = np.where(known, _strain(lengths / first, tensor), 0)
            rings = links.sum(axis=2) / known.sum(axis=2)
    return np.where(enough, rings, np.nan).mean(axis=2)


def known_links(
    lengths_mm: Mapping[Along, np.ndarray],
    layer: Layer,
    reference: int = 0,
    chosen: np.ndarray | None = None,
) -> np.ndarray:
    """Share (t, z) of the chosen links of a layer that are known, 0 where none is chosen.

    Of several rings it is that of the one with fewest. Arguments as `layer_strain`.
    """
    _, known, _ = _links(lengths_mm, layer, reference, chosen)
    count = np.full(known.shape[1], SPOKES) if chosen is None else chosen.sum(axis=1)
    return known.sum(axis=2).min(axis=2) / np.maximum(count, 1)


def _links(
    lengths_mm: Mapping[Along, np.ndarray], layer: Layer, reference: int, chosen: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lengths (t, z, 24, ring) of a layer, which of them count, and which rings have enough."""
    lengths = lengths_mm[layer.direction][..., list(layer.rings)]
    if not 0 <= reference < len(lengths):
        raise ValueError(
            f"frame of reference {reference}, but the cine has {len(lengths)} frames, from 0"
        )
    known = np.isfinite(lengths) & (lengths[reference] > 0)
    wanted = np.ones(lengths.shape[1:3], bool) if chosen is None else np.asarray(chosen, bool)
    if wanted.shape != lengths.shape[1:3]:
        raise ValueError(
            f"chosen links have shape {wanted.shape}, expected (slice, spoke) {lengths.shape[1:3]}"
        )
    known &= wanted[..., None]
    count = wanted.sum(axis=1)[:, None]
    return lengths, known, (count > 0) & (known.sum(axis=2) >= LEAST_LINKS * count)


def _strain(stretch: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Strain of lines that are `stretch` times as long as in the frame of reference."""
    return (stretch**2 - 1) / 2 if tensor == "green" else stretch - 1
