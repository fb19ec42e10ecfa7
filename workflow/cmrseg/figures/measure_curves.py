"""Atrial volumes, aortic areas and strain over the heartbeat, of the subjects of panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.panel_tables import counted
from cmrseg.figures.units import units_of
from cmrseg.measure.aha_segments import GLOBAL

COLUMNS = ("panel", "subject", "curve", "frame", "value")
# Fractions of the heartbeat at which medians are computed.
STEPS = np.linspace(0, 1, 101)
# More curves than this are drawn as pixels in the SVG, which would be large otherwise.
MOST_VECTOR_CURVES = 100
DASHES = ("-", (0, (2.2, 0.9)), (0, (1, 0.8)), (0, (3, 0.8, 1, 0.8)))
# Longer gaps, as fractions of the heartbeat, are not interpolated for the median.
LONGEST_GAP = 0.1
ROW_MM = 56.0


@dataclass(frozen=True)
class Curve:
    """A curve of a measure's details.

    column: of the details. rows: only rows with these values in these columns. missed: whether 0
    means that the tissue was not found in a frame.
    """

    title: str
    quantity: str
    unit: str
    column: str
    rows: Mapping[str, str] | None = None
    missed: bool = False


def _strain(title: str, direction: str) -> Curve:
    return Curve(
        title, "Strain", "%", "strain_percent", {"direction": direction, "segment": GLOBAL}
    )


def _green(title: str, direction: str, layer: str) -> Curve:
    rows = {"direction": direction, "layer": layer, "place": GLOBAL}
    return Curve(title, "Strain", "%", "green_percent", rows)


# By measure of a panel.
CURVES = {
    "atria": (
        Curve("Left atrium", "Volume", "ml", "la_ml", missed=True),
        Curve("Right atrium", "Volume", "ml", "ra_ml", missed=True),
    ),
    "aorta": (
        Curve("Ascending aorta", "Area", "mm²", "aao_mm2", missed=True),
        Curve("Descending aorta", "Area", "mm²", "dao_mm2", missed=True),
    ),
    "strain": (
        _strain("Circumferential (Ecc)", "circumferential"),
        _strain("Radial (Err)", "radial"),
        _strain("Longitudinal (Ell)", "longitudinal"),
    ),
    "tagging": (
        _green("Mid-wall (Ecc, Green)", "circumferential", "midwall"),
        _green("Mean of layers (Ecc, Green)", "circumferential", "wall"),
        _green("Radial (Err, Green)", "radial", "wall"),
    ),
}
# Frames of strain are counted from end-diastole.
STARTS = {"strain": "end-diastole"}


def curves_of(measure: str, measured: pd.DataFrame, details: pd.DataFrame) -> pd.DataFrame:
    """The curves of a measure of one panel: subject, curve, frame (from 0), value.

    measured: a row per subject that is drawn, with doubt. details: a row per frame (and segment).
    curve: a place in CURVES[measure]. Subjects that are doubted, or not in `measured`, have no
    rows; value is nan in a frame that has none. Raises ValueError where a column is missing.
    """
    measured = style.checked(measured, ("subject", "doubt"), "measure_curves", empty=True)
    chosen = measured.loc[measured["doubt"].isna() | (measured["doubt"] == ""), "subject"]
    trusted = details[details["subject"].isin(chosen)]
    found = []
    for number, curve in enumerate(CURVES[measure]):
        if trusted.empty:
            continue
        rows = style.checked(
            trusted,
            ("subject", "frame", curve.column, *(curve.rows or {})),
            "measure_curves",
            empty=True,
        )
        for column, name in (curve.rows or {}).items():
            rows = rows[rows[column].astype(str) == name]
        value = rows[curve.column].astype(float)
        value = value.mask(value == 0) if curve.missed else value
        columns = {"subject": rows["subject"], "curve": number, "frame": rows["frame"]}
        found.append(pd.DataFrame(columns | {"value": value}))
    if not found:
        return pd.DataFrame({name: [] for name in COLUMNS[1:]})
    return pd.concat(found, ignore_index=True)


@style.styled
def figure(
    table: pd.DataFrame, measure: str, panels: Sequence[str], every: Mapping[str, int]
) -> Figure:
    """A plot for each structure: subjects as thin lines, their median bold.

    table: COLUMNS; the frames of a subject are assumed to cover one heartbeat in equal steps.
    every: number of subjects of each panel, including those without a curve. A structure without
    any value is left out unless all are. Raises ValueError where a column is missing.
    """
    table = style.checked(table, COLUMNS, "measure_curves", empty=True)
    looks = style.looks(panels, panels)
    known = set(table.dropna(subset=["value"])["curve"])
    curves = CURVES[measure]
    shown = [n for n in range(len(curves)) if n in known] or list(range(len(curves)))
    width_mm = style.ONE_COLUMN_MM if len(shown) == 1 else style.TWO_COLUMNS_MM
    result = style.figure_mm(width_mm, 6 + ROW_MM)
    plots = result.subplots(1, len(shown), squeeze=False)[0]
    start = STARTS.get(measure, "first frame")
    for axes, number, text in zip(plots, shown, "abc", strict=False):
        curve, rows = curves[number], table[table["curve"] == number]
        unit, factor = curve.unit, 1.0
        if unit == "ml":
            units = units_of(table["value"])
            unit, factor = units.volume, units.factor
        style.grid(axes)
        axes.set_title(curve.title)
        for panel, dashes in zip(panels, _dashes(len(panels)), strict=True):
            of_panel = rows[rows["panel"] == panel]
            _draw(axes, of_panel.assign(value=of_panel["value"] * factor), looks[panel], dashes)
        if number not in known:
            axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center")
        elif curve.quantity == "Volume":
            axes.set_ylim(bottom=0)
        elif curve.quantity == "Strain":
            axes.axhline(0, color=style.PALE, linewidth=0.6, zorder=0)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylabel(f"{curve.quantity} ({unit})")
        if len(shown) > 1:
            style.letter(axes, text)
    result.supxlabel(f"Time from {start} (fraction of heartbeat)", fontsize=7)
    handles = []
    for panel, dashes in zip(panels, _dashes(len(panels)), strict=True):
        rows = table[table["panel"] == panel].dropna(subset=["value"])
        count = counted(rows["subject"].nunique(), every[panel])
        label = f"{panel} (n = {count})"
        look = looks[panel]
        handles.append(
            Line2D([], [], color=look.colour, linestyle=dashes, linewidth=1.8, label=label)
        )
    style.legend_above(result, handles, width_mm)
    return result


def _dashes(count: int) -> list[Any]:
    return [DASHES[i % len(DASHES)] for i in range(count)]


def _draw(axes: Axes, rows: pd.DataFrame, look: style.Look, dashes: Any) -> None:
    """The curves of a panel and their median."""
    curves = []
    for _, curve in rows.groupby("subject"):
        curve = curve.sort_values("frame")
        time = curve["frame"].to_numpy(float) / (curve["frame"].max() + 1)
        value = curve["value"].to_numpy()
        if np.isfinite(value).any():
            curves.append((time, value))
    thin: dict[str, Any] = {
        "color": look.colour,
        "linewidth": 0.5,
        "alpha": max(0.08, min(0.5, 10 / (len(curves) + 1))),
    }
    for time, value in curves:
        axes.plot(time, value, rasterized=len(curves) > MOST_VECTOR_CURVES, zorder=1, **thin)
        alone = _alone(value)
        if alone.any():
            axes.plot(time[alone], value[alone], look.marker, **thin | {"markersize": 2.2})
    if len(curves) > 1:
        median = _median(curves)
        # On white, as many thin lines lie below.
        axes.plot(STEPS, median, color="white", linewidth=3.2, zorder=3)
        axes.plot(STEPS, median, color=look.colour, linestyle=dashes, linewidth=1.8, zorder=4)


def _alone(values: np.ndarray) -> np.ndarray:
    """(t,) whether a value is known and neither neighbour is, so that no line goes through it."""
    known = np.isfinite(values)
    around = np.pad(known, 1)
    return known & ~around[:-2] & ~around[2:]


def _median(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Median of curves at STEPS; nan where less than half of them are known."""
    at = np.array([_at_steps(*curve) for curve in curves])
    enough = np.isfinite(at).sum(axis=0) * 2 >= len(curves)
    median = np.full(len(STEPS), np.nan)
    median[enough] = np.nanmedian(at[:, enough], axis=0)
    return median


def _at_steps(time: np.ndarray, value: np.ndarray) -> np.ndarray:
    """A curve at STEPS, straight between its known frames; nan outside and in long gaps."""
    known = np.isfinite(value)
    own = time[known]
    at = np.interp(STEPS, own, value[known], left=np.nan, right=np.nan)
    after = np.clip(np.searchsorted(own, STEPS), 1, max(len(own) - 1, 1))
    if len(own) > 1:
        gap = own[after] - own[after - 1]
        # Neighbouring frames are no gap, however few there are.
        at[gap > max(LONGEST_GAP, 1.01 / len(time))] = np.nan
    return at
