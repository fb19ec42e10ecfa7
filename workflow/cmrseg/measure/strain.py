"""Strain of lines in the wall: how much longer they are than at end-diastole, in per cent.

(L - L0) / L0, which is Lagrangian engineering strain; lengthening is positive. As in ukbb_cardiac
(Bai et al. 2020, doi:10.1038/s41591-020-1009-y).
"""

import numpy as np
import pandas as pd

from cmrseg.measure.aha_segments import GLOBAL, LONG_AXIS_ROWS, SHORT_AXIS_ROWS
from cmrseg.measure.strain_lines import Direction, MaterialLines

COLUMNS = ("direction", "segment", "frame", "strain_percent", "lines")
# Where the strain of a direction is greatest: lines around and along the heart get shorter, those
# across the wall longer.
PEAKS = {
    Direction.RADIAL: np.argmax,
    Direction.CIRCUMFERENTIAL: np.argmin,
    Direction.LONGITUDINAL: np.argmin,
}


def lines_strain(points_mm: np.ndarray, lines: MaterialLines) -> pd.DataFrame:
    """Strain of each direction and segment in each frame: COLUMNS, in that order of rows.

    points_mm: (t, n, 3) where the points of `lines` are in each frame; lengths at rest are those of
    frame 0. direction: "radial", "circumferential", "longitudinal", as there are. segment: "1" to
    "16", or "6", and GLOBAL, which is the mean over all lines. strain_percent: mean over the lines
    of a segment; nan where it has none, or a point's place is unknown (nan). Raises ValueError for
    another number of points, and a line whose ends are at one place at end-diastole.
    """
    points_mm = np.asarray(points_mm, float)
    if points_mm.ndim != 3 or points_mm.shape[1:] != lines.points_mm.shape:
        raise ValueError(
            f"places have shape {points_mm.shape}, expected (t, {len(lines.points_mm)}, 3): one "
            "for each point of the lines in each frame"
        )
    first, last = lines.lines.T
    length_mm = np.linalg.norm(points_mm[:, last] - points_mm[:, first], axis=2)
    none = np.flatnonzero(length_mm[0] == 0)
    if len(none):
        a, b = lines.lines[none[0]]
        raise ValueError(
            f"the line from point {a} to point {b} has no length at end-diastole, expected two "
            "places; repair the contour"
        )
    strain_percent = (length_mm - length_mm[0]) / length_mm[0] * 100
    tables = []
    for direction in Direction:
        of_direction = lines.line_direction == direction
        if not of_direction.any():
            continue
        along = direction == Direction.LONGITUDINAL
        for name in LONG_AXIS_ROWS if along else SHORT_AXIS_ROWS:
            chosen = of_direction
            if name != GLOBAL:
                chosen = of_direction & (lines.line_segment == int(name))
            count = int(chosen.sum())
            unknown = np.full(len(points_mm), np.nan)
            table = {
                "direction": direction.name.lower(),
                "segment": name,
                "frame": np.arange(len(points_mm)),
                "strain_percent": strain_percent[:, chosen].mean(axis=1) if count else unknown,
                "lines": count,
            }
            tables.append(pd.DataFrame(table, columns=list(COLUMNS)))
    return pd.concat(tables, ignore_index=True)


def peak_strain(strain: pd.DataFrame) -> pd.DataFrame:
    """The greatest strain of each direction and segment: direction, segment, peak_percent, frame.

    strain: of `lines_strain`. The smallest value over time of circumferential and longitudinal
    strain, the largest of radial strain, and the first frame that has it; nan for a segment without
    lines, and where the strain of any frame is unknown.
    """
    rows = []
    for (direction, segment), rows_of in strain.groupby(["direction", "segment"], sort=False):
        values = rows_of["strain_percent"].to_numpy()
        if np.isnan(values).any():
            rows.append((direction, segment, np.nan, np.nan))
            continue
        at = int(PEAKS[Direction[direction.upper()]](values))
        rows.append((direction, segment, float(values[at]), float(rows_of["frame"].iloc[at])))
    return pd.DataFrame(rows, columns=["direction", "segment", "peak_percent", "frame"])
