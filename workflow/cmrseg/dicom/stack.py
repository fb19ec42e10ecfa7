"""From slices and their frames to one cine: target geometry, placing, affine."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    DISPLACED,
    EXTRA_FRAME,
    IMAGE_SIZE,
    MISSING_FRAME,
    PIXEL_SPACING,
    ROTATION,
    UNREADABLE,
    Audit,
    SubjectError,
    size,
)
from cmrseg.dicom.geometry import Slice, is_close, normal
from cmrseg.dicom.grid import (
    Grid,
    affine_of,
    common_centre_mm,
    published_affine,
    shown_centre_mm,
)
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.placement import PLACEMENT_COLUMNS, Placement, place
from cmrseg.dicom.slices import Group
from cmrseg.dicom.timing import frame_places
from cmrseg.vectors import dot, length

# Closeness of pixel spacings, in mm (besides the relative one): numpy's default.
PIXEL_SPACING_MM = 1e-8
# A slice shows this many times what the others show, and not more, in any of its directions.
MOST_SCALED = 8
# What the published conversion made of 16-bit integers.
UINT16_MAX = 65535
# A slice is moved where it is off by more than half a pixel (an odd number of padded pixels makes
# exactly that) and by whole thousandths of a pixel, as positions are written with few digits.
DISPLACED_PX = 0.51
SHIFT_DECIMALS = 3


def placement_of(slice_: Slice, grid: Grid, published: bool, audit: Audit) -> Placement:
    """Placement of one slice on the grid; deviations are audited."""
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
        expected, actual = (
            f"{down:.4g} mm between rows, {across:.4g} mm between columns"
            for down, across in (grid.own_spacing_mm, slice_.spacing_mm)
        )
        audit.add(PIXEL_SPACING, slice_.image, f"expected: {expected}; actual: {actual}")
    # Float, as the product of a wrong distance may be any number.
    most = MOST_SCALED * max(grid.shape)
    if max(slice_.rows * scale_y, slice_.columns * scale_x) > most:
        raise SubjectError(
            UNREADABLE,
            slice_.image,
            f"PixelSpacing {slice_.spacing_mm} makes the image more than {MOST_SCALED} times as "
            f"large as the others, with {grid.own_spacing_mm}; repair the header or exclude the "
            "series",
        )
    rotation_deg, mirrored = 0.0, False
    if slice_.oblique:
        if published:
            rotation_deg = -published_angle_deg(slice_.orientation, grid.axes)
        else:
            rotation_deg, mirrored = signed_angle_deg(slice_.orientation, grid.axes)
        audit.add(
            ROTATION, slice_.image, f"{rotation_deg:.1f} degrees{', mirrored' if mirrored else ''}"
        )
    if (slice_.rows, slice_.columns) != grid.own_shape:
        expected, actual = size(*grid.own_shape), size(slice_.rows, slice_.columns)
        audit.add(IMAGE_SIZE, slice_.image, f"expected: {expected}; actual: {actual}")
    return Placement(
        scale_y=scale_y,
        scale_x=scale_x,
        mirrored=mirrored,
        rotation_deg=rotation_deg,
        rotation_canvas="own" if published else "target",
        quarter_turns=grid.quarter_turns,
    )


def placements_of(
    slices: Sequence[Slice], grid: Grid, published: bool, audit: Audit
) -> tuple[list[Placement], np.ndarray]:
    """Placement of every slice, and the affine of the cine.

    slices: in order of location. A slice whose image lies off the others' in the plane is moved
    to where it was acquired, and audited; as published, it is not. A copied slice moves with
    the one that it is a copy of.
    """
    # A copied slice has its problems in the audit already; the published log repeats them.
    logs = [Audit(audit.subject) if s.copied and not published else audit for s in slices]
    placements = [
        placement_of(s, grid, published, log) for s, log in zip(slices, logs, strict=True)
    ]
    if published:
        return placements, published_affine(slices[0], grid)
    centres_mm = np.array(
        [shown_centre_mm(s, p, grid) for s, p in zip(slices, placements, strict=True)]
    )
    acquired = np.array([not s.copied for s in slices])
    common_mm = common_centre_mm(centres_mm[acquired], grid.axes)
    for i, (slice_, log) in enumerate(zip(slices, logs, strict=True)):
        across_mm, down_mm = dot(grid.axes.reshape(2, 3), centres_mm[i] - common_mm)
        shift_y, shift_x = down_mm / grid.spacing_mm[1], across_mm / grid.spacing_mm[2]
        if max(abs(shift_y), abs(shift_x)) <= DISPLACED_PX:
            continue
        placements[i] = replace(
            placements[i],
            shift_y=round(shift_y, SHIFT_DECIMALS),
            shift_x=round(shift_x, SHIFT_DECIMALS),
        )
        # Adding zero turns -0.0 into 0.0.
        across, down = (round(float(mm), 1) + 0.0 for mm in (across_mm, down_mm))
        log.add(
            DISPLACED,
            slice_.image,
            f"{across} mm along the rows, {down} mm along the columns",
        )
    return placements, affine_of(common_mm, grid)


def published_angle_deg(orientation: Sequence[float], axes: np.ndarray) -> float:
    """Angle between the directions of the columns, without sign, in degrees.

    As published: it turns the transposed image counter-clockwise whatever its true direction.
    """
    row, common = np.array(orientation[:3]), axes[:3]
    cosine = dot(row, common) / (length(row) * length(common))
    return math.degrees(math.acos(float(np.clip(cosine, -1, 1))))


def signed_angle_deg(orientation: Sequence[float], axes: np.ndarray) -> tuple[float, bool]:
    """Counter-clockwise angle, as displayed, that turns a slice's image upright on the grid.

    Also whether its columns have to be reversed first, as the plane is seen from behind.
    """
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    mirrored = bool(dot(normal(orientation), normal(axes)) < 0)
    if mirrored:
        row = -row
    return math.degrees(math.atan2(dot(axes[:3], column), dot(axes[:3], row))), mirrored


def frames_in_time(
    group: Group, phases: int, published: bool, audit: Audit, usual: Sequence[float] = ()
) -> list[tuple[Frame, bool]]:
    """For each phase the frame that shows it, and whether it is a copy of another one.

    A missing frame is a copy of the one before it; the cycle closes, so that the last stands
    before the first. As published, what is missing is always taken to be at the end. usual: times
    of a slice that lost none.
    """
    frames, numbers, times = list(group.frames), list(group.numbers), list(group.times)
    if len(frames) > phases:
        named = [i for i, number in enumerate(numbers) if 1 <= number <= phases]
        chosen = named if len(named) == phases and not published else list(range(phases))
        if not published:
            for i in sorted(set(range(len(frames))) - set(chosen)):
                audit.add(EXTRA_FRAME, frames[i].name, f"{len(frames)} files, {phases} frames")
        frames, numbers = [frames[i] for i in chosen], [numbers[i] for i in chosen]
        times = [times[i] for i in chosen]
    places = list(range(len(frames)))
    if not published:
        places = frame_places(numbers, times, phases, usual)
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


def _usual_times(whole: Sequence[Sequence[float]]) -> list[float]:
    """The usual time of each frame, of the slices that have all; empty without any."""
    return np.median(np.array(whole), axis=0).tolist() if whole else []


def source_row(
    z: int, t: int, frame: Frame, copied: bool, placement: Placement
) -> dict[str, object]:
    """A row of the table of sources: the file that a slice of a frame shows, and how."""
    return {
        "z": z,
        "t": t,
        "file": frame.name,
        "series_number": frame.series_number,
        "instance_number": frame.instance_number,
        "phase_encoding": frame.phase_encoding,
        "rows": frame.pixels.shape[0],
        "columns": frame.pixels.shape[1],
        "copied": copied,
        **{name: getattr(placement, name) for name in PLACEMENT_COLUMNS},
    }


def note_numbers(sources: pd.DataFrame, frames: Sequence[Frame]) -> None:
    """Add what the files of a whole cine have as numbers to its sources."""
    numbers = [frame.series_number for frame in frames]
    sources["first_series"], sources["last_series"] = min(numbers), max(numbers)
    sources["last_instance"] = max(frame.instance_number for frame in frames)


def assemble(
    slices: Sequence[Slice],
    groups: dict[str, Group],
    grid: Grid,
    phases: int,
    interval_s: float | None,
    audit: Audit,
) -> tuple[Cine, pd.DataFrame]:
    """Place all frames of all slices on the grid.

    slices: in order of location. groups: files by the slice's image. interval_s: time between
    frames; None as published: the first interval of the last slice. Returns the cine
    (float32; scanner units, or divided by 65535 as published) and the table of sources: for
    each z and t the file, its numbers and size, and the placement.
    """
    voxels = np.empty((phases, len(slices), *grid.turned_shape), np.float32)
    rows = []
    published = interval_s is None
    usual = _usual_times([g.times for g in groups.values() if len(g.frames) == phases])
    placements, affine = placements_of(slices, grid, published, audit)
    for z, (slice_, placement) in enumerate(zip(slices, placements, strict=True)):
        # A copied slice's frames are in the audit already; the published log repeats them.
        log = Audit(audit.subject) if slice_.copied and not published else audit
        group = groups[slice_.image]
        shown = frames_in_time(group, phases, published, log, usual)
        images = np.stack([frame.pixels for frame, _ in shown])
        placed = place(images, placement, grid.turned_shape)
        if published:
            np.divide(placed, UINT16_MAX, out=voxels[:, z], casting="unsafe")
        else:
            voxels[:, z] = placed
        for t, (frame, copied) in enumerate(shown):
            rows.append(source_row(z, t, frame, copied or slice_.copied, placement))
    if interval_s is None:
        times = groups[slices[-1].image].times
        interval_s = (times[1] - times[0]) / 1000 if len(times) > 1 else math.nan
    return Cine(voxels, affine, interval_s), pd.DataFrame(rows)
