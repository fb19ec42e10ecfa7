"""Known inconsistencies of real series, added to a planned acquisition on request.

A fault takes a stack as it was planned and gives the stack as it went wrong, together with
the rows that the audit of a correct import must then have. The faulted slices are acquired
as they are planned: a rotated slice shows a rotated picture, an interspersed one lies between
its neighbours. Kinds and rules: Ankenbrand et al. 2021, doi:10.1002/mrm.28822, supplement.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from cmrseg.dicom import audit
from cmrseg.phantom import damage, in_plane
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.plan import PlannedSlice, Stack, inner, moved, recentred, turned, turned_about
from cmrseg.phantom.severities import split_severity

# Longer side above which the importer scales images down.
LARGEST_SIDE_PX = 256
# An additional acquisition has a series number above all others, by at most this.
LATER_SERIES = 6
# Scatter of repeated positions in mm, as between the acquisitions of Kaggle patient 870.
POSITION_SCATTER_MM = 2e-5

# With a further argument, the severity, where `severities.SEVERITIES` has the fault.
Fault = Callable[..., Stack]


def _extra(stack: Stack, like: PlannedSlice, rng: np.random.Generator, **changes) -> PlannedSlice:
    """A slice acquired later than all others, with its own noise."""
    later = max(int(s.folder.split("_")[1]) for s in stack.slices)
    later += int(rng.integers(1, LATER_SERIES + 1))
    fields = {
        "folder": f"sax_{later}",
        "series_number": later,
        "file_number": max(s.file_number or 0 for s in stack.slices) + 1,
        "seed": int(rng.integers(2**31)),
        "index": None,
    }
    return replace(like, **{**fields, **changes})


def _scattered(plane: Plane, rng: np.random.Generator) -> Plane:
    return moved(plane, plane.normal * rng.normal(0, POSITION_SCATTER_MM))


def _low_to_high(stack: Stack, indices: Iterable[int]) -> list[PlannedSlice]:
    return sorted((stack.at(i) for i in indices), key=lambda s: s.location_mm)


def _intact(stack: Stack) -> list[PlannedSlice]:
    return _low_to_high(stack, (s.index for s in stack.slices if s.index is not None))


def _replan(stack: Stack, change: Callable[[Plane], Plane]) -> Stack:
    return replace(stack, slices=tuple(replace(s, plane=change(s.plane)) for s in stack.slices))


def large_image(stack: Stack, rng: np.random.Generator) -> Stack:
    """All images finer than usual: the same field of view with a side above 256 pixels."""
    longer = max(stack.slices[0].plane.rows, stack.slices[0].plane.columns)
    factor = next(f for f in (1.5, 2, 3, 4, 6, 8, 12, 16) if longer * f > LARGEST_SIDE_PX)

    def finer(plane: Plane) -> Plane:
        rows, columns = round(plane.rows * factor), round(plane.columns * factor)
        return recentred(
            plane,
            rows=rows,
            columns=columns,
            row_spacing_mm=plane.row_spacing_mm * plane.rows / rows,
            column_spacing_mm=plane.column_spacing_mm * plane.columns / columns,
        )

    return _replan(stack, finer).expect(audit.LARGE_IMAGE, "")


def wide_image(stack: Stack, rng: np.random.Generator) -> Stack:
    """All images have fewer rows than columns: the image is rotated clockwise by 90 degrees."""
    return _replan(stack, turned).expect(audit.WIDE_IMAGE, "")


def spacing_metadata(stack: Stack, rng: np.random.Generator) -> Stack:
    """SpacingBetweenSlices is given, and not the same in all slices (Kaggle patient 506)."""
    if any("SpacingBetweenSlices" in s.elements for s in stack.slices):
        raise ValueError("spacing_empirical gives all slices one distance; use one of the two")
    (other,) = inner(stack, 1, rng)

    def written(s: PlannedSlice) -> dict:
        factor = 0.4 if s.index == other else 1.0
        return {**s.elements, "SpacingBetweenSlices": stack.spacing_mm * factor}

    slices = tuple(replace(s, elements=written(s)) for s in stack.slices)
    return replace(stack, slices=slices).used(other).expect(audit.SPACING_METADATA, "")


def spacing_empirical(stack: Stack, rng: np.random.Generator, less: float = 0.2) -> Stack:
    """SpacingBetweenSlices is the same in all slices and not the distance of the slices."""
    given = {"SpacingBetweenSlices": round(stack.spacing_mm * (1 - less), 2)}
    slices = tuple(replace(s, elements={**s.elements, **given}) for s in stack.slices)
    return replace(stack, slices=slices).expect(audit.SPACING_EMPIRICAL, "")


def spacing_special(stack: Stack, rng: np.random.Generator) -> Stack:
    """One gap inside the stack is too wide but not two spacings: reported, not repaired."""
    pair = inner(stack, 2, rng)
    low, _ = _low_to_high(stack, pair)
    shift = low.plane.normal * 0.7 * stack.spacing_mm
    slices = tuple(
        replace(s, plane=moved(s.plane, shift)) if s.location_mm > low.location_mm + 1 else s
        for s in stack.slices
    )
    stack = replace(stack, slices=slices).used(*pair)
    return stack.expect(audit.SPACING_SPECIAL, low.file(0))


def _close_end(stack: Stack, end: PlannedSlice, inwards: int, kind: tuple[str, str]) -> Stack:
    if end.index not in stack.free:
        raise ValueError("the end of the stack has a fault already")
    shift = end.plane.normal * inwards * 0.5 * stack.spacing_mm
    stack = stack.change(end, plane=moved(end.plane, shift)).used(end.index)
    return stack.expect(kind, end.file(0))


def spacing_top(stack: Stack, rng: np.random.Generator) -> Stack:
    """The slice of the lowest location is half a spacing from its neighbour: removed."""
    return _close_end(stack, _intact(stack)[0], 1, audit.SPACING_TOP)


def spacing_bottom(stack: Stack, rng: np.random.Generator) -> Stack:
    """The slice of the highest location is half a spacing from its neighbour: removed."""
    return _close_end(stack, _intact(stack)[-1], -1, audit.SPACING_BOTTOM)


def collision_same_series(stack: Stack, rng: np.random.Generator) -> Stack:
    """A slice acquired twice under one series number: the smaller path is removed."""
    (index,) = inner(stack, 1, rng)
    old = stack.at(index)
    plane = _scattered(old.plane, rng)
    new = _extra(stack, old, rng, plane=plane, series_number=old.series_number)
    stack = stack.add(new).used(index)
    return stack.expect(audit.COLLISION, min(old.file(0), new.file(0)))


def collision_two_series(stack: Stack, rng: np.random.Generator, count: float = 1) -> Stack:
    """A slice acquired again later: the one of the lower series number is removed."""
    for _ in range(int(count)):
        (index,) = inner(stack, 1, rng)
        old = stack.at(index)
        stack = stack.add(_extra(stack, old, rng, plane=_scattered(old.plane, rng))).used(index)
        stack = stack.expect(audit.COLLISION, old.file(0))
    return stack


def _intersperse(stack: Stack, rng: np.random.Generator, fractions: tuple[float, ...]) -> Stack:
    pair = inner(stack, 2, rng)
    low, high = _low_to_high(stack, pair)
    step = np.asarray(high.plane.position_mm) - np.asarray(low.plane.position_mm)
    for fraction in fractions:
        between = _extra(stack, low, rng, plane=moved(low.plane, step * fraction))
        stack = stack.add(between).expect(audit.SPACING_INTERSPERSED, between.file(0))
    return stack.used(*pair)


def interspersed_single(stack: Stack, rng: np.random.Generator, count: float = 1) -> Stack:
    """One additional slice between two of the stack: removed."""
    for _ in range(int(count)):
        stack = _intersperse(stack, rng, (float(rng.uniform(0.35, 0.65)),))
    return stack


def interspersed_double(stack: Stack, rng: np.random.Generator) -> Stack:
    """Two additional slices between two of the stack: both removed."""
    return _intersperse(stack, rng, (0.33, 0.66))


def missing_slice(stack: Stack, rng: np.random.Generator, count: float = 1) -> Stack:
    """An inner slice was not acquired: it is replaced by its lower neighbour."""
    for _ in range(int(count)):
        indices = inner(stack, 3, rng)
        low, gone = _low_to_high(stack, indices)[0], stack.at(indices[1])
        stack = replace(stack, slices=tuple(s for s in stack.slices if s is not gone))
        stack = stack.used(*indices).expect(audit.SPACING_MISSING, low.file(0))
    return stack


def outlier_slices(stack: Stack, rng: np.random.Generator, count: float = 2) -> Stack:
    """Two slices far beyond the base, more than 2.5 spacings from all others: removed."""
    last = _intact(stack)[-1]
    distance_mm = 0.0
    for gaps in (3.2, 3.8)[: int(count)]:
        distance_mm += gaps * stack.spacing_mm
        plane = moved(last.plane, last.plane.normal * distance_mm)
        far = _extra(stack, last, rng, plane=plane)
        stack = stack.add(far).expect(audit.SPACING_OUTLIER, far.file(0))
    return replace(stack, free=tuple(i for i in stack.free if i != last.index))


def plane_not_parallel(stack: Stack, rng: np.random.Generator, count: float = 1) -> Stack:
    """An additional slice in a short-axis folder lies in another plane: removed."""
    for _ in range(int(count)):
        (index,) = inner(stack, 1, rng)
        like = stack.at(index)
        axis = np.asarray(like.plane.column_direction)
        new = _extra(stack, like, rng, plane=turned_about(like.plane, axis, rng.uniform(25, 80)))
        stack = stack.add(new).used(index).expect(audit.ORIENTATION, new.file(0))
    return stack


def two_slices_one_folder(stack: Stack, rng: np.random.Generator) -> Stack:
    """Two neighbouring slices share series and folder; file names end in a third number."""
    first, second = inner(stack, 2, rng)
    home = stack.at(first)
    stack = stack.change(home, part=1)
    stack = stack.change(
        stack.at(second),
        folder=home.folder,
        series_number=home.series_number,
        file_number=home.file_number,
        part=2,
    )
    return stack.used(first, second).expect(audit.TWO_SLICES, home.folder)


# Faults of the whole study come first: those of single slices build on its planes.
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        large_image,
        wide_image,
        spacing_empirical,
        spacing_metadata,
        outlier_slices,
        spacing_top,
        spacing_bottom,
        spacing_special,
        missing_slice,
        interspersed_double,
        interspersed_single,
        two_slices_one_folder,
        collision_same_series,
        collision_two_series,
        plane_not_parallel,
        *in_plane.FAULTS,
        *damage.FAULTS,
    )
}


def apply_faults(stack: Stack, names: Iterable[str], seed: int) -> Stack:
    """The stack with the named faults; where each lies depends on seed and name alone.

    names: of faults, each with its severity behind a colon or without one (`severities`).
    Raises ValueError naming subject and fault for an unknown name or severity, where the stack has
    too few slices for another fault, and where other faults stand beside one that ends the import.
    """
    try:
        wanted = dict(map(split_severity, names))
    except ValueError as error:
        raise ValueError(f"subject {stack.subject}: {error}") from error
    for name in wanted:
        if name not in FAULTS:
            raise ValueError(
                f"subject {stack.subject}: unknown fault {name}, expected one of {sorted(FAULTS)}"
            )
    fatal = [name for name in wanted if FAULTS[name] in damage.FATAL]
    if fatal and len(wanted) > 1:
        raise ValueError(
            f"subject {stack.subject}: fault {fatal[0]} ends the import before other faults are "
            "found; use it in a separate subject"
        )
    for name, fault in FAULTS.items():
        if name in wanted:
            amount = wanted[name]
            severity = () if amount is None else (amount,)
            try:
                rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
                stack = fault(stack, rng, *severity)
            except ValueError as error:
                raise ValueError(f"subject {stack.subject}: fault {name}: {error}") from error
    return stack
