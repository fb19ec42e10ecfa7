"""From slices and their frames to one cine: target geometry, placing, affine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    AXIS_SCALING,
    EXTRA_FRAME,
    IMAGE_SIZE,
    LARGE_IMAGE,
    MISSING_FRAME,
    PIXEL_SPACING,
    ROTATION,
    Audit,
)
from cmrseg.dicom.geometry import Slice, is_close, largest_mode, normal
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.layout import Group, frame_places
from cmrseg.dicom.placement import PLACEMENT_COLUMNS, Placement, place
from cmrseg.dicom.resample import scaled_size
from cmrseg.dicom.spacing import gaps_mm

# DICOM patient coordinates to NIfTI's: x and y change sign.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
AXIS_LENGTH_TOLERANCE = 0.01
# Closeness of pixel spacings, in mm (besides the relative one): numpy's default.
PIXEL_SPACING_MM = 1e-8
# What the published conversion made of 16-bit integers.
UINT16_MAX = 65535


@dataclass(frozen=True)
class Grid:
    """The grid all slices come to, before any quarter turn of the whole stack.

    spacing_mm: distance of slices, rows, columns. own_spacing_mm, own_shape: rows and columns
    before images were scaled by `factor`. axes: directions of columns and rows (6,), LPS.
    """

    shape: tuple[int, int]
    spacing_mm: tuple[float, float, float]
    own_shape: tuple[int, int]
    own_spacing_mm: tuple[float, float]
    factor: float
    axes: np.ndarray
    quarter_turns: int = 0

    @property
    def turned_shape(self) -> tuple[int, int]:
        return self.shape[::-1] if self.quarter_turns % 2 else self.shape


def target_grid(
    slices: Sequence[Slice],
    axes: np.ndarray,
    slice_distance_mm: float,
    max_size_px: int | None,
    published: bool,
    audit: Audit,
) -> Grid:
    """Usual matrix and pixel spacing of the slices, scaled so that no side exceeds max_size_px.

    published: pixel spacing is divided by the scale factor; else it is the exact one, which
    differs where the scaled number of pixels had to be rounded. The slice distance is the
    empirical one as published, else the median of the regular distances.
    """
    own_spacing = largest_mode(s.spacing_mm for s in slices)
    columns, rows = largest_mode((s.columns, s.rows) for s in slices)
    shape, factor = (rows, columns), 1.0
    if max_size_px is not None and max(shape) > max_size_px:
        factor = max_size_px / max(shape)
        shape = (scaled_size(rows, factor), scaled_size(columns, factor))
        audit.add(LARGE_IMAGE, "", f"({columns}, {rows}) scaled by {factor}")
    for axis in (axes[:3], axes[3:]):
        if not is_close(float(np.linalg.norm(axis)), 1, AXIS_LENGTH_TOLERANCE):
            audit.add(AXIS_SCALING, "", f"length {np.linalg.norm(axis)}")
    if published:
        spacing = (own_spacing[0] / factor, own_spacing[1] / factor)
    else:
        spacing = (own_spacing[0] * rows / shape[0], own_spacing[1] * columns / shape[1])
        regular = [gap for gap in gaps_mm(slices) if is_close(gap, slice_distance_mm, 1.0)]
        slice_distance_mm = float(np.median(regular)) if regular else slice_distance_mm
    return Grid(
        shape=shape,
        spacing_mm=(slice_distance_mm, *spacing),
        own_shape=(rows, columns),
        own_spacing_mm=own_spacing,
        factor=factor,
        axes=axes,
        quarter_turns=int(not published and columns > rows),
    )


def placement_of(slice_: Slice, grid: Grid, published: bool, audit: Audit) -> Placement:
    """How the pixels of one slice come to the grid; what is unusual is audited."""
    own_y, own_x = slice_.spacing_mm
    scale_y = grid.shape[0] / grid.own_shape[0]
    scale_x = grid.shape[1] / grid.own_shape[1]
    if published:
        scale_y = scale_x = grid.factor
    if not all(
        is_close(a, b, PIXEL_SPACING_MM)
        for a, b in zip(slice_.spacing_mm, grid.own_spacing_mm, strict=True)
    ):
        scale_y, scale_x = own_y / grid.spacing_mm[1], own_x / grid.spacing_mm[2]
        expected = grid.own_spacing_mm
        audit.add(PIXEL_SPACING, slice_.image, f"expected: {expected}, actual: {slice_.spacing_mm}")
    rotation_deg, mirrored = 0.0, False
    if slice_.oblique:
        if published:
            rotation_deg = -published_angle_deg(slice_.orientation, grid.axes)
        else:
            rotation_deg, mirrored = signed_angle_deg(slice_.orientation, grid.axes)
        audit.add(
            ROTATION, slice_.image, f"{rotation_deg} degrees{', mirrored' if mirrored else ''}"
        )
    if (slice_.rows, slice_.columns) != grid.own_shape:
        expected = grid.own_shape[::-1]
        actual = (slice_.columns, slice_.rows)
        audit.add(IMAGE_SIZE, slice_.image, f"expected: {expected}, actual: {actual}")
    return Placement(
        scale_y=scale_y,
        scale_x=scale_x,
        mirrored=mirrored,
        rotation_deg=rotation_deg,
        rotation_canvas="own" if published else "target",
        quarter_turns=grid.quarter_turns,
    )


def published_angle_deg(orientation: Sequence[float], axes: np.ndarray) -> float:
    """Angle between the directions of the columns, without sign, in degrees.

    As published: it turns the transposed image counter-clockwise whatever its true direction.
    """
    row, common = np.array(orientation[:3]), axes[:3]
    cosine = row @ common / (np.linalg.norm(row) * np.linalg.norm(common))
    return math.degrees(math.acos(float(np.clip(cosine, -1, 1))))


def signed_angle_deg(orientation: Sequence[float], axes: np.ndarray) -> tuple[float, bool]:
    """Counter-clockwise angle, as displayed, that turns a slice's image upright on the grid.

    Also whether its columns have to be reversed first, as the plane is seen from behind.
    """
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    mirrored = bool(normal(orientation) @ normal(axes) < 0)
    if mirrored:
        row = -row
    return math.degrees(math.atan2(axes[:3] @ column, axes[:3] @ row)), mirrored


def frames_in_time(
    group: Group, phases: int, published: bool, audit: Audit
) -> list[tuple[Frame, bool]]:
    """For each phase the frame that shows it, and whether it is a copy of another one.

    A missing frame is a copy of the one before it; the cycle closes, so that the last stands
    before the first. As published, what is missing is always taken to be at the end.
    """
    frames, numbers = list(group.frames), list(group.numbers)
    if len(frames) > phases:
        named = [i for i, number in enumerate(numbers) if 1 <= number <= phases]
        chosen = named if len(named) == phases and not published else list(range(phases))
        if not published:
            for i in sorted(set(range(len(frames))) - set(chosen)):
                audit.add(EXTRA_FRAME, frames[i].name, f"{len(frames)} files, {phases} frames")
        frames, numbers = [frames[i] for i in chosen], [numbers[i] for i in chosen]
    places = list(range(len(frames)))
    if not published:
        places = frame_places(numbers, [f.trigger_ms for f in frames], phases)
    shown = []
    for phase in range(phases):
        # Before the first place this is -1, the last frame of the cycle.
        index = int(np.searchsorted(places, phase, side="right")) - 1
        copied = phase not in places
        if copied:
            audit.add(
                MISSING_FRAME,
                group.slice_.image,
                f"frame {phase + 1} of {phases}: copy of {frames[index].name}",
            )
        shown.append((frames[index], copied))
    return shown


def assemble(
    slices: Sequence[Slice],
    groups: dict[str, Group],
    grid: Grid,
    phases: int,
    published: bool,
    audit: Audit,
) -> tuple[Cine, pd.DataFrame]:
    """Place all frames of all slices on the grid.

    slices: in order of location. groups: files by the slice's image. Returns the cine
    (float32; scanner units, or divided by 65535 as published) and the table of sources: for
    each z and t the file, its numbers and size, and the placement.
    """
    voxels = np.empty((phases, len(slices), *grid.turned_shape), np.float32)
    rows = []
    intervals_ms: list[float] = []
    for z, slice_ in enumerate(slices):
        # A copied slice has its problems in the audit already; the published log repeats them.
        log = Audit(audit.subject) if slice_.copied and not published else audit
        placement = placement_of(slice_, grid, published, log)
        group = groups[slice_.image]
        shown = frames_in_time(group, phases, published, log)
        images = np.stack([frame.pixels for frame, _ in shown])
        placed = place(images, placement, grid.turned_shape)
        voxels[:, z] = placed / UINT16_MAX if published else placed
        intervals = np.diff([f.trigger_ms for f in group.frames]).tolist()
        # As published, the first interval of the last slice counts.
        intervals_ms = intervals[:1] if published else intervals_ms + intervals
        for t, (frame, copied) in enumerate(shown):
            rows.append(
                {
                    "z": z,
                    "t": t,
                    "file": frame.name,
                    "series_number": frame.series_number,
                    "instance_number": frame.instance_number,
                    "phase_encoding": frame.phase_encoding,
                    "rows": slice_.rows,
                    "columns": slice_.columns,
                    "copied": copied or slice_.copied,
                    **{name: getattr(placement, name) for name in PLACEMENT_COLUMNS},
                }
            )
    affine = published_affine(slices[0], grid) if published else affine_of(slices[0], grid)
    interval_s = float(np.median(intervals_ms)) / 1000 if intervals_ms else math.nan
    return Cine(voxels, affine, interval_s), pd.DataFrame(rows)


def published_affine(lowest: Slice, grid: Grid) -> np.ndarray:
    """Affine as published: the rounded axes, their cross product, position of the lowest slice."""
    dz, dy, dx = grid.spacing_mm
    x, y = LPS_TO_RAS @ grid.axes[:3], LPS_TO_RAS @ grid.axes[3:]
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([x * dx, y * dy, np.cross(x, y) * dz])
    affine[:3, 3] = LPS_TO_RAS @ np.array(lowest.position_mm)
    return affine


def affine_of(lowest: Slice, grid: Grid) -> np.ndarray:
    """Voxel indices (x, y, z) to RAS mm, exact for the lowest slice and all parallel to it.

    The image centre is what scaling and rotation leave in place; an odd number of added or
    cut pixels moves it by half a pixel. The third axis points from the lowest slice upwards.
    """
    dz, dy, dx = grid.spacing_mm
    x, y, z = grid.axes[:3] * dx, grid.axes[3:] * dy, normal(grid.axes) * dz
    rows, columns = grid.shape
    centre_y, centre_x = (rows - 1) / 2, (columns - 1) / 2
    if not lowest.oblique:
        own_y, own_x = lowest.spacing_mm
        centre_y += _centre_shift(scaled_size(lowest.rows, own_y / dy), rows)
        centre_x += _centre_shift(scaled_size(lowest.columns, own_x / dx), columns)
    origin = lowest.centre_mm - x * centre_x - y * centre_y
    if grid.quarter_turns:
        # The displayed image turned counter-clockwise: its columns were rows, its rows columns.
        origin, x, y = origin + x * (columns - 1), y, -x
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ np.column_stack([x, y, z])
    affine[:3, 3] = LPS_TO_RAS @ origin
    return affine


def _centre_shift(size: int, target: int) -> float:
    """By how many pixels fitting moves an axis' centre: the odd pixel is on the low side."""
    odd = abs(target - size) % 2
    return math.copysign(0.5 * odd, target - size)
