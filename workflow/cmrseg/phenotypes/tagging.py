"""Strain from tagged cines: landmarks of the wall that a labeller followed over a heartbeat."""

import logging
import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, aha_axes
from cmrseg.measure.aha_segments import SEGMENTS
from cmrseg.measure.ring_curves import Ring, curve, ring_curves
from cmrseg.measure.ring_segments import (
    Levels,
    axes_of_insertion,
    central_slices,
    levels_by_labels,
    levels_in_order,
    link_segments,
)
from cmrseg.measure.ring_strain import Along
from cmrseg.measure.rows import Mode
from cmrseg.measure.strain_times import cavity_area_mm2, extreme_frame, peak_of, rates_of
from cmrseg.measure.ventricular_quality import short_axis_doubts
from cmrseg.phenotypes import tagging_columns as names
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.phenotypes.phases import cardiac_phases
from cmrseg.points import places_mm
from cmrseg.ring import ENDOCARDIUM, LANDMARKS, by_spoke

logger = logging.getLogger(__name__)

COLUMNS = tuple(dict.fromkeys((*names.COLUMNS, *SEGMENT_COLUMNS["tagging"])))
# Frame of reference, which is end-diastole: tagged cines start at the R wave.
REFERENCE = 0
# Of the subject table: the anterior insertion of the right ventricle in the (first) mid slice, in
# px of the image of the frame of reference.
INSERTION = ("rv_insertion_x_px", "rv_insertion_y_px")


class ShortAxis(NamedTuple):
    """What short-axis labels tell of a tagged cine: levels, axes of the heart, end-systole in ms.

    end_systole_ms: nan where it, or the interval of frames, is unknown.
    """

    levels: Levels
    axes: AhaAxes
    end_systole_ms: float


class EndSystole(NamedTuple):
    """A frame, from 0, and what says so."""

    frame: int
    source: str


def measured(examination: Examination, mode: Mode) -> Measured:
    """Strain at end-systole, peaks, times and rates. Details: `ring_curves`, with times and phases.

    Strain refers to frame 0. End-systole is the frame in which the endocardial rings of
    `central_slices` are smallest, else that of the short-axis labels. These also say which slice is
    which; without them slices are taken to be stored from base to apex. Segments are by INSERTION
    in the subject table, else by the labels. `mode` makes no difference. Raises ValueError where
    the subject has no landmarks.
    """
    if "tag" not in examination.points:
        raise ValueError("no landmarks of tag")
    points_px, image = examination.points["tag"], examination.images["tag"]
    if points_px.shape[2] != LANDMARKS:
        raise ValueError(
            f"{points_px.shape[2]} points in a slice of tag, expected the {LANDMARKS} of a ring"
        )
    if not np.isfinite(points_px[REFERENCE]).any():
        raise ValueError("no landmark of tag is known in the first frame, which strain refers to")
    spacing_mm = image.spacing_mm[1:]
    short_axis = _of_short_axis(examination, mode)
    levels = short_axis.levels if short_axis else levels_in_order(range(points_px.shape[1]))
    axes, axes_from = _axes(examination, levels, short_axis)
    segments = None
    if axes is not None:
        segments = link_segments(points_px[REFERENCE], image.affine, axes, levels.of_slice)
    curves = ring_curves(Ring(points_px, spacing_mm, levels.of_slice, segments, REFERENCE))
    interval_ms = 1000 * image.frame_interval_s
    es = _end_systole(
        cavity_area_mm2(points_px, spacing_mm),
        levels,
        short_axis.end_systole_ms / interval_ms if short_axis else math.nan,
    )
    told = {"levels_from": levels.source, "segments_from": axes_from}
    details = curves.assign(**told, es_from=es.source if es else "unknown")
    details.insert(5, "time_ms", details["frame"] * interval_ms)
    details.insert(6, "phase", _phases(details["frame"], es))
    if es is None:
        logger.warning("subject %s: end-systole is unknown", examination.subject)
    return Measured(_values(curves, es, interval_ms), "", details)


def _phases(frames: pd.Series, es: EndSystole | None) -> np.ndarray:
    """The phase of each row: "ed", which is the frame of reference, "es" or ""."""
    at_es = frames == (es.frame if es else -1)
    return np.select([frames == REFERENCE, at_es], ["ed", "es"], "")


def _values(curves: pd.DataFrame, es: EndSystole | None, interval_ms: float) -> dict[str, float]:
    found = {names.ES_FRAME: math.nan, names.ES_MS: math.nan}
    if es is not None:
        found = {names.ES_FRAME: float(es.frame), names.ES_MS: es.frame * interval_ms}
    wanted = [(s, said, place) for s in names.STRAINS for said in s.said for place in names.PLACES]
    wanted += [(s, said, str(n.number)) for s, said in names.BY_SEGMENT for n in SEGMENTS]
    told: dict[tuple[names.Strain, str], dict[str, float]] = {}
    for strain, said, place in wanted:
        if (strain, place) not in told:
            values = curve(curves, strain.direction, strain.layer, place, strain.column)
            told[strain, place] = _said(values, strain.direction, es, interval_ms)
        found[strain.name(said, place)] = told[strain, place][said]
    for place in names.PLACES:
        ends = [f"tag_ecc_green_{layer}_es_{place}_percent" for layer in ("endo", "epi")]
        found[names.GRADIENT.format(place)] = found[ends[0]] - found[ends[1]]
    return found


def _said(
    values: np.ndarray, direction: Along, es: EndSystole | None, interval_ms: float
) -> dict[str, float]:
    """What is said of one curve (t,), in per cent; nan for a place that is not there."""
    if not len(values):
        return dict.fromkeys(names.SAID, math.nan)
    peak = peak_of(values, direction)
    found = {
        "es": values[es.frame] if es else math.nan,
        "peak": peak.value,
        "time_to_peak": peak.frame * interval_ms,
        "relative_time_to_peak": 100 * peak.frame / len(values),
        "last": values[-1],
        "systolic_rate": math.nan,
        "diastolic_rate": math.nan,
    }
    if es is not None:
        rates = rates_of(values / 100, direction, es.frame, interval_ms / 1000)
        found |= {"systolic_rate": rates.systolic, "diastolic_rate": rates.early_diastolic}
    return {name: float(value) for name, value in found.items()}


def _end_systole(area_mm2: np.ndarray, levels: Levels, es_frame: float) -> EndSystole | None:
    """End-systole by the cavity's area (t, z) in the central slices, else by the short axis.

    es_frame: that of the short axis in frames of the tagged cine, nan where it is unknown.
    """
    central = central_slices(levels.of_slice)
    frame = extreme_frame(area_mm2[:, central].sum(axis=1), largest=False)
    if frame is not None:
        return EndSystole(frame, "rings of slices " + ",".join(map(str, central)))
    if 0 <= es_frame < len(area_mm2) - 0.5:
        return EndSystole(round(es_frame), "short-axis labels")
    return None


def _axes(
    examination: Examination, levels: Levels, short_axis: ShortAxis | None
) -> tuple[AhaAxes | None, str]:
    """Axes by which links have segments, and what told them: INSERTION if it is given, else labels.

    Raises ValueError where the slice with the insertion has no endocardial landmark.
    """
    x_px, y_px = (examination.about_number(column) for column in INSERTION)
    if not math.isfinite(x_px + y_px):
        return (short_axis.axes, "short-axis labels") if short_axis else (None, "unknown")
    (z, *_), affine = central_slices(levels.of_slice), examination.images["tag"].affine
    ring = by_spoke(examination.points["tag"][REFERENCE, z])[:, ENDOCARDIUM]
    if not np.isfinite(ring).all(axis=1).any():
        raise ValueError(
            f"{INSERTION[0]} and {INSERTION[1]} are of slice {z + 1} (from 1), which has no "
            "landmark of the endocardium; leave the cells empty"
        )
    middle_y, middle_x = np.nanmean(ring, axis=0)
    x, y, slices = np.array([[x_px, middle_x], [y_px, middle_y], [z, z]])
    insertion_mm, centre_mm = np.transpose(places_mm(x, y, slices, affine))
    return axes_of_insertion(insertion_mm, centre_mm, affine, z), "insertion of the RV"


def _of_short_axis(examination: Examination, mode: Mode) -> ShortAxis | None:
    """What the short-axis labels tell, None where there are none, or they are no heart."""
    labels = examination.labels.get("sa")
    if labels is None:
        return None
    points_px, image = examination.points["tag"], examination.images["tag"]
    try:
        ed, es = cardiac_phases(labels, examination.subject, mode)
        if doubt := short_axis_doubts(labels.voxels[ed]):
            raise ValueError(doubt)
        diastole = Cine(labels.voxels[ed : ed + 1], labels.affine)
        axes = aha_axes(diastole, mode)
        levels = levels_by_labels(range(points_px.shape[1]), image.affine, diastole)
    except ValueError as error:
        logger.warning("subject %s: no segments: %s", examination.subject, error)
        return None
    es_ms = math.nan
    if es is not None:
        es_ms = 1000 * ((es - ed) % len(labels.voxels)) * labels.frame_interval_s
    return ShortAxis(levels, axes, es_ms)
