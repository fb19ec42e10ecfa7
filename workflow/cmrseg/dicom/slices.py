"""Which files are the frames of one slice, and how many frames the cine has."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cmrseg.dicom.audit import (
    FEW_FRAMES,
    FRAME_COUNT,
    MISSING_TAG,
    TWO_SLICES,
    UNEXPECTED_NAME,
    UNREADABLE,
    Audit,
    SubjectError,
)
from cmrseg.dicom.geometry import Slice, largest_mode
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.layout import natural
from cmrseg.dicom.timing import TRIGGER, Axis, frame_count
from cmrseg.vectors import dot

# Frames of one slice lie in one plane. Far below any slice distance, far above rounding.
SAME_PLANE_MM = 0.1
SAME_DIRECTION = 0.001
# Pixel spacings are written with six digits or more.
SAME_SPACING = 1e-4

KAGGLE_NAME = re.compile(r"IM-(?P<number>\d+)-(?P<frame>\d+)(?:-(?P<part>\d+))?\.dcm")

# The files of one slice with their frame numbers, from 1: by name, or InstanceNumber.
Numbered = list[tuple[int, Frame]]


@dataclass(frozen=True)
class Group:
    """The files of one slice, in order of time. numbers, times: of each file; see timing.Axis."""

    slice_: Slice
    frames: tuple[Frame, ...]
    numbers: tuple[int, ...]
    times: tuple[float, ...]


def kaggle_slices(frames: Sequence[Frame], audit: Audit, published: bool) -> list[Numbered]:
    """Slices of a Kaggle study: files of one folder with the same IM and slice number.

    published: only slices with a file of frame 1 count, as in Ankenbrand et al. 2021. Else
    also files in different planes are separated, and a slice may lack its first frame.
    Folders that hold several slices are audited. Raises SubjectError (MISSING_TAG) for a file
    without CardiacNumberOfImages.
    """
    by_folder: dict[str, dict[tuple, Numbered]] = defaultdict(lambda: defaultdict(list))
    for frame in frames:
        match = KAGGLE_NAME.fullmatch(frame.name.rpartition("/")[2])
        if match is None:
            audit.add(UNEXPECTED_NAME, frame.name, "expected IM-<number>-<frame>[-<slice>].dcm")
            continue
        if frame.phases < 1:
            raise SubjectError(
                MISSING_TAG,
                frame.name,
                "CardiacNumberOfImages is absent; export the series again with this tag",
            )
        key = (int(match["number"]), int(match["part"] or 0))
        by_folder[frame.folder][key].append((int(match["frame"]), frame))
    slices = []
    for folder, named in by_folder.items():
        parts = list(named.values())
        if published:
            for part in parts:
                if all(number != 1 for number, _ in part):
                    audit.add(UNEXPECTED_NAME, part[0][1].name, "slice without a first frame")
            parts = [part for part in parts if any(number == 1 for number, _ in part)]
        else:
            parts = [plane for part in parts for plane in planes(part)]
        if len(parts) > 1:
            audit.add(TWO_SLICES, folder, f"{len(parts)} slices")
        slices += parts
    return slices


def series_slices(frames: Sequence[Frame]) -> list[Numbered]:
    """Slices of a study in any folders: files of one series that lie in the same plane.

    Frame numbers are instance numbers.
    """
    by_series: dict[int, Numbered] = defaultdict(list)
    for frame in frames:
        by_series[frame.series_number].append((frame.instance_number, frame))
    return [plane for files in by_series.values() for plane in planes(files)]


def planes(files: Iterable[tuple[int, Frame]]) -> list[Numbered]:
    """Separate files by orientation and place along the normal, in order of appearance."""
    found: list[Numbered] = []
    # Most frames of a slice have the very same geometry, of which one is compared.
    known: dict[tuple, Numbered] = {}
    for number, frame in files:
        geometry = frame.pixels.shape, frame.spacing_mm, frame.orientation, frame.position_mm
        if geometry not in known:
            same = (plane for plane in found if _same_plane(frame, plane[0][1]))
            known[geometry] = next(same, [])
            if not known[geometry]:
                found.append(known[geometry])
        known[geometry].append((number, frame))
    return found


def _same_plane(a: Frame, b: Frame) -> bool:
    if a.pixels.shape != b.pixels.shape:
        return False
    if np.abs(np.divide(a.spacing_mm, b.spacing_mm) - 1).max() > SAME_SPACING:
        return False
    if np.abs(np.subtract(a.orientation, b.orientation)).max() > SAME_DIRECTION:
        return False
    normal = np.cross(a.orientation[:3], a.orientation[3:])
    return bool(abs(dot(normal, np.subtract(a.position_mm, b.position_mm))) <= SAME_PLANE_MM)


def group(files: Numbered, axis: Axis = TRIGGER) -> Group:
    """One slice in order of time. Raises SubjectError where its files differ in size."""
    first = min(files, key=lambda f: (f[0], natural(f[1].name)))[1]
    for _, frame in files:
        if frame.pixels.shape != first.pixels.shape:
            raise SubjectError(
                UNREADABLE,
                frame.name,
                f"{frame.pixels.shape} pixels, but {first.pixels.shape} in {first.name}",
            )
    timed = [(axis.value(number, frame), number, frame) for number, frame in files]
    timed.sort(key=lambda f: (f[0], f[2].instance_number, f[2].name))
    slice_ = Slice(
        image=first.name,
        series_number=first.series_number,
        location_mm=first.slice_location_mm,
        orientation=first.orientation,
        position_mm=first.position_mm,
        spacing_mm=first.spacing_mm,
        rows=first.pixels.shape[0],
        columns=first.pixels.shape[1],
        phases=first.phases,
        slice_distance_mm=first.slice_distance_mm,
        thickness_mm=first.thickness_mm,
        acquired=_acquired(first),
    )
    times, numbers, frames = zip(*timed, strict=True)
    return Group(slice_, frames, numbers, times)


def _acquired(frame: Frame) -> tuple[float, ...]:
    """Values that increase from one acquisition to the next: number, time, image number."""
    time = -1.0 if math.isnan(frame.acquired_s) else frame.acquired_s
    return (frame.origin.acquisition, time, frame.instance_number)


def check_whole(slices: Sequence[Slice], groups: Mapping[str, Group], phases: int) -> None:
    """Refuse a cine with a slice that has less than half of the frames."""
    for slice_ in slices:
        count = len(groups[slice_.image].frames)
        if 2 * count < phases:
            raise SubjectError(
                FEW_FRAMES,
                slice_.image,
                f"its slice has {count} of {phases} frames; copy the series again, or remove the "
                "files of this slice from the folder",
            )


def phases_of(groups: Sequence[Group], audit: Audit) -> int:
    """Frames of the cine, by the files that are there (`timing.frame_count`).

    A CardiacNumberOfImages that says otherwise is audited.
    """
    announced = _announced(groups)
    phases = frame_count([g.times for g in groups], announced)
    if announced not in (0, phases):
        audit.add(FRAME_COUNT, "", f"CardiacNumberOfImages is {announced}, slices have {phases}")
    return phases


def published_phases(groups: Sequence[Group]) -> int:
    """Frames of the cine as published: the usual CardiacNumberOfImages, else number of files.

    Raises SubjectError (UNREADABLE) where no slice has half of the announced frames.
    """
    phases = _announced(groups) or largest_mode(len(g.frames) for g in groups)
    most = max(groups, key=lambda g: len(g.frames))
    if len(most.frames) < phases / 2:
        raise SubjectError(
            UNREADABLE,
            most.slice_.image,
            f"CardiacNumberOfImages is {phases}, but no slice has more than {len(most.frames)} "
            "files; copy the series again or repair the header",
        )
    return phases


def _announced(groups: Sequence[Group]) -> int:
    """The usual CardiacNumberOfImages; 0 where the header does not have it."""
    written = [g.slice_.phases for g in groups if g.slice_.phases > 0]
    return largest_mode(written) if written else 0
