"""From the files of each slice to a cine: the rules of cleaning, in their order."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    MISSING_TAG,
    NO_IMAGES,
    SPACING_SPECIAL,
    WIDE_IMAGE,
    WIDE_IMAGE_COPY,
    Audit,
    SubjectError,
    mm,
    size,
)
from cmrseg.dicom.geometry import (
    PUBLISHED,
    Slice,
    Tolerances,
    common_orientation,
    drop_collisions,
    drop_other_planes,
    is_close,
    largest_mode,
    locate_along,
    published_orientation,
    tolerances,
)
from cmrseg.dicom.grid import target_grid
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.slices import Group, Numbered, check_whole, group, phases_of, published_phases
from cmrseg.dicom.spacing import (
    check_stack,
    drop_irregular,
    empirical_spacing_mm,
    fill_missing,
    gaps_mm,
)
from cmrseg.dicom.stack import assemble, note_numbers
from cmrseg.dicom.timing import TRIGGER, time_axis
from cmrseg.dicom.unrepaired import as_stacked, frames_as_counted


def cine_of(
    planes: Sequence[Numbered],
    frames: Sequence[Frame],
    audit: Audit,
    max_size_px: int | None,
    *,
    published: bool = False,
    chosen: bool = True,
    is_stack: bool = True,
    upright: bool = True,
    repaired: bool = True,
) -> tuple[Cine, pd.DataFrame]:
    """The cine of some slices, and its sources (`stack.assemble`); every repair is audited.

    planes: the files of each slice. frames: the files whose numbers the sources tell of.
    max_size_px: longer side after scaling, or None. published: as Ankenbrand et al. 2021.
    chosen: the planes were chosen among those of an examination, so that what does not belong
    together is refused. is_stack: slices fill the heart at one distance; of others none is
    removed or copied. upright: pictures wider than high are turned (not as published). repaired:
    False stacks the slices as they are (`unrepaired`).
    Raises SubjectError where the slices make no cine.
    """
    axis = TRIGGER if published else time_axis(planes, audit)
    groups = {g.slice_.image: g for g in (group(plane, axis) for plane in planes)}
    slices = [g.slice_ for g in groups.values()]
    axes = published_orientation(slices) if published else common_orientation(slices)
    if not repaired:
        return _as_stacked(slices, groups, axes, frames, audit, max_size_px, axis.interval_s)
    slices = drop_other_planes(slices, axes, audit)
    if not slices:
        raise SubjectError(NO_IMAGES, "", f"no slice is parallel to the mode {axes.tolist()}")
    slices = _with_slice_location(slices) if published else locate_along(slices, axes)
    allowed = PUBLISHED if published else _tolerances(slices)
    slices = drop_collisions(slices, audit, allowed, by_time=chosen)
    found = slices
    if is_stack or len(slices) == 1:
        distance_mm = empirical_spacing_mm(slices, audit, allowed)
        slices = fill_missing(slices, distance_mm, audit, allowed)
        slices = drop_irregular(slices, distance_mm, audit, allowed)
    else:
        distance_mm = _mean_distance_mm(slices, audit, allowed)

    grid = target_grid(
        slices, axes, distance_mm, max_size_px, published, audit, allowed, upright=upright
    )
    there = [groups[s.image] for s in slices]
    phases = published_phases(there) if published else phases_of(there, audit)
    if chosen:
        if is_stack:
            check_stack(found, slices, distance_mm)
        check_whole(slices, groups, phases)
    interval_s = None if published else axis.interval_s
    cine, sources = assemble(slices, groups, grid, phases, interval_s, audit)
    note_numbers(sources, frames)
    if upright and grid.shape[1] > grid.shape[0]:
        audit.add(WIDE_IMAGE_COPY if published else WIDE_IMAGE, "", size(*grid.shape))
    return cine, sources


def _as_stacked(
    slices: Sequence[Slice],
    groups: Mapping[str, Group],
    axes: np.ndarray,
    frames: Sequence[Frame],
    audit: Audit,
    max_size_px: int | None,
    interval_s: float,
) -> tuple[Cine, pd.DataFrame]:
    """The cine of the slices without any repair, and its sources."""
    stacked, distance_mm = as_stacked(slices, axes)
    counted = frames_as_counted(groups)
    grid = target_grid(stacked, axes, distance_mm, max_size_px, False, audit, upright=False)
    phases = phases_of([counted[s.image] for s in stacked], audit)
    cine, sources = assemble(stacked, counted, grid, phases, interval_s, audit)
    note_numbers(sources, frames)
    return cine, sources


def _tolerances(slices: Sequence[Slice]) -> Tolerances:
    """Of distances in a stack of these slices."""
    written = [s.slice_distance_mm for s in slices if s.slice_distance_mm > 0]
    thickness = [s.thickness_mm for s in slices if s.thickness_mm > 0]
    return tolerances(
        (s.location_mm for s in slices),
        largest_mode(written) if written else math.nan,
        largest_mode(thickness) if thickness else math.nan,
    )


def _mean_distance_mm(slices: Sequence[Slice], audit: Audit, allowed: Tolerances) -> float:
    """Mean distance of slices that are no stack; where one differs from it, that is audited."""
    mean = float(np.mean(gaps_mm(slices)))
    for lower, upper in pairwise(slices):
        gap = upper.location_mm - lower.location_mm
        if not is_close(gap, mean, allowed.proper):
            detail = f"expected: {mm(mean)}, actual: {mm(gap)}, next slice: {upper.image}"
            audit.add(SPACING_SPECIAL, lower.image, detail)
    return mean


def _with_slice_location(slices: list[Slice]) -> list[Slice]:
    """The slices as they are, provided that each has a SliceLocation."""
    for slice_ in slices:
        if math.isnan(slice_.location_mm):
            raise SubjectError(
                MISSING_TAG,
                slice_.image,
                "SliceLocation is absent; export the series again or use mode corrected",
            )
    return slices
