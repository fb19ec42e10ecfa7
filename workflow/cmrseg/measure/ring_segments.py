"""Which level a tagged slice is of, and which AHA segments the links of its landmarks lie in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, aha_axes, segment_of, slice_levels, thirds
from cmrseg.measure.aha_segments import Level
from cmrseg.measure.ring_strain import Along
from cmrseg.points import places_mm
from cmrseg.ring import ENDOCARDIUM, MIDWALL, by_spoke
from cmrseg.vectors import dot, unit

# Levels of fewer slices than three, in their order, where nothing else tells them.
FEW: dict[int, tuple[Level, ...]] = {1: ("mid",), 2: ("basal", "apical")}
# Angle of the anterior insertion of the right ventricle, where the septum begins; `aha_segments`.
INSERTION_DEG = 30.0


class Levels(NamedTuple):
    """The level of each slice, and what says so."""

    of_slice: dict[int, Level]
    source: str


def levels_in_order(slices: Sequence[int]) -> Levels:
    """Levels of slices that are stored from base to apex: a third of each level.

    A single slice is mid, of two the first one is basal and the second one apical.
    """
    found = FEW.get(len(slices)) or thirds(len(slices))
    return Levels(dict(zip(slices, found, strict=True)), "order of slices")


def central_slices(levels: Mapping[int, Level]) -> list[int]:
    """The slices in which end-systole is looked for: the mid-ventricular ones, else all."""
    return [z for z, level in sorted(levels.items()) if level == "mid"] or sorted(levels)


def levels_by_labels(slices: Sequence[int], affine: np.ndarray, labels: Cine) -> Levels:
    """Levels of tagged slices by the short-axis labels of the same patient.

    affine: of the tagged cine. labels: one frame, end-diastole. Three slices or more are put in
    order along the axis of the labels, from base to apex, a third of each level; fewer have the
    level of the nearest short-axis slice. Errors as `aha_axes` and `slice_levels`.
    """
    up = aha_axes(labels).apex_to_base
    normal_mm = np.array([dot(affine[:3, 2], up) * z + dot(affine[:3, 3], up) for z in slices])
    source = "short-axis labels"
    if len(slices) > max(FEW):
        ordered = [slices[i] for i in np.argsort(-normal_mm, kind="stable")]
        return Levels(dict(zip(ordered, thirds(len(ordered)), strict=True)), source)
    known = slice_levels(labels)
    heights_mm = np.array(
        [dot(labels.affine[:3, 2], up) * z + dot(labels.affine[:3, 3], up) for z in known]
    )
    nearest = [int(np.abs(heights_mm - height).argmin()) for height in normal_mm]
    levels = list(known.values())
    return Levels(dict(zip(slices, (levels[n] for n in nearest), strict=True)), source)


def axes_of_insertion(
    insertion_mm: np.ndarray, centre_mm: np.ndarray, affine: np.ndarray, slice_index: int
) -> AhaAxes:
    """Axes of a heart from the anterior insertion of the right ventricle in one slice.

    insertion_mm, centre_mm: (3,) RAS, the insertion and the middle of the cavity. affine: of the
    tagged cine; apex and base are told apart by the patient's head, which is above. Raises
    ValueError where the two places are one above the other.
    """
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    up = unit(normal * (1 if normal[2] >= 0 else -1))
    away = np.asarray(insertion_mm, float) - np.asarray(centre_mm, float)
    away = away - dot(away, up) * up
    if not dot(away, away) > 0:
        raise ValueError(
            f"the insertion of the right ventricle is at {np.asarray(insertion_mm).tolist()} mm, "
            "in the middle of the cavity; expected a place on the wall"
        )
    here = unit(away)
    angle = np.deg2rad(INSERTION_DEG)
    septal = np.sin(angle) * here - np.cos(angle) * np.cross(up, here)
    return AhaAxes(septal, up, np.cross(up, septal), slice_index)


def link_segments(
    points_px: np.ndarray, affine: np.ndarray, axes: AhaAxes, levels: Mapping[int, Level]
) -> dict[Along, np.ndarray]:
    """The AHA segment of each link: (z, 24) numbers 1 to 16 by direction, 0 where unknown.

    points_px: (z, 168, 2), landmarks (y, x) in the frame of reference. affine: of their image. A
    circumferential link belongs where the middle of its mid-wall link lies, a radial one where its
    mid-wall landmark does, around the middle of the endocardial ring.
    """
    rings = by_spoke(np.asarray(points_px, np.float64))
    mid, endo = rings[:, :, MIDWALL], rings[:, :, ENDOCARDIUM]
    places = {"circumferential": (mid + np.roll(mid, -1, axis=1)) / 2, "radial": mid}
    found: dict[Along, np.ndarray] = {}
    for direction, where in places.items():
        numbers = np.zeros(where.shape[:2], int)
        for z, level in levels.items():
            known = np.isfinite(where[z]).all(axis=1)
            inner = endo[z][np.isfinite(endo[z]).all(axis=1)]
            if not known.any() or not len(inner):
                continue
            middle = _places_mm(inner.mean(axis=0)[None], z, affine)[0]
            numbers[z, known] = segment_of(
                _places_mm(where[z, known], z, affine), middle, level, axes
            )
        found[direction] = numbers  # type: ignore[index]
    return found


def _places_mm(points_px: np.ndarray, z: int, affine: np.ndarray) -> np.ndarray:
    """RAS places (n, 3) of points (n, 2), (y, x), of a slice."""
    y, x = points_px.T
    return np.stack(places_mm(x, y, np.full(len(x), z), affine), axis=1)
