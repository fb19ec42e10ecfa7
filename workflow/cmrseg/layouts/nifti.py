"""Import of NIfTI: one cine per study, or its volumes of end-diastole and end-systole."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.cine import Cine, check_right_angles, is_beat
from cmrseg.dicom.audit import (
    AXES,
    FORMS,
    MIRRORED,
    NO_IMAGES,
    SHEARED,
    SLICE_AXIS,
    UNKNOWN_INTERVAL,
    UNUSUAL_PLANE,
    WIDE_IMAGE,
    Audit,
    SubjectError,
)
from cmrseg.dicom.slice_order import order_turn, other_order
from cmrseg.layouts.nifti_files import whole_file
from cmrseg.nifti_header import forms_differ, is_placed, read_header
from cmrseg.orientation import (
    SAME_GRID,
    SHORT_AXIS,
    along_long_axis,
    as_import_shows,
    as_scanners_show,
    described,
    reordered,
    same_grid,
    sizes_of,
    slice_axis,
    slice_offset_mm,
    slices_last,
    tells_of_patient,
    turn_between,
)
from cmrseg.sequences import SEQUENCES, USUAL, Sequence

# The two frames of the cine of a cohort that has no others, in this order.
FRAMES = ("ED", "ES")

SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
# A slice that lies further beside the one before than this part of a pixel is worth a look.
SHEARED_PIXELS = 0.5


def read_frames(folder: Path, pattern: str, audit: Audit) -> Cine:
    """The volumes of end-diastole and end-systole as a cine of two frames, as the first is stored.

    pattern: file name with {frame}. The second volume may have its axes in another order than the
    first, which is audited. Raises ValueError naming the file that is missing, unreadable, on
    another grid, not finite, or whose slices are not along its third axis.
    """
    names = [pattern.format(frame=frame) for frame in FRAMES]
    first, second = [Cine.load(folder / name) for name in names]
    for name, cine in zip(names, (first, second), strict=True):
        check_finite(cine.voxels, folder / name)
        _check_forms(read_header(folder / name), name, audit)
    _check_slices_are_last(first, folder / names[0], "pairs are taken as they are stored")
    try:
        turned = onto_order(second, first)
    except ValueError as error:
        raise ValueError(
            f"{folder}: {names[0]} {first.voxels.shape} and {names[1]} {second.voxels.shape} must "
            f"lie on one grid; export both from one cine ({error})"
        ) from error
    if not same_grid(second, first):
        audit.add(AXES, names[1], f"brought to the order of {names[0]}")
    return Cine(np.concatenate([first.voxels, turned.voxels]), first.affine)


def _check_slices_are_last(cine: Cine, path: Path, why: str) -> None:
    """Raise ValueError naming a file that is not turned, and whose slices are not along z."""
    axis = slice_axis(cine.affine, sizes_of(cine), placed=False)
    if axis not in (2, None):
        raise ValueError(
            f"{path}: the slices are along the axis {'xyz'[axis]} of the file, expected z, "
            f"as {why}; reorder its axes"
        )


def read_cine(
    path: Path, audit: Audit, sequence: Sequence = SEQUENCES[USUAL], as_stored: bool = False
) -> Cine:
    """A cine in the orientation of DICOM pictures: x along their columns, y down their rows.

    Where the file places its grid in the patient (a form code above 0), the affine alone decides,
    whatever the order of the file's axes: pictures are seen from the apex, columns run to the left,
    rows to the feet, and slices go from apex to base (of tagged cines from base to apex). Grids
    without a place, and affines that are a mere scaling, keep their order. Then cines wider than
    high are turned counter-clockwise, as those of DICOM are; still images are not, which are nearly
    square. Pictures of other planes than the short axis stay as they are stored, slices along the
    third axis. The affine follows, so that no voxel moves in the patient. A frame interval without
    a unit, or with which the frames are no heartbeat, is unknown. What was done, and what is
    unclear, is audited.
    as_stored: no axis is turned or reversed, whatever the affine; slices must be along the third.
    It keeps the wide pictures of UK Biobank's short axis as the networks of Bai et al. 2018 know
    them (doi:10.1186/s12968-018-0471-x). Raises ValueError naming the file where it is unreadable,
    not finite, without extent, or its rows and columns do not meet at right angles.
    """
    cine = Cine.load(path)
    check_finite(cine.voxels, path)
    header = read_header(path)
    if math.isclose(np.linalg.det(cine.affine), 0, abs_tol=1e-9):
        raise ValueError(
            f"{path}: the affine {cine.affine.tolist()} has no extent; repair the header"
        )
    _check_forms(header, path.name, audit)
    time = header.get_xyzt_units()[1]
    interval_s = _interval_s(float(header["pixdim"][4]), time, len(cine.voxels), path.name, audit)
    cine = Cine(cine.voxels, cine.affine, interval_s)
    if as_stored:
        _check_slices_are_last(cine, path, "mode compat takes files as they are stored")
    else:
        cine = turned_to_pictures(cine, is_placed(header), path.name, audit, sequence)
    try:
        check_right_angles(cine.affine)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    offset_mm = slice_offset_mm(cine.affine)
    if offset_mm > SHEARED_PIXELS * min(cine.spacing_mm[1:]):
        audit.add(SHEARED, path.name, f"{offset_mm:.2f} mm from each slice to the next")
    return cine


def turned_to_pictures(
    cine: Cine, placed: bool, name: str, audit: Audit, sequence: Sequence
) -> Cine:
    """The cine of a file as `read_cine` turns it. placed: the affine knows the patient."""
    return reordered(cine, _turn_to_pictures(cine, placed, name, audit, sequence))


def _check_forms(header: Any, name: str, audit: Audit) -> None:
    """Audit a file whose header gives two places."""
    if difference := forms_differ(header):
        audit.add(FORMS, name, difference)


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
    # Many programs write 1 where they know nothing.
    if is_beat(interval_s, frames):
        return interval_s
    audit.add(
        UNKNOWN_INTERVAL, name, f"pixdim[4] is {value:g} ({unit}) with {frames} frames of one beat"
    )
    return math.nan


def _turn_to_pictures(
    cine: Cine, placed: bool, name: str, audit: Audit, sequence: Sequence
) -> np.ndarray:
    """The turn (3, 3) to pictures as DICOM shows them; placed: the affine knows the patient."""
    affine, sizes = cine.affine, sizes_of(cine)
    axis = slice_axis(affine, sizes, placed)
    if axis is None or not (placed or axis == 2):
        if placed or axis is not None:
            distances = " x ".join(f"{d:.3g}" for d in np.linalg.norm(affine[:3, :3], axis=0))
            audit.add(SLICE_AXIS, name, f"voxels are {distances} mm apart along the file's x, y, z")
        axis = 2
    shown = slices_last(axis)
    if sequence.plane != SEQUENCES[USUAL].plane:
        if not _audited_flips(shown, name, audit, sequence):
            audit.add(AXES, name, described(shown))
        return shown
    cosine = along_long_axis(affine, axis)
    if placed and tells_of_patient(affine, cosine):
        shown = as_scanners_show(affine, axis)
        shown = shown @ order_turn(affine[:3, :3] @ shown, sizes[axis], sequence.key)
        if abs(cosine) <= SHORT_AXIS:
            angle = math.degrees(math.acos(abs(cosine)))
            audit.add(UNUSUAL_PLANE, name, f"{angle:.0f} degrees from it")
    turn, wide = as_import_shows(sizes, shown) if sequence.is_cine else (shown, False)
    columns, rows = (sizes[i] for i in abs(shown[:, :2]).argmax(axis=0))
    if _audited_flips(turn, name, audit, sequence):
        return turn
    if wide and _audited_flips(shown, name, audit, sequence):
        audit.add(WIDE_IMAGE, name, f"{columns} columns, {rows} rows")
    else:
        audit.add(AXES, name, described(turn))
    return turn


def _audited_flips(turn: np.ndarray, name: str, audit: Audit, sequence: Sequence) -> bool:
    """Audit a turn that reverses rows, slices, both or nothing; False for any other turn."""
    if (turn != np.diag([1, *turn.diagonal()[1:]])).any():
        return False
    for kind, axis in ((MIRRORED, 1), (other_order(sequence.key), 2)):
        if turn[axis, axis] < 0:
            audit.add(kind, name)
    return True


def turned_back(cine: Cine, affine: np.ndarray) -> Cine:
    """A cine of `read_cine`, or labels on its grid, as the voxels lie in the file.

    affine: (4, 4) of the file in mm. Raises ValueError where the two grids are not those of one
    file, up to the order and direction of their axes.
    """
    back = reordered(cine, turn_between(affine, cine.affine).T)
    if not np.allclose(back.affine, affine, rtol=0, atol=SAME_GRID):
        raise ValueError(
            f"the affine {affine.tolist()} is not of the grid with {cine.affine.tolist()}, which "
            "begins elsewhere; give that of the file which the cine was read from"
        )
    return Cine(back.voxels, affine, cine.frame_interval_s)


def onto_order(cine: Cine, other: Cine) -> Cine:
    """A cine with its voxels in the order of another one on the same grid.

    Raises ValueError where the two grids differ in more than the order and direction of axes.
    """
    try:
        turned = turned_back(cine, other.affine)
    except ValueError as error:
        raise ValueError("they lie on different grids in the patient") from error
    if turned.voxels.shape[1:] != other.voxels.shape[1:]:
        raise ValueError(
            f"their numbers of voxels differ, {turned.voxels.shape[1:]} and "
            f"{other.voxels.shape[1:]} along z, y, x"
        )
    return turned


def read_whole(
    raw: Path,
    study: str,
    sequence: str,
    audit: Audit,
    as_stored: bool = False,
    lone: bool = False,
) -> tuple[Cine, pd.DataFrame]:
    """The image of a study that is one file, and its sources: a `ready_made.Reader`.

    The file is `<raw>/<study>/<sequence>.nii.gz` (or `.nii`), or `<raw>/<study>.nii.gz` for the
    short axis and for the only sequence of a study (lone), of 4 dimensions, or of 3 for a single
    frame. Without one, `<raw>/<study>/<case>_<sequence>.nii.gz` counts. as_stored: see read_cine.
    Raises SubjectError where there is none or two, ValueError where it cannot be read.
    """
    path = whole_file(raw, study, sequence, lone)
    cine = read_cine(path, audit, SEQUENCES[sequence], as_stored)
    return cine, _sources(cine, [path.name] * len(cine.voxels))


def read_pair(raw: Path, study: str, sequence: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
    """The cine of two frames and sources of a study with one file for each: a `ready_made.Reader`.

    The files are `<raw>/<study>/<sequence>_ED.nii.gz` and `<sequence>_ES.nii.gz`, taken as they are
    stored; see read_frames.
    Raises SubjectError where there is no folder, ValueError where a file cannot be read.
    """
    folder = raw / study
    if not folder.is_dir():
        raise SubjectError(NO_IMAGES, "", f"no folder {folder.name}")
    cine = read_frames(folder, f"{sequence}_{{frame}}.nii.gz", audit)
    return cine, _sources(cine, [f"{sequence}_{frame}.nii.gz" for frame in FRAMES])


def _sources(cine: Cine, files: list[str]) -> pd.DataFrame:
    """Slices of each frame with the frame's file."""
    slices = cine.voxels.shape[1]
    rows = [(z, t, file) for t, file in enumerate(files) for z in range(slices)]
    return pd.DataFrame(rows, columns=["z", "t", "file"])
