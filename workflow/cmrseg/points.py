"""Points that a labeller placed in the images of a subject, in a table.

A point has a number in its image, and the same number is the same place of the heart in all frames.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import write_table

COLUMNS = ("frame", "slice", "point", "x_px", "y_px", "x_mm", "y_mm", "z_mm", "valid")


def points_table(points: np.ndarray, cine: Cine) -> pd.DataFrame:
    """A row per point of every image: COLUMNS.

    points: (t, z, p, 2), the places (y, x) of p points in px of each image of the cine, 0 at the
    centre of the first pixel; nan where a point was not found. x_mm, y_mm, z_mm are the places in
    the patient (RAS). valid: 1 for a point that was found inside its image, else 0. Raises
    ValueError where the points are not of the cine's frames and slices.
    """
    frames, slices, rows, columns = cine.voxels.shape
    if points.ndim != 4 or points.shape[:2] != (frames, slices) or points.shape[3] != 2:
        raise ValueError(
            f"points {points.shape}, expected (t, z, point, 2) of a cine with {frames} frames and "
            f"{slices} slices"
        )
    frame, slice_, point = (axis.ravel() for axis in np.indices(points.shape[:3]))
    y, x = points.reshape(-1, 2).T.astype(np.float64)
    x_mm, y_mm, z_mm = (
        row[0] * x + row[1] * y + row[2] * slice_ + row[3] for row in cine.affine[:3]
    )
    inside = (y > -0.5) & (y < rows - 0.5) & (x > -0.5) & (x < columns - 0.5)
    values = (frame, slice_, point, x, y, x_mm, y_mm, z_mm, inside.astype(int))
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def save_points(points: np.ndarray, cine: Cine, path: Path) -> None:
    """Write the table of some points; arguments as `points_table`."""
    write_table(points_table(points, cine), path)
