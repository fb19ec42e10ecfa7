"""Which slices belong to one stack: common orientation, parallel planes, collisions.

Pure functions on lists.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from cmrseg.dicom.audit import COLLISION, ORIENTATION, Audit, mm
from cmrseg.vectors import dot, unit

# Tolerances of Ankenbrand et al. 2021 (code); absolute, plus RELATIVE times the reference value.
RELATIVE = 1e-5
SAME_ORIENTATION = 0.01
PARALLEL_COSINE = 0.001
ORIENTATION_DECIMALS = 3
# Slice spacing that the tolerances are made for; they are scaled down for smaller ones (mice).
USUAL_MM = 4.0
# Measured spacing agrees with the header's within this fraction.
AGREEING = 0.2
# Slices closer than this are at the same position, whatever the slice spacing.
SAME_PLACE_MM = 0.05


@dataclass(frozen=True)
class Tolerances:
    """Tolerances of distances along the stack, in mm.

    collision: closer slices are at the same position. proper: deviation from the usual spacing.
    metadata: deviation of the header's spacing from the measured one. end: first and last spacing.
    The defaults are the
    published ones.
    """

    collision: float = 1.0
    proper: float = 1.0
    metadata: float = 0.1
    end: float = 2.5


PUBLISHED = Tolerances()


def tolerances(
    locations_mm: Iterable[float], written_mm: float = math.nan, thickness_mm: float = math.nan
) -> Tolerances:
    """The published tolerances, scaled down for a slice spacing below USUAL_MM.

    locations_mm: positions along the normal. written_mm, thickness_mm: the header's slice spacing
    and thickness. Slices closer than their thickness may have been acquired twice, unless the
    header's spacing shows that they overlap.
    """
    gaps = np.diff(np.sort(np.array(list(locations_mm), float)))
    gaps = gaps[gaps > SAME_PLACE_MM]
    if not len(gaps):
        return PUBLISHED
    usual = float(np.median(gaps))
    if not abs(written_mm - usual) <= AGREEING * usual and thickness_mm > usual:
        usual = thickness_mm
    factor = min(1.0, usual / USUAL_MM)
    return Tolerances(*(factor * mm for mm in astuple(PUBLISHED)))


@dataclass(frozen=True)
class Slice:
    """One slice as its first-phase file describes it.

    image: path of that file. location_mm: position along the stack. orientation: direction of
    increasing column index, then of increasing row index (LPS). position_mm: centre of the first
    pixel. spacing_mm: between rows, between columns. phases: number of frames in the header.
    oblique: rotated in plane relative to the other slices. copied: replaces a missing slice.
    acquired: increases with acquisition time, if the header has it.
    """

    image: str
    series_number: int
    location_mm: float
    orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    position_mm: tuple[float, ...] = (0.0, 0.0, 0.0)
    spacing_mm: tuple[float, ...] = (1.0, 1.0)
    rows: int = 1
    columns: int = 1
    phases: int = 1
    slice_distance_mm: float = math.nan
    thickness_mm: float = math.nan
    oblique: bool = False
    copied: bool = False
    acquired: tuple[float, ...] = ()

    @property
    def centre_mm(self) -> np.ndarray:
        """Centre of the image in patient coordinates (LPS)."""
        along_rows = np.array(self.orientation[:3]) * (self.columns - 1) / 2 * self.spacing_mm[1]
        along_columns = np.array(self.orientation[3:]) * (self.rows - 1) / 2 * self.spacing_mm[0]
        return np.array(self.position_mm) + along_rows + along_columns


def is_close(value: float, reference: float, tolerance: float) -> bool:
    """Whether a value equals a reference within an absolute tolerance (plus RELATIVE)."""
    return abs(value - reference) <= tolerance + RELATIVE * abs(reference)


def largest_mode(values: Iterable):
    """The most frequent value; among equally frequent ones the largest."""
    return max(Counter(values).items(), key=lambda item: (item[1], item[0]))[0]


def smallest_mode(values: Iterable):
    """The most frequent value; among equally frequent ones the smallest."""
    counts = Counter(values)
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


def _rounded(slice_: Slice) -> tuple[float, ...]:
    # Adding zero turns -0.0 into 0.0, as both print and compare alike but sort differently.
    return tuple(round(v, ORIENTATION_DECIMALS) + 0.0 for v in slice_.orientation)


def published_orientation(slices: Sequence[Slice]) -> np.ndarray:
    """Common orientation as published: smallest mode of each rounded component on its own.

    Returns (6,). The components may come from different slices, and the two axes need not be
    unit vectors.
    """
    return np.array([smallest_mode(c) for c in zip(*map(_rounded, slices), strict=True)])


def common_orientation(slices: Sequence[Slice]) -> np.ndarray:
    """Common orientation: the most frequent whole vector, as orthogonal unit axes.

    Returns (6,): the unrounded cosines of the first slice that has the mode, made unit length.
    """
    mode = smallest_mode(map(_rounded, slices))
    vector = np.array(next(s.orientation for s in slices if _rounded(s) == mode))
    row = unit(vector[:3])
    return np.concatenate([row, unit(vector[3:] - row * dot(row, vector[3:]))])


def normal(orientation: Sequence[float] | np.ndarray) -> np.ndarray:
    """Unit normal of a plane from its two in-plane directions (6,); zero if they are parallel.

    This can happen for the component-wise published orientation.
    """
    cross = np.cross(orientation[:3], orientation[3:])
    return unit(cross) if cross.any() else cross


def drop_other_planes(
    slices: Sequence[Slice], orientation: np.ndarray, audit: Audit
) -> list[Slice]:
    """Remove slices that are not parallel to the stack; mark those rotated in plane.

    Section "orientation" of Ankenbrand et al. 2021: equal directions are kept, parallel normals
    are kept and marked `oblique`, others are removed and audited with their angle.
    """
    kept = []
    for slice_ in slices:
        if all(
            is_close(a, b, SAME_ORIENTATION)
            for a, b in zip(slice_.orientation, orientation, strict=True)
        ):
            kept.append(slice_)
            continue
        cosine = float(np.clip(dot(normal(slice_.orientation), normal(orientation)), -1, 1))
        if is_close(abs(cosine), 1, PARALLEL_COSINE):
            kept.append(replace(slice_, oblique=True))
        else:
            angle = math.degrees(math.acos(cosine))
            audit.add(ORIENTATION, slice_.image, f"angle between normals: {angle:.1f} degrees")
    return kept


def locate_along(slices: Sequence[Slice], orientation: np.ndarray) -> list[Slice]:
    """Set each location to the position of the image centre along the common normal, in mm.

    The centre rather than the first pixel: in a plane tilted by one degree the corner is some
    millimetres off.
    """
    axis = normal(orientation)
    return [replace(s, location_mm=float(dot(s.centre_mm, axis))) for s in slices]


def drop_collisions(
    slices: Sequence[Slice],
    audit: Audit,
    allowed: Tolerances = PUBLISHED,
    by_time: bool = False,
) -> list[Slice]:
    """Sort by location and keep one of two slices at the same position, usually within 1 mm.

    The slice with the lower series number is removed; within a series the one whose path sorts
    first, or with by_time the earlier acquisition, as the repeat is assumed to be better.
    """
    kept: list[Slice] = []
    for slice_ in sorted(slices, key=lambda s: (s.location_mm, s.series_number, s.image)):
        if not kept or slice_.location_mm - kept[-1].location_mm >= allowed.collision:
            kept.append(slice_)
            continue
        last = kept[-1]
        worse, better = sorted(
            (last, slice_),
            key=lambda s: (s.series_number, s.acquired if by_time else (), s.image),
        )
        kept[-1] = better
        audit.add(
            COLLISION,
            worse.image,
            f"at {mm(worse.location_mm)}; kept: {better.image} at {mm(better.location_mm)}",
        )
    return kept
