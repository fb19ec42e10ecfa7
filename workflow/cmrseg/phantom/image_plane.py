"""The grid of one image in the patient, and which of its pixels the beating heart can reach."""

import math
from dataclasses import dataclass

import numpy as np

from cmrseg.phantom.heart import Heart
from cmrseg.vectors import dot

# How far atria and their veins reach to the left and right of the long axis and above the base.
ATRIA_MM = (70.0, 95.0, 115.0)


@dataclass(frozen=True)
class Plane:
    """Grid of one image in the patient (DICOM LPS mm).

    position_mm: centre of the first pixel (ImagePositionPatient). row_direction: unit, in which
    the column index increases; column_direction: unit, in which the row index increases.
    row_spacing_mm: between rows; column_spacing_mm: between columns.
    """

    position_mm: tuple[float, float, float]
    row_direction: tuple[float, float, float]
    column_direction: tuple[float, float, float]
    row_spacing_mm: float
    column_spacing_mm: float
    rows: int
    columns: int
    thickness_mm: float

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.row_direction, self.column_direction)

    def points_mm(self, rows: slice, columns: slice, offsets_mm=(0.0,)) -> np.ndarray:
        """Centres of pixels (k, y, x, 3), k planes at `offsets_mm` along the normal.

        The slices may reach beyond the picture (negative starts are pixels before the first).
        """
        r = np.arange(rows.start, rows.stop) * self.row_spacing_mm
        c = np.arange(columns.start, columns.stop) * self.column_spacing_mm
        k = np.asarray(offsets_mm, float)
        return (
            np.asarray(self.position_mm, float)
            + k[:, None, None, None] * self.normal
            + r[None, :, None, None] * np.asarray(self.column_direction, float)
            + c[None, None, :, None] * np.asarray(self.row_direction, float)
        )


def heart_box(heart: Heart, plane: Plane, shift: np.ndarray) -> tuple[slice, slice] | None:
    """Rows and columns of the image that moving tissue can reach; None if there are none."""
    p = heart.parameters
    left = 1.6 * (heart.short_mm + p.wall_mm)
    reach = np.sqrt(heart.state(0.0).rv_mm2 + (heart.short_mm + 2 * p.wall_mm) ** 2) + 12
    reach = max(reach, 3.2 * heart.short_mm)
    corners, furthest = [], 4 * heart.short_mm
    if p.atria is not None:
        left, reach, furthest = max(left, ATRIA_MM[0]), max(reach, ATRIA_MM[1]), ATRIA_MM[2]
    for along in (0.0, heart.length_mm + furthest):
        for x in (-left, reach):
            for y in (-reach * 0.85, reach * 0.85):
                point = heart.apex_mm - along * heart.axis
                corners.append(point + x * heart.towards_rv + y * heart.towards_inferior)
    offset = np.array(corners) + shift - np.asarray(plane.position_mm)
    normal = dot(offset, plane.normal)
    if normal.min() > plane.thickness_mm or normal.max() < -plane.thickness_mm:
        return None
    rows = dot(offset, plane.column_direction) / plane.row_spacing_mm
    columns = dot(offset, plane.row_direction) / plane.column_spacing_mm
    row_box, column_box = _pixels(rows, plane.rows), _pixels(columns, plane.columns)
    return None if row_box is None or column_box is None else (row_box, column_box)


def _pixels(places: np.ndarray, length: int) -> slice | None:
    """The pixels of 0 to `length` between the smallest and the largest place, if there are any."""
    start, stop = max(0, math.floor(places.min())), min(length, math.ceil(places.max()) + 1)
    return slice(start, stop) if start < stop else None
