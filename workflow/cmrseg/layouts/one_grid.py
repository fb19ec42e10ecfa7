"""Images of one patient brought to the grid of the first one, by their places in the patient.

Nothing is registered: what has moved between two images is still displaced afterwards. How the
grids differ is said in words, so that it can be seen.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from cmrseg.cine import Cine
from cmrseg.orientation import sizes_of
from cmrseg.vectors import dot, unit

# Grids of one size whose corners are no further apart than this part of a pixel are one grid, of
# which a program has rounded the place.
SAME_PIXELS = 0.05
# Stacks of one examination are planned in nearly one plane. Beyond this the outermost pixels of
# the heart, 50 mm from its middle, lie 9 mm away along the normal: about a slice.
MOST_TILT_DEG = 10.0
# Part of the first image's voxels that another one has to cover.
LEAST_COVERED = 0.25
# A voxel belongs to an image up to half a voxel beyond the outermost centres.
BEYOND = 0.5
# Linear algebra rounds as the processor's kernels do; images must not depend on it.
DECIMALS = 9


@dataclass(frozen=True)
class Difference:
    """How the grid of an image differs from that of the first one.

    tilt_deg: angle between the planes. slices_mm: the largest distance along the normal from a
    slice of the first image to the nearest one of the other, of the slices that it covers.
    centres_mm: how far the middle of the other grid lies from that of the first one, along its
    columns, rows and normal. covered: part of the first image's voxels that lie in the other one.
    """

    tilt_deg: float
    slices_mm: float
    centres_mm: tuple[float, float, float]
    covered: float


def is_one_grid(cine: Cine, first: Cine) -> bool:
    """Whether two images are on one grid, up to the rounding of its place."""
    if cine.voxels.shape[1:] != first.voxels.shape[1:]:
        return False
    apart = np.linalg.norm(_corners(cine) - _corners(first), axis=1).max()
    return bool(apart <= SAME_PIXELS * min(first.spacing_mm[1:]))


def difference(cine: Cine, first: Cine) -> Difference:
    """How two grids in one patient differ."""
    columns, rows, normal = _axes(first)
    cosine = abs(float(dot(normal, _axes(cine)[2])))
    tilt_deg = math.degrees(math.acos(min(cosine, 1.0)))
    apart = _middle(cine) - _middle(first)
    places, inside = _places(cine, first)
    # Along the other's slices: how far a voxel is from the nearest of them.
    away = abs(places[2] - np.clip(np.rint(places[2]), 0, cine.voxels.shape[1] - 1))
    slices = away[inside].max() * cine.spacing_mm[0] if inside.any() else math.nan
    return Difference(
        tilt_deg,
        float(slices),
        (float(dot(apart, columns)), float(dot(apart, rows)), float(dot(apart, normal))),
        float(inside.mean()),
    )


def check_difference(found: Difference) -> None:
    """Raise ValueError for grids that cannot be those of one heart in one examination."""
    if found.tilt_deg > MOST_TILT_DEG:
        raise ValueError(
            f"its slices are tilted by {found.tilt_deg:.1f} degrees, expected at most "
            f"{MOST_TILT_DEG:g}; it is another view, or of another patient"
        )
    if found.covered < LEAST_COVERED:
        x, y, z = found.centres_mm
        raise ValueError(
            f"it covers {found.covered:.0%} of the voxels, expected at least {LEAST_COVERED:.0%}; "
            f"the centres are {math.hypot(x, y, z):.0f} mm apart: it may be of another patient, or "
            "its header is wrong"
        )


def in_words(found: Difference, cine: Cine, first: Cine) -> str:
    """A difference of grids as a sentence for the audit."""
    x, y, z = found.centres_mm
    text = (
        f"voxels of {_spacing(cine)} to {_spacing(first)} mm; slices up to {found.slices_mm:.2f} "
        f"mm from the nearest; centres {math.hypot(x, y):.2f} mm apart in the plane "
        f"({x:.2f} along columns, {y:.2f} along rows) and {abs(z):.2f} mm across it; "
        f"tilt {found.tilt_deg:.1f} degrees"
    )
    if found.covered < 1:
        text += f"; {1 - found.covered:.1%} of the voxels lie outside and are 0"
    return text


def resampled(cine: Cine, first: Cine) -> Cine:
    """An image on the grid of the first one, float32, by linear interpolation in all directions.

    Voxels outside of the image are 0.
    """
    places, inside = _places(cine, first)
    found = np.zeros((len(cine.voxels), inside.size), np.float32)
    within = places[::-1, inside]
    for frame, voxels in zip(found, cine.voxels, strict=True):
        frame[inside] = map_coordinates(
            voxels.astype(np.float64), within, order=1, mode="nearest", prefilter=False
        )
    shape = (len(cine.voxels), *first.voxels.shape[1:])
    return Cine(found.reshape(shape), first.affine, cine.frame_interval_s)


def _places(cine: Cine, first: Cine) -> tuple[np.ndarray, np.ndarray]:
    """Where the voxels of the first grid lie in the other one.

    Returns (3, n) indices x, y, z, n voxels in C order, and (n,) whether they lie within it.
    """
    between = np.round(np.linalg.inv(cine.affine) @ first.affine, DECIMALS)
    z, y, x = np.indices(first.voxels.shape[1:]).reshape(3, -1).astype(float)
    places = np.stack([row[0] * x + row[1] * y + row[2] * z + row[3] for row in between[:3]])
    last = np.array(sizes_of(cine), float)[:, None] - 1
    return places, np.all((places >= -BEYOND) & (places <= last + BEYOND), axis=0)


def _axes(cine: Cine) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions along columns, along rows, and across the pictures; unit vectors."""
    x, y = unit(cine.affine[:3, 0]), unit(cine.affine[:3, 1])
    return x, y, unit(np.cross(x, y))


def _middle(cine: Cine) -> np.ndarray:
    """The middle of a grid in mm; (3,) RAS."""
    return _corners(cine).mean(axis=0)


def _corners(cine: Cine) -> np.ndarray:
    """Centres of the voxels at the corners of a grid in mm; (8, 3) RAS."""
    ends = np.array(np.meshgrid(*((0, size - 1) for size in sizes_of(cine)))).reshape(3, -1).T
    return ends @ cine.affine[:3, :3].T + cine.affine[:3, 3]


def _spacing(cine: Cine) -> str:
    z, y, x = cine.spacing_mm
    return f"{x:.3g} x {y:.3g} x {z:.3g}"
