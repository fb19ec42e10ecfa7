"""What repairs of the import are worth: errors of volumes by severity of each fault."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style

# Column of the table and label of its axis; shares and EF are in percent.
ERRORS = (
    ("edv_error_abs", "EDV (%)"),
    ("esv_error_abs", "ESV (%)"),
    ("ef_error_abs", "EF (points)"),
)
# Of tables that have them.
STRAIN = (("ecc_error_abs", "Ecc (points)"), ("err_error_abs", "Err (points)"))
COLUMNS = ("labeller", "fault", "severity", "unit", "repair", *(name for name, _ in ERRORS))
# Title of a fault, and what its severity is.
WORDS = {
    "spacing_empirical": ("Wrong slice distance in the header", "% too small"),
    "missing_slice": ("Slices missing", "slices"),
    "outlier_slices": ("Slices far beyond the base", "slices"),
    "interspersed_single": ("Slices between two others", "slices"),
    "collision_two_series": ("Slices acquired twice", "slices"),
    "plane_not_parallel": ("Slices of another plane", "slices"),
    "rotated_slice": ("One slice rotated", "degrees"),
    "other_pixel_spacing": ("One slice with larger pixels", "% larger"),
    "displaced_slice": ("One slice displaced", "mm"),
    "missing_frames": ("Last frames of one slice missing", "frames"),
    "missing_frame_file": ("Frames of one slice missing", "frames"),
    "wide_image": ("All images turned by 90 degrees", ""),
}
ROW_MM = 22.0
# Labellers beside each other, in steps of the severity.
APART = 0.1
# Errors below this are no errors; axes reach at least so far (% or percentage points).
LEAST_REACH = 1.0
REPAIRS: Any = {"off": ("without repair", (0, (3, 1.5)), "white"), "on": ("with repair", "-", None)}


@style.styled
def figure(table: pd.DataFrame, order: Sequence[str] = ()) -> Figure:
    """A row of panels per fault, a column per measure; mean absolute errors against the severity.

    table: of `measure.repairs.worth_of_repairs`, with strain or without. order: labellers, for
    colours. Without repair the line is dashed and marks are hollow. Panels do not share their
    scale. Raises ValueError if a column or every row is missing.
    """
    table = style.checked(table, COLUMNS, "repairs")
    looks = style.looks(table["labeller"], order)
    table = table.assign(unit=table["unit"].fillna(""))
    faults = list(dict.fromkeys(table["fault"]))
    errors = [*ERRORS, *(pair for pair in STRAIN if pair[0] in table)]
    result = style.figure_mm(style.TWO_COLUMNS_MM, 10 + ROW_MM * len(faults))
    panels = result.subplots(len(faults), len(errors), squeeze=False)
    for row, fault in enumerate(faults):
        own = table[table["fault"] == fault]
        title, unit = WORDS.get(fault, (fault.replace("_", " "), own["unit"].iloc[0]))
        panels[row, 0].set_title(title)
        for axes, (name, label) in zip(panels[row], errors, strict=True):
            _draw(axes, own, name, looks)
            axes.set_ylabel(label)
            axes.set_xlabel(unit, labelpad=1.0)
    result.align_ylabels()
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


def _draw(axes: Axes, table: pd.DataFrame, name: str, looks: dict[str, style.Look]) -> None:
    style.grid(axes)
    severities = table["severity"].drop_duplicates().sort_values().tolist()
    # A share is shown in percent, as the errors are.
    factor = 100.0 if (table["unit"] == "").all() else 1.0
    texts = [f"{factor * value:.4g}" if value == value else "" for value in severities]
    for number, (labeller, look) in enumerate(looks.items()):
        shift = APART * (number - (len(looks) - 1) / 2)
        for repair, (_, line, fill) in REPAIRS.items():
            own = table[(table["labeller"] == labeller) & (table["repair"] == repair)]
            own = own.sort_values("severity")
            axes.plot(
                np.arange(len(own)) + shift,
                100 * own[name],
                linestyle=line,
                marker=look.marker,
                color=look.colour,
                markerfacecolor=fill or look.colour,
                zorder=3 if repair == "on" else 2,
                clip_on=False,
            )
    top = 100 * float(table[name].fillna(0.0).max())
    axes.set_ylim(0, 1.08 * max(top, LEAST_REACH))
    axes.set_xlim(-0.3, max(len(texts) - 1, 0) + 0.3)
    axes.set_xticks(range(len(texts)), texts)
