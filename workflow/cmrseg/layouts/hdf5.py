"""Import of HDF5: one file per study with images, label maps and which frames are labelled.

The layout of the mouse cines of Hanisah et al., doi:10.1016/j.jocmr.2026.102706.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import NO_IMAGES, OTHER, Audit, SubjectError
from cmrseg.layouts.inputs import HDF5_SUFFIXES
from cmrseg.layouts.nifti import check_finite
from cmrseg.layouts.plain_hdf5 import UNREADABLE, item, line, opened, values
from cmrseg.layouts.ready_made import Reader

# Datasets at the root; the first two are (row, column, slice, frame).
IMAGES, MASKS, FRAMES = "Images", "Masks", "Frames_with_ROI"


class Grid(NamedTuple):
    """What these files do not say: voxel distances along z, y, x, and the frame interval."""

    spacing_mm: tuple[float, float, float]
    frame_interval_s: float


def grid_of(spacing_mm: float, slice_distance_mm: float, frame_interval_ms: float) -> Grid:
    """The grid of square pixels `spacing_mm` apart."""
    return Grid((slice_distance_mm, spacing_mm, spacing_mm), frame_interval_ms / 1000)


def files_of(folder: Path, name: str) -> list[Path]:
    """The HDF5 files of that name."""
    return [path for path in (folder / f"{name}{s}" for s in HDF5_SUFFIXES) if path.is_file()]


def only_file(raw: Path, study: str) -> Path:
    """The HDF5 file of a study. Raises SubjectError where there is none, or two of that name."""
    found = files_of(raw, study)
    if not found:
        detail = f"no file {study}{HDF5_SUFFIXES[0]}; check the subject table's study"
        raise SubjectError(NO_IMAGES, "", detail)
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise SubjectError(OTHER, "", f"{names} are both there; keep one of them")
    return found[0]


def reader(grids: Mapping[str, Grid]) -> Reader:
    """Reads the short axis of `<raw>/<study>.h5` (or `.hdf5`) with the grid of its study."""

    def read(raw: Path, study: str, sequence: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
        path = only_file(raw, study)
        cine = read_images(path, grids[study])
        frames, slices = cine.voxels.shape[:2]
        sources = [(z, t, path.name) for z in range(slices) for t in range(frames)]
        return cine, pd.DataFrame(sources, columns=["z", "t", "file"])

    return read


def grids_of(rows: pd.DataFrame) -> dict[str, Grid]:
    """Grid of each study; rows: study, spacing_mm, slice_distance_mm, frame_interval_ms."""
    columns = ["study", "spacing_mm", "slice_distance_mm", "frame_interval_ms"]
    return {study: grid_of(*grid) for study, *grid in rows[columns].itertuples(index=False)}


def read_images(path: Path, grid: Grid) -> Cine:
    """The cine as it is stored: x along the columns, y along the rows, z and t in order.

    The affine has the spacings alone: the place in the patient is not known. Raises ValueError
    naming the file where it is unreadable or has no images of four dimensions.
    """
    with opened(path) as file:
        images = _read(file, IMAGES, path, 4)
    if images is None:
        raise ValueError(f"{path}: has no dataset {IMAGES} of (row, column, slice, frame)")
    check_finite(images, path)
    z, y, x = grid.spacing_mm
    return Cine(_as_cine(images), np.diag([x, y, z, 1.0]), grid.frame_interval_s)


def read_masks(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Label values (t, z, y, x) as they are stored, and the labelled frames in order.

    None where the file has neither. Raises ValueError naming the file where it has one of them, or
    where they are no integers of four dimensions and one, or name a frame that is not there.
    """
    with opened(path) as file:
        masks, frames = _read(file, MASKS, path, 4), _read(file, FRAMES, path, 1)
    if masks is None or frames is None:
        if masks is frames:
            return None
        there, absent = (MASKS, FRAMES) if frames is None else (FRAMES, MASKS)
        raise ValueError(f"{path}: has {there} but no dataset {absent}; add it")
    for name, found in ((MASKS, masks), (FRAMES, frames)):
        if found.dtype.kind not in "iu":
            raise ValueError(f"{path}: {name} is {found.dtype}, expected integers")
    count = masks.shape[3]
    outside = frames[(frames < 0) | (frames >= count)]
    if outside.size:
        raise ValueError(
            f"{path}: {FRAMES} has {int(outside[0])}, {MASKS} has {count} frames, counted from 0"
        )
    return _as_cine(masks), np.unique(frames).astype(int)


def _as_cine(stored: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(stored.transpose(3, 2, 0, 1))


def _read(file: h5py.File, name: str, path: Path, dimensions: int) -> np.ndarray | None:
    """A dataset's values; None where there is none of that name."""
    try:
        if (found := item(file, name)) is None:
            return None
        if not isinstance(found, h5py.Dataset):
            raise ValueError(f"{name} is no dataset")
        if len(found.shape or ()) != dimensions or min(found.shape) < 1:
            raise ValueError(f"{name} has shape {found.shape}, expected {dimensions} dimensions")
        if found.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {found.dtype}, expected numbers")
        return values(found)
    except UNREADABLE as error:
        raise ValueError(f"{path}: {line(error)}") from error
