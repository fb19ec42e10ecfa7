"""Measures of other sequences than the short-axis cine: areas of views, volumes of still images."""

import math
from typing import Any

import numpy as np
import pandas as pd

from app.checks import EDV_ML, FEW_SLICES, JUMP, JUMP_FRAMES, LEAST_SLICES
from app.contents import Labelled, Loaded
from app.eye import scar_eye
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.by_sequence import curve_columns, curve_unit, measures_of, measures_of_curve
from cmrseg.measure.lesions import LESIONS, WALL

UNITS = {"cm2": "cm²", "ml": "ml"}


def view_measured(loaded: Loaded, labelled: Labelled, labels: np.ndarray) -> dict[str, Any]:
    """Measures, curves and warnings for the page. labels: (t, z, y, x)."""
    sequence, columns = labelled.sequence, curve_columns(labelled.sequence)
    unit = curve_unit(sequence)
    shown = [t for t in columns if t in labelled.tissues]
    curves = {columns[t]: _without_nan(labelled.curves[columns[t]]) for t in shown}
    rows = _areas(labelled, shown) if sequence.is_cine else _volumes(labelled, shown)
    return {
        "rows": rows,
        "unit": UNITS[unit],
        "quantity": "volume" if sequence.volumetric else "area",
        "has_phases": False,
        "curves": curves,
        "lines": [{"key": columns[t], "tissue": int(t), "name": NAMES[t]} for t in shown],
        "ed": labelled.ed_frame,
        "es": labelled.es_frame,
        "found": {"ed": labelled.ed_frame, "es": labelled.es_frame},
        "warnings": [*labelled.warnings, *_warnings(labelled, labels, shown)],
        "eye": None if sequence.is_cine else scar_eye(loaded, labelled, labels),
    }


def view_frames(labelled: Labelled) -> pd.DataFrame:
    """A row per frame (from 1): time, and the area or volume of each tissue."""
    table = pd.DataFrame({"frame": np.arange(1, len(labelled.curves) + 1)})
    if math.isfinite(labelled.interval_s):
        table["time_ms"] = (np.arange(len(table)) * labelled.interval_s * 1000).round(3)
    for tissue, column in curve_columns(labelled.sequence).items():
        if tissue in labelled.tissues:
            table[column] = labelled.curves[column].to_numpy()
    return table


def _without_nan(values: pd.Series) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def _areas(labelled: Labelled, shown: list[Tissue]) -> list[dict[str, Any]]:
    """The largest and the smallest area of each tissue, with their frames."""
    values = measures_of_curve(labelled.curves, labelled.sequence)
    columns, rows = curve_columns(labelled.sequence), []
    for measure in measures_of(labelled.sequence):
        value = values[measure.name]
        if measure.tissue not in shown or not value > 0:
            continue
        curve = labelled.curves[columns[measure.tissue]]
        frame = int(curve.index[curve == value][0]) + 1
        name = f"{NAMES[measure.tissue]}, {measure.kind} (frame {frame})"
        rows.append(_row(measure.name, name, value, "cm²"))
    return rows


def _volumes(labelled: Labelled, shown: list[Tissue]) -> list[dict[str, Any]]:
    """Volumes of tissues, and how much of the wall is ill."""
    values = measures_of_curve(labelled.curves, labelled.sequence)
    own = [measure for measure in measures_of(labelled.sequence) if measure.quantity == "volume"]
    volumes_ml = {measure.tissue: values[measure.name] for measure in own}
    rows, ill = [], [tissue for tissue in LESIONS if tissue in shown]
    for measure in own:
        if measure.tissue in shown and math.isfinite(values[measure.name]):
            name = NAMES[measure.tissue]
            if measure.tissue == Tissue.MYO and ill:
                name += f" without {' and '.join(NAMES[tissue] for tissue in ill)}"
            rows.append(_row(measure.name, name, values[measure.name], "ml"))
    if Tissue.MYO not in shown or not ill:
        return rows
    wall = [tissue for tissue in WALL if tissue in shown]
    wall_ml = sum(volumes_ml[tissue] for tissue in wall)
    words = ", ".join(NAMES[tissue].removeprefix("LV ") for tissue in wall)
    rows.append(_row("wall_ml", f"LV wall ({words})", wall_ml, "ml"))
    if not wall_ml > 0:
        return rows
    parts = [[tissue] for tissue in ill] + ([ill] if len(ill) > 1 else [])
    for part in parts:
        share = 100 * sum(volumes_ml[tissue] for tissue in part) / wall_ml
        name = " and ".join(NAMES[tissue] for tissue in part)
        key = "_".join(tissue.name.lower() for tissue in part)
        rows.append(_row(f"{key}_percent", f"{name}, part of the LV wall", share, "%"))
    return rows


def _row(key: str, name: str, value: float, unit: str) -> dict[str, Any]:
    return {"key": key, "name": f"{name[:1].upper()}{name[1:]}", "value": value, "unit": unit}


def _warnings(labelled: Labelled, labels: np.ndarray, shown: list[Tissue]) -> list[str]:
    """What is implausible; the absence of scar and oedema is not."""
    found, columns = [], curve_columns(labelled.sequence)
    if labelled.sequence.volumetric:
        if labels.shape[1] < LEAST_SLICES:
            found.append(FEW_SLICES)
        most_ml = EDV_ML["human"][1]
        if Tissue.LV in shown and (cavity_ml := labelled.curves["lv_ml"].max()) > most_ml:
            found.append(f"A cavity of {cavity_ml:.3g} ml is implausible for a human.")
    for tissue in shown:
        areas = labelled.curves[columns[tissue]].to_numpy()
        if tissue not in LESIONS and not (labels == tissue).any():
            found.append(f"No {NAMES[tissue]} was found in any image.")
        if not labelled.sequence.is_cine or not areas.max() > 0:
            continue
        missed = [str(frame + 1) for frame in np.flatnonzero(areas == 0)]
        if missed:
            frames = "frames" if len(missed) > 1 else "frame"
            found.append(f"No {NAMES[tissue]} was found in {frames} {', '.join(missed)}.")
        jumps = np.abs(np.diff(areas)) / areas.max()
        if len(areas) >= JUMP_FRAMES and jumps.max() > JUMP and not missed:
            first = int(jumps.argmax()) + 1
            found.append(
                f"The area of the {NAMES[tissue]} jumps by {jumps.max():.0%} of its largest one "
                f"between frames {first} and {first + 1}."
            )
    return found
