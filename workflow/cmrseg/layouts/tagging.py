"""Import of tagged cines with landmarks in HDF5: a row of the file is a cine of one slice.

The layout of Ferdian et al. 2020, doi:10.1148/ryct.2020190032.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import EMPTY_FRAME, Audit
from cmrseg.dicom.layout import natural
from cmrseg.layouts.hdf5 import only_file
from cmrseg.layouts.inputs import TAGGING_ROWS
from cmrseg.layouts.nifti import check_finite
from cmrseg.layouts.plain_hdf5 import UNREADABLE, item, line, opened, values, values_of
from cmrseg.layouts.ready_made import Reader
from cmrseg.ring import LANDMARKS

# (row, frame, y, x), (row, frame, x and y, landmark), (row, x1 y1 x2 y2), (row).
IMAGES, POINTS, BOXES, SPACINGS = "image_seqs", "landmark_coords", "bbox_corners", "px_spaces"
# Examination and slice of a row; not every file has them.
CASES, SLICES = "_cases", "_slices"
# Pixels of heart images are far from these.
PIXEL_MM = (0.1, 10.0)
# A pixel size that is given, and the file's own, may differ by rounding.
SAME_PIXEL_MM = 0.01
# The corners of a box lie around the landmarks; rounding of single precision.
BOX_PX = 0.01


class Wanted(NamedTuple):
    """What a subject table says: rows of the file, "" for all of the subject, and the grid.

    spacing_mm: of pixels, where the file does not tell it; None if it has to.
    """

    rows: str
    spacing_mm: float | None
    slice_distance_mm: float
    frame_interval_ms: float


def wanted_of(rows: pd.DataFrame) -> dict[str, Wanted]:
    """What is wanted of each subject; rows: subject, series and the fields of `Wanted`."""
    columns = ["subject", "series", *Wanted._fields[1:]]
    return {
        subject: Wanted(series, None if spacing is None or math.isnan(spacing) else spacing, *rest)
        for subject, series, spacing, *rest in rows[columns].itertuples(index=False)
    }


def reader(wanted: Mapping[str, Wanted]) -> Reader:
    """Reads the slices of a subject from `<raw>/<study>.h5` (or `.hdf5`)."""

    def read(raw: Path, study: str, sequence: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
        path = only_file(raw, study)
        cine, rows = read_images(path, audit.subject, wanted[audit.subject])
        for z, row in enumerate(rows):
            if empty := _numbers(empty_frames(cine.voxels[:, z])):
                audit.add(EMPTY_FRAME, source(path, row), f"frame {empty} (from 0)")
        sources = [
            (z, t, source(path, row)) for z, row in enumerate(rows) for t in range(len(cine.voxels))
        ]
        return cine, pd.DataFrame(sources, columns=["z", "t", "file"])

    return read


def read_images(path: Path, subject: str, wanted: Wanted) -> tuple[Cine, list[int]]:
    """The cine of a subject's slices as they are stored, and their rows in the file.

    The affine has the spacings alone: the place in the patient is not known. Raises ValueError
    naming the file where it is unreadable, where it is not clear which rows are the subject's, and
    where a slice has no first frame, which strain refers to.
    """
    with opened(path) as file:
        try:
            images = _dataset(file, IMAGES, (None, None, None, None), "(row, frame, y, x)")
            rows = _rows(file, len(images), subject, wanted.rows)
            voxels = _numeric(images, values_of(images, rows))
            spacing_mm = _spacing_mm(file, rows, len(images), wanted)
        except UNREADABLE as error:
            raise ValueError(f"{path}: {line(error)}") from error
    check_finite(voxels, path)
    if voxels.shape[1] < 2:
        raise ValueError(f"{path}: {IMAGES} has 1 frame for each row, expected a cine")
    for row, slice_ in zip(rows, voxels, strict=True):
        if 0 in empty_frames(slice_):
            raise ValueError(
                f"{path}: row {row} has an empty first frame (all 0), which strain refers to; name "
                "the other rows in the subject table's series"
            )
    affine = np.diag([spacing_mm, spacing_mm, wanted.slice_distance_mm, 1.0])
    frames = np.ascontiguousarray(voxels.transpose(1, 0, 2, 3))
    return Cine(frames, affine, wanted.frame_interval_ms / 1000), rows


def read_landmarks(path: Path, rows: list[int], voxels: np.ndarray) -> np.ndarray | None:
    """The landmarks of some rows: (t, z, 168, 2) float64, places (y, x) in px; nan where unknown.

    voxels: (t, z, y, x), the images as they were imported. A frame whose landmarks are all 0, or
    whose image is empty, has none. None where the file has no landmarks. Raises
    ValueError naming file and row where they are not of these images, or lie outside the boxes of
    the same file.
    """
    with opened(path) as file:
        try:
            if item(file, POINTS) is None:
                return None
            images = _dataset(file, IMAGES, (None, None, None, None), "(row, frame, y, x)")
            shape, words = (*images.shape[:2], 2, LANDMARKS), "(row, frame, x and y, landmark)"
            found = _dataset(file, POINTS, shape, words)
            if outside := [row for row in rows if row >= len(images)]:
                raise ValueError(f"there is no row {outside[0]}; import the images anew")
            stored = _numeric(found, values_of(found, rows)).astype(np.float64)
            boxes = None
            if item(file, BOXES) is not None:
                place = _dataset(file, BOXES, (len(images), 4), "(row, x1 y1 x2 y2)")
                boxes = _numeric(place, values_of(place, rows)).astype(np.float64)
            frames = _numeric(images, values_of(images, rows))
        except UNREADABLE as error:
            raise ValueError(f"{path}: {line(error)}") from error
    if np.isinf(stored).any():
        raise ValueError(
            f"{path}: {POINTS} has infinite values; write nan or 0 where none is known"
        )
    _check_same(frames, voxels.transpose(1, 0, 2, 3), rows, path)
    empty = ~frames.any(axis=(2, 3))
    stored[empty | ~stored.any(axis=(2, 3))] = np.nan
    if boxes is not None:
        _check_boxes(stored, boxes, rows, path)
    return stored[:, :, ::-1].transpose(1, 0, 3, 2)


def empty_frames(frames: np.ndarray) -> list[int]:
    """The frames (t, y, x) of a slice in which every pixel is 0, counted from 0."""
    return [int(t) for t in np.flatnonzero(~frames.any(axis=(1, 2)))]


def source(path: Path, row: int) -> str:
    """A row of a file, as the table of a subject's sources names it."""
    return f"{path.name}#{row}"


def row_of(name: str) -> int:
    """The row that a name of `source` tells."""
    return int(name.rpartition("#")[2])


def _rows(file: h5py.File, count: int, subject: str, named: str) -> list[int]:
    """The rows of a subject, from base to apex: those named, else by examination and slice."""
    if named:
        if not TAGGING_ROWS.fullmatch(named):
            raise ValueError(f"series is {named!r}, expected rows of the file as 0,1,2")
        rows = [int(row) for row in named.split(",")]
        if len(set(rows)) < len(rows):
            raise ValueError(f"series {named} names a row twice")
        if max(rows) >= count:
            raise ValueError(f"series {named}: the file has {count} rows, counted from 0")
        return rows
    if count == 1:
        return [0]
    cases, slices = (_texts(file, name, count) for name in (CASES, SLICES))
    if cases is None:
        raise ValueError(
            f"{count} rows and no {CASES}; name the rows of the subject's slices, from base to "
            "apex, in the subject table's series, as 0,1,2"
        )
    rows = [row for row, case in enumerate(cases) if case == subject]
    if not rows:
        raise ValueError(
            f"no row's {CASES} is {subject}; name the rows of the subject's slices, from base to "
            "apex, in the subject table's series, as 0,1,2"
        )
    if len(rows) == 1:
        return rows
    if slices is None or len({slices[row] for row in rows}) < len(rows):
        raise ValueError(
            f"rows {', '.join(map(str, rows))} have {CASES} {subject}, and {SLICES} does not tell "
            "them apart; name them from base to apex in the subject table's series"
        )
    return sorted(rows, key=lambda row: natural(slices[row]))


def _texts(file: h5py.File, name: str, count: int) -> list[str] | None:
    """A column of text; None where there is none of that name."""
    if item(file, name) is None:
        return None
    found = _dataset(file, name, (count,), "(row)")
    told = [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for text in values(found).tolist()
    ]
    return [text.strip("\0 ") for text in told]


def _spacing_mm(file: h5py.File, rows: list[int], count: int, wanted: Wanted) -> float:
    """The pixel size, of the file or as given."""
    if item(file, SPACINGS) is None:
        if wanted.spacing_mm is None:
            raise ValueError(f"has no {SPACINGS}; give spacing_mm in the cohort or subject table")
        return wanted.spacing_mm
    dataset = _dataset(file, SPACINGS, (count,), "(row)")
    told = _numeric(dataset, values_of(dataset, rows)).astype(np.float64)
    for row, value in zip(rows, told, strict=True):
        if not PIXEL_MM[0] <= value <= PIXEL_MM[1]:
            raise ValueError(
                f"{SPACINGS} of row {row} is {value:g}, expected mm from {PIXEL_MM[0]:g} to "
                f"{PIXEL_MM[1]:g}"
            )
    if np.ptp(told) > SAME_PIXEL_MM:
        raise ValueError(
            f"{SPACINGS} of rows {', '.join(map(str, rows))} are "
            f"{', '.join(f'{value:g}' for value in told)} mm, expected one pixel size; these are "
            "not slices of one series"
        )
    spacing = float(told[0])
    if wanted.spacing_mm is not None and abs(wanted.spacing_mm - spacing) > SAME_PIXEL_MM:
        raise ValueError(
            f"{SPACINGS} of row {rows[0]} is {spacing:g} mm, but spacing_mm is "
            f"{wanted.spacing_mm:g}; leave out spacing_mm"
        )
    return spacing


def _check_same(frames: np.ndarray, imported: np.ndarray, rows: list[int], path: Path) -> None:
    """Refuse landmarks of other images than the imported ones, both (row, t, y, x)."""
    if frames.shape == imported.shape:
        same = (frames.astype(np.float32) == imported).all(axis=(1, 2, 3))
        if same.all():
            return
        rows = [rows[int(np.flatnonzero(~same)[0])]]
    raise ValueError(
        f"{path}: images of row {rows[0]} are not those that were imported; its landmarks are of "
        "another image"
    )


def _check_boxes(stored: np.ndarray, boxes: np.ndarray, rows: list[int], path: Path) -> None:
    """Refuse landmarks (row, t, xy, p) whose first frame lies outside its box.

    Files in which the crop's origin was subtracted from the landmarks have this fault.
    """
    for row, points, box in zip(rows, stored[:, 0], boxes, strict=True):
        if np.isnan(points).all() or not np.isfinite(box).all():
            continue
        low, high = np.nanmin(points, axis=1), np.nanmax(points, axis=1)
        if (low < box[:2] - BOX_PX).any() or (high > box[2:] + BOX_PX).any():
            raise ValueError(
                f"{path}: landmarks of row {row} lie at x {low[0]:.1f} to {high[0]:.1f}, y "
                f"{low[1]:.1f} to {high[1]:.1f}, outside the row's {BOXES} ({box[0]:.1f}, "
                f"{box[1]:.1f}, {box[2]:.1f}, {box[3]:.1f}); expected pixels of {IMAGES}, x first"
            )


def _dataset(file: h5py.File, name: str, shape: tuple[int | None, ...], words: str) -> h5py.Dataset:
    """A dataset of some shape. Raises ValueError where it has another one, or is missing."""
    found = item(file, name)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"has no dataset {name} of {words}")
    there = found.shape or ()
    fits = len(there) == len(shape) and min(there, default=0) > 0
    if not fits or any(n not in (None, m) for n, m in zip(shape, there, strict=True)):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} has shape {there}, expected {words}: ({expected})")
    return found


def _numeric(found: h5py.Dataset, stored: np.ndarray) -> np.ndarray:
    if found.dtype.kind not in "iuf":
        raise ValueError(f"{found.name.strip('/')} holds {found.dtype}, expected numbers")
    return stored


def _numbers(frames: list[int]) -> str:
    return ", ".join(map(str, frames))
