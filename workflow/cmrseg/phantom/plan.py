"""What is to be acquired and written: slices with their planes, and stacks of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cmrseg.dicom.audit import Audit
from cmrseg.phantom.image_plane import Plane
from cmrseg.vectors import dot

# What can happen to the file of a frame.
TRUNCATED = "truncated"
COMPRESSED = "compressed"


@dataclass(frozen=True)
class PlannedSlice:
    """One slice as it is to be acquired and written.

    folder: below the study, e.g. sax_5. index: place in the intact stack, base first; None
    is an additional slice. file_number: the IM number of Kaggle names; None
    names files by the frame alone (7T). part: third number of the name, where a folder
    holds several slices. frames: 0-based frames that are written. shift_mm: breath-hold
    displacement of the heart (LPS). seed: of the noise. elements: DICOM keyword -> value in
    place of the usual one (none that differs by frame), None leaves the element out.
    damage: frame -> TRUNCATED or COMPRESSED.
    """

    folder: str
    series_number: int
    plane: Plane
    frames: tuple[int, ...]
    seed: int
    index: int | None = None
    file_number: int | None = None
    part: int | None = None
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    elements: Mapping[str, object] = field(default_factory=dict)
    damage: Mapping[int, str] = field(default_factory=dict)

    def file(self, frame: int) -> str:
        """Path of a 0-based frame's file relative to the study, with forward slashes."""
        if self.file_number is None:
            return f"{self.folder}/{frame + 1}.dcm"
        part = "" if self.part is None else f"-{self.part:04d}"
        return f"{self.folder}/IM-{self.file_number:04d}-{frame + 1:04d}{part}.dcm"

    @property
    def location_mm(self) -> float:
        """SliceLocation: the place of the first pixel along the slice's normal."""
        return float(dot(self.plane.normal, self.plane.position_mm))


def moved(plane: Plane, offset_mm: np.ndarray) -> Plane:
    """The plane displaced by an LPS vector."""
    position = np.asarray(plane.position_mm, float) + offset_mm
    return replace(plane, position_mm=tuple(position.tolist()))


def recentred(plane: Plane, **changes) -> Plane:
    """The plane with other fields but the same centre of the field of view."""

    def centre(p: Plane) -> np.ndarray:
        return (
            np.asarray(p.row_direction) * (p.columns - 1) / 2 * p.column_spacing_mm
            + np.asarray(p.column_direction) * (p.rows - 1) / 2 * p.row_spacing_mm
        )

    other = replace(plane, **changes)
    return moved(other, centre(plane) - centre(other))


def turned(plane: Plane) -> Plane:
    """The same field of view with rows and columns exchanged: the picture is turned right.

    A counter-clockwise quarter turn of the displayed image brings the original back.
    """
    return recentred(
        plane,
        row_direction=tuple((-np.asarray(plane.column_direction)).tolist()),
        column_direction=tuple(plane.row_direction),
        rows=plane.columns,
        columns=plane.rows,
        row_spacing_mm=plane.column_spacing_mm,
        column_spacing_mm=plane.row_spacing_mm,
    )


def turned_about(plane: Plane, axis: np.ndarray, angle_deg: float) -> Plane:
    """The plane turned about an axis through its centre (Rodrigues' rotation formula)."""
    angle = np.deg2rad(angle_deg)

    def turn(v) -> tuple[float, ...]:
        v = np.asarray(v)
        around = np.cross(axis, v) * np.sin(angle) + axis * dot(axis, v) * (1 - np.cos(angle))
        return tuple((v * np.cos(angle) + around).tolist())

    row, column = turn(plane.row_direction), turn(plane.column_direction)
    return recentred(plane, row_direction=row, column_direction=column)


@dataclass(frozen=True)
class Stack:
    """A short-axis stack as it is to be acquired and written.

    slices: of the intact stack base to apex (index 0, 1, ...), additional ones behind (index
    None). frames: number of phases. spacing_mm: distance of the slices. free: indices of
    slices that no fault has used yet. rows: (kind, image) of the audit rows to expect.
    strays: (path, content) of files that are no images; content None is an empty folder.
    """

    subject: str
    slices: tuple[PlannedSlice, ...]
    frames: int
    spacing_mm: float
    free: tuple[int, ...]
    rows: tuple[tuple[tuple[str, str], str], ...] = ()
    strays: tuple[tuple[str, bytes | None], ...] = ()

    def expect(self, kind: tuple[str, str], image: str) -> "Stack":
        return replace(self, rows=(*self.rows, (kind, image)))

    def at(self, index: int) -> PlannedSlice:
        return next(s for s in self.slices if s.index == index)

    def change(self, old: PlannedSlice, **changes) -> "Stack":
        new = replace(old, **changes)
        return replace(self, slices=tuple(new if s is old else s for s in self.slices))

    def add(self, new: PlannedSlice) -> "Stack":
        return replace(self, slices=(*self.slices, new))

    def used(self, *indices: int) -> "Stack":
        """The stack with these slices out of the reach of further faults."""
        return replace(self, free=tuple(i for i in self.free if i not in indices))

    def manifest(self) -> pd.DataFrame:
        """The expected audit rows, columns of the audit table; detail is empty."""
        expected = Audit(self.subject)
        for kind, image in self.rows:
            expected.add(kind, image)
        return expected.table()


def inner(stack: Stack, count: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Indices of `count` free slices, one behind the other and none at an end of the stack.

    Raises ValueError where none are left: a stack has room for a few faults only.
    """
    ends = {0, max(s.index for s in stack.slices if s.index is not None)}
    runs = [
        tuple(range(first, first + count))
        for first in stack.free
        if all(i in stack.free and i not in ends for i in range(first, first + count))
    ]
    if not runs:
        raise ValueError(
            f"no {count} neighbouring inner slices left of {len(stack.slices)}; "
            "plan more slices or fewer faults"
        )
    return runs[int(rng.integers(len(runs)))]
