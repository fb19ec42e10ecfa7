"""Strain curves of the layers of the wall as they look in all figures of tagging."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.interpolate import PchipInterpolator

from cmrseg.figures import style

# Points of a curve through the frames.
CURVE_POINTS = 200


class LayerLook(NamedTuple):
    """A layer of `ring_curves` in a figure."""

    direction: str
    layer: str
    label: str
    colour: str
    dashes: Any


# From the endocardium outwards one hue after the other, as in a map of heat.
LAYER_LOOKS = (
    LayerLook("circumferential", "subendo", "Ecc subendocardium", "#882255", "-"),
    LayerLook("circumferential", "midwall", "Ecc mid-wall", "#CC6677", "-"),
    LayerLook("circumferential", "subepi", "Ecc subepicardium", "#DDAA33", "-"),
    LayerLook("circumferential", "wall", "Ecc mean of 7 layers", style.INK, (0, (3, 1))),
    LayerLook("radial", "wall", "Err (radial)", "#117733", "-"),
)


def smooth_curve(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames (from 1) and values of a smooth curve through the known values (t,) of a curve.

    Piecewise cubic and monotone between frames (PCHIP), so that it has no peak that no frame has.
    Empty where fewer than two frames are known.
    """
    frames = np.flatnonzero(np.isfinite(values))
    if len(frames) < 2:
        return np.empty(0), np.empty(0)
    at = np.linspace(frames[0], frames[-1], CURVE_POINTS)
    return at + 1, PchipInterpolator(frames, values[frames])(at)


def draw_curve(axes: Axes, values: np.ndarray, look: LayerLook) -> tuple[Line2D, Line2D]:
    """A curve (t,) in per cent: a smooth line through the frames, and dots in them."""
    x, y = smooth_curve(values)
    (line,) = axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=1.2)
    at = np.arange(len(values)) + 1
    (dots,) = axes.plot(at, values, "o", color=look.colour, markersize=2.6, markeredgewidth=0)
    return line, dots


def strain_axes(axes: Axes, frames: int, limits: tuple[float, float]) -> None:
    """Axes of strain curves over frames, with a line at no strain."""
    style.grid(axes)
    axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0.5)
    axes.set_xlim(0.5, frames + 0.5)
    axes.set_ylim(*limits)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def limits_of(curves: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> tuple[float, float]:
    """Limits of strain in per cent that show all curves, in steps of 10."""
    each = curves.values() if isinstance(curves, Mapping) else curves
    values = np.concatenate([np.ravel(curve) for curve in each] or [np.zeros(1)])
    values = values[np.isfinite(values)]
    low, high = (min(values, default=0.0), max(values, default=0.0))
    return float(np.floor((low - 1) / 10) * 10), float(np.ceil((high + 1) / 10) * 10)


def layer_handles() -> list[Line2D]:
    """Entries of a legend."""
    return [
        Line2D([], [], color=look.colour, linestyle=look.dashes, linewidth=1.6, label=look.label)
        for look in LAYER_LOOKS
    ]
