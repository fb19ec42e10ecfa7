"""Strain of ordinary cines by registration: radial and circumferential, longitudinal."""

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.aha import aha_axes, strain_slices
from cmrseg.measure.aha_segments import LONG_AXIS_ROWS, SHORT_AXIS_ROWS
from cmrseg.measure.long_axis_lines import long_axis_lines
from cmrseg.measure.rows import Mode
from cmrseg.measure.strain import lines_strain, peak_strain
from cmrseg.measure.strain_lines import MaterialLines, short_axis_lines
from cmrseg.measure.ventricular_quality import long_axis_doubts, short_axis_doubts
from cmrseg.motion.tracking import track_in_slice
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.phenotypes.phases import cardiac_phases

# In columns, for what its lines are along.
SHORT = {"radial": "err", "circumferential": "ecc", "longitudinal": "ell"}
COLUMNS = (
    *(f"{kind}_{segment}_percent" for kind in ("ecc", "err") for segment in SHORT_AXIS_ROWS),
    *(f"ell_{segment}_percent" for segment in LONG_AXIS_ROWS),
)


def measured(examination: Examination, mode: Mode) -> Measured:
    """Peak strain by segment. Details: strain of each direction and segment in each frame.

    Frames are counted from end-diastole. Longitudinal strain is nan without a 4-chamber view, or
    where its labels at end-diastole are no heart.
    """
    labels, image = examination.labels["sa"], examination.images["sa"]
    ed, _ = cardiac_phases(labels, examination.subject, mode)
    if doubt := short_axis_doubts(labels.voxels[ed]):
        return Measured({}, doubt)
    diastole = _frame(labels, ed)
    axes = aha_axes(diastole, mode)
    lines = short_axis_lines(diastole, axes, strain_slices(diastole))
    tables = [lines_strain(_moved(image, lines, ed), lines)]
    doubt, four = "", examination.labels.get("la_4ch")
    if four is not None and "la_4ch" in examination.images:
        # Both views are triggered alike.
        doubt = long_axis_doubts(four.voxels[ed, 0])
        if not doubt:
            along = long_axis_lines(_frame(four, ed), labels.affine, axes, mode)
            tables.append(lines_strain(_moved(examination.images["la_4ch"], along, ed), along))
    details = pd.concat(tables, ignore_index=True)
    peaks = peak_strain(details)
    values = {
        f"{SHORT[row['direction']]}_{row['segment']}_percent": row["peak_percent"]
        for row in peaks.to_dict("records")
    }
    return Measured(values, "", details)


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
