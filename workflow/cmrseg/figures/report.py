"""A report of one examination on one page: pictures, curve, measures, warnings.

For research use. It has no name, date or number of a person but those that somebody typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.page_text import Cell, Page, absent_glyphs, spread_columns, width_mm
from cmrseg.figures.picture import SOLID, draw_picture, heart_centre, heart_width_mm
from cmrseg.labels import COLOURS, NAMES, UNLABELLED, Tissue
from cmrseg.version import VERSION

USE = "Research use, not a medical device"
UNTITLED = "Cardiac MR examination"
A4_MM = (210.0, 297.0)
LEFT_MM, RIGHT_MM = 15.0, 195.0
WIDE_MM = RIGHT_MM - LEFT_MM
# Pictures in a row of the strip.
MOST_SLICES = 8
GAP_MM = 1.2
TEXT_PT, SMALL_PT = 7.5, 6.5
# What is shown of a slice, at least; the figures of a study show more of the chest.
LEAST_SHOWN_MM = 105.0
# Warnings and notes that fit; the others are counted.
MOST_WARNINGS = 6


class Quantity(NamedTuple):
    """A value with its unit; `interval` and `reference` are (low, high) where there are some.

    outside: "below" or "above" its reference range, "" within it or without one.
    """

    value: float
    unit: str
    interval: tuple[float, float] | None = None
    reference: tuple[float, float] | None = None
    outside: str = ""


class Row(NamedTuple):
    """A measure; `indexed`: per body surface area, None where that is unknown."""

    name: str
    quantity: Quantity
    indexed: Quantity | None = None


def rows_of(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Rows of the table from measures: `name`, `value`, `unit`, and what is known besides.

    That is `low` and `high` of an interval, and what `measure.person.by_person` adds.
    """

    def quantity(about: Mapping[str, Any]) -> Quantity:
        low, high = about.get("low"), about.get("high")
        interval = None if low is None or high is None else (low, high)
        value, unit = about["value"], about["unit"]
        return Quantity(value, unit, interval, about.get("reference"), about.get("outside", ""))

    return [
        Row(row["name"], quantity(row), quantity(row["indexed"]) if "indexed" in row else None)
        for row in rows
    ]


class Strip(NamedTuple):
    """A row of pictures: image and labels (z, y, x) of a frame (from 0)."""

    title: str
    frame: int
    image: np.ndarray
    labels: np.ndarray


class Curve(NamedTuple):
    """Values of a tissue in each frame."""

    tissue: Tissue
    values: np.ndarray


@dataclass(frozen=True)
class Report:
    """What is on the page.

    title: as somebody typed it, or "". facts: pairs of words on model, images and person. affine:
    (4, 4) of the images. unit: of the curves. interval_s: between frames, nan where unknown. marks:
    names of frames (from 0) on the curves. edited: (slice, frame) from 0 of labels that somebody
    changed. notes: sources and conventions.
    """

    facts: Sequence[tuple[str, str]]
    strips: Sequence[Strip]
    affine: np.ndarray
    rows: Sequence[Row]
    title: str = ""
    curves: Sequence[Curve] = ()
    unit: str = ""
    interval_s: float = float("nan")
    marks: Sequence[tuple[str, int]] = ()
    warnings: Sequence[str] = ()
    edited: frozenset[tuple[int, int]] = frozenset()
    notes: Sequence[str] = field(default=())


@style.styled
def figure(report: Report) -> Any:
    """The page of a report, A4. Raises ValueError where the title has letters the font lacks."""
    if absent := absent_glyphs(report.title):
        raise ValueError(
            f"The report's font has no {absent!r}, which its title needs; write it in other letters"
        )
    page = Page(*A4_MM)
    top = _heading(page, report)
    top = _strips(page, report, top)
    top = _measures(page, report, _curve(page, report, top))
    _small_print(page, report, top)
    return page.figure


def _heading(page: Page, report: Report) -> float:
    page.text(LEFT_MM, 13, report.title or UNTITLED, 14, weight="bold")
    page.text(RIGHT_MM, 14.4, USE, 8, ha="right", weight="bold", color="#8A5A00")
    top = 22.0
    page.rule(LEFT_MM, RIGHT_MM, top - 1.6, style.INK)
    for name, text in report.facts:
        page.text(LEFT_MM, top, name, TEXT_PT, color="#5A6577")
        top = page.paragraph(LEFT_MM + 22, top, text, TEXT_PT, WIDE_MM - 22) + 0.5
    return top + 3


def shown_slices(report: Report) -> list[int]:
    """At most MOST_SLICES slices, evenly over those with labels, else over all."""
    labels = np.stack([strip.labels for strip in report.strips])
    known = (labels > 0) & (labels != UNLABELLED)
    found = np.flatnonzero(known.any(axis=(0, 2, 3)))
    found = found if len(found) else np.arange(labels.shape[1])
    steps = np.linspace(0, len(found) - 1, min(MOST_SLICES, len(found))).round().astype(int)
    return [int(found[step]) for step in steps]


def _strips(page: Page, report: Report, top: float) -> float:
    chosen = shown_slices(report)
    # Two pictures of one plane may be large.
    side = min((WIDE_MM - 7) / max(len(chosen), 4) - GAP_MM, 44)
    maps = [strip.labels[z] for strip in report.strips for z in chosen]
    centre = heart_centre(maps)
    shown_mm = heart_width_mm(maps, report.affine, LEAST_SHOWN_MM)
    for strip in report.strips:
        page.text(LEFT_MM, top + side / 2, strip.title, TEXT_PT, rotation=90, va="center")
        for place, z in enumerate(chosen):
            axes = page.axes(LEFT_MM + 7 + place * (side + GAP_MM), top, side, side)
            axes.set_axis_off()
            layers = [(strip.labels[z], SOLID)]
            marked = place == 0
            draw_picture(axes, strip.image[z], report.affine, layers, centre, marked, shown_mm)
            edited = (z, strip.frame) in report.edited
            axes.text(
                0.03,
                0.97,
                f"{z + 1}{' edited' if edited else ''}",
                transform=axes.transAxes,
                va="top",
                fontsize=6,
                color="#FFE14A" if edited else "white",
                path_effects=[withStroke(linewidth=1.4, foreground="black")],
            )
        top += side + GAP_MM
    total = report.strips[0].labels.shape[0]
    words = f"Slices {', '.join(str(z + 1) for z in chosen)} of {total}. Contours:"
    left = LEFT_MM + 7
    page.text(left, top + 0.8, words, SMALL_PT, color="#5A6577")
    left += width_mm(words, SMALL_PT) + 3
    for tissue in _tissues(report):
        page.text(left, top + 0.8, "■", SMALL_PT, color=COLOURS[tissue])
        page.text(left + 2.6, top + 0.8, NAMES[tissue], SMALL_PT)
        left += 2.6 + width_mm(NAMES[tissue], SMALL_PT) + 4
    return top + 7


def _tissues(report: Report) -> list[Tissue]:
    there = {int(v) for strip in report.strips for v in np.unique(strip.labels)}
    return [tissue for tissue in Tissue if tissue and int(tissue) in there]


def _curve(page: Page, report: Report, top: float) -> float:
    """Curves of the tissues over the heartbeat, where there are several frames."""
    lines = [curve for curve in report.curves if np.isfinite(curve.values).sum() > 1]
    if not lines:
        return top
    height = 48.0
    axes = page.axes(LEFT_MM + 13, top + 2, WIDE_MM - 13 - 34, height)
    frames = np.arange(len(lines[0].values))
    timed = bool(np.isfinite(report.interval_s))
    times = frames * report.interval_s * 1000 if timed else frames + 1
    style.grid(axes, "both")
    for curve in lines:
        colour = COLOURS[curve.tissue]
        axes.plot(times, curve.values, color=colour, marker="o", label=NAMES[curve.tissue])
    most = max(float(np.nanmax(curve.values)) for curve in lines)
    axes.set_ylim(0, 1.12 * most)
    for name, frame in report.marks:
        axes.axvline(times[frame], color=style.PALE, linewidth=0.8, linestyle="--", zorder=0)
        axes.text(times[frame], 1.115 * most, f" {name}", va="top", fontsize=SMALL_PT)
    axes.set_xlabel("Time (ms)" if timed else style.FRAME)
    if not timed:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{'Area' if report.unit.startswith('cm') else 'Volume'} ({report.unit})")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return top + height + 13


def written(value: float) -> str:
    """A value as the page shows it: one decimal below 100."""
    return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def _range(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{written(ends[0])} to {written(ends[1])}"


def _shown(quantity: Quantity | None) -> Cell:
    if quantity is None:
        return Cell("")
    mark = {"below": " ▼", "above": " ▲"}.get(quantity.outside, "")
    return Cell(f"{written(quantity.value)} {quantity.unit}{mark}", bool(mark))


def _measures(page: Page, report: Report, top: float) -> float:
    """The table of measures; columns that would be empty are left out."""
    if not report.rows:
        return top
    offered: list[tuple[str, list[Cell]]] = [
        ("Measure", [Cell(row.name) for row in report.rows]),
        ("Value", [_shown(row.quantity) for row in report.rows]),
        ("Interval", [Cell(_range(row.quantity.interval)) for row in report.rows]),
        ("Reference", [Cell(_range(row.quantity.reference)) for row in report.rows]),
        ("Per m²", [_shown(row.indexed) for row in report.rows]),
        (
            "Reference per m²",
            [Cell(_range(row.indexed.reference if row.indexed else None)) for row in report.rows],
        ),
    ]
    kept = [(name, cells) for name, cells in offered if any(cell.text for cell in cells)]
    columns = spread_columns(kept, TEXT_PT, LEFT_MM, RIGHT_MM)
    rows = list(zip(*(cells for _, cells in kept), strict=True))
    return page.table(columns, rows, top, TEXT_PT, (LEFT_MM, RIGHT_MM)) + 3


def _small_print(page: Page, report: Report, top: float) -> None:
    """Warnings and edited slices, then notes; at the end of the page what made it."""
    said = [f"! {warning}" for warning in report.warnings[:MOST_WARNINGS]]
    if more := len(report.warnings) - len(said):
        said.append(f"! {more} more warnings; see the table of measures.")
    if report.edited:
        said.append(edited_words(report.edited))
    for text in said:
        colour = "#8A5A00" if text.startswith("!") else style.INK
        top = page.paragraph(LEFT_MM, top, text, TEXT_PT, WIDE_MM, color=colour) + 0.8
    top += 1.5
    for note in report.notes:
        top = page.paragraph(LEFT_MM, top, note, SMALL_PT, WIDE_MM, color="#5A6577") + 0.5
    page.rule(LEFT_MM, RIGHT_MM, A4_MM[1] - 13, style.INK)
    page.text(LEFT_MM, A4_MM[1] - 11, f"cmrseg {VERSION}", SMALL_PT)
    page.text(RIGHT_MM, A4_MM[1] - 11, USE, SMALL_PT, ha="right")


def edited_words(edited: frozenset[tuple[int, int]]) -> str:
    """Which slices of which frames somebody changed, counted from 1."""
    frames = sorted({frame for _, frame in edited})
    parts = [
        f"frame {frame + 1}: slice {', '.join(str(z + 1) for z, f in sorted(edited) if f == frame)}"
        for frame in frames
    ]
    return f"Labels edited by hand in {'; '.join(parts)}."
