"""Import of NIfTI: one cine per study, or its volumes of end-diastole and end-systole."""

import math
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import NO_IMAGES, OTHER, WIDE_IMAGE, Audit, SubjectError
from cmrseg.inputs import SUFFIXES

# The two frames of the cine of a cohort that has no others, in this order.
FRAMES = ("ED", "ES")

# Repairs of this import, beside the turn of wide images.
MIRRORED = ("rows from bottom to top", "rows reversed")
UNKNOWN_INTERVAL = ("frame interval", "taken as unknown")

SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
MILLIMETRES = {"mm": 1.0, "meter": 1000.0, "micron": 1e-3, "unknown": 1.0}
# A beat takes this long: 300 to 20 beats per minute. Many programs write 1 where they know nothing.
BEAT_S = (0.2, 3.0)

# Usual direction of the heart from base to apex, RAS: to the left, forwards and downwards.
# Short-axis images are looked at from the apex.
BASE_TO_APEX = np.array([-0.64, 0.64, -0.43])
# Cosine beyond which a plane counts as looked at from the base. A short axis is far beyond it; an
# axial stack, or an affine that is a mere scaling, has 0.43 and is left alone.
FROM_BASE = 0.5


def existing(folder: Path, name: str) -> list[Path]:
    """The NIfTI files of that name, compressed or not."""
    return [path for path in (folder / f"{name}{s}" for s in SUFFIXES) if path.is_file()]


def read_frames(folder: Path, pattern: str) -> Cine:
    """The volumes of end-diastole and end-systole as a cine of two frames.

    pattern: file name with {frame}. Raises ValueError naming the file that is missing,
    unreadable, on another grid, or not finite.
    """
    cines = [Cine.load(folder / pattern.format(frame=frame)) for frame in FRAMES]
    first, second = cines
    same_grid = np.allclose(first.affine, second.affine, atol=1e-3)
    if first.voxels.shape != second.voxels.shape or not same_grid:
        raise ValueError(
            f"{folder}: {pattern.format(frame='ED')} {first.voxels.shape} and "
            f"{pattern.format(frame='ES')} {second.voxels.shape} must lie on one grid; "
            "export both from one cine"
        )
    for frame, cine in zip(FRAMES, cines, strict=True):
        check_finite(cine.voxels, folder / pattern.format(frame=frame))
    return Cine(np.concatenate([cine.voxels for cine in cines]), first.affine)


def read_cine(path: Path, audit: Audit) -> Cine:
    """A cine in the orientation of DICOM pictures: x along their columns, y down their rows.

    Where the file places its grid in the patient (a form code above 0) and the pictures are mirror
    images of short-axis pictures, as converters leave them that store rows from bottom to top, rows
    are reversed; then pictures wider than high are turned counter-clockwise, as those of DICOM are.
    The affine follows, so that no voxel moves in the patient. Slices keep their order. Units are
    those of the header; a frame interval without a unit, or with which the frames are no
    heartbeat, is unknown. Turns and unknown intervals are audited.
    Raises ValueError naming the file where it is unreadable, not finite, or without extent.
    """
    cine = Cine.load(path)
    check_finite(cine.voxels, path)
    header: Any = nib.load(path).header
    try:
        space, time = header.get_xyzt_units()
    except KeyError as error:
        raise ValueError(
            f"{path}: xyzt_units is {int(header['xyzt_units'])}, which is no unit; mend the header"
        ) from error
    affine = cine.affine.copy()
    affine[:3] *= MILLIMETRES[space]
    if math.isclose(np.linalg.det(affine), 0, abs_tol=1e-9):
        raise ValueError(f"{path}: the affine {affine.tolist()} has no extent; repair the header")
    interval_s = _interval_s(float(header["pixdim"][4]), time, len(cine.voxels), path.name, audit)
    placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    cine = Cine(cine.voxels, affine, interval_s)
    return _turned(cine, placed, path.name, audit)


def check_finite(voxels: np.ndarray, path: Path) -> None:
    """Raise ValueError naming the file where voxels are no finite real numbers."""
    if voxels.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: voxels are {voxels.dtype}, expected grey values; convert the file"
        )
    count = int((~np.isfinite(voxels)).sum())
    if count:
        raise ValueError(f"{path}: {count} voxels are not finite; repair the file")


def _interval_s(value: float, unit: str, frames: int, name: str, audit: Audit) -> float:
    """Time between frames; nan where the file does not tell it, or cannot be right."""
    if frames == 1:
        return math.nan
    interval_s = value * SECONDS.get(unit, math.nan)
    if BEAT_S[0] <= frames * interval_s <= BEAT_S[1]:
        return interval_s
    audit.add(
        UNKNOWN_INTERVAL, name, f"pixdim[4] is {value:g} ({unit}) with {frames} frames of one beat"
    )
    return math.nan


def _turned(cine: Cine, placed: bool, name: str, audit: Audit) -> Cine:
    """The cine as DICOM pictures show it; placed: whether the affine knows the patient."""
    voxels, affine = cine.voxels, cine.affine.copy()
    rows, columns = voxels.shape[2:]
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    lengths = np.linalg.norm(normal) * np.linalg.norm(BASE_TO_APEX)
    if placed and float(normal @ BASE_TO_APEX) / lengths > FROM_BASE:
        audit.add(MIRRORED, name, "the affine shows the heart from its base")
        voxels = voxels[:, :, ::-1]
        affine[:3, 3] += affine[:3, 1] * (rows - 1)
        affine[:3, 1] *= -1
    if columns > rows:
        audit.add(WIDE_IMAGE, name, f"{(columns, rows)}")
        voxels = np.rot90(voxels, 1, axes=(-2, -1))
        x, y = affine[:3, 0].copy(), affine[:3, 1].copy()
        affine[:3, 3] += x * (columns - 1)
        affine[:3, 0], affine[:3, 1] = y, -x
    return Cine(np.ascontiguousarray(voxels), affine, cine.frame_interval_s)


def turned_back(cine: Cine, affine: np.ndarray) -> Cine:
    """A cine of `read_cine`, or labels on its grid, as the voxels lie in the file.

    affine: (4, 4) of the file in mm. Raises ValueError where the two grids are not those of one
    file, up to the order and direction of their axes.
    """
    relation = np.linalg.inv(affine) @ cine.affine
    turn = np.rint(relation[:3, :3])
    if not np.allclose(relation[:3, :3], turn, atol=1e-3) or (abs(turn).sum(0) != 1).any():
        raise ValueError(
            f"the affine {affine.tolist()} is not of the grid with {cine.affine.tolist()}; "
            "give that of the file which the cine was read from"
        )
    axes = nib.orientations.io_orientation(np.pad(turn, (0, 1)) + np.diag([0, 0, 0, 1]))
    return Cine(
        np.ascontiguousarray(nib.orientations.apply_orientation(cine.voxels.T, axes).T),
        affine,
        cine.frame_interval_s,
    )


def read_whole(raw: Path, study: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
    """The cine and sources of a study that is one file: a `ready_made.Reader`.

    The file is `<raw>/<study>.nii.gz` or `<raw>/<study>/sa.nii.gz` (or `.nii`), of 4 dimensions, or
    of 3 for a single frame; see read_cine.
    Raises SubjectError where there is none or two, ValueError where it cannot be read.
    """
    found = existing(raw, study) + existing(raw / study, "sa")
    if not found:
        raise SubjectError(
            NO_IMAGES,
            "",
            f"neither {study}.nii.gz nor {study}/sa.nii.gz; check the subject table's study",
        )
    if len(found) > 1:
        names = " and ".join(path.relative_to(raw).as_posix() for path in found)
        raise SubjectError(OTHER, "", f"{names} are both there; keep one of them")
    cine = read_cine(found[0], audit)
    return cine, _sources(cine, [found[0].name] * len(cine.voxels))


def read_pair(raw: Path, study: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
    """The cine of two frames and sources of a study with one file for each: a `ready_made.Reader`.

    The files are `<raw>/<study>/sa_ED.nii.gz` and `sa_ES.nii.gz`, taken as they are stored.
    Raises SubjectError where there is no folder, ValueError where a file cannot be read.
    """
    folder = raw / study
    if not folder.is_dir():
        raise SubjectError(NO_IMAGES, "", f"no folder {folder.name}")
    cine = read_frames(folder, "sa_{frame}.nii.gz")
    return cine, _sources(cine, [f"sa_{frame}.nii.gz" for frame in FRAMES])


def _sources(cine: Cine, files: list[str]) -> pd.DataFrame:
    """Slices of each frame with the frame's file."""
    slices = cine.voxels.shape[1]
    rows = [(z, t, file) for t, file in enumerate(files) for z in range(slices)]
    return pd.DataFrame(rows, columns=["z", "t", "file"])
