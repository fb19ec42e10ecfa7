"""The common style of all figures: sizes, fonts, colours, and writing of files.

Figures are made with matplotlib's object-oriented API; no pyplot, no global figure.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cmrseg.files import replacing

MM_PER_INCH = 25.4
ONE_COLUMN_MM = 85.0
TWO_COLUMNS_MM = 176.0
PNG_DPI = 300

INK = "#222222"
PALE = "#8A8A8A"
GRID = "#E4E4E4"

# Confidence sets, from high to low confidence: one hue, as sets are ordered.
SET_COLOURS = ("#08306B", "#2F79B5", "#85BCDC", "#B9D6EA")
NO_SET_COLOUR = "#C4C4C4"

# Figures count from 1, tables from 0; axis labels state it.
FRAME, SLICE = "Frame (from 1)", "Slice (from 1)"

# DejaVu Sans comes with matplotlib, so figures do not depend on installed fonts.
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.04,
    "svg.hashsalt": "cmrseg",
    # Text as outlines looks the same on all machines.
    "svg.fonttype": "path",
}


# The caller chooses the backend: figures use only the Agg and SVG canvases.
SETTINGS: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if k != "backend"} | STYLE


class Look(NamedTuple):
    """Colour and marker of one labeller, model or strategy; colour is never the only cue."""

    colour: str
    marker: str


# Names with the same meaning in every study. Colours for colour-blind readers (Paul Tol, "muted"
# and "bright"), different from those of tissues.
KNOWN_LOOKS = {
    "truth": Look(INK, "o"),
    "expert1": Look("#555555", "h"),
    "expert2": Look("#999999", "8"),
    "plain": Look("#DDAA33", "s"),
    "imagenet": Look("#332288", "^"),
    "double": Look("#CC3377", "o"),
    "base": Look("#888888", "*"),
}
_CYCLE = [
    Look("#332288", "o"),
    Look("#CC6677", "s"),
    Look("#DDAA33", "^"),
    Look("#882255", "D"),
    Look("#88CCEE", "v"),
    Look("#117733", "P"),
    Look("#AA4499", "X"),
    Look("#999933", "p"),
    Look("#6699CC", "<"),
    Look("#661100", ">"),
]


def looks(names: Iterable[str], order: Sequence[str] = ()) -> dict[str, Look]:
    """The style of each name; names known to every study have fixed styles, which no other takes.

    order: all names of the study; given the same order, a name has the same style in every
    figure, whichever names that figure shows. Names not in it follow in alphabetical order.
    """
    present = list(dict.fromkeys(names))
    everyone = [*order, *sorted(set(present) - set(order))]
    taken = {KNOWN_LOOKS[name].colour for name in everyone if name in KNOWN_LOOKS}
    left = [look for look in _CYCLE if look.colour not in taken]
    free = [name for name in everyone if name not in KNOWN_LOOKS]
    cycle = {name: left[i % len(left)] for i, name in enumerate(free)}
    return {name: KNOWN_LOOKS.get(name) or cycle[name] for name in in_order(present, order)}


def in_order(names: Iterable[str], order: Sequence[str] = ()) -> list[str]:
    """Each name once: first those of `order`, then the others, alphabetically."""
    present = set(names)
    first = [name for name in dict.fromkeys(order) if name in present]
    return first + sorted(present - set(first))


def styled(make: Callable[..., Figure]) -> Callable[..., Figure]:
    """Build a figure in the project's style whatever the caller's matplotlib settings are."""

    @wraps(make)
    def wrapper(*args, **kwargs) -> Figure:
        with matplotlib.rc_context(SETTINGS):
            return make(*args, **kwargs)

    return wrapper


def figure_mm(width_mm: float, height_mm: float) -> Figure:
    """An empty figure of a printed size, with a layout that avoids overlaps."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def grid(axes: Axes, axis: str = "y") -> None:
    """A light grid along one axis ('x', 'y' or 'both')."""
    axes.grid(True, axis=axis)  # type: ignore[arg-type]


def letter(axes: Axes, text: str, pad_pt: float = 5.0) -> None:
    """A bold panel letter to the left of the panel's title, which is pad_pt above the panel."""
    options: Any = {"fontsize": 9, "weight": "bold", "ha": "right", "textcoords": "offset points"}
    axes.annotate(text, (0, 1), xycoords="axes fraction", xytext=(-14, pad_pt), **options)


def legend_above(figure: Figure, handles: Sequence[Artist], width_mm: float) -> int:
    """A legend above all panels with as many columns as fit; returns its number of rows."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    # a character is about 1.35 mm wide at the legend's size, the key and gaps take 10 mm
    columns = max(1, min(len(handles), int(width_mm / (1.35 * longest + 10))))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return -(-len(handles) // columns)


def jitter(count: int, width: float) -> np.ndarray:
    """(count,) offsets in -width/2..width/2 that separate points, always the same.

    Multiples of the golden ratio: neighbours in the table are far apart in the figure.
    """
    golden = (np.sqrt(5) - 1) / 2
    return (np.mod((np.arange(count) + 1) * golden, 1) - 0.5) * width


def checked(
    table: pd.DataFrame, columns: Sequence[str], name: str, empty: bool = False
) -> pd.DataFrame:
    """`table` if it has the columns and, unless `empty`, at least one row.

    Raises ValueError naming the figure and what is missing.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(
            f"figure {name}: column {', '.join(missing)} is missing; "
            f"the table has {', '.join(map(str, table.columns))}"
        )
    if table.empty and not empty:
        raise ValueError(f"figure {name}: the table has no rows, expected at least one")
    return table


def steady_names(svg: str) -> str:
    """An SVG whose clip paths are called clip1, clip2 and so on, in order.

    matplotlib makes their names from all digits of positions. The last digit depends on memory
    addresses of the layout's objects, so about one run in thirty had other names.
    """
    names: dict[str, str] = {}

    def renamed(match: re.Match) -> str:
        return match[1] + names.setdefault(match[2], f"clip{len(names) + 1}")

    return re.sub(r'(<clipPath id="|clip-path="url\(#)(\w+)', renamed, svg)


def save(figure: Figure, svg_path: str | Path, png_path: str | Path) -> None:
    """Write SVG and PNG; the same figure gives the same bytes on every day and run."""
    with matplotlib.rc_context(SETTINGS):
        with replacing(svg_path) as path:
            # The dots per inch apply to images and rasterised points in the SVG.
            metadata = {"Date": None, "Creator": None}
            figure.savefig(path, format="svg", dpi=PNG_DPI, metadata=metadata)
            path.write_text(steady_names(path.read_text("utf-8")), "utf-8")
        with replacing(png_path) as path:
            figure.savefig(path, format="png", dpi=PNG_DPI, metadata={"Software": None})
