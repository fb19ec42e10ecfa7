"""Volume of the left ventricle over the heart cycle, one small panel per subject."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.units import units_of

COLUMNS = ("labeller", "subject", "frame", "lv_ml")
TRUTH = "truth"
PANELS_PER_ROW = 4
ROW_MM = 38.0


@style.styled
def figure(
    table: pd.DataFrame, subjects: Sequence[str] = (), limit: int = 8, order: Sequence[str] = ()
) -> Figure:
    """LV volume against frame, small multiples of some subjects, ED and ES marked.

    table: columns labeller, subject, frame, lv_ml; the labeller "truth" is a thin dark line.
    subjects: which to show, in this order; without them at most `limit`, spread evenly over
    the range of stroke volumes, so that both weak and strong hearts are seen.
    Raises ValueError where a column, every row or a named subject is missing.
    """
    table = style.checked(table, COLUMNS, "volume_curves")
    chosen = list(subjects) or _spread(table, limit)
    absent = sorted(set(chosen) - set(table["subject"]))
    if absent:
        raise ValueError(f"figure volume_curves: subject {', '.join(absent)} is not in the table")
    units = units_of(table["lv_ml"])
    table = table[table["subject"].isin(chosen)]
    table = table.assign(lv_ml=table["lv_ml"] * units.factor)
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
            frames, volumes = curve["frame"].to_numpy(), curve["lv_ml"].to_numpy()
            truth = name == TRUTH
            axes.plot(
                frames,
                volumes,
                color=look.colour,
                linewidth=0.8 if truth else 1.2,
                zorder=3 if truth else 2,
            )
            for at, marker in ((volumes.argmax(), "^"), (volumes.argmin(), "v")):
                axes.plot(
                    frames[at],
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
    panels[0, 0].set_ylim(0, float(table["lv_ml"].max()) * 1.08)
    panels[0, 0].xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    result.supxlabel("Frame", fontsize=7)
    result.supylabel(f"LV volume ({units.volume})", fontsize=7)
    handles: list[Line2D] = [
        Line2D([], [], color=look.colour, linewidth=0.8 if name == TRUTH else 1.4, label=name)
        for name, look in looks.items()
    ]
    for marker, text in (("^", "ED (largest)"), ("v", "ES (smallest)")):
        handles.append(Line2D([], [], color=style.PALE, marker=marker, linestyle="", label=text))
    style.legend_above(result, handles, result.get_figwidth() * style.MM_PER_INCH)
    return result


def _spread(table: pd.DataFrame, limit: int) -> list[str]:
    """At most `limit` subjects at even steps of rank in stroke volume, smallest first."""
    labellers = set(table["labeller"])
    reference = TRUTH if TRUTH in labellers else min(labellers)
    volumes = table[table["labeller"] == reference].groupby("subject")["lv_ml"]
    stroke = (volumes.max() - volumes.min()).sort_index().sort_values(kind="stable")
    steps = np.linspace(0, len(stroke) - 1, min(limit, len(stroke))).round().astype(int)
    return [str(stroke.index[step]) for step in steps]
