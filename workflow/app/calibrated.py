"""Intervals of the measures on the page, of a model that was calibrated."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from app.contents import Labelled
from cmrseg.calibrate.intervals import MEASURES
from cmrseg.calibrate.model_file import FILE, ModelCalibration, read_calibration

# End-diastole as the page finds it.
ED = "max"


def calibration_of(folder: Path, weights_sha256: str) -> tuple[ModelCalibration | None, str]:
    """The calibration of a model, and why there is one that is not used."""
    try:
        found = read_calibration(folder)
    except (ValueError, OSError):
        return None, f"no intervals: the model's {FILE} cannot be read"
    if found is None:
        return None, ""
    reason = found.not_for(weights_sha256, ED)
    return (None, reason) if reason else (found, "")


def intervals(
    labelled: Labelled, values: Mapping[str, float], ed_frame: int, es_frame: int
) -> tuple[dict[str, tuple[float, float]], str]:
    """Ends of the interval of each measure that has one, and what they hold for, or why not.

    values: measures by name. "" for a model that was not calibrated.
    """
    if labelled.calibration is None:
        return {}, labelled.uncalibrated
    if labelled.edited or labelled.largest:
        return {}, "no intervals: they are for the model's own labels, without edits"
    if (ed_frame, es_frame) != (labelled.ed_frame, labelled.es_frame):
        return {}, "no intervals: they are for the frames with the largest and smallest volume"
    row = labelled.calibration.intervals(pd.DataFrame([dict(values)])).iloc[0]
    found = {
        name: (float(row[f"{name}_low"]), float(row[f"{name}_high"]))
        for name in MEASURES
        if math.isfinite(row.get(f"{name}_low", math.nan) + row.get(f"{name}_high", math.nan))
    }
    if not found:
        return {}, "no intervals: volumes unlike those of the calibrating subjects"
    return found, labelled.calibration.origin
