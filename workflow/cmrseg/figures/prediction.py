"""Contours of one labeller in a cine at ED and ES, and its volumes; no reference is needed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.picture import SOLID, TISSUES, draw_picture, heart_centre
from cmrseg.figures.units import units_of
from cmrseg.labels import COLOURS, NAMES, UNLABELLED, Tissue

SLICES = 5
CELL_MM = 27.0


@dataclass(frozen=True)
class Predicted:
    """One subject: its cine, label maps (t, z, y, x) and measures.

    affine: (4, 4), indices (x, y, z) to RAS mm. curve: frame, lv_ml. measures: ed_frame,
    es_frame, edv_ml, esv_ml, ef (fraction), mass_g. intervals: of a calibrated model, such as
    ef_low and ef_high, and their origin.
    """

    subject: str
    image: np.ndarray
    labels: np.ndarray
    affine: np.ndarray
    curve: pd.DataFrame
    measures: pd.Series
    intervals: pd.Series | None = None


@style.styled
def figure(subjects: Sequence[Predicted], labeller: str) -> Figure:
    """Two rows per subject, ED above ES: slices from apex to base, then the volume curve.

    labeller: a model or an annotator, for the legend. Slices are spread evenly over those with a
    left ventricle at ED. Unknown values, such as ES of a single frame, are not drawn. Raises
    ValueError if there is no subject.
    """
    if not subjects:
        raise ValueError("figure prediction: no subject, expected at least one")
    shown = [t for t in TISSUES if any((s.labels == t).any() for s in subjects)]
    result = style.figure_mm(style.TWO_COLUMNS_MM, (CELL_MM + 4) * 2 * len(subjects) + 6)
    layout = result.add_gridspec(2 * len(subjects), SLICES + 1, width_ratios=[1] * SLICES + [1.15])
    for number, subject in enumerate(subjects):
        chosen = _spread(subject)
        # What was not drawn lies over nothing.
        drawn = np.where(subject.labels == UNLABELLED, 0, subject.labels)
        centre = heart_centre(list(drawn[:, chosen].max(axis=1)))
        for row, (phase, column) in enumerate((("ED", "ed_frame"), ("ES", "es_frame"))):
            if np.isnan(subject.measures[column]):
                continue
            frame = int(subject.measures[column])
            for place, z in enumerate(chosen):
                axes = result.add_subplot(layout[2 * number + row, place])
                axes.set_axis_off()
                layers = [(subject.labels[frame, z], SOLID)]
                image, marked = subject.image[frame, z], place == 0
                draw_picture(axes, image, subject.affine, layers, centre, marked)
                title = f"{phase}, frame {frame + 1}, slice {z + 1}" if marked else f"Slice {z + 1}"
                axes.set_title(title, fontsize=6.5, weight="normal", pad=2.5)
        _curve(result.add_subplot(layout[2 * number : 2 * number + 2, SLICES]), subject)
    handles = [Line2D([], [], color=COLOURS[t], label=NAMES[t]) for t in shown]
    handles.append(Line2D([], [], linestyle="", label=f"contours of {labeller}"))
    if origins := {str(s.intervals["origin"]): None for s in subjects if s.intervals is not None}:
        result.supxlabel(
            "\n".join(o[:1].upper() + o[1:] for o in origins), fontsize=6, color=style.INK
        )
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    return result


def _spread(subject: Predicted) -> list[int]:
    """At most SLICES slices, evenly over those with a left ventricle at ED, else over all.

    If ED is unknown, slices with a left ventricle in any frame are used.
    """
    frame, volume = subject.measures["ed_frame"], subject.labels
    volume = volume if np.isnan(frame) else volume[[int(frame)]]
    found = np.flatnonzero((volume == Tissue.LV).any(axis=(0, 2, 3)))
    found = found if len(found) else np.arange(volume.shape[1])
    steps = np.linspace(0, len(found) - 1, min(SLICES, len(found))).round().astype(int)
    return [int(found[step]) for step in steps]


def _curve(axes: Axes, subject: Predicted) -> None:
    curve, measures = subject.curve.dropna(subset=["lv_ml"]), subject.measures
    units = units_of(curve["lv_ml"])
    factor, digits = units.factor, units.digits
    style.grid(axes)
    axes.plot(curve["frame"] + 1, curve["lv_ml"] * factor, color=COLOURS[Tissue.LV])
    for frame, volume, marker in (("ed_frame", "edv_ml", "^"), ("es_frame", "esv_ml", "v")):
        axes.plot(
            measures[frame] + 1,
            measures[volume] * factor,
            marker,
            color="white",
            markeredgecolor=style.INK,
        )
    axes.set_ylim(0, max(float(curve["lv_ml"].max()) * factor * 1.1, 1))
    axes.set_xlabel(style.FRAME)
    axes.set_ylabel(f"Volume ({units.volume})")
    rows = {
        "edv_ml": ("EDV", factor, digits, units.volume),
        "esv_ml": ("ESV", factor, digits, units.volume),
        "ef": ("EF", 100, 0, "%"),
        "mass_g": ("Mass", factor, digits, units.mass),
    }
    lines = []
    for name, (words, times, decimals, unit) in rows.items():
        if not np.isnan(measures[name]):
            text = f"{words} {times * measures[name]:.{decimals}f} {unit}"
            lines.append(text + _range(subject.intervals, name, times, decimals))
    # Intervals make lines almost as wide as the axes.
    place, size = (0.06, 6.5) if subject.intervals is None else (0.03, 6)
    axes.text(place, 0.05, "\n".join(lines), transform=axes.transAxes, va="bottom", fontsize=size)
    axes.set_title(f"{subject.subject}, LV cavity", fontsize=6.5, weight="normal", pad=2.5)


def _range(intervals: pd.Series | None, measure: str, factor: float, digits: int) -> str:
    """Such as ` (49 to 58)`, "" for a measure without an interval."""
    if intervals is None:
        return ""
    low, high = (factor * intervals.get(f"{measure}_{end}", np.nan) for end in ("low", "high"))
    return "" if np.isnan([low, high]).any() else f" ({low:.{digits}f} to {high:.{digits}f})"
