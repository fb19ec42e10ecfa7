"""Landmarks of tagged cines as points on the imported image, by the form of their files."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.annotations.point_forms import TABLE_ENDINGS
from cmrseg.annotations.point_grid import onto_image, with_places
from cmrseg.annotations.rings import check_rings
from cmrseg.annotations.subject import BESIDE_POINTS, NO_POINTS, TURNED_POINTS, Subject
from cmrseg.files import check_plain, read_table
from cmrseg.layouts.hdf5 import files_of
from cmrseg.layouts.tagging import empty_frames, read_landmarks, row_of
from cmrseg.points import check_columns, points_of
from cmrseg.ring import LANDMARKS
from cmrseg.sequences import sources_path

# A table of 100 frames of 20 slices has 60 MB.
MOST_BYTES, PIECE = 2**27, 2**20


def tagging(subject: Subject) -> np.ndarray | None:
    """The dataset landmark_coords of `<folder>/<study>.h5` (or `.hdf5`).

    Of the rows that the image was imported from, whose images must be the same ones. Returns
    (t, z, 168, 2), places (y, x) in px, nan where unknown; None without a file or the dataset.
    """
    found = files_of(subject.folder, str(subject.row["study"]))
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{found[0].name} and {found[1].name} both exist; keep one of them")
    sources = read_table(sources_path(subject.image, subject.sequence.key))
    rows = [row_of(name) for name in sources.drop_duplicates("z").sort_values("z")["file"]]
    points = read_landmarks(found[0], rows, subject.cine.voxels)
    return None if points is None else _checked(points, subject, found[0].name)


def points(subject: Subject) -> np.ndarray | None:
    """The table `<folder>/<annotation>/<sequence>.points.tsv.gz` (or `.points.tsv`).

    As `cmrseg.points.save_points` writes it; places in the patient and the column valid may be
    missing. Pixels are those of the raw NIfTI file, or of the imported image: its place decides.
    Returns as `tagging`.
    """
    key = subject.sequence.key
    folder = subject.folder / subject.annotation
    found = [path for end in TABLE_ENDINGS if (path := folder / f"{key}{end}").is_file()]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{found[0].name} and {found[1].name} both exist; keep one of them")
    (path,) = found
    _check_packed(path)
    table = read_table(path)
    _check_ring_of(table, path.name)
    check_columns(table, path.name)
    table = with_places(table, subject.raw, str(subject.row["study"]), key)
    table, turned = onto_image(table, subject.cine)
    if turned:
        subject.audit.add(TURNED_POINTS, path.name)
    return _checked(points_of(table, path.name, subject.cine), subject, path.name)


def _check_packed(path: Path) -> None:
    """Raise ValueError naming a file that is not there as a whole, or unpacks to any length."""
    check_plain(path)
    size = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            while size <= MOST_BYTES and (piece := file.read(PIECE)):
                size += len(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: not a readable table ({error})") from error
    if size > MOST_BYTES:
        raise ValueError(f"{path}: has more than {MOST_BYTES} bytes; these are no landmarks")


def _check_ring_of(table: pd.DataFrame, name: str) -> None:
    """Refuse a table that does not have the points of a ring."""
    there = set(table["point"]) if "point" in table else set()
    if there and there != set(range(LANDMARKS)):
        raise ValueError(
            f"{name}: has {len(there)} points, {min(there)} to {max(there)}; expected {LANDMARKS}, "
            "counted from 0"
        )


def _checked(points: np.ndarray, subject: Subject, name: str) -> np.ndarray | None:
    """Points that are a ring, without those of empty frames; what is missing is audited."""
    voxels = subject.cine.voxels
    if points.shape != (*voxels.shape[:2], LANDMARKS, 2):
        if not points.size:
            return None
        raise ValueError(
            f"{name}: points {points.shape}, expected {LANDMARKS} in {voxels.shape[0]} frames of "
            f"{voxels.shape[1]} slices; these are points of another image"
        )
    for z in range(voxels.shape[1]):
        points[empty_frames(voxels[:, z]), z] = np.nan
    check_rings(points, voxels.shape[2:], name)
    for z in range(voxels.shape[1]):
        known = np.isfinite(points[:, z]).all(axis=(1, 2))
        if not known.all():
            missing = ", ".join(map(str, np.flatnonzero(~known)))
            subject.audit.add(NO_POINTS, name, f"slice {z}, frame {missing} (from 0)")
    y, x = points[..., 0], points[..., 1]
    rows, columns = voxels.shape[2:]
    outside = (y <= -0.5) | (x <= -0.5) | (y >= rows - 0.5) | (x >= columns - 0.5)
    if outside.any():
        t, z, p = np.argwhere(outside)[0].tolist()
        subject.audit.add(
            BESIDE_POINTS,
            name,
            f"{outside.sum()}, the first: frame {t}, slice {z}, point {p} (from 0)",
        )
    return points if np.isfinite(points).any() else None
