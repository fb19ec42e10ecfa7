"""Lines along the wall of the left ventricle in the 4-chamber view, whose lengthening is strain.

As in ukbb_cardiac (Bai et al. 2020, doi:10.1038/s41591-020-1009-y). Levels are those of half slices
of the short axis, and the septum is where the short axis has it. Mode `compat` gives that program's
numbers. Mode `corrected` differs where the program goes wrong: islands do not count; of a stack
that begins at the apex it keeps the last half slice; half slices without cavity have a middle
between those of their neighbours, and not all of their points are lateral; and where the pixels of
the valve are in several runs, the wall is the longest part between them, not the first.
"""

import numpy as np

from cmrseg.cine import Cine
from cmrseg.contours.raster import from_world, to_world
from cmrseg.labels import Tissue
from cmrseg.measure.aha import AhaAxes, one_frame, thirds
from cmrseg.measure.aha_segments import LEVELS, long_axis_segments
from cmrseg.measure.contour import outer_border, smooth_contour
from cmrseg.measure.pieces import LEAST_PIXELS, slice_masks
from cmrseg.measure.rows import Mode
from cmrseg.measure.strain_lines import Direction, MaterialLines, Surface
from cmrseg.vectors import dot

# Places along the long axis for each slice of the short axis.
PLACES_PER_SLICE = 2


def long_axis_lines(
    labels: Cine, short_axis_affine: np.ndarray, axes: AhaAxes, mode: Mode = "corrected"
) -> MaterialLines:
    """Lines along the endocardium and the epicardium, open at the mitral valve.

    labels: 4-chamber view at end-diastole, one frame of one slice. short_axis_affine: (4, 4), axes:
    of `aha_axes`. Raises ValueError for several slices, and for less than LEAST_PIXELS of cavity
    and wall, and a view that hardly crosses the short axis.
    """
    frame = one_frame(labels)
    if len(frame) != 1:
        raise ValueError(f"the 4-chamber view has {len(frame)} slices, expected 1")
    masks = slice_masks(frame[0].T)
    if not masks.valid:
        raise ValueError(
            f"the 4-chamber view has {masks.endo.sum()} pixels of cavity and {masks.myo.sum()} of "
            f"wall in one piece, expected at least {LEAST_PIXELS} of each; leave the subject out"
        )
    epi = outer_border(masks.epi)
    valve = np.zeros(masks.epi.shape, bool)
    valve[tuple(epi[masks.endo[tuple(epi.T)]].T)] = True
    chains = [
        smooth_contour(without_valve(border, valve, mode), closed=False)
        for border in (outer_border(masks.endo), epi)
    ]
    points_mm = to_world(np.concatenate(chains), 0, labels.affine)
    counts = [len(chain) for chain in chains]
    cavity, heart = masks.endo, masks.epi
    if mode == "compat":
        cavity, heart = frame[0].T == Tissue.LV, np.isin(frame[0].T, (Tissue.LV, Tissue.MYO))
    cavity_mm, heart_mm = (to_world(np.argwhere(m), 0, labels.affine) for m in (cavity, heart))
    segment = _segments(points_mm, cavity_mm, heart_mm, short_axis_affine, axes, mode)
    lines = np.concatenate([np.column_stack([here, here + 1]) for here in _starts_of_lines(counts)])
    return MaterialLines(
        points_mm=points_mm,
        surface=np.repeat([Surface.ENDO, Surface.EPI], counts),
        segment=segment,
        slice_index=np.zeros(len(points_mm), int),
        lines=lines,
        line_segment=segment[lines[:, 0]],
        line_direction=np.full(len(lines), Direction.LONGITUDINAL),
    )


def without_valve(border: np.ndarray, valve: np.ndarray, mode: Mode = "corrected") -> np.ndarray:
    """The part of a border from behind the mitral valve to the next pixel of the valve.

    border: (n, 2) pixels in order, the last next to the first. valve: boolean image. Of several
    parts it is the longest one, or the first one in mode `compat`. A border without a pixel of the
    valve, or of nothing else, is given back.
    """
    at_valve = valve[tuple(border.T)]
    begins = np.flatnonzero(~at_valve & np.roll(at_valve, 1))
    if not len(begins):
        return border
    parts = []
    for begin in begins:
        part, ended = (np.roll(values, -begin, axis=0) for values in (border, at_valve))
        parts.append(part[: ended.argmax()])
    return parts[0] if mode == "compat" else max(parts, key=len)


def _starts_of_lines(counts: list[int]) -> list[np.ndarray]:
    """Indices of the points of each open chain but the last."""
    starts = np.cumsum([0, *counts[:-1]])
    return [start + np.arange(count - 1) for start, count in zip(starts, counts, strict=True)]


def _segments(
    points_mm: np.ndarray,
    cavity_mm: np.ndarray,
    heart_mm: np.ndarray,
    short_axis_affine: np.ndarray,
    axes: AhaAxes,
    mode: Mode,
) -> np.ndarray:
    """Segments, 1 to 6, of points of the view; all (n, 3) RAS mm, the others those of pixels."""

    def places(of_mm: np.ndarray) -> np.ndarray:
        z = from_world(of_mm, short_axis_affine)[:, 2]
        return np.rint(PLACES_PER_SLICE * z).astype(int)

    cavity, heart = places(cavity_mm), places(heart_mm)
    first, last = int(heart.min()), int(heart.max())
    if last - first + 1 < len(LEVELS):
        raise ValueError(
            f"the 4-chamber view crosses {last - first + 1} half slices of the short axis, "
            f"expected at least {len(LEVELS)}; check that both are of one examination"
        )
    from_apex = short_axis_affine[2, 2] > 0
    if from_apex and mode == "compat":
        first += 1
    levels = np.array([LEVELS.index(level) for level in thirds(last - first + 1)])
    if from_apex:
        levels = levels[::-1]
    middles = _middles_mm(cavity_mm, cavity, np.arange(first, last + 1), mode)
    at = np.clip(places(points_mm), first, last) - first
    is_septal = dot(points_mm - middles[at], axes.lv_to_sep) > 0
    return long_axis_segments(is_septal, levels[at])


def _middles_mm(
    cavity_mm: np.ndarray, places: np.ndarray, wanted: np.ndarray, mode: Mode
) -> np.ndarray:
    """(k, 3) middle of the cavity at wanted places; beyond its ends that of the end.

    A place inside without a pixel is nan in mode `compat`, else between its neighbours.
    """
    there = np.unique(places)
    middles = np.array([cavity_mm[places == place].mean(axis=0) for place in there])
    between = np.column_stack([np.interp(wanted, there, along) for along in middles.T])
    if mode == "compat":
        inside = (wanted > there[0]) & (wanted < there[-1])
        between[inside & ~np.isin(wanted, there)] = np.nan
    return between
