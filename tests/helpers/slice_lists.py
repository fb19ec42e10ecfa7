"""Lists of slices as the rules of cleaning take them."""

import math

import numpy as np

from cmrseg.dicom.audit import Audit
from cmrseg.dicom.geometry import Slice

AXIAL = np.array([1.0, 0, 0, 0, 1, 0])


def an_audit() -> Audit:
    """An audit of subject 7."""
    return Audit("7")


def stack(*locations_mm, **fields):
    """Slices a, b, c, ... at these places, series numbers 1, 2, 3, ..."""
    return [
        Slice(chr(97 + i), i + 1, float(z), position_mm=(0, 0, float(z)), **fields)
        for i, z in enumerate(locations_mm)
    ]


def spaced(*gaps, first=0.0):
    """Slices with these gaps in mm between them."""
    return stack(*np.cumsum([first, *gaps]))


def images(slices):
    """Names of slices, joined."""
    return "".join(s.image for s in slices)


def found(audit):
    """Problems of an audit, and the images that have them."""
    return [(problem, image) for _, problem, _, image, _ in audit.rows]


def turned(angle_deg, tilt_deg=0.0):
    """In-plane rotation of the axial orientation, after tilting it about its rows."""
    a, b = math.radians(angle_deg), math.radians(tilt_deg)
    row = np.array([1.0, 0, 0])
    column = np.array([0, math.cos(b), math.sin(b)])
    first = math.cos(a) * row + math.sin(a) * column
    second = -math.sin(a) * row + math.cos(a) * column
    return (*first, *second)
