"""Slice spacing: its value, missing slices, surplus slices. Pure functions on lists."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from cmrseg.dicom.audit import (
    LOST_SLICES,
    MIXED_STACKS,
    SPACING_BOTTOM,
    SPACING_EMPIRICAL,
    SPACING_INTERSPERSED,
    SPACING_METADATA,
    SPACING_MISSING,
    SPACING_OUTLIER,
    SPACING_SPECIAL,
    SPACING_TOP,
    UNREADABLE,
    Audit,
    SubjectError,
    mm,
)
from cmrseg.dicom.geometry import PUBLISHED, Slice, Tolerances, is_close, smallest_mode

# Of Ankenbrand et al. 2021 (code), as the tolerances are.
OUTLIER_SPACINGS = 2.5
# Slices nearer than this fraction of their thickness overlap.
OVERLAPPING = 0.8
# A stack that lost more than this fraction of its slices is not the one that was acquired.
MOST_LOST = 0.25


def gaps_mm(slices: Sequence[Slice]) -> list[float]:
    """Distances of neighbours, for slices in order of location."""
    return [b.location_mm - a.location_mm for a, b in pairwise(slices)]


def empirical_spacing_mm(
    slices: Sequence[Slice], audit: Audit, allowed: Tolerances = PUBLISHED
) -> float:
    """Most frequent distance of neighbours, to 0.01 mm; disagreement with the header is audited.

    A single slice has the header's distance, else its thickness.
    Raises SubjectError where a single slice has neither.
    """
    written = sorted({s.slice_distance_mm for s in slices if not math.isnan(s.slice_distance_mm)})
    if len(slices) == 1:
        # Some headers have a negative spacing.
        sizes = [abs(distance) for distance in written if distance]
        distance = sizes[0] if sizes else slices[0].thickness_mm
        if not distance > 0:
            raise SubjectError(
                UNREADABLE,
                slices[0].image,
                f"single slice with SliceThickness {distance}, expected a positive length",
            )
        return distance
    spacing = smallest_mode(round(gap, 2) for gap in gaps_mm(slices))
    if len(written) > 1:
        audit.add(SPACING_METADATA, "", f"observed values: {', '.join(map(mm, written))}")
    elif written and not is_close(spacing, written[0], allowed.metadata):
        audit.add(SPACING_EMPIRICAL, "", f"empirical: {mm(spacing)}, metadata: {mm(written[0])}")
    return spacing


def check_stack(slices: Sequence[Slice], kept: Sequence[Slice], spacing_mm: float) -> None:
    """Refuse interleaved and incomplete stacks.

    slices: before, kept: after those at irregular places were removed. Raises SubjectError if
    slices overlap although the header shows no overlap, as in interleaved stacks, and if a gap
    removes more than a quarter of the slices.
    """
    first = slices[0]
    if len(slices) > 1 and first.slice_distance_mm >= OVERLAPPING * first.thickness_mm > spacing_mm:
        raise SubjectError(
            MIXED_STACKS,
            first.image,
            f"slice spacing is {mm(spacing_mm)}, but SliceThickness is {mm(first.thickness_mm)} "
            f"and SpacingBetweenSlices {mm(first.slice_distance_mm)}; put each stack into its own "
            "folder, or choose one with series",
        )
    lost = [s for s in slices if s.image not in {k.image for k in kept}]
    widest = max(gaps_mm(slices), default=0.0)
    if widest > OUTLIER_SPACINGS * spacing_mm and len(lost) > MOST_LOST * len(slices):
        raise SubjectError(
            LOST_SLICES,
            lost[0].image,
            f"a gap of {mm(widest)} at a slice spacing of {mm(spacing_mm)} removes {len(lost)} of "
            f"{len(slices)} slices; copy the series again, or choose one stack with "
            "series",
        )


def fill_missing(
    slices: Sequence[Slice], spacing_mm: float, audit: Audit, allowed: Tolerances = PUBLISHED
) -> list[Slice]:
    """Where two slices are two spacings apart, put a copy of the lower one between them."""
    filled = list(slices[:1])
    for lower, upper in pairwise(slices):
        gap = upper.location_mm - lower.location_mm
        if is_close(gap, 2 * spacing_mm, allowed.proper):
            detail = f"expected: {mm(spacing_mm)}, actual: {mm(gap)}"
            audit.add(SPACING_MISSING, lower.image, detail)
            filled.append(replace(lower, location_mm=lower.location_mm + spacing_mm, copied=True))
        filled.append(upper)
    return filled


def drop_irregular(
    slices: Sequence[Slice], spacing_mm: float, audit: Audit, allowed: Tolerances = PUBLISHED
) -> list[Slice]:
    """Remove slices until the distances are regular, as far as the rules go.

    slices: in order of location. After each removal the search starts anew from the lowest gap.
    What remains irregular is audited as special.
    """
    kept = list(slices)
    while removed := _first_irregular(kept, spacing_mm, audit, allowed):
        kept = [s for i, s in enumerate(kept) if i not in removed]
    kept = _trim_end(kept, spacing_mm, audit, allowed)
    kept = _trim_end(kept[::-1], spacing_mm, audit, allowed, bottom=True)[::-1]
    for i, gap in enumerate(gaps_mm(kept)):
        if not is_close(gap, spacing_mm, allowed.proper):
            audit.add(
                SPACING_SPECIAL,
                kept[i].image,
                f"expected: {mm(spacing_mm)}, actual: {mm(gap)}, next slice: {kept[i + 1].image}",
            )
    return kept


def _first_irregular(
    slices: list[Slice], spacing_mm: float, audit: Audit, allowed: Tolerances
) -> list[int]:
    """Indices to remove for the first gap that a rule fits; empty where none does."""
    gaps = gaps_mm(slices)
    for i, gap in enumerate(gaps):
        if is_close(gap, spacing_mm, allowed.proper):
            continue
        if gap > OUTLIER_SPACINGS * spacing_mm:
            # The slice that stands apart is on the side of the nearer end of the stack.
            removed = i + 1 if i > len(slices) / 2 else i
            detail = f"expected: {mm(spacing_mm)}, actual: {mm(gap)}"
            audit.add(SPACING_OUTLIER, slices[removed].image, detail)
            return [removed]
        for count in (1, 2):
            group = gaps[i : i + count + 1]
            if len(group) == count + 1 and abs(sum(group) - spacing_mm) < allowed.proper:
                for k in range(count):
                    actual = f"{mm(group[k])} and {mm(group[k + 1])}"
                    detail = f"expected: {mm(spacing_mm)}, actual: {actual}"
                    audit.add(SPACING_INTERSPERSED, slices[i + 1 + k].image, detail)
                return list(range(i + 1, i + 1 + count))
    return []


def _trim_end(
    slices: list[Slice],
    spacing_mm: float,
    audit: Audit,
    allowed: Tolerances,
    bottom: bool = False,
) -> list[Slice]:
    """Remove the first slice where only its gap is wrong, by more than is allowed there."""
    gaps = [abs(gap) for gap in gaps_mm(slices)]
    if (
        len(gaps) >= 2
        and is_close(gaps[1], spacing_mm, allowed.proper)
        and not is_close(gaps[0], spacing_mm, allowed.proper)
        and abs(gaps[0] - spacing_mm) > allowed.end
    ):
        kind = SPACING_BOTTOM if bottom else SPACING_TOP
        audit.add(kind, slices[0].image, f"expected: {mm(spacing_mm)}, actual: {mm(gaps[0])}")
        return slices[1:]
    return slices
