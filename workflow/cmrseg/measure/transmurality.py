"""Scar and oedema of the left ventricle's wall by AHA segment: how deep, and how much of it.

Two numbers are told apart, as in J Cardiovasc Magn Reson 2005;7:573-579: transmurality, the part of
the wall's thickness that is scar along lines from the middle of the cavity outwards, as a mean over
the lines of a segment; and the part of the segment's wall that is scar. A thin rim of scar all
along the endocardium and a transmural scar of a part of the segment may have the same of both:
`scarred_percent`, the part of the lines that meet scar, and `depth_percent`, the mean
transmurality of these lines, tell them apart.
The wall of a line is all of it between cavity and outside that is myocardium, oedema or scar.
Segments are those of `aha`, from slices that show cavity and wall; stacks of fewer than three are
refused, as they do not tell base, middle and apex.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.contours.raster import to_world
from cmrseg.labels import Tissue
from cmrseg.measure.aha import AhaAxes, aha_axes, one_frame, segment_of, slice_levels
from cmrseg.measure.aha_segments import GLOBAL, SHORT_AXIS_ROWS, Level
from cmrseg.measure.lesions import WALL
from cmrseg.measure.pieces import LEAST_PIXELS, slice_masks
from cmrseg.measure.rows import Mode

COLUMNS = (
    "segment",
    "transmurality_percent",
    "depth_percent",
    "scarred_percent",
    "scar_percent",
    "edema_percent",
    "lines",
    "wall_pixels",
)
# A line for each degree, which is less than half a pixel at the epicardium.
LINES = 360
# A line is looked at in steps of this part of a pixel.
STEP = 0.1
# A line that meets less wall, in pixels, only touches a corner of it.
LEAST_WALL = 1.0


@dataclass(frozen=True)
class Wall:
    """The wall of one frame: its lines, and its pixels.

    line_segment: (n,) AHA segments of the lines. transmurality: (n,) part of each line's wall that
    is scar. pixel_segment: (m,). tissue: (m,) MYO, EDEMA or SCAR.
    """

    line_segment: np.ndarray
    transmurality: np.ndarray
    pixel_segment: np.ndarray
    tissue: np.ndarray


def wall_of(labels: Cine, mode: Mode = "corrected") -> Wall:
    """The wall of short-axis labels with scar and oedema.

    labels: one frame of `Tissue`. mode: of the axes (`aha`). Raises ValueError where the labels
    are no ventricle: several frames, fewer than three slices with cavity and wall or a gap between
    them, no right ventricle in the middle one.
    """
    frame = one_frame(labels)
    merged = np.where(np.isin(frame, WALL), Tissue.MYO, frame).astype(np.uint8)
    healthy = labels.like(merged[None])
    axes, levels = aha_axes(healthy, mode), slice_levels(healthy)
    absent = sorted(set(range(min(levels), max(levels))) - set(levels))
    if absent:
        raise ValueError(
            f"slice {absent[0] + 1} (from 1) has fewer than {LEAST_PIXELS} pixels of cavity or "
            f"wall, expected as many in every slice from {min(levels) + 1} to {max(levels) + 1}; "
            "repair the labels or leave the subject out"
        )
    parts = []
    for z, level in levels.items():
        if slice_masks(merged[z].T).valid:
            parts.append(_of_slice(frame[z].T, merged[z].T, z, level, labels, axes))
    if not parts:
        raise ValueError("no slice has a piece of cavity and of wall; repair the labels")
    return Wall(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _of_slice(
    tissue: np.ndarray, merged: np.ndarray, z: int, level: Level, labels: Cine, axes: AhaAxes
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Wall` of one slice. tissue: (x, y); merged: with the whole wall as MYO."""
    masks = slice_masks(merged)
    wall = masks.epi & ~masks.endo & (merged == Tissue.MYO)
    middle = np.argwhere(masks.endo).mean(axis=0)
    middle_mm = to_world(middle[None], z, labels.affine)[0]
    spacing_mm = np.array(labels.spacing_mm[:0:-1])
    pixels = np.argwhere(wall)
    of_pixels = segment_of(to_world(pixels, z, labels.affine), middle_mm, level, axes)

    step_mm = STEP * spacing_mm.min()
    reach_mm = np.hypot(*((pixels - middle) * spacing_mm).T).max() + spacing_mm.max()
    away_mm = np.arange(0, reach_mm, step_mm)
    angles = np.arange(LINES) * (2 * np.pi / LINES)
    direction = np.column_stack([np.cos(angles), np.sin(angles)]) / spacing_mm
    index = np.rint(middle + direction[:, None] * away_mm[:, None]).astype(int)
    inside = ((index >= 0) & (index < wall.shape)).all(axis=2)
    x, y = np.where(inside[..., None], index, 0).transpose(2, 0, 1)
    in_wall = wall[x, y] & inside
    scar = in_wall & (tissue[x, y] == Tissue.SCAR)
    length_mm = in_wall.sum(axis=1) * step_mm
    kept = length_mm >= LEAST_WALL * spacing_mm.min()
    # A point of each line, one pixel away; where on the line does not matter.
    points_mm = to_world(middle + direction[kept] * spacing_mm.max(), z, labels.affine)
    return (
        segment_of(points_mm, middle_mm, level, axes),
        scar[kept].sum(axis=1) / in_wall[kept].sum(axis=1),
        of_pixels,
        tissue[wall],
    )


def scar_table(wall: Wall) -> pd.DataFrame:
    """A row for each segment, and one for all (GLOBAL): COLUMNS.

    transmurality_percent: mean over all lines; depth_percent: over those that meet scar, nan
    without any. scarred_percent: the part of the lines that meet scar. scar_percent,
    edema_percent: parts of the wall's pixels. A segment without lines, or pixels, has nan.
    """
    rows = []
    for name in SHORT_AXIS_ROWS:
        every = name == GLOBAL
        lines = wall.transmurality[every | (wall.line_segment == (0 if every else int(name)))]
        tissue = wall.tissue[every | (wall.pixel_segment == (0 if every else int(name)))]
        rows.append(
            (
                name,
                _percent(lines),
                _percent(lines[lines > 0]),
                _percent(lines > 0),
                _percent(tissue == Tissue.SCAR),
                _percent(tissue == Tissue.EDEMA),
                len(lines),
                len(tissue),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _percent(values: np.ndarray) -> float:
    """Mean of fractions, or of what is true, in per cent; nan without any."""
    return float(100 * values.mean()) if len(values) else float("nan")
