"""Volumes of the atria from the long-axis views: curves, and the measures of a subject.

Areas and lengths of two planes stand for the volume (area-length method), as in Bai et al. 2018,
doi:10.1186/s12968-018-0471-x.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.atrial_axis import atrial_axis, axis_length_cm
from cmrseg.measure.atrial_emptying import pre_contraction_frame
from cmrseg.measure.pieces import LEAST_PIXELS, largest_piece
from cmrseg.measure.rows import Measure, Mode
from cmrseg.measure.ventricles import ejection_fraction
from cmrseg.vectors import length, unit

MM2_PER_CM2 = 100
ATRIA = (Tissue.LA, Tissue.RA)
CURVE_COLUMNS = (
    "frame",
    *("la_2ch_area_cm2", "la_2ch_length_cm", "la_4ch_area_cm2", "la_4ch_length_cm"),
    *("ra_area_cm2", "ra_length_cm", "la_2ch_ml", "la_4ch_ml", "la_ml", "ra_ml"),
)

ATRIAL = (
    Measure("lav_max_ml", Tissue.LA, "", "volume_max", "ml", "largest"),
    Measure("lav_min_ml", Tissue.LA, "", "volume_min", "ml", "smallest"),
    Measure("la_sv_ml", Tissue.LA, "", "sv", "ml", "stroke"),
    Measure("la_ef", Tissue.LA, "", "ef", "", "fraction"),
    Measure("lav_pre_a_ml", Tissue.LA, "", "volume_pre_a", "ml", "pre_contraction"),
    Measure("la_passive_ef", Tissue.LA, "", "passive_ef", "", "passive_fraction"),
    Measure("la_active_ef", Tissue.LA, "", "active_ef", "", "active_fraction"),
    Measure("lav_max_2ch_ml", Tissue.LA, "", "volume_max_2ch", "ml", "largest"),
    Measure("lav_max_4ch_ml", Tissue.LA, "", "volume_max_4ch", "ml", "largest"),
    Measure("rav_max_ml", Tissue.RA, "", "volume_max", "ml", "largest"),
    Measure("rav_min_ml", Tissue.RA, "", "volume_min", "ml", "smallest"),
    Measure("ra_sv_ml", Tissue.RA, "", "sv", "ml", "stroke"),
    Measure("ra_ef", Tissue.RA, "", "ef", "", "fraction"),
)
# The curve that a measure is made of: that of its tissue, or of one view.
CURVES = {Tissue.LA: "la_ml", Tissue.RA: "ra_ml"}
OF_ONE_VIEW = {"lav_max_2ch_ml": "la_2ch_ml", "lav_max_4ch_ml": "la_4ch_ml"}


class Outline(NamedTuple):
    """What one view says of an atrium, (t,) each; nan where unknown."""

    area_cm2: np.ndarray
    length_cm: np.ndarray

    def at(self, frames: np.ndarray) -> "Outline":
        return Outline(self.area_cm2[frames], self.length_cm[frames])

    def zero_in(self, failed: np.ndarray) -> "Outline":
        return Outline(*(np.where(failed, 0.0, values) for values in self))


class Volumes(NamedTuple):
    """Ends of a volume curve; nan and None where unknown. Frames from 0."""

    largest_ml: float
    smallest_ml: float
    pre_contraction_ml: float
    largest_frame: int | None
    smallest_frame: int | None
    pre_contraction_frame: int | None


def area_length_volume_ml(
    area_cm2: np.ndarray, other_area_cm2: np.ndarray, length_cm: np.ndarray
) -> np.ndarray:
    """Volume of a body of rotation from two areas through its axis; exact for an ellipsoid.

    All are (t,); the areas may be the same one. 0 where the length is 0.
    """
    squared = 8 / (3 * math.pi) * area_cm2 * other_area_cm2
    return np.divide(squared, length_cm, out=0.0 * length_cm, where=length_cm > 0)


def atrial_curves(
    two: Cine | None, four: Cine | None, sa_affine: np.ndarray, mode: Mode
) -> pd.DataFrame:
    """Areas, lengths and volumes of the atria: CURVE_COLUMNS, a row per frame (from 0).

    two, four: label maps (t, 1, y, x) of the 2-chamber and the 4-chamber view with `Tissue`; other
    tissues than LA and RA do not count. None where a view is missing: what needs it is nan, so
    the biplane volume `la_ml` with either. sa_affine: of the short-axis cine, whose slices lie
    across the long axis. Of each atrium the largest piece counts. The right one is in the
    4-chamber view only, so that its volume is of one plane.

    corrected: the length goes from edge to edge (`atrial_axis`). An atrium of fewer than
    LEAST_PIXELS was missed in that frame, and is nan. `la_ml` takes the shorter of the two lengths,
    as the guideline does (Lang et al. 2015, doi:10.1016/j.echo.2014.10.003). Views with different
    numbers of frames are taken for one heartbeat each: rows are frames of the view that has more,
    and beside each is the frame of the other view nearest to the same part of the beat.

    compat: as published. `la_ml` takes the mean length. Rows are the frames of the 2-chamber view,
    beside frames of the same number. Where an atrium has no axis, everything in that row is 0. The
    atria are told by their order: the lower number that is there is taken for the left one.
    Reference numbers were made with images in oblique planes; in others the published program
    depends on how numpy sorts.

    Raises ValueError for several slices, for an affine without a plane, without any view, and in
    compat for what the published program fails at: too few atria in a frame, or fewer frames of the
    4-chamber view.
    """
    up = towards_head(sa_affine, mode)
    if two is None and four is None:
        raise ValueError("neither a 2-chamber nor a 4-chamber view, expected at least one")
    seen = {
        view: outlines(cine, tissues, up, view, mode)
        for view, cine, tissues in (("2-chamber", two, ATRIA[:1]), ("4-chamber", four, ATRIA))
        if cine is not None
    }
    frames = matched_frames({view: len(found[0].area_cm2) for view, found in seen.items()}, mode)
    count = len(next(iter(frames.values())))
    unknown = Outline(np.full(count, math.nan), np.full(count, math.nan))
    seen = {view: [o.at(frames[view]) for o in found] for view, found in seen.items()}
    if mode == "compat":
        failed = np.any([np.isnan(o.length_cm) for found in seen.values() for o in found], axis=0)
        seen = {view: [o.zero_in(failed) for o in found] for view, found in seen.items()}
    (la_two,) = seen.get("2-chamber", [unknown])
    la_four, ra = seen.get("4-chamber", [unknown, unknown])
    lengths = np.stack([la_two.length_cm, la_four.length_cm])
    both_cm = lengths.mean(axis=0) if mode == "compat" else lengths.min(axis=0)
    return pd.DataFrame(
        {
            "frame": np.arange(count),
            "la_2ch_area_cm2": la_two.area_cm2,
            "la_2ch_length_cm": la_two.length_cm,
            "la_4ch_area_cm2": la_four.area_cm2,
            "la_4ch_length_cm": la_four.length_cm,
            "ra_area_cm2": ra.area_cm2,
            "ra_length_cm": ra.length_cm,
            "la_2ch_ml": _of_one_plane_ml(la_two),
            "la_4ch_ml": _of_one_plane_ml(la_four),
            "la_ml": area_length_volume_ml(la_two.area_cm2, la_four.area_cm2, both_cm),
            "ra_ml": _of_one_plane_ml(ra),
        },
        columns=list(CURVE_COLUMNS),
    )


def atrial_measures(curves: pd.DataFrame) -> dict[str, float]:
    """Every measure of ATRIAL by its column, and the frames (from 0) that they are taken from.

    curves: of `atrial_curves`. Frames without a known volume do not count, so that the largest and
    the smallest volume may be missed with them: `cmrseg.measure.cavity_quality` names such curves.
    What is unknown is nan. The volume before contraction is that at `pre_contraction_frame`.
    Fractions are of what they begin with: passive of the largest volume, active of that before
    contraction.
    """
    columns = (*CURVES.values(), *OF_ONE_VIEW.values())
    ends = {column: _ends(curves[column].to_numpy(float)) for column in columns}
    found = {m.name: _value(m, ends[OF_ONE_VIEW.get(m.name, CURVES[m.tissue])]) for m in ATRIAL}
    left, right = ends["la_ml"], ends["ra_ml"]
    frames: Mapping[str, int | None] = {
        "lav_max_frame": left.largest_frame,
        "lav_min_frame": left.smallest_frame,
        "lav_pre_a_frame": left.pre_contraction_frame,
        "rav_max_frame": right.largest_frame,
        "rav_min_frame": right.smallest_frame,
    }
    return found | {name: math.nan if f is None else float(f) for name, f in frames.items()}


def _value(measure: Measure, ends: Volumes) -> float:
    largest, smallest, before = ends[:3]
    match measure.kind:
        case "largest":
            return largest
        case "smallest":
            return smallest
        case "stroke":
            return largest - smallest
        case "fraction":
            return ejection_fraction(largest, smallest)
        case "pre_contraction":
            return before
        case "passive_fraction":
            return ejection_fraction(largest, before)
        case "active_fraction":
            return ejection_fraction(before, smallest)
        case _:
            raise ValueError(f"measure {measure.name} is none of an atrium")


def _ends(volume_ml: np.ndarray) -> Volumes:
    """Unknown unless two frames are known: one is no heartbeat."""
    if np.isfinite(volume_ml).sum() < 2:
        return Volumes(math.nan, math.nan, math.nan, None, None, None)
    largest, smallest = int(np.nanargmax(volume_ml)), int(np.nanargmin(volume_ml))
    before = pre_contraction_frame(volume_ml)
    return Volumes(
        float(volume_ml[largest]),
        float(volume_ml[smallest]),
        math.nan if before is None else float(volume_ml[before]),
        largest,
        smallest,
        before,
    )


def _of_one_plane_ml(outline: Outline) -> np.ndarray:
    return area_length_volume_ml(outline.area_cm2, outline.area_cm2, outline.length_cm)


def towards_head(sa_affine: np.ndarray, mode: Mode) -> np.ndarray:
    """Unit (3,), along the long axis; in compat from slice to slice, otherwise across slices."""
    x, y, z = sa_affine[:3, :3].T
    across = z if mode == "compat" else np.cross(x, y)
    if not np.isfinite(sa_affine).all() or length(across) == 0:
        raise ValueError(
            f"the short-axis affine {sa_affine.tolist()} has no plane, expected that of the "
            "short-axis cine; repair its header"
        )
    up = unit(across)
    return -up if up[2] < 0 else up


def matched_frames(counts: Mapping[str, int], mode: Mode) -> dict[str, np.ndarray]:
    """Frames of each view, a row of the curves each; as `atrial_curves` says."""
    if mode == "compat":
        view, rows = next(iter(counts.items()))
        last, fewest = min(counts.items(), key=lambda item: item[1])
        if fewest < rows:
            raise ValueError(
                f"the {last} view has {fewest} frames and the {view} view {rows}, expected no "
                "fewer; take mode corrected"
            )
        return {view: np.arange(rows) for view in counts}
    rows = max(counts.values())
    # Halves go up, in any number of frames.
    return {
        view: (2 * np.arange(rows) * count + rows) // (2 * rows) % count
        for view, count in counts.items()
    }


def outlines(
    labels: Cine, tissues: tuple[Tissue, ...], up: np.ndarray, view: str, mode: Mode
) -> list[Outline]:
    """Of each tissue, what a view says of it in its frames.

    labels: (t, 1, y, x). up: unit (3,), along the long axis to the head. view: for errors. Other
    arguments and errors as `atrial_curves`.
    """
    frames, slices = labels.voxels.shape[:2]
    if slices != 1:
        raise ValueError(f"the {view} view has {slices} slices, expected 1; choose one plane")
    pixel_cm2 = math.prod(labels.spacing_mm[1:]) / MM2_PER_CM2
    found = np.full((2, len(tissues), frames), math.nan)
    for frame, plane in enumerate(labels.voxels[:, 0]):
        shown = _shown(plane, tissues, f"{view} view, frame {frame + 1} (from 1)", mode)
        for place, tissue in enumerate(shown):
            mask = largest_piece(plane == tissue)
            if mode == "corrected" and mask.sum() < LEAST_PIXELS:
                continue
            ends_mm = atrial_axis(mask, labels.affine, up, mode)
            if ends_mm is not None:
                found[:, place, frame] = mask.sum() * pixel_cm2, axis_length_cm(ends_mm)
    return [Outline(*found[:, place]) for place in range(len(tissues))]


def _shown(
    plane: np.ndarray, tissues: tuple[Tissue, ...], where: str, mode: Mode
) -> tuple[Tissue, ...]:
    """The labels that are taken for the tissues; compat goes by the order of what is there."""
    if mode == "corrected":
        return tissues
    present = tuple(tissue for tissue in ATRIA if (plane == tissue).any())
    if len(present) < len(tissues):
        names = " and ".join(NAMES[tissue] for tissue in tissues)
        raise ValueError(
            f"{where}: {len(present)} atria, expected {names}; leave the subject out by the "
            "quality control, or take mode corrected"
        )
    return present[: len(tissues)]
