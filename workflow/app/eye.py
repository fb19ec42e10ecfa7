"""Bull's eyes of wall thickness and of scar, as the figures of the workflow draw them."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from app.contents import Labelled, Loaded
from cmrseg.cine import Cine
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.aha import aha_axes, slice_levels
from cmrseg.measure.aha_segments import GLOBAL, SEGMENTS
from cmrseg.measure.transmurality import scar_table, wall_of
from cmrseg.measure.ventricular_quality import SHORT_AXIS, short_axis_doubts
from cmrseg.measure.wall_thickness import thickness_table, wall_thickness
from cmrseg.orientation import along_long_axis, tells_of_patient


class Kind(NamedTuple):
    """What an eye shows.

    name: of its rows in the table of measures. title, words: on the page. digits: of a value.
    """

    name: str
    title: str
    words: str
    unit: str
    digits: int


THICKNESS = Kind(
    "wall thickness", "Wall thickness at end-diastole", "Mean by AHA segment, in mm", "mm", 1
)
TRANSMURALITY = Kind(
    "transmurality of scar",
    "Transmurality of scar",
    "Part of the wall's thickness that is scar, mean by AHA segment, in %",
    "%",
    0,
)
NO_PLACE = "the file does not say how the heart lies in the patient, so segments cannot be told"


def eye_of(loaded: Loaded, labelled: Labelled, labels: np.ndarray, ed_frame: int) -> dict[str, Any]:
    """Mean thickness of the wall by AHA segment, or why there is none (`doubt`).

    labels: (t, z, y, x). ed_frame: end-diastole, from 0.
    """
    frame = np.asarray(labels[ed_frame])
    if doubt := _unknown(loaded, labelled) or short_axis_doubts(frame):
        return _without(THICKNESS, doubt)
    diastole = _placed(labelled, frame)
    try:
        axes, levels = aha_axes(diastole), slice_levels(diastole)
    except ValueError as error:
        return _without(THICKNESS, str(error))
    table = thickness_table(wall_thickness(diastole, axes, levels))
    return _drawn(THICKNESS, dict(zip(table["segment"], table["mean_mm"], strict=True)))


def scar_eye(loaded: Loaded, labelled: Labelled, labels: np.ndarray) -> dict[str, Any] | None:
    """Transmurality of scar by AHA segment in a still stack, or why there is none (`doubt`).

    labels: (t, z, y, x). None where scar is not labelled.
    """
    if Tissue.SCAR not in labelled.tissues:
        return None
    if doubt := _unknown(loaded, labelled):
        return _without(TRANSMURALITY, doubt)
    try:
        table = scar_table(wall_of(_placed(labelled, np.asarray(labels[0]))))
    except ValueError as error:
        return _without(TRANSMURALITY, str(error))
    values = table["transmurality_percent"]
    return _drawn(TRANSMURALITY, dict(zip(table["segment"], values, strict=True)))


def _unknown(loaded: Loaded, labelled: Labelled) -> str:
    """Why segments cannot be told, "" where they can."""
    if absent := [NAMES[t] for t in SHORT_AXIS if t not in labelled.tissues]:
        return f"the model does not label the {' and the '.join(absent)}"
    across = along_long_axis(labelled.affine, 2)
    if not loaded.placed or not tells_of_patient(labelled.affine, across):
        return NO_PLACE
    return ""


def _placed(labelled: Labelled, frame: np.ndarray) -> Cine:
    """A frame (z, y, x) of labels in the patient."""
    affine = np.array(labelled.affine, float)
    own_mm = Cine(frame[None], affine).spacing_mm
    # A NIfTI file keeps its affine where somebody gives other distances.
    affine[:3, :3] *= np.divide(labelled.spacing_mm, own_mm)[::-1]
    return Cine(frame[None], affine)


def _without(kind: Kind, doubt: str) -> dict[str, Any]:
    return {**kind._asdict(), "doubt": doubt}


def eye_rows(eye: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Rows of the table of measures."""
    if eye is None:
        return []
    if eye["doubt"]:
        return [(eye["name"], "", f"not measured: {eye['doubt']}")]
    parts = [(f"segment {s['number']}, {s['name']}", s["value"]) for s in eye["segments"]]
    return [
        (f"{eye['name']}, {name}", "" if value is None else f"{value:.6g}", eye["unit"])
        for name, value in [("all segments", eye["global"]), *parts]
    ]


def _drawn(kind: Kind, means: Mapping[str, float]) -> dict[str, Any]:
    """Segments with their place and colours. matplotlib is loaded here, as it takes a second."""
    from cmrseg.figures.bulls_eye import INSERTIONS, RINGS, VALUE_RADII, ink_on, scale_of

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
        **_without(kind, ""),
        "segments": segments,
        "global": every if math.isfinite(every) else None,
        "bar": {"low": low, "high": high, "colours": steps},
    }


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour[:3])
