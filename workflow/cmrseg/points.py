"""Points that a labeller placed in the images of a subject, in a table.

A point has a number in its image, and the same number is the same place of the heart in all frames.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import read_table, write_table

# Places in the patient that a table tells may differ by so much from those of its pixels.
TOLERANCE_MM = 0.1
PLACES = ("x_mm", "y_mm", "z_mm")
COLUMNS = ("frame", "slice", "point", "x_px", "y_px", *PLACES, "valid")


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
    x_mm, y_mm, z_mm = places_mm(x, y, slice_, cine.affine)
    inside = (y > -0.5) & (y < rows - 0.5) & (x > -0.5) & (x < columns - 0.5)
    values = (frame, slice_, point, x, y, x_mm, y_mm, z_mm, inside.astype(int))
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def places_mm(
    x: np.ndarray, y: np.ndarray, slice_: np.ndarray, affine: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Places in the patient (RAS x, y, z) of pixels x, y of slices; affine: (4, 4) of the image."""
    return tuple(row[0] * x + row[1] * y + row[2] * slice_ + row[3] for row in affine[:3])


def _apart_mm(table: pd.DataFrame, cine: Cine) -> float:
    """Largest distance of x_mm, y_mm, z_mm of a table from those of x_px, y_px and slice."""
    x, y, slice_ = table[["x_px", "y_px", "slice"]].to_numpy(np.float64).T
    told = table[list(PLACES)].to_numpy(np.float64).T
    return float(np.linalg.norm(told - places_mm(x, y, slice_, cine.affine), axis=0).max())


def save_points(points: np.ndarray, cine: Cine, path: Path) -> None:
    """Write the table of some points; arguments as `points_table`."""
    write_table(points_table(points, cine), path)


def read_points(path: Path, cine: Cine) -> np.ndarray:
    """The points of a table as `points_table` takes them: (t, z, p, 2) float64, (y, x) in px.

    nan where a point is not valid, or no row tells of it. cine: the image that they lie in. Raises
    ValueError naming the file where it lacks a column, or has a point twice, or one of a frame or
    slice that the cine does not have, or where its places in the patient are not those of its
    pixels.
    """
    table = read_table(path)
    if missing := [name for name in COLUMNS if name not in table]:
        raise ValueError(f"{path}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    return points_of(table, str(path), cine)


def check_columns(table: pd.DataFrame, path: str) -> None:
    """Raise ValueError where a table of points lacks a column that it needs, or has text in one."""
    if missing := [name for name in COLUMNS[:5] if name not in table]:
        raise ValueError(f"{path}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    there = [name for name in COLUMNS if name in table]
    if len(table) and (wrong := [name for name in there if table[name].dtype.kind not in "iuf"]):
        raise ValueError(f"{path}: column {wrong[0]} has text, expected numbers")


def points_of(table: pd.DataFrame, path: str, cine: Cine) -> np.ndarray:
    """As `read_points`, of a table that was read; path: names it in errors.

    The places in the patient, and the column valid, may be missing.
    """
    check_columns(table, path)
    frames, slices = cine.voxels.shape[:2]
    place = table[["frame", "slice", "point"]]
    if not place.empty and ((place % 1 != 0) | (place < 0)).any(axis=None):
        raise ValueError(f"{path}: frame, slice and point are whole numbers from 0")
    table, place = table.astype(dict.fromkeys(place, int)), place.astype(int)
    if place.duplicated().any():
        twice = place[place.duplicated()].iloc[0].to_dict()
        raise ValueError(f"{path}: two rows of {twice}; keep one")
    for name, count in (("frame", frames), ("slice", slices)):
        if not place.empty and not 0 <= place[name].min() <= place[name].max() < count:
            raise ValueError(
                f"{path}: {name} {place[name].min()} to {place[name].max()}, but the image has "
                f"{count}, counted from 0; these are points of another image"
            )
    points = np.full(
        (frames, slices, 1 + int(place["point"].max()) if len(place) else 0, 2), np.nan
    )
    found = table[table["valid"] == 1] if "valid" in table else table
    told = all(name in table for name in PLACES)
    if told and not found.empty and _apart_mm(found, cine) > TOLERANCE_MM:
        raise ValueError(
            f"{path}: points lie {_apart_mm(found, cine):.2f} mm from the pixels that it names; "
            "these are points of another image"
        )
    where = tuple(found[name].to_numpy() for name in ("frame", "slice", "point"))
    points[where] = found[["y_px", "x_px"]].to_numpy(np.float64)
    return points
