"""One box plot: quartiles, median, whiskers, and where it is wanted the mean and outliers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from cmrseg.figures import style

# Whiskers reach to the last value within this many interquartile ranges of the box (Tukey).
WHISKER_IQR = 1.5
POINT_PT = 1.7
# More points than these are drawn as pixels in the SVG, which would be large otherwise.
MOST_VECTOR_POINTS = 100


def box(
    axes: Axes,
    values: ArrayLike,
    at: float,
    colour: str,
    width: float = 0.6,
    horizontal: bool = True,
    filled: bool = True,
    mean: bool = False,
    outliers: bool = False,
) -> None:
    """Draw the box of some values at a place of the other axis.

    filled: with a pale shade of its colour, else white. mean: a white diamond. outliers: points
    beyond the whiskers, as pixels where they are many. Values that are nan are left out; of no
    values nothing is drawn.
    """
    numbers = np.asarray(values, float)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return
    look: dict[str, Any] = {"color": colour, "linewidth": 0.8}
    fill = colour + "30" if filled else "white"
    axes.boxplot(
        [numbers],
        positions=[at],
        orientation="horizontal" if horizontal else "vertical",
        widths=width,
        whis=WHISKER_IQR,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": fill, "edgecolor": colour, "linewidth": 0.8},
        medianprops={"color": colour, "linewidth": 1.6},
        whiskerprops=look,
        capprops=look,
        manage_ticks=False,
    )
    if outliers:
        out = outside(numbers)
        _points(axes, out, at + style.jitter(len(out), width * 0.7), colour, horizontal)
    if mean:
        place = (numbers.mean(), at) if horizontal else (at, numbers.mean())
        axes.plot(
            *place,
            "D",
            color="white",
            markeredgecolor=colour,
            markeredgewidth=0.8,
            markersize=3.2,
            zorder=4,
        )


def outside(values: np.ndarray) -> np.ndarray:
    """The values beyond the whiskers, sorted."""
    low, high = np.quantile(values, [0.25, 0.75])
    reach = WHISKER_IQR * (high - low)
    return np.sort(values[(values < low - reach) | (values > high + reach)])


def cloud(
    axes: Axes,
    values: ArrayLike,
    at: float,
    colour: str,
    width: float,
    horizontal: bool = True,
    alpha: float = 0.4,
) -> None:
    """All values as small points, spread over a width so that they are seen apart."""
    numbers = np.sort(np.asarray(values, float))
    numbers = numbers[~np.isnan(numbers)]
    _points(axes, numbers, at + style.jitter(len(numbers), width), colour, horizontal, alpha)


def _points(
    axes: Axes,
    values: np.ndarray,
    places: np.ndarray,
    colour: str,
    horizontal: bool,
    alpha: float = 0.4,
) -> None:
    pair = (values, places) if horizontal else (places, values)
    axes.plot(
        *pair,
        "o",
        color=colour,
        markersize=POINT_PT,
        alpha=alpha,
        markeredgewidth=0,
        zorder=1,
        rasterized=len(values) > MOST_VECTOR_POINTS,
    )
