"""Strain of ordinary cines by registration: radial and circumferential, longitudinal."""

import logging

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, aha_axes, strain_slices
from cmrseg.measure.long_axis_lines import long_axis_lines
from cmrseg.measure.rows import Mode
from cmrseg.measure.strain import lines_strain, peak_strain
from cmrseg.measure.strain_lines import MaterialLines, short_axis_lines
from cmrseg.measure.ventricular_quality import long_axis_doubts, short_axis_doubts
from cmrseg.motion.tracking import track_in_slice
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.phenotypes.phases import cardiac_phases

logger = logging.getLogger(__name__)

# In columns, for what its lines are along.
SHORT = {"radial": "err", "circumferential": "ecc", "longitudinal": "ell"}
COLUMNS = SEGMENT_COLUMNS["strain"]


def measured(examination: Examination, mode: Mode) -> Measured:
    """Peak strain by segment. Details: strain of each direction and segment in each frame.

    Frames are counted from end-diastole. Longitudinal strain is nan, and the log says why, without
    a 4-chamber view, or where its labels at end-diastole are no heart. Raises ValueError where the
    subject has no labels of the short axis, which say where the septum is.
    """
    if "sa" not in examination.labels:
        raise ValueError("no labels of sa, which say where the septum is")
    labels, image = examination.labels["sa"], examination.images["sa"]
    ed, _ = cardiac_phases(labels, examination.subject, mode)
    if doubt := short_axis_doubts(labels.voxels[ed]):
        return Measured({}, doubt)
    diastole = _frame(labels, ed)
    axes = aha_axes(diastole, mode)
    lines = short_axis_lines(diastole, axes, strain_slices(diastole))
    tables = [lines_strain(_moved(image, lines, ed), lines)]
    if "la_4ch" in examination.labels:
        try:
            tables.append(_longitudinal(examination, ed, axes, mode))
        except ValueError as error:
            logger.warning("subject %s: no longitudinal strain: %s", examination.subject, error)
    details = pd.concat(tables, ignore_index=True)
    peaks = peak_strain(details)
    values = {
        f"{SHORT[row['direction']]}_{row['segment']}_percent": row["peak_percent"]
        for row in peaks.to_dict("records")
    }
    return Measured(values, "", details)


def _longitudinal(examination: Examination, ed: int, axes: AhaAxes, mode: Mode) -> pd.DataFrame:
    """Strain along the wall in the 4-chamber view. ed: frame of end-diastole in the short axis.

    The view has end-diastole at the same part of its heartbeat, also with other frames. Raises
    ValueError where its labels there are no heart.
    """
    short, four = (examination.labels[key] for key in ("sa", "la_4ch"))
    ed = round(ed * len(four.voxels) / len(short.voxels)) % len(four.voxels)
    if doubt := long_axis_doubts(four.voxels[ed, 0]):
        raise ValueError(doubt)
    lines = long_axis_lines(_frame(four, ed), short.affine, axes, mode)
    return lines_strain(_moved(examination.images["la_4ch"], lines, ed), lines)


def _frame(cine: Cine, frame: int) -> Cine:
    return Cine(cine.voxels[frame : frame + 1], cine.affine, cine.frame_interval_s)


def _moved(image: Cine, lines: MaterialLines, ed: int) -> np.ndarray:
    """Places (t, n, 3) of the lines' points in each frame, from end-diastole on."""
    beat = image.like(np.roll(image.voxels, -ed, axis=0))
    places = np.empty((len(beat.voxels), *lines.points_mm.shape))
    for z in np.unique(lines.slice_index):
        here = lines.slice_index == z
        places[:, here] = track_in_slice(beat, int(z), lines.points_mm[here])
    return places
