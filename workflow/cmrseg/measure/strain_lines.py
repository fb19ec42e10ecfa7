"""Lines in the wall of the left ventricle whose lengthening is strain: those of the short axis.

Points of the endocardium and the epicardium at end-diastole, which a motion carries along, and
lines between them, as in ukbb_cardiac (Bai et al. 2020, doi:10.1038/s41591-020-1009-y).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from scipy.spatial import cKDTree

from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, one_frame, segment_of
from cmrseg.measure.aha_segments import Level
from cmrseg.measure.contour import centre_mm, smooth_border_mm
from cmrseg.measure.pieces import LEAST_PIXELS, slice_masks

# Radial lines of a slice, about, and the points of the epicardium that are looked at for each.
RADIAL_LINES = 36
CANDIDATES = 10


class Surface(IntEnum):
    """Which border of the wall a point is on."""

    ENDO = 1
    EPI = 2


class Direction(IntEnum):
    """How a line runs."""

    RADIAL = 1
    CIRCUMFERENTIAL = 2
    LONGITUDINAL = 3


@dataclass(frozen=True)
class MaterialLines:
    """Points of the wall and the lines between them, at end-diastole.

    points_mm: (n, 3) RAS. surface: (n,) of `Surface`. segment: (n,) numbers of segments, 1 to 16 of
    the short axis or 1 to 6 of the 4-chamber view. slice_index: (n,). lines: (m, 2) indices of
    points. line_segment: (m,), that of the first point. line_direction: (m,) of `Direction`.
    """

    points_mm: np.ndarray
    surface: np.ndarray
    segment: np.ndarray
    slice_index: np.ndarray
    lines: np.ndarray
    line_segment: np.ndarray
    line_direction: np.ndarray


def short_axis_lines(labels: Cine, axes: AhaAxes, levels: Mapping[int, Level]) -> MaterialLines:
    """Circumferential and radial lines of some short-axis slices.

    labels: of end-diastole, one frame. axes, levels: of `aha_axes` and `strain_slices`; slices come
    in the order of the stack. Circumferential lines go around epicardium and endocardium, radial
    ones from every so many points of the endocardium to that near point of the epicardium that is
    most in the same direction from the middle of the cavity. Raises ValueError for a slice without
    LEAST_PIXELS of cavity and wall.
    """
    frame = one_frame(labels)
    parts = [_lines_of_slice(frame[z], z, labels.affine, axes, levels[z]) for z in sorted(levels)]
    return joined(parts)


def joined(parts: list[MaterialLines]) -> MaterialLines:
    """Lines of several slices as one, in their order."""
    starts = np.cumsum([0, *(len(part.points_mm) for part in parts[:-1])])
    values = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(MaterialLines)
    }
    lines = np.concatenate([part.lines + n for part, n in zip(parts, starts, strict=True)])
    return MaterialLines(**values | {"lines": lines})


def _lines_of_slice(
    labels: np.ndarray, z: int, affine: np.ndarray, axes: AhaAxes, level: Level
) -> MaterialLines:
    masks = slice_masks(labels.T)
    if not masks.valid:
        raise ValueError(
            f"slice {z + 1} (from 1) has {masks.endo.sum()} pixels of cavity and "
            f"{masks.myo.sum()} of wall in one piece, expected at least {LEAST_PIXELS} of each; "
            "leave the subject out"
        )
    epi_mm, endo_mm = (smooth_border_mm(mask, z, affine) for mask in (masks.epi, masks.endo))
    centre = centre_mm(masks.endo, z, affine)
    points_mm = np.concatenate([epi_mm, endo_mm])
    segment = segment_of(points_mm, centre, level, axes)
    around_epi = _closed(len(epi_mm))
    around_endo = _closed(len(endo_mm)) + len(epi_mm)
    step = round(len(endo_mm) / RADIAL_LINES)
    starts = np.arange(0, len(endo_mm), step)
    across = np.column_stack(
        [starts + len(epi_mm), _opposite(endo_mm[starts], epi_mm, centre)],
    )
    # The radial line of a point comes after the circumferential one.
    lines = np.insert(around_endo, starts + 1, across, axis=0)
    is_radial = np.insert(np.zeros(len(around_endo), bool), starts + 1, True)
    lines = np.concatenate([around_epi, lines])
    is_radial = np.concatenate([np.zeros(len(around_epi), bool), is_radial])
    return MaterialLines(
        points_mm=points_mm,
        surface=np.repeat([Surface.EPI, Surface.ENDO], [len(epi_mm), len(endo_mm)]),
        segment=segment,
        slice_index=np.full(len(points_mm), z),
        lines=lines,
        line_segment=segment[lines[:, 0]],
        line_direction=np.where(is_radial, Direction.RADIAL, Direction.CIRCUMFERENTIAL),
    )


def _closed(count: int) -> np.ndarray:
    """(count, 2) lines from each point to the next, and from the last to the first."""
    here = np.arange(count)
    return np.column_stack([here, np.roll(here, -1)])


def _opposite(points_mm: np.ndarray, epi_mm: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(n,) of the nearest points of the epicardium that in the direction of each point."""
    _, near = cKDTree(epi_mm).query(points_mm, k=min(CANDIDATES, len(epi_mm)))
    own, others = _directions(points_mm - centre), _directions(epi_mm - centre)
    best = (others[near] * own[:, None]).sum(axis=2).argmax(axis=1)
    return near[np.arange(len(points_mm)), best]


def _directions(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
