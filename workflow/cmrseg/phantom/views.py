"""Planes of one examination besides the short axis: long axes, localisers, flow."""

import math
from dataclasses import replace

import numpy as np

from cmrseg.phantom.beat import CHAMBERS
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.vectors import unit

# Field of view of a localiser in mm, and the distance of its pictures.
LOCALISER_MM, LOCALISER_DISTANCE_MM = 360.0, 30.0
# Row and column directions (LPS) of an axial, a coronal and a sagittal picture.
UPRIGHT = (
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
)
AORTIC_ROOT = 1  # in CHAMBERS
# Flow in the aorta is measured this far above the base, over the short semi-axis.
FLOW_ABOVE_BASE = 1.4


def long_axis_plane(parameters: HeartParameters, like: Plane, right: np.ndarray) -> Plane:
    """The plane through the long axis at end-diastole, apex at the top and in the middle.

    right: unit, perpendicular to the long axis; to where the columns run. like: has the matrix,
    the pixels and the thickness.
    """
    base, apex = (np.asarray(p, float) for p in Heart(parameters).base_apex_mm(0.0))
    down = -np.asarray(parameters.long_axis, float)
    corner = (base + apex) / 2
    corner = corner - right * (like.columns - 1) / 2 * like.column_spacing_mm
    corner = corner - down * (like.rows - 1) / 2 * like.row_spacing_mm
    return replace(
        like,
        position_mm=tuple(corner.tolist()),
        row_direction=tuple(right.tolist()),
        column_direction=tuple(down.tolist()),
    )


def long_axis_views(parameters: HeartParameters, like: Plane) -> dict[str, Plane]:
    """The two-, three- and four-chamber view by name; like: as for `long_axis_plane`.

    The left ventricle is on the right of a four-chamber view; the three-chamber view goes through
    the aortic root as well.
    """
    heart = Heart(parameters)
    x, y = CHAMBERS[AORTIC_ROOT][0]
    towards_root = unit(x * heart.towards_rv + y * heart.towards_inferior)
    right = {
        "2ch": -heart.towards_inferior,
        "3ch": towards_root,
        "4ch": -heart.towards_rv,
    }
    return {view: long_axis_plane(parameters, like, right[view]) for view in sorted(right)}


def centred(like: Plane, centre_mm: np.ndarray, row, column, pixels: int, pixel_mm: float) -> Plane:
    """A square plane around a point; like: has the thickness; row, column: unit directions."""
    row, column = np.asarray(row, float), np.asarray(column, float)
    corner = np.asarray(centre_mm, float) - (pixels - 1) / 2 * pixel_mm * (row + column)
    return replace(
        like,
        position_mm=tuple(corner.tolist()),
        row_direction=tuple(row.tolist()),
        column_direction=tuple(column.tolist()),
        row_spacing_mm=pixel_mm,
        column_spacing_mm=pixel_mm,
        rows=pixels,
        columns=pixels,
    )


def localiser_planes(parameters: HeartParameters, like: Plane) -> list[list[Plane]]:
    """Axial, coronal and sagittal planes through the chest, three of each; like: thickness, matrix.

    The middle ones meet in the middle of the heart.
    """
    pixels = max(like.rows, like.columns)
    centre = np.asarray(parameters.centre_mm, float) * (0.3, 0.3, 1.0)
    planes = []
    for row, column in UPRIGHT:
        normal = np.cross(row, column)
        places = (centre + i * LOCALISER_DISTANCE_MM * normal for i in (-1, 0, 1))
        pixel_mm = LOCALISER_MM / pixels
        planes.append([centred(like, place, row, column, pixels, pixel_mm) for place in places])
    return planes


def aortic_root_mm(heart: Heart, above_base: float) -> np.ndarray:
    """Middle of the aortic root (LPS mm), `above_base` short semi-axes above the base."""
    x, y = CHAMBERS[AORTIC_ROOT][0]
    base, _ = heart.base_apex_mm(0.0)
    return base + heart.short_mm * (
        x * heart.towards_rv + y * heart.towards_inferior - above_base * heart.axis
    )


def flow_plane(parameters: HeartParameters, like: Plane) -> Plane:
    """A plane across the aortic root and the descending aorta; like: thickness, matrix, pixels.

    Its normal is halfway between the two vessels' directions, and points to the head.
    """
    heart = Heart(parameters)
    normal = unit(np.array([0.0, 0.0, 1.0]) - heart.axis)
    row = unit(np.array([1.0, 0.0, 0.0]) - normal[0] * normal)
    column = np.cross(normal, row)
    middle = aortic_root_mm(heart, FLOW_ABOVE_BASE)
    pixels = max(like.rows, like.columns)
    pixel_mm = math.sqrt(like.row_spacing_mm * like.column_spacing_mm)
    return centred(like, middle * (0.7, 1.0, 1.0), row, column, pixels, pixel_mm)
