"""Strain of tagged slices over time, layer by layer and level by level, of some subjects."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cmrseg.figures import style
from cmrseg.figures.strain_layers import (
    LAYER_LOOKS,
    draw_curve,
    layer_handles,
    limits_of,
    strain_axes,
)
from cmrseg.measure.aha_segments import LEVELS
from cmrseg.measure.ring_curves import curve

COLUMNS = ("subject", "direction", "layer", "place", "frame", "phase", "green_percent")
# Subjects that are drawn, across the range of their strain.
MOST_SUBJECTS = 4
ROW_MM, BESIDES_MM = 46.0, 20.0


def shown_subjects(details: pd.DataFrame, count: int = MOST_SUBJECTS) -> list[str]:
    """Subjects from the strongest to the weakest mid-wall strain, evenly across its range.

    Those without any strain come last, in the order of their names.
    """
    own = details[(details["direction"] == "circumferential") & (details["layer"] == "midwall")]
    least = own.groupby("subject")["green_percent"].min().sort_values(kind="stable")
    names = [str(name) for name in [*least.dropna().index, *sorted(least.index[least.isna()])]]
    at = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    return [names[n] for n in at]


@style.styled
def figure(details: pd.DataFrame) -> Figure:
    """A row for each of `shown_subjects`, a column for each level: Green strain over the frames.

    details: of the measure `tagging`. Dots are frames; a dotted line is at end-systole. Without any
    row the figure says that there is no strain. Raises ValueError where a column is missing.
    """
    if details.empty:
        result = style.figure_mm(style.ONE_COLUMN_MM, ROW_MM)
        words = "No strain: no subject has landmarks\nthat can be measured"
        result.text(0.5, 0.5, words, ha="center", va="center")
        return result
    details = style.checked(details, COLUMNS, "strain_curves")
    details = details.assign(subject=details["subject"].astype(str))
    subjects = shown_subjects(details)
    chosen = details[details["subject"].isin(subjects)]
    levels = [level for level in LEVELS if level in set(chosen["place"])]
    curves = {
        (subject, level, look): curve(
            chosen[chosen["subject"] == subject],
            look.direction,
            look.layer,
            level,
            "green_percent",
        )
        for subject in subjects
        for level in levels
        for look in LAYER_LOOKS
    }
    limits = limits_of(list(curves.values()))
    width_mm = style.TWO_COLUMNS_MM if len(levels) > 1 else style.ONE_COLUMN_MM
    result = style.figure_mm(width_mm, ROW_MM * len(subjects) + BESIDES_MM)
    plots = result.subplots(len(subjects), len(levels), squeeze=False, sharey=True)
    for row, subject in enumerate(subjects):
        own = chosen[chosen["subject"] == subject]
        at_es = own.loc[own["phase"] == "es", "frame"]
        for column, level in enumerate(levels):
            axes = plots[row, column]
            strain_axes(axes, int(own["frame"].max()) + 1, limits)
            for look in LAYER_LOOKS:
                draw_curve(axes, curves[subject, level, look], look)
            if len(at_es):
                axes.axvline(
                    at_es.iloc[0] + 1, color=style.PALE, linewidth=0.8, linestyle=(0, (1, 2))
                )
            axes.set_title(f"{subject}, {level}")
        plots[row, 0].set_ylabel("Green strain (%)")
    result.supxlabel(style.FRAME, fontsize=7)
    style.legend_above(result, layer_handles(), width_mm)
    return result
