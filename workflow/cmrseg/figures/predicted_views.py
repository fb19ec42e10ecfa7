"""Segmentation of other images than the short axis by a model: views over time, still stacks."""

from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.picture import SOLID, TISSUES, draw_picture, heart_centre, heart_width_mm
from cmrseg.labels import COLOURS, NAMES, Tissue
from cmrseg.measure.by_sequence import curve_columns, curve_unit
from cmrseg.measure.lesions import LESIONS, WALL
from cmrseg.sequences import Sequence

# Slices of a still stack, and pictures of a view.
SLICES = 5
PICTURE_MM, CELL_MM = 54.0, 27.0
# Percentiles of the middle of a still image that are shown black and white.
WINDOW = (0.5, 99.7)
UNIT_WORDS = {"cm2": "cm²", "ml": "ml"}


@dataclass(frozen=True)
class PredictedView:
    """One subject: images of each channel and label maps, all (t, z, y, x) on one grid.

    affine: (4, 4), indices (x, y, z) to RAS mm. curve: frame, and `curve_columns` of the first
    channel's sequence.
    """

    subject: str
    images: Several[np.ndarray]
    labels: np.ndarray
    affine: np.ndarray
    curve: pd.DataFrame


@style.styled
def figure(subjects: Several[PredictedView], channels: Several[Sequence], model: str) -> Figure:
    """Views: frames with the largest and the smallest area, and curves of the areas.

    Still images: a row for each sequence of slices with labels, and the volumes. channels: the
    sequence of each image; the first one is the labels'. model: name for the legend. Raises
    ValueError if there is no subject.
    """
    if not subjects:
        raise ValueError("figure prediction: no subject, expected at least one")
    is_cine = channels[0].is_cine
    shown = [t for t in TISSUES if any((s.labels == t).any() for s in subjects)]
    rows = 1 if is_cine else len(channels)
    columns = 2 if is_cine else SLICES
    high_mm = PICTURE_MM if is_cine else CELL_MM + 4
    result = style.figure_mm(style.TWO_COLUMNS_MM, high_mm * rows * len(subjects) + 8)
    last = 1.0 if is_cine else 1.25
    layout = result.add_gridspec(
        rows * len(subjects), columns + 1, width_ratios=[1] * columns + [last]
    )
    for number, subject in enumerate(subjects):
        places = [
            [result.add_subplot(layout[rows * number + row, place]) for place in range(columns)]
            for row in range(rows)
        ]
        beside = layout[rows * number : rows * (number + 1), columns]
        if is_cine:
            _draw_frames(places[0], subject, channels[0])
            _draw_curves(result.add_subplot(beside), subject, channels[0])
        else:
            _draw_slices(places, subject, channels)
            _write_volumes(result.add_subplot(beside), subject, channels[0])
    handles = [Line2D([], [], color=COLOURS[t], label=NAMES[t]) for t in shown]
    handles.append(Line2D([], [], linestyle="", label=f"model {model}"))
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    return result


def _draw_frames(places: list[Axes], subject: PredictedView, sequence: Sequence) -> None:
    """The frames of the largest and the smallest area of the sequence's tissue, or of the first."""
    columns = curve_columns(sequence)
    known = [
        t for t in (sequence.phase_tissue, *columns) if t and subject.curve[columns[t]].max() > 0
    ]
    for axes in places:
        axes.set_axis_off()
    if not known:
        return
    areas = subject.curve[columns[known[0]]].replace(0, np.nan).to_numpy(float)
    maps = list(subject.labels[:, 0])
    centre, width_mm = heart_centre(maps), heart_width_mm(maps, subject.affine)
    frames = (int(np.nanargmax(areas)), int(np.nanargmin(areas)))
    for axes, frame, word in zip(places, frames, ("largest", "smallest"), strict=True):
        layers = [(subject.labels[frame, 0], SOLID)]
        image, marked = subject.images[0][frame, 0], word == "largest"
        draw_picture(axes, image, subject.affine, layers, centre, marked, width_mm)
        title = f"Frame {frame + 1}, {word} {NAMES[known[0]]}"
        axes.set_title(title, fontsize=6.5, weight="normal", pad=2.5)


def _draw_curves(axes: Axes, subject: PredictedView, sequence: Sequence) -> None:
    style.grid(axes)
    most = 0.0
    for tissue, column in curve_columns(sequence).items():
        curve = subject.curve.dropna(subset=[column])
        if curve[column].max() > 0:
            axes.plot(curve["frame"] + 1, curve[column], color=COLOURS[tissue])
            most = max(most, float(curve[column].max()))
    axes.set_ylim(0, most * 1.1 or 1)
    axes.set_xlabel(style.FRAME)
    axes.set_ylabel(f"Area ({UNIT_WORDS[curve_unit(sequence)]})")
    axes.set_title(subject.subject, fontsize=6.5, weight="normal", pad=2.5)


def _draw_slices(
    places: list[list[Axes]], subject: PredictedView, channels: Several[Sequence]
) -> None:
    """A row for each sequence: at most SLICES slices, evenly over those with labels."""
    found = np.flatnonzero((subject.labels[0] > 0).any(axis=(1, 2)))
    found = found if len(found) else np.arange(subject.labels.shape[1])
    steps = np.linspace(0, len(found) - 1, min(SLICES, len(found))).round().astype(int)
    maps = list(subject.labels[0])
    centre, width_mm = heart_centre(maps), heart_width_mm(maps, subject.affine)
    for row, (image, sequence) in enumerate(zip(subject.images, channels, strict=True)):
        shown = _within(image)
        for axes in places[row]:
            axes.set_axis_off()
        for place, step in enumerate(steps):
            z, marked = int(found[step]), row == 0 and place == 0
            axes, layers = places[row][place], [(subject.labels[0, z], SOLID)]
            draw_picture(axes, shown[0, z], subject.affine, layers, centre, marked, width_mm)
            title = f"{sequence.contrast}, slice {z + 1}" if place == 0 else f"Slice {z + 1}"
            axes.set_title(title, fontsize=6.5, weight="normal", pad=2.5)


def _within(image: np.ndarray) -> np.ndarray:
    """An image without what is brighter than its middle, such as fat near the coils."""
    rows, columns = (n // 4 for n in image.shape[2:])
    middle = image[:, :, rows : image.shape[2] - rows, columns : image.shape[3] - columns]
    return np.clip(image, *np.percentile(middle, WINDOW))


def _write_volumes(axes: Axes, subject: PredictedView, sequence: Sequence) -> None:
    axes.set_axis_off()
    volumes_ml = {t: subject.curve[c].max() for t, c in curve_columns(sequence).items()}
    known = {t: v for t, v in volumes_ml.items() if np.isfinite(v)}
    lesions = [t for t in LESIONS if t in known]
    wall = [t for t in WALL if t in known]
    wall_ml = sum(known[t] for t in wall)
    lines = [subject.subject]
    for tissue, volume in known.items():
        line = f"{NAMES[tissue]} {volume:.1f} ml"
        if tissue in lesions and Tissue.MYO in known and wall_ml > 0:
            line += f" ({100 * volume / wall_ml:.0f} % of the wall)"
        lines.append(line)
    axes.text(0.04, 0.97, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=6.5)
