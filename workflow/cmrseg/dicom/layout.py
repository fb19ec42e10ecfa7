"""Which files of a study are the frames of one slice."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmrseg.dicom.audit import (
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
from cmrseg.dicom.listing import natural
from cmrseg.vectors import dot

# Frames of one slice lie in one plane. Far below any slice distance, far above rounding.
SAME_PLANE_MM = 0.1
SAME_DIRECTION = 0.001

KAGGLE_NAME = re.compile(r"IM-(?P<number>\d+)-(?P<frame>\d+)(?:-(?P<part>\d+))?\.dcm")


@dataclass(frozen=True)
class Group:
    """The files of one slice, in order of time. numbers: frame number, from 1, of each file."""

    slice_: Slice
    frames: tuple[Frame, ...]
    numbers: tuple[int, ...]


def group_kaggle(frames: Sequence[Frame], audit: Audit, published: bool) -> list[Group]:
    """Slices of a Kaggle study: files of one folder with the same IM and slice number.

    published: only slices with a file of frame 1 count, as in Ankenbrand et al. 2021. Else
    also files in different planes are separated, and a slice may lack its first frame.
    Folders that hold several slices are audited. Raises SubjectError (MISSING_TAG) for a file
    without CardiacNumberOfImages.
    """
    by_folder: dict[str, dict[tuple, list[tuple[int, Frame]]]] = defaultdict(
        lambda: defaultdict(list)
    )
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
    groups = []
    for folder, named in by_folder.items():
        parts = list(named.values())
        if published:
            for part in parts:
                if all(number != 1 for number, _ in part):
                    audit.add(UNEXPECTED_NAME, part[0][1].name, "slice without a first frame")
            parts = [part for part in parts if any(number == 1 for number, _ in part)]
        else:
            parts = [plane for part in parts for plane in _planes(part)]
        if len(parts) > 1:
            audit.add(TWO_SLICES, folder, f"{len(parts)} slices")
        groups += [_group(part) for part in parts]
    return groups


def group_planes(frames: Sequence[Frame]) -> list[Group]:
    """Slices of a study in any folders: files of one series that lie in the same plane.

    Frame numbers are instance numbers.
    """
    by_series: dict[int, list[tuple[int, Frame]]] = defaultdict(list)
    for frame in frames:
        by_series[frame.series_number].append((frame.instance_number, frame))
    return [_group(plane) for files in by_series.values() for plane in _planes(files)]


def _planes(files: Sequence[tuple[int, Frame]]) -> list[list[tuple[int, Frame]]]:
    """Separate files by orientation and place along the normal, in order of appearance."""
    planes: list[list[tuple[int, Frame]]] = []
    # Most frames of a slice have the very same geometry, of which one is compared.
    known: dict[tuple, list[tuple[int, Frame]]] = {}
    for number, frame in files:
        geometry = frame.pixels.shape, frame.spacing_mm, frame.orientation, frame.position_mm
        if geometry not in known:
            same = (plane for plane in planes if _same_plane(frame, plane[0][1]))
            known[geometry] = next(same, [])
            if not known[geometry]:
                planes.append(known[geometry])
        known[geometry].append((number, frame))
    return planes


def _same_plane(a: Frame, b: Frame) -> bool:
    if a.pixels.shape != b.pixels.shape or a.spacing_mm != b.spacing_mm:
        return False
    if np.abs(np.subtract(a.orientation, b.orientation)).max() > SAME_DIRECTION:
        return False
    normal = np.cross(a.orientation[:3], a.orientation[3:])
    return bool(abs(dot(normal, np.subtract(a.position_mm, b.position_mm))) <= SAME_PLANE_MM)


def _group(files: Sequence[tuple[int, Frame]]) -> Group:
    first = min(files, key=lambda f: (f[0], natural(f[1].name)))[1]
    for _, frame in files:
        if frame.pixels.shape != first.pixels.shape:
            raise SubjectError(
                UNREADABLE,
                frame.name,
                f"{frame.pixels.shape} pixels, but {first.pixels.shape} in {first.name}",
            )
    ordered = sorted(files, key=lambda f: (f[1].trigger_ms, f[1].instance_number, f[1].name))
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
    )
    return Group(slice_, tuple(f for _, f in ordered), tuple(n for n, _ in ordered))


def phases_of(groups: Sequence[Group], published: bool, audit: Audit) -> int:
    """Frames of the cine: the usual CardiacNumberOfImages, else the usual number of files.

    Where every slice has the same number of files and that is more, and each file has a number
    and a time of its own, the header is wrong and the files count; as published, they do not.
    Raises SubjectError (UNREADABLE) where no slice has half of the announced frames: then the
    header is wrong or most files are lost, and filling gaps would invent a cine.
    """
    written = [g.slice_.phases for g in groups if g.slice_.phases > 0]
    phases = largest_mode(written or [len(g.frames) for g in groups])
    count = _common_count(groups)
    if not published and count > phases:
        audit.add(FRAME_COUNT, "", f"CardiacNumberOfImages is {phases}, all slices have {count}")
        return count
    most = max(groups, key=lambda g: len(g.frames))
    if len(most.frames) < phases / 2:
        raise SubjectError(
            UNREADABLE,
            most.slice_.image,
            f"CardiacNumberOfImages is {phases}, but no slice has more than {len(most.frames)} "
            "files; copy the series again or repair the header",
        )
    return phases


def _common_count(groups: Sequence[Group]) -> int:
    """Files of every slice, numbered without a gap, at different times; 0 where they differ."""
    count = len(groups[0].frames)
    for group in groups:
        times = {frame.trigger_ms for frame in group.frames}
        first = min(group.numbers)
        if sorted(group.numbers) != list(range(first, first + count)) or len(times) != count:
            return 0
    return count


def frame_places(numbers: Sequence[int], trigger_ms: Sequence[float], phases: int) -> list[int]:
    """Place in time (from 0) of each file of one slice, for files in order of trigger time.

    numbers: frame numbers, used where all are different and within 1..phases. Else, with
    too few files, the trigger times tell how many intervals lie between two files; where they
    do not fit the number of phases either, files take the first places.
    """
    count = len(trigger_ms)
    if len(set(numbers)) == count and min(numbers) >= 1 and max(numbers) <= phases:
        return [number - 1 for number in sorted(numbers)]
    if 2 <= count < phases:
        interval = float(np.median(np.diff(trigger_ms)))
        if interval > 0:
            places = np.rint((np.array(trigger_ms) - trigger_ms[0]) / interval).astype(int)
            if places[-1] < phases and (np.diff(places) > 0).all():
                return places.tolist()
    return list(range(count))
