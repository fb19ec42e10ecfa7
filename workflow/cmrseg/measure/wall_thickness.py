"""Thickness of the left ventricle's wall in short-axis slices, by AHA segment, and its thickening.

The thickness at a point of the endocardium is the distance to the epicardium of the same slice, as
ukbb_cardiac has it (Bai et al. 2018, doi:10.1186/s12968-018-0471-x). Mode `compat` measures to the
nearest of the points that the epicardium has there, in single precision; `corrected` to the line
between them. Contours run through the centres of a region's outermost pixels, the endocardium half
a pixel inside the cavity and the epicardium half a pixel inside the wall, so that nothing has to be
added. Where the wall is open, as it may be at the base, the two meet: thickness there is about 0,
in both modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, segment_of
from cmrseg.measure.aha_segments import GLOBAL, SHORT_AXIS_ROWS, Level
from cmrseg.measure.contour import centre_mm, smooth_border_mm
from cmrseg.measure.pieces import slice_masks
from cmrseg.measure.rows import Mode

COLUMNS = ("segment", "mean_mm", "max_mm", "points")


@dataclass(frozen=True)
class WallThickness:
    """Thickness at points of the endocardium of one frame.

    points_mm: (n, 3) RAS. thickness_mm: (n,). segment: (n,) AHA segments, 1 to 16. slice_index:
    (n,).
    """

    points_mm: np.ndarray
    thickness_mm: np.ndarray
    segment: np.ndarray
    slice_index: np.ndarray


def wall_thickness(
    labels: Cine,
    axes: AhaAxes,
    levels: Mapping[int, Level],
    frame: int = 0,
    mode: Mode = "corrected",
) -> WallThickness:
    """Thickness of the wall in one frame of short-axis labels.

    axes, levels: of end-diastole (`aha_axes`, `slice_levels`), whatever the frame, so that segments
    stay the same. frame: index. Slices without a level, and those of which no cavity or wall of
    LEAST_PIXELS is left in this frame, are not measured. Raises ValueError for a frame that is not
    there.
    """
    if not 0 <= frame < len(labels.voxels):
        raise ValueError(
            f"frame {frame + 1} (from 1) is none of the {len(labels.voxels)} frames of the labels"
        )
    found = []
    for z, level in levels.items():
        masks = slice_masks(labels.voxels[frame, z].T)
        if not masks.valid:
            continue
        endo_mm, epi_mm = (
            smooth_border_mm(mask, z, labels.affine) for mask in (masks.endo, masks.epi)
        )
        thickness = to_points_mm if mode == "compat" else to_line_mm
        segment = segment_of(endo_mm, centre_mm(masks.endo, z, labels.affine), level, axes)
        found.append((endo_mm, thickness(endo_mm, epi_mm), segment, np.full(len(endo_mm), z)))
    if not found:
        nothing = np.zeros(0, int)
        return WallThickness(np.zeros((0, 3)), np.zeros(0), nothing, nothing)
    return WallThickness(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def to_points_mm(points_mm: np.ndarray, others_mm: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest of some others, which are rounded; (n,) float32."""
    distance, _ = cKDTree(others_mm.astype(np.float32)).query(points_mm)
    return distance.astype(np.float32)


def to_line_mm(points_mm: np.ndarray, line_mm: np.ndarray) -> np.ndarray:
    """Distance of points (n, 3) to a closed line through others (m, 3); (n,) float64."""
    edges = np.roll(line_mm, -1, axis=0) - line_mm
    away = points_mm[:, None] - line_mm
    squares = np.maximum((edges**2).sum(axis=1), np.finfo(float).tiny)
    along = np.clip((away * edges).sum(axis=2) / squares, 0, 1)
    return np.sqrt(((away - along[..., None] * edges) ** 2).sum(axis=2).min(axis=1))


def thickness_table(walls: WallThickness) -> pd.DataFrame:
    """A row for each segment, and one for all (GLOBAL): COLUMNS.

    points: how many there are; without one, mean and maximum are nan. The global mean is that over
    all points.
    """
    rows = []
    for name in SHORT_AXIS_ROWS:
        chosen = slice(None) if name == GLOBAL else walls.segment == int(name)
        values = walls.thickness_mm[chosen]
        mean, most = (values.mean(), values.max()) if len(values) else (np.nan, np.nan)
        rows.append((name, float(mean), float(most), len(values)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def wall_thickening(ed: pd.DataFrame, es: pd.DataFrame) -> pd.DataFrame:
    """How much thicker the wall is at end-systole, by segment: segment, thickening_percent.

    ed, es: of `thickness_table`, made with the axes and levels of end-diastole. Per cent of the
    mean thickness at end-diastole; nan where either is nan. Raises ValueError for tables of other
    segments.
    """
    if ed["segment"].tolist() != es["segment"].tolist():
        raise ValueError(
            f"end-diastole has segments {', '.join(ed['segment'])}, end-systole "
            f"{', '.join(es['segment'])}; expected the same rows in both"
        )
    ed_mm, es_mm = (table["mean_mm"].to_numpy() for table in (ed, es))
    return pd.DataFrame(
        {"segment": ed["segment"], "thickening_percent": (es_mm - ed_mm) / ed_mm * 100}
    )
