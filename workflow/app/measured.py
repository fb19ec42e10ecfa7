"""Measures of a labelled cine, for the page and as downloads."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from app.calibrated import intervals
from app.checks import result_warnings, stroke_warnings
from app.contents import Labelled, Loaded
from app.eye import eye_of, eye_rows
from app.person import person_rows, with_person
from app.session import Refused, Session
from app.views import view_frames, view_measured
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.by_sequence import curve_columns, has_phases
from cmrseg.measure.ventricles import MYOCARDIUM_G_PER_ML
from cmrseg.measure.volumes import measures_at
from cmrseg.sequences import SEQUENCES, USUAL

# Below this end-diastolic volume in ml, volumes are in µL and masses in mg.
SMALL_ML = 1.0
# Curves, and their order on the page.
CURVES_OF = curve_columns(SEQUENCES[USUAL])
CURVES = tuple(CURVES_OF.values())
DRAWN = (Tissue.LV, Tissue.RV, Tissue.MYO)
# Measures on the page and in the table: key in `measures`, name, kind of quantity.
ROWS = (
    ("edv_ml", "LV end-diastolic volume", "volume"),
    ("esv_ml", "LV end-systolic volume", "volume"),
    ("sv_ml", "LV stroke volume", "volume"),
    ("ef", "LV ejection fraction", "fraction"),
    ("mass_g", "LV mass at end-diastole", "mass"),
    ("heart_rate_bpm", "Heart rate", "rate"),
    ("co_l_min", "Cardiac output", "flow"),
    ("rv_edv_ml", "RV end-diastolic volume", "volume"),
    ("rv_esv_ml", "RV end-systolic volume", "volume"),
    ("rv_sv_ml", "RV stroke volume", "volume"),
    ("rv_ef", "RV ejection fraction", "fraction"),
)
# Measures of one frame; others are of both.
AT_DIASTOLE = ("edv_ml", "mass_g", "rv_edv_ml")
AT_SYSTOLE = ("esv_ml", "rv_esv_ml")


def result(session: Session) -> tuple[Loaded, Labelled]:
    """The result of a session. Raises Refused if there is none."""
    if session.loaded is None or session.labelled is None:
        raise Refused("There is no segmentation yet; segment the images first.", 409)
    return session.loaded, session.labelled


def values_at(labelled: Labelled, ed_frame: int, es_frame: int) -> dict[str, float]:
    """Measures of a short axis at frames (from 0), as `measures_at` names them.

    A single frame has no systole. Raises Refused for a frame that does not exist.
    """
    systole = es_frame if len(labelled.curves) > 1 else None
    try:
        return measures_at(labelled.curves, ed_frame, systole, labelled.interval_s)
    except ValueError:
        raise Refused(f"Frames must be 1 to {len(labelled.curves)}.") from None


def is_small(labelled: Labelled) -> bool:
    """Whether to show µL and mg: decided by the cavity, or by the voxel size if there is none."""
    most_ml = labelled.curves["lv_ml"].max()
    return bool(most_ml < SMALL_ML) if most_ml > 0 else labelled.species == "mouse"


def measured(session: Session, ed_frame: int, es_frame: int) -> dict[str, Any]:
    """Measures at the given frames (from 0), curves and warnings.

    Of other sequences than the short-axis cine frames do not matter. Raises Refused for a frame
    that does not exist.
    """
    loaded, labelled = result(session)
    labels = np.memmap(session.folder / "labels.u8", np.uint8, "r", shape=loaded.shape)
    if not has_phases(labelled.sequence):
        found_here = view_measured(loaded, labelled, labels)
        return {**found_here, "rows": with_person(found_here["rows"], session.person)}
    values = values_at(labelled, ed_frame, es_frame)
    small = is_small(labelled)
    units = {
        "volume": (1000, "µL") if small else (1, "ml"),
        "mass": (1000, "mg") if small else (1, "g"),
        "fraction": (100, "%"),
        "rate": (1, "bpm"),
        "flow": (1000, "ml/min") if small else (1, "l/min"),
    }
    ends, origin = intervals(labelled, values, ed_frame, es_frame)
    rows = []
    for key, name, kind in ROWS:
        factor, unit = units[kind]
        if math.isfinite(values[key]):
            row = {"key": key, "name": name, "value": values[key] * factor, "unit": unit}
            if key in ends:
                row["low"], row["high"] = (factor * end for end in ends[key])
            rows.append(row)
    found = result_warnings(labels, labelled.curves, ed_frame, es_frame, labelled.species)
    factor, unit = units["volume"]
    found += stroke_warnings(values["sv_ml"] * factor, values["rv_sv_ml"] * factor, unit)
    curves = {
        name: [v * factor if math.isfinite(v) else None for v in labelled.curves[name]]
        for name in CURVES
    }
    return {
        "rows": with_person(rows, session.person),
        "origin": origin,
        "unit": unit,
        "quantity": "volume",
        "has_phases": True,
        "curves": curves,
        "lines": [{"key": CURVES_OF[t], "tissue": int(t), "name": NAMES[t]} for t in DRAWN],
        "ed": ed_frame,
        "es": es_frame,
        "found": {"ed": labelled.ed_frame, "es": labelled.es_frame},
        "by_hand": sorted(session.chosen),
        "warnings": [*labelled.warnings, *found],
        # It was found in the model's own labels.
        "look": "" if labelled.edited else labelled.look,
        "eye": eye_of(loaded, labelled, labels, ed_frame),
    }


def frames_csv(session: Session) -> str:
    """A row per frame (from 1): time, volumes, mass; units are in the column names.

    edited: how many slices of the frame were edited by hand.
    """
    _, labelled = result(session)
    if not has_phases(labelled.sequence):
        table = view_frames(labelled).assign(edited=slices_edited(labelled))
        return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    small = is_small(labelled)
    factor, volume, mass = (1000, "uL", "mg") if small else (1, "ml", "g")
    curves = labelled.curves
    table = pd.DataFrame({"frame": np.arange(1, len(curves) + 1)})
    if math.isfinite(labelled.interval_s):
        table["time_ms"] = (np.arange(len(curves)) * labelled.interval_s * 1000).round(3)
    table[f"lv_{volume}"] = curves["lv_ml"] * factor
    table[f"myocardium_{volume}"] = curves["my_ml"] * factor
    table[f"myocardium_{mass}"] = curves["my_ml"] * factor * MYOCARDIUM_G_PER_ML
    if Tissue.RV in labelled.tissues:
        table[f"rv_{volume}"] = curves["rv_ml"] * factor
    table["edited"] = slices_edited(labelled)
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def slices_edited(labelled: Labelled) -> list[int]:
    """How many slices were edited by hand, of each frame."""
    counts = Counter(frame for frame, _ in labelled.edited)
    return [counts[frame] for frame in range(len(labelled.curves))]


def _said(labelled: Labelled, key: str, ed_frame: int, es_frame: int) -> str:
    """Whether a measure depends on slices that were edited by hand: yes or no."""
    counts = slices_edited(labelled)
    if not has_phases(labelled.sequence):
        return "yes" if labelled.edited else "no"
    frames = {ed_frame, es_frame}
    if key == "heart_rate_bpm":
        frames = set()
    elif key in AT_DIASTOLE or key == "eye":
        frames = {ed_frame}
    elif key in AT_SYSTOLE:
        frames = {es_frame}
    return "yes" if any(counts[frame] for frame in frames) else "no"


def measures_csv(session: Session, ed_frame: int, es_frame: int) -> str:
    """Measures and how they were obtained: columns measure, value, unit, low, high, edited.

    edited: whether slices that the value depends on were edited by hand.
    """
    loaded, labelled = result(session)
    content = measured(session, ed_frame, es_frame)
    chosen = [
        ("end-diastolic frame", ed_frame, labelled.ed_frame),
        ("end-systolic frame", es_frame, labelled.es_frame),
    ]
    z, y, x = labelled.spacing_mm
    rows: list[tuple[str, Any, str]] = [
        ("images", loaded.name, ""),
        *([("series", loaded.series, "")] if loaded.series else []),
        ("model", labelled.model, ""),
        ("sha256 of its weights", labelled.weights_sha256, ""),
        *((row["name"], f"{row['value']:.6g}", row["unit"]) for row in content["rows"]),
        *person_rows(content["rows"], session.person),
        *eye_rows(content["eye"]),
    ]
    for name, frame, found in chosen if has_phases(labelled.sequence) else ():
        by = "largest or smallest cavity volume" if frame == found else "set manually"
        rows.append((name, frame + 1, f"of {loaded.shape[0]}, {by}"))
    rows += [
        ("voxel spacing along x", f"{x:.6g}", "mm"),
        ("voxel spacing along y", f"{y:.6g}", "mm"),
        ("slice spacing", f"{z:.6g}", "mm"),
    ]
    if math.isfinite(labelled.interval_s):
        rows.append(("time between frames", f"{labelled.interval_s * 1000:.6g}", "ms"))
    if content.get("origin"):
        rows.append(("low and high", content["origin"], ""))
    rows += [
        ("slices edited by hand", len(labelled.edited), f"of {math.prod(loaded.shape[:2])}"),
        ("pieces", "the largest of each tissue" if labelled.largest else "all", ""),
        *(("warning", text, "") for text in content["warnings"]),
    ]
    rows.append(("use", "Research use, not a medical device", ""))
    table = pd.DataFrame(rows, columns=["measure", "value", "unit"])
    for end in ("low", "high"):
        ends = {row["name"]: f"{row[end]:.6g}" for row in content["rows"] if end in row}
        table[end] = table["measure"].map(ends)
    names = {row["name"]: row["key"] for row in content["rows"]}
    told = {name for name, *_ in eye_rows(content["eye"])}
    table["edited"] = [
        _said(labelled, names.get(name, "eye"), ed_frame, es_frame)
        if name in names or name in told
        else ""
        for name in table["measure"]
    ]
    return table.to_csv(index=False, lineterminator="\n")
