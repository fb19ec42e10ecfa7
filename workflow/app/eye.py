"""The bull's eye of wall thickness at end-diastole, as the figures of the workflow draw it."""

import math
from typing import Any

import numpy as np
import pandas as pd

from app.session import Labelled, Loaded
from cmrseg.cine import Cine
from cmrseg.labels import NAMES
from cmrseg.measure.aha import aha_axes, slice_levels
from cmrseg.measure.aha_segments import GLOBAL, SEGMENTS
from cmrseg.measure.ventricular_quality import SHORT_AXIS, short_axis_doubts
from cmrseg.measure.wall_thickness import thickness_table, wall_thickness
from cmrseg.orientation import along_long_axis, tells_of_patient

UNIT = "mm"
NO_PLACE = "the file does not say how the heart lies in the patient, so segments cannot be told"


def eye_of(loaded: Loaded, labelled: Labelled, labels: np.ndarray, ed_frame: int) -> dict[str, Any]:
    """Mean thickness of the wall by AHA segment, or why there is none (`doubt`).

    labels: (t, z, y, x). ed_frame: end-diastole, from 0.
    """
    if absent := [NAMES[t] for t in SHORT_AXIS if t not in labelled.tissues]:
        return {"doubt": f"the model does not label the {' and the '.join(absent)}"}
    across = along_long_axis(labelled.affine, 2)
    if not loaded.placed or not tells_of_patient(labelled.affine, across):
        return {"doubt": NO_PLACE}
    frame = np.asarray(labels[ed_frame])
    if doubt := short_axis_doubts(frame):
        return {"doubt": doubt}
    affine = np.array(labelled.affine, float)
    own_mm = Cine(labels[:1], affine).spacing_mm
    # A NIfTI file keeps its affine where somebody gives other distances.
    affine[:3, :3] *= np.divide(labelled.spacing_mm, own_mm)[::-1]
    diastole = Cine(frame[None], affine)
    try:
        axes, levels = aha_axes(diastole), slice_levels(diastole)
    except ValueError as error:
        return {"doubt": str(error)}
    return _drawn(thickness_table(wall_thickness(diastole, axes, levels)))


def eye_rows(eye: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Rows of the table of measures."""
    if eye is None:
        return []
    if eye["doubt"]:
        return [("wall thickness", "", f"not measured: {eye['doubt']}")]
    parts = [(f"segment {s['number']}, {s['name']}", s["value"]) for s in eye["segments"]]
    return [
        (f"wall thickness, {name}", "" if value is None else f"{value:.6g}", UNIT)
        for name, value in [("all segments", eye["global"]), *parts]
    ]


def _drawn(table: pd.DataFrame) -> dict[str, Any]:
    """Segments with their place and colours. matplotlib is loaded here, as it takes a second."""
    from cmrseg.figures.bulls_eye import INSERTIONS, RINGS, VALUE_RADII, ink_on, scale_of

    means = dict(zip(table["segment"], table["mean_mm"], strict=True))
    scale = scale_of([means[str(segment.number)] for segment in SEGMENTS], "")
    segments = []
    for segment in SEGMENTS:
        value = means[str(segment.number)]
        known = math.isfinite(value)
        colour = scale.colours(scale.norm(value)) if known else (1.0, 1.0, 1.0, 1.0)
        segments.append(
            {
                "number": segment.number,
                "name": segment.name,
                "value": value if known else None,
                "start_deg": segment.start_deg,
                "end_deg": segment.end_deg,
                "radii": RINGS[segment.level],
                "value_radius": VALUE_RADII[segment.level],
                "colour": _hex(colour),
                "ink": ink_on(colour),
                "insertion": segment.number in INSERTIONS,
            }
        )
    low, high = float(scale.norm.vmin or 0), float(scale.norm.vmax or 1)
    steps = [_hex(scale.colours(i / 20)) for i in range(21)]
    every = means[GLOBAL]
    return {
        "doubt": "",
        "unit": UNIT,
        "segments": segments,
        "global": every if math.isfinite(every) else None,
        "bar": {"low": low, "high": high, "colours": steps},
    }


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour[:3])
