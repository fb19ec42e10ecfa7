"""The frames that the page shows first: end-diastole and end-systole."""

import math

import pandas as pd

from cmrseg.measure.by_sequence import curve_columns, has_phases
from cmrseg.measure.volumes import measures
from cmrseg.sequences import Sequence


def frames_of(curves: pd.DataFrame, sequence: Sequence, interval_s: float) -> tuple[int, int]:
    """End-diastole and end-systole; of other sequences the largest and the smallest area."""
    if has_phases(sequence):
        chosen = measures(curves, interval_s)
        # If one is unknown, the frame that the page shows first.
        return (
            _shown(chosen["ed_frame"], curves["lv_ml"].idxmax()),
            _shown(chosen["es_frame"], curves["lv_ml"].idxmin()),
        )
    columns = curve_columns(sequence)
    known = [t for t in (sequence.phase_tissue, *columns) if t and curves[columns[t]].max() > 0]
    if not known:
        return 0, 0
    areas = curves[columns[known[0]]]
    return int(areas.idxmax()), int(areas[areas > 0].idxmin())


def _shown(frame: float, otherwise: int) -> int:
    return int(otherwise if math.isnan(frame) else frame)
