"""What repairs of the import are worth: errors of volumes by severity of each fault."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style

# Column of the table, title, and factor to the axis' unit.
ERRORS = (
    ("edv_error_abs", "Error of EDV (%)", 100.0),
    ("esv_error_abs", "Error of ESV (%)", 100.0),
    ("ef_error_abs", "Error of EF (percentage points)", 100.0),
)
COLUMNS = ("labeller", "fault", "severity", "unit", "repair", *(name for name, _, _ in ERRORS))
WORDS = {
    "spacing_empirical": "Wrong slice distance\nin header (%)",
    "missing_slice": "Missing slices",
    "outlier_slices": "Slices far beyond\nthe base",
    "interspersed_single": "Slices between\ntwo others",
    "collision_two_series": "Slices acquired\ntwice",
    "plane_not_parallel": "Slices of\nanother plane",
    "rotated_slice": "One slice rotated\n(degrees)",
    "other_pixel_spacing": "One slice with\nlarger pixels (%)",
    "displaced_slice": "One slice displaced\n(mm)",
    "missing_frames": "Last frames of one\nslice missing",
    "missing_frame_file": "Frames of one slice\nmissing",
    "wide_image": "Images turned\nby 90 degrees",
}
ROW_MM = 21.0
# Errors below this are no errors; axes reach at least so far (% or percentage points).
LEAST_REACH = 1.0
REPAIRS: Any = {"off": ("without repair", (0, (3, 1.5)), "white"), "on": ("with repair", "-", None)}


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """A row of panels per fault, a column per measure; mean absolute errors against the severity.

    table: columns of `measure.repairs.COLUMNS`. order: labellers, for colours. Without repair the
    line is dashed and marks are hollow. Panels of a row share the severities, those of a column do
    not share the scale. Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "repairs")
    looks = style.looks(table["labeller"], order)
    faults = list(dict.fromkeys(table["fault"]))
    result = style.figure_mm(style.TWO_COLUMNS_MM, 14 + ROW_MM * len(faults))
    panels = result.subplots(len(faults), len(ERRORS), squeeze=False)
    for row, fault in enumerate(faults):
        own = table[table["fault"] == fault]
        for column, (name, title, factor) in enumerate(ERRORS):
            axes = panels[row, column]
            _draw(axes, own, name, factor, looks)
            if row == 0:
                axes.set_title(title)
            if row == len(faults) - 1:
                axes.set_xlabel("Severity")
        panels[row, 0].set_ylabel(WORDS.get(fault, fault.replace("_", " ")))
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=name)
        for name, look in looks.items()
    ]
    handles += [
        Line2D(
            [], [], color=style.INK, linestyle=line, marker="o", markerfacecolor=fill, label=text
        )
        for text, line, fill in REPAIRS.values()
    ]
    style.legend_above(result, handles, style.TWO_COLUMNS_MM)
    return result


def _draw(axes: Axes, table: pd.DataFrame, name: str, factor: float, looks: dict) -> None:
    style.grid(axes)
    severities = table["severity"].drop_duplicates().sort_values()
    places = {value: place for place, value in enumerate(severities)}
    share = bool((table["unit"] == "").all()) and severities.notna().all()
    texts = [f"{100 * v if share else v:.4g}" if v == v else "all" for v in severities]
    shown = [table[name].to_numpy(float) * factor]
    for labeller, look in looks.items():
        for repair, (_, line, fill) in REPAIRS.items():
            own = table[(table["labeller"] == labeller) & (table["repair"] == repair)]
            at = [next(p for v, p in places.items() if v == s or s != s) for s in own["severity"]]
            axes.plot(
                at,
                own[name] * factor,
                linestyle=line,
                marker=look.marker,
                color=look.colour,
                markerfacecolor=fill or look.colour,
                zorder=3 if repair == "on" else 2,
                clip_on=False,
            )
    top = float(np.nanmax(np.concatenate(shown), initial=0.0))
    axes.set_ylim(0, 1.08 * max(top, LEAST_REACH))
    axes.set_xlim(-0.3, max(len(texts) - 1, 0) + 0.3)
    axes.set_xticks(range(len(texts)), texts)
