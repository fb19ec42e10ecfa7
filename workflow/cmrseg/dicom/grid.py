"""The common grid of all slices of a study, and its position in the patient."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmrseg.dicom.audit import AXIS_SCALING, LARGE_IMAGE, Audit, size
from cmrseg.dicom.geometry import PUBLISHED, Slice, Tolerances, is_close, largest_mode, normal
from cmrseg.dicom.placement import Placement
from cmrseg.dicom.resample import scaled_size
from cmrseg.dicom.spacing import gaps_mm
from cmrseg.vectors import dot, length

# DICOM patient coordinates to NIfTI's: x and y change sign.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
AXIS_LENGTH_TOLERANCE = 0.01


@dataclass(frozen=True)
class Grid:
    """The common grid of all slices, before any 90-degree rotation of the whole stack.

    spacing_mm: between slices, rows, columns. own_spacing_mm, own_shape: rows and columns before
    images are scaled by `factor`. axes: directions of columns and rows (6,), LPS.
    """

    shape: tuple[int, int]
    spacing_mm: tuple[float, float, float]
    own_shape: tuple[int, int]
    own_spacing_mm: tuple[float, float]
    factor: float
    axes: np.ndarray
    quarter_turns: int = 0

    @property
    def turned_shape(self) -> tuple[int, int]:
        return self.shape[::-1] if self.quarter_turns % 2 else self.shape


def target_grid(
    slices: Sequence[Slice],
    axes: np.ndarray,
    slice_distance_mm: float,
    max_size_px: int | None,
    published: bool,
    audit: Audit,
    allowed: Tolerances = PUBLISHED,
    upright: bool = True,
) -> Grid:
    """Usual matrix and pixel spacing of the slices, scaled so that no side exceeds max_size_px.

    published: pixel spacing is divided by the scale factor; else it is exact, which differs if the
    scaled number of pixels was rounded. The slice spacing is the empirical one as published, else
    the median of the regular spacings. upright: pictures wider than high are turned, but not as
    published.
    """
    own_spacing = largest_mode(s.spacing_mm for s in slices)
    columns, rows = largest_mode((s.columns, s.rows) for s in slices)
    shape, factor = (rows, columns), 1.0
    if max_size_px is not None and max(shape) > max_size_px:
        factor = max_size_px / max(shape)
        shape = (scaled_size(rows, factor), scaled_size(columns, factor))
        audit.add(LARGE_IMAGE, "", f"{size(rows, columns)} scaled by {factor:.3f}")
    for axis in (axes[:3], axes[3:]):
        if not is_close(length(axis), 1, AXIS_LENGTH_TOLERANCE):
            audit.add(AXIS_SCALING, "", f"length {length(axis):.3f}, expected 1")
    if published:
        spacing = (own_spacing[0] / factor, own_spacing[1] / factor)
    else:
        spacing = (own_spacing[0] * rows / shape[0], own_spacing[1] * columns / shape[1])
        regular = [
            gap for gap in gaps_mm(slices) if is_close(gap, slice_distance_mm, allowed.proper)
        ]
        slice_distance_mm = float(np.median(regular)) if regular else slice_distance_mm
    return Grid(
        shape=shape,
        spacing_mm=(slice_distance_mm, *spacing),
        own_shape=(rows, columns),
        own_spacing_mm=own_spacing,
        factor=factor,
        axes=axes,
        quarter_turns=int(upright and not published and columns > rows),
    )


def published_affine(lowest: Slice, grid: Grid) -> np.ndarray:
    """Affine as published: the rounded axes, their cross product, position of the lowest slice."""
    dz, dy, dx = grid.spacing_mm
    x, y = LPS_TO_RAS @ grid.axes[:3], LPS_TO_RAS @ grid.axes[3:]
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([x * dx, y * dy, np.cross(x, y) * dz])
    affine[:3, 3] = LPS_TO_RAS @ np.array(lowest.position_mm)
    return affine


def affine_of(centre_mm: np.ndarray, grid: Grid) -> np.ndarray:
    """Voxel indices (x, y, z) to RAS mm.

    centre_mm: (3,) LPS, the patient at the centre of the lowest slice's image on the grid. The
    third axis points from the lowest slice upwards.
    """
    dz, dy, dx = grid.spacing_mm
    x, y, z = grid.axes[:3] * dx, grid.axes[3:] * dy, normal(grid.axes) * dz
    rows, columns = grid.shape
    origin = centre_mm - x * (columns - 1) / 2 - y * (rows - 1) / 2
    if grid.quarter_turns:
        # The displayed image rotated counter-clockwise: rows and columns are swapped.
        origin, x, y = origin + x * (columns - 1), y, -x
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ np.column_stack([x, y, z])
    affine[:3, 3] = LPS_TO_RAS @ origin
    return affine


def shown_centre_mm(slice_: Slice, placement: Placement, grid: Grid) -> np.ndarray:
    """Patient position (3,) LPS of the grid's centre if a slice is placed without a shift.

    Scaling and rotation keep the image centre; an odd number of padded or cropped pixels moves it
    by half a pixel.
    """
    centre_mm = slice_.centre_mm
    if placement.rotation_deg == 0:
        _, dy, dx = grid.spacing_mm
        rows, columns = grid.shape
        down = _centre_shift(scaled_size(slice_.rows, placement.scale_y), rows)
        across = _centre_shift(scaled_size(slice_.columns, placement.scale_x), columns)
        centre_mm = centre_mm - grid.axes[:3] * across * dx - grid.axes[3:] * down * dy
    return centre_mm


def common_centre_mm(centres_mm: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Position (3,) LPS of the stack: usual centre in plane, the lowest slice's along the normal.

    centres_mm: (n, 3) of the slices, lowest first. In the plane it is the median of each
    direction, so that a displaced slice does not move the others; of two middle values
    the lower one, which is a real slice's.
    """
    across, down = (
        np.sort(dot(centres_mm, axis))[(len(centres_mm) - 1) // 2] for axis in (axes[:3], axes[3:])
    )
    up = normal(axes)
    return across * axes[:3] + down * axes[3:] + dot(centres_mm[0], up) * up


def _centre_shift(size: int, target: int) -> float:
    """By how many pixels fitting moves an axis' centre: the odd pixel is on the low side."""
    odd = abs(target - size) % 2
    return math.copysign(0.5 * odd, target - size)
