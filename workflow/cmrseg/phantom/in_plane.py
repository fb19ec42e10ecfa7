"""Faults of one slice within its plane: turned, displaced, other pixels."""

import numpy as np

from cmrseg.dicom import audit
from cmrseg.phantom.plan import Stack, inner, moved, recentred, turned_about

# By how much a displaced slice is off in its plane.
DISPLACED_MM = 12.0


def rotated_slice(stack: Stack, rng: np.random.Generator, degrees: float | None = None) -> Stack:
    """The image of one slice is rotated within its plane; by up to 25 degrees unless given."""
    (index,) = inner(stack, 1, rng)
    old = stack.at(index)
    drawn_deg = rng.uniform(8, 25)
    angle_deg = (drawn_deg if degrees is None else degrees) * (1 if rng.random() < 0.5 else -1)
    plane = turned_about(old.plane, old.plane.normal, angle_deg)
    return stack.change(old, plane=plane).used(index).expect(audit.ROTATION, old.file(0))


def other_pixel_spacing(stack: Stack, rng: np.random.Generator, larger: float = 0.1) -> Stack:
    """One slice has larger pixels and so a larger field of view. larger: by this share."""
    (index,) = inner(stack, 1, rng)
    old = stack.at(index)
    plane = recentred(
        old.plane,
        row_spacing_mm=old.plane.row_spacing_mm * (1 + larger),
        column_spacing_mm=old.plane.column_spacing_mm * (1 + larger),
    )
    return stack.change(old, plane=plane).used(index).expect(audit.PIXEL_SPACING, old.file(0))


def other_matrix(stack: Stack, rng: np.random.Generator) -> Stack:
    """One slice has eight pixels less in each direction and so a smaller field of view."""
    (index,) = inner(stack, 1, rng)
    old = stack.at(index)
    plane = recentred(old.plane, rows=old.plane.rows - 8, columns=old.plane.columns - 8)
    return stack.change(old, plane=plane).used(index).expect(audit.IMAGE_SIZE, old.file(0))


def displaced_slice(stack: Stack, rng: np.random.Generator, off_mm: float = DISPLACED_MM) -> Stack:
    """The field of view of one slice lies off the others', in any direction of the plane."""
    (index,) = inner(stack, 1, rng)
    old = stack.at(index)
    angle = rng.uniform(0, 2 * np.pi)
    row, column = np.asarray(old.plane.row_direction), np.asarray(old.plane.column_direction)
    plane = moved(old.plane, off_mm * (np.cos(angle) * row + np.sin(angle) * column))
    return stack.change(old, plane=plane).used(index).expect(audit.DISPLACED, old.file(0))


FAULTS = (rotated_slice, other_pixel_spacing, other_matrix, displaced_slice)
