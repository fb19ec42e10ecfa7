"""Wall thickness and thickening of an examination, by AHA segment."""

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.aha import aha_axes, slice_levels
from cmrseg.measure.rows import Mode
from cmrseg.measure.ventricular_quality import short_axis_doubts
from cmrseg.measure.wall_thickness import thickness_table, wall_thickening, wall_thickness
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.phenotypes.phases import cardiac_phases

COLUMNS = SEGMENT_COLUMNS["wall_thickness"]


def measured(examination: Examination, mode: Mode) -> Measured:
    """Thickness at end-diastole and thickening to end-systole. Details: a row per segment.

    Thickening is nan where end-systole is unknown. Raises ValueError where the labels are no
    ventricle.
    """
    labels = examination.labels["sa"]
    ed, es = cardiac_phases(labels, examination.subject, mode)
    if doubt := short_axis_doubts(labels.voxels[ed]):
        return Measured({}, doubt)
    diastole = Cine(labels.voxels[ed : ed + 1], labels.affine)
    axes, levels = aha_axes(diastole, mode), slice_levels(diastole)

    def table(frame: int) -> pd.DataFrame:
        return thickness_table(wall_thickness(labels, axes, levels, frame, mode))

    details = table(ed)
    details["thickening_percent"] = float("nan")
    if es is not None:
        thickening = wall_thickening(details, table(es))
        details["thickening_percent"] = thickening["thickening_percent"]
    values = {}
    for row in details.to_dict("records"):
        values[f"wt_{row['segment']}_mm"] = row["mean_mm"]
        values[f"wt_max_{row['segment']}_mm"] = row["max_mm"]
        values[f"thickening_{row['segment']}_percent"] = row["thickening_percent"]
    return Measured(values, "", details)
