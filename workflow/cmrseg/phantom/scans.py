"""Scans of one digital patient: what is drawn anew when the patient is scanned again.

The heart of a row is drawn with its `seed` alone, so rows with the same seed are one patient. With
a column `scan` in the subject table, what belongs to an examination depends on seed and scan, and
no longer on the subject's name: the first scan is the same whoever has it, and a later one differs
in what its column `changed` names, and in nothing else.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.plan import moved, turned_about

NOISE, POSITION, BREATH_HOLDS = "noise", "position", "breath_holds"
SLICE_OFFSET, SCANNER = "slice_offset", "scanner"
# What may differ between two scans of a patient.
CHANGES = (NOISE, POSITION, BREATH_HOLDS, SLICE_OFFSET, SCANNER)
# Standard deviation of how far the planned slices are from perpendicular to the long axis, in each
# of two directions.
TILT_DEG = 2.0


def has_scan(row: Mapping) -> bool:
    """Whether a row of a subject table says which scan of its patient it is."""
    scan = row.get("scan")
    return scan is not None and not pd.isna(scan)


def changes_of(cell: object) -> list[str]:
    """What a scan has drawn anew, by its cell `changed`. Raises ValueError for another word."""
    empty = cell is None or (isinstance(cell, float) and np.isnan(cell))
    words = [] if empty else [word for word in str(cell).split(",") if word]
    for word in words:
        if word not in CHANGES:
            raise ValueError(f"changed is '{word}', expected some of {', '.join(CHANGES)}")
    return words


def anew(row: Mapping, what: str) -> tuple[str, ...]:
    """Words that tell the random numbers of a scan from those of the patient's first one.

    what: one of CHANGES. Empty for the first scan, where the scan does not change it, and for rows
    without a scan.
    """
    if not has_scan(row) or int(row["scan"]) == 1 or what not in changes_of(row.get("changed")):
        return ()
    return ("scan", str(int(row["scan"])))


def examination(row: Mapping) -> tuple[str, ...]:
    """Words for the random numbers of noise and file names."""
    return ("of scan", *anew(row, NOISE)) if has_scan(row) else (str(row["subject"]),)


def replanned(
    planes: list[Plane], slice_distance_mm: float, rng: np.random.Generator, what: str
) -> list[Plane]:
    """The planes as they are planned at another scan.

    what: SLICE_OFFSET moves all of them along their normal, by up to half a slice distance to
    either side; POSITION tilts the stack about its middle, as nobody hits the long axis twice.
    """
    if what == SLICE_OFFSET:
        offset_mm = rng.uniform(-0.5, 0.5) * slice_distance_mm
        return [moved(plane, plane.normal * offset_mm) for plane in planes]
    tilts_deg = rng.normal(0, TILT_DEG, 2)
    first = planes[0]
    for name, angle_deg in zip(("row_direction", "column_direction"), tilts_deg, strict=True):
        axis = np.asarray(getattr(first, name), float)
        planes = _tilted(planes, axis, float(angle_deg))
    return planes


def _tilted(planes: list[Plane], axis: np.ndarray, angle_deg: float) -> list[Plane]:
    """A stack of parallel planes turned about an axis through its middle.

    axis: unit vector in the planes.
    """
    centres = [_centre_mm(plane) for plane in planes]
    middle = (centres[0] + centres[-1]) / 2
    angle = np.deg2rad(angle_deg)
    found = []
    for plane, centre in zip(planes, centres, strict=True):
        turned = turned_about(plane, axis, angle_deg)
        # Centres lie along the normal, which is perpendicular to the axis.
        offset = centre - middle
        where = middle + offset * np.cos(angle) + np.cross(axis, offset) * np.sin(angle)
        found.append(moved(turned, where - _centre_mm(turned)))
    return found


def _centre_mm(plane: Plane) -> np.ndarray:
    across = np.asarray(plane.row_direction) * (plane.columns - 1) / 2 * plane.column_spacing_mm
    down = np.asarray(plane.column_direction) * (plane.rows - 1) / 2 * plane.row_spacing_mm
    return np.asarray(plane.position_mm, float) + across + down
