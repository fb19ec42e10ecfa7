"""Volume of the left ventricle over the cardiac cycle, one small panel per subject."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.units import units_of

COLUMNS = ("labeller", "subject", "frame", "lv_ml")
MEASURES = ("labeller", "subject", "sv_ml", "ed_frame", "es_frame")
TRUTH = "truth"
PANELS_PER_ROW = 4
ROW_MM = 38.0
MS_PER_MIN = 60_000.0


@style.styled
def figure(
    table: pd.DataFrame,
    measures: pd.DataFrame,
    subjects: Sequence[str] = (),
    limit: int = 8,
    order: Sequence[str] = (),
) -> Figure:
    """LV volume against frame, small multiples of some subjects, ED and ES marked.

    table: columns labeller, subject, frame (from 0), lv_ml; the labeller "truth" is a thin dark
    line. measures: columns labeller, subject, sv_ml, ed_frame, es_frame (from 0): the frames that
    are marked, whatever rule selected them. With an optional column heart_rate_bpm, that of a cine
    of one beat, which is known for every subject that is shown, the axis is time in ms from the
    first frame; else it counts frames from 1.
    subjects: the subjects to show, in this order; by default at most `limit`, spread evenly over
    the range of stroke volumes.
    Raises ValueError if a column, every row, a named subject, or the row or frame of a curve
    is missing.
    """
    table = style.checked(table, COLUMNS, "volume_curves")
    measures = style.checked(measures, MEASURES, "volume_curves")
    chosen = list(subjects) or _spread(measures, limit)
    absent = sorted(set(chosen) - set(table["subject"]))
    if absent:
        raise ValueError(f"figure volume_curves: subject {', '.join(absent)} is not in the table")
    units = units_of(table["lv_ml"])
    table = table[table["subject"].isin(chosen)]
    table = table.assign(lv_ml=table["lv_ml"] * units.factor)
    interval_ms = _interval_ms(table, measures)
    looks = style.looks(table["labeller"], order)
    columns = min(PANELS_PER_ROW, len(chosen))
    rows = -(-len(chosen) // columns)
    result = style.figure_mm(max(style.TWO_COLUMNS_MM * columns / 4, 85), 16 + ROW_MM * rows)
    panels = result.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(chosen) :]:
        axes.set_visible(False)
    for number, subject in enumerate(chosen):
        axes = panels.flat[number]
        style.grid(axes)
        axes.set_title(f"Subject {subject}", weight="normal")
        for name, look in looks.items():
            curve = table[(table["subject"] == subject) & (table["labeller"] == name)]
            curve = curve.dropna(subset=["lv_ml"]).sort_values("frame")
            if curve.empty:
                continue
            volumes = curve.set_index("frame")["lv_ml"]
            steps = 1.0 if interval_ms is None else interval_ms[subject]
            places = (volumes.index + (interval_ms is None)) * steps
            truth = name == TRUTH
            axes.plot(
                places,
                volumes,
                color=look.colour,
                linewidth=0.8 if truth else 1.2,
                zorder=3 if truth else 2,
            )
            for at, marker in _marked(measures, name, subject, volumes.index):
                axes.plot(
                    (at + (interval_ms is None)) * steps,
                    volumes[at],
                    marker,
                    color=look.colour if truth else "white",
                    markeredgecolor=look.colour,
                    markersize=3.4 if truth else 4.6,
                    markeredgewidth=0.9,
                    zorder=5 if truth else 4,
                )
        if number + columns >= len(chosen):
            axes.tick_params(labelbottom=True)
    # Without a frame labelled in all slices there is no volume.
    highest = table["lv_ml"].max()
    panels[0, 0].set_ylim(0, float(highest) * 1.08 if highest > 0 else 1)
    panels[0, 0].xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    words = style.FRAME if interval_ms is None else "Time from the first frame (ms)"
    result.supxlabel(words, fontsize=7)
    result.supylabel(f"LV volume ({units.volume})", fontsize=7)
    handles: list[Line2D] = [
        Line2D([], [], color=look.colour, linewidth=0.8 if name == TRUTH else 1.4, label=name)
        for name, look in looks.items()
    ]
    for marker, text in (("^", "ED"), ("v", "ES")):
        handles.append(Line2D([], [], color=style.PALE, marker=marker, linestyle="", label=text))
    style.legend_above(result, handles, result.get_figwidth() * style.MM_PER_INCH)
    return result


def _interval_ms(table: pd.DataFrame, measures: pd.DataFrame) -> pd.Series | None:
    """The frame interval of each subject of a table, or None if that of one is not known."""
    if "heart_rate_bpm" not in measures:
        return None
    frames = table.groupby("subject")["frame"].max() + 1
    rate = measures.groupby("subject")["heart_rate_bpm"].first().reindex(frames.index)
    found = MS_PER_MIN / rate / frames
    return found if found.notna().all() else None


def _marked(
    measures: pd.DataFrame, labeller: str, subject: str, frames: pd.Index
) -> list[tuple[int, str]]:
    """End-diastole and end-systole of a curve, from 0, each with its marker."""
    row = measures[(measures["labeller"] == labeller) & (measures["subject"] == subject)]
    if len(row) != 1:
        raise ValueError(
            f"figure volume_curves: {len(row)} rows of measures for subject {subject} of "
            f"{labeller}, expected one; measure its volumes again"
        )
    ends = {"^": row["ed_frame"].item(), "v": row["es_frame"].item()}
    # With one labelled frame end-systole is unknown.
    found = [(int(frame), marker) for marker, frame in ends.items() if frame == frame]
    for at, _ in found:
        if at not in frames:
            raise ValueError(
                f"figure volume_curves: subject {subject} of {labeller} has no volume at frame "
                f"{at + 1} (from 1), which its measures name; measure its volumes again"
            )
    return found


def _spread(measures: pd.DataFrame, limit: int) -> list[str]:
    """At most `limit` subjects at even steps of rank in stroke volume, smallest first."""
    labellers = set(measures["labeller"])
    reference = TRUTH if TRUTH in labellers else min(labellers)
    volumes = measures[measures["labeller"] == reference].set_index("subject")["sv_ml"]
    stroke = volumes.sort_index().sort_values(kind="stable")
    steps = np.linspace(0, len(stroke) - 1, min(limit, len(stroke))).round().astype(int)
    return [str(stroke.index[step]) for step in steps]
