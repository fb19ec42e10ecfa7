"""Bull's eyes of the 16 AHA segments: means by panel, and the difference of two panels."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Wedge
from matplotlib.ticker import MaxNLocator

from cmrseg.figures import style
from cmrseg.figures.column_names import UNITS, of_difference
from cmrseg.figures.panel_tables import counted
from cmrseg.measure.aha_segments import GLOBAL, SEGMENTS
from cmrseg.phenotypes.columns import Segmental

# Inner and outer radius of the rings; the apex is in the middle.
RINGS = {"basal": (0.68, 1.0), "mid": (0.37, 0.68), "apical": (0.0, 0.37)}
# Positions of the values: the middle of a ring; in apical segments closer to the wide side.
VALUE_RADII = {"basal": 0.84, "mid": 0.525, "apical": 0.205}
# Angles of segments count from the anterior wall, those of the picture from the right.
TOP_DEG = 90.0
# The right ventricle meets the wall where the septum begins and ends: at the first angles of these.
INSERTIONS = (2, 4)
WALLS = (("Anterior", 90, 0), ("Septal", 180, 90), ("Inferior", 270, 0), ("Lateral", 0, 270))
# Both perceptually uniform; the second is white at 0.
VALUES_MAP, DIFFERENCES_MAP = "viridis", "vlag"
REACH = 1.18
# Diameter with the names of the walls around it.
LARGEST_EYE_MM = 62.0
# Between eyes beside each other.
GAP_MM = 3.0
# Height of title, global value and colour bar.
BESIDES_MM = 25.0
# Values are written dark on colours of more luminance than this, white on others.
LIGHT = 0.25


class Eye(NamedTuple):
    """Content of one bull's eye: values by segment, global value, number of subjects in words."""

    title: str
    values: pd.Series
    every: float
    subjects: str


class Scale(NamedTuple):
    """Colours of values."""

    colours: Colormap
    norm: Normalize
    label: str


@style.styled
def figure(table: pd.DataFrame, quantities: Sequence[Segmental], panels: Sequence[str]) -> Figure:
    """A row for each quantity: a bull's eye of each panel, and one of the difference of two.

    table: panel, subject, and the columns of each quantity. Values are means over the subjects that
    have the segment's value in all panels, so that the difference (second panel minus first) is
    that of the values shown; a segment without values is empty. Seen from the apex, anterior wall
    above, septum on the left. Raises ValueError where a column or every row is missing.
    """
    columns = [name for q in quantities for name in (*q.columns.values(), q.column(GLOBAL))]
    table = style.checked(table, ("panel", "subject", *columns), "bulls_eye")
    count = len(panels) + (len(panels) == 2)
    width_mm = style.ONE_COLUMN_MM if count == 1 else style.TWO_COLUMNS_MM
    eye_mm = min(LARGEST_EYE_MM, width_mm / count - GAP_MM)
    result = style.figure_mm(width_mm, (eye_mm + BESIDES_MM) * len(quantities))
    rows = result.subplots(len(quantities), count, squeeze=False)
    for row, quantity in enumerate(quantities):
        eyes = _eyes(table, quantity, panels)
        unit = UNITS[f"_{quantity.unit}"]
        label = f"{quantity.name[:1].upper()}{quantity.name[1:]} ({unit})"
        # One scale for all panels.
        values = np.concatenate([eye.values for eye in eyes[: len(panels)]])
        scale = scale_of(values.tolist(), label)
        for axes, eye in zip(rows[row], eyes[: len(panels)], strict=False):
            _draw(axes, eye, scale, unit)
        _bar(result, list(rows[row, : len(panels)]), scale)
        if len(panels) == 2:
            difference = _difference_scale(eyes[-1], of_difference(unit))
            _draw(rows[row, -1], eyes[-1], difference, of_difference(unit), signed=True)
            _bar(result, [rows[row, -1]], difference)
        if len(quantities) > 1:
            style.letter(rows[row, 0], "abcdefghij"[row])
    return result


def _eyes(table: pd.DataFrame, quantity: Segmental, panels: Sequence[str]) -> list[Eye]:
    """An eye of each panel, and that of the difference if there are two panels."""
    every = table["subject"].nunique()
    values = pd.DataFrame(index=list(quantity.columns), columns=list(panels), dtype=float)
    counts = []
    for number, column in quantity.columns.items():
        known = _known_to_all(table, column, panels)
        values.loc[number] = known.mean()
        counts.append(len(known))
    overall = _known_to_all(table, quantity.column(GLOBAL), panels).mean()
    low, high = min(counts), max(counts)
    count = f"n = {counted(low, every)}" if low == high else f"n = {low} to {high} of {every}"
    eyes = [Eye(panel, values[panel], overall[panel], count) for panel in panels]
    if len(panels) == 2:
        first, second = panels
        change = values[second] - values[first]
        of_all = overall[second] - overall[first]
        eyes.append(Eye(f"{second} − {first}", change, of_all, count))
    return eyes


def _known_to_all(table: pd.DataFrame, column: str, panels: Sequence[str]) -> pd.DataFrame:
    """A column by subject and panel, of the subjects with a value in every panel."""
    values = table.pivot(index="subject", columns="panel", values=column).astype(float)
    return values.reindex(columns=list(panels)).dropna()


def scale_of(known: Sequence[float], label: str) -> Scale:
    """The scale of some values. Bright colours are large values, also of negative strain."""
    values = np.asarray(known, float)
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(values.min(), values.max())
    name = VALUES_MAP + ("_r" if values.max() < 0 else "")
    return Scale(sns.color_palette(name, as_cmap=True), Normalize(ticks[0], ticks[-1]), label)


def _difference_scale(eye: Eye, unit: str) -> Scale:
    values = np.abs(eye.values[np.isfinite(eye.values)])
    most = float(values.max()) if len(values) and values.max() > 0 else 1.0
    reach = float(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(0, most)[-1])
    colours = sns.color_palette(DIFFERENCES_MAP, as_cmap=True)
    return Scale(colours, Normalize(-reach, reach), f"Difference ({unit})")


def _draw(axes: Axes, eye: Eye, scale: Scale, unit: str, signed: bool = False) -> None:
    axes.set_axis_off()
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    axes.set_title(eye.title)
    shown = _number(eye.values, signed)
    for segment in SEGMENTS:
        value = eye.values[segment.number]
        inner, outer = RINGS[segment.level]
        known = np.isfinite(value)
        colour = scale.colours(scale.norm(value)) if known else (1.0, 1.0, 1.0, 1.0)
        axes.add_patch(
            Wedge(
                (0, 0),
                outer,
                segment.start_deg + TOP_DEG,
                segment.end_deg + TOP_DEG,
                width=outer - inner,
                facecolor=colour,
                edgecolor="white" if known else style.PALE,
                linewidth=0.9 if known else 0.5,
                zorder=1 if known else 2,
            )
        )
        angle = np.deg2rad((segment.start_deg + segment.end_deg) / 2 + TOP_DEG)
        radius = VALUE_RADII[segment.level]
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        ink = ink_on(colour)
        axes.text(x, y - 0.035, shown(value), ha="center", va="center", fontsize=6.5, color=ink)
        axes.text(
            x,
            y + 0.065,
            str(segment.number),
            ha="center",
            va="center",
            fontsize=4.5,
            color=ink,
            alpha=0.8,
        )
        if segment.number in INSERTIONS:
            at = np.deg2rad(segment.start_deg + TOP_DEG)
            ends = np.array([0.99, 1.13])
            axes.plot(
                ends * np.cos(at),
                ends * np.sin(at),
                color=style.INK,
                linewidth=1.6,
                solid_capstyle="butt",
                zorder=3,
            )
    for wall, degrees, turned in WALLS:
        at = np.deg2rad(degrees)
        axes.text(
            1.1 * np.cos(at),
            1.1 * np.sin(at),
            wall,
            rotation=turned,
            ha="center",
            va="center",
            fontsize=6,
            color=style.PALE,
        )
    axes.text(
        0.5,
        -0.01,
        f"Global {shown(eye.every)} {unit}, {eye.subjects}",
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontsize=6.5,
    )


def _number(values: pd.Series, signed: bool) -> Callable[[float], str]:
    """Function that writes values with up to three digits, differences with a sign."""
    most = np.nanmax(np.abs(values.to_numpy()), initial=0)
    digits = 0 if most >= 100 else 2 if signed and most < 1 else 1
    sign = "+" if signed else ""

    def written(value: float) -> str:
        return f"{value:{sign}.{digits}f}".replace("-", "−") if np.isfinite(value) else "–"

    return written


def _bar(result: Figure, axes: Sequence[Axes], scale: Scale) -> None:
    """A colour bar below some eyes, narrower than one."""
    bar = result.colorbar(
        ScalarMappable(scale.norm, scale.colours),
        ax=axes,
        location="bottom",
        shrink=0.8 / len(axes),
        aspect=22,
        pad=0.03,
        label=scale.label,
    )
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    bar.update_ticks()


def ink_on(colour: Sequence[float]) -> str:
    """The colour of text on an sRGB colour."""
    return "white" if _luminance(colour) < LIGHT else style.INK


def _luminance(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour, 0 to 1."""
    return float(np.dot((0.2126, 0.7152, 0.0722), np.asarray(colour[:3]) ** 2.2))
