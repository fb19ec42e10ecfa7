"""Local regression of a curve, with the interpolation that R's `loess` uses."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicHermiteSpline

SPAN = 0.75

# A cell is split until it holds at most this fraction of a window's points.
CELL_POINTS = 0.2

# The outer cells end this fraction of the range beyond the first and the last point.
MARGIN = 0.005

# The farthest point of a window has no weight, and the next neither where both are equally far;
# a parabola needs three.
FEWEST = 5

# Keeps 0.75 x 20 = 15 points from being cut to 14 by rounding.
ROUNDING = 1e-5


def local_regression(x: ArrayLike, y: ArrayLike, at: ArrayLike, span: float = SPAN) -> np.ndarray:
    """The curve y(x), smoothed by local parabolas, at the places `at`: (m,) float64.

    x: (n,) in rising order. y: (n,). at: (m,) within the range of x. span: fraction of the points
    in each window, at most 1. A parabola is fitted at the borders of cells only (see
    cell_borders); between two borders runs the cubic that has their values and slopes.
    Raises ValueError for x that does not rise, values that are not finite, places beyond x, and
    windows of fewer than 5 points.
    Cleveland and Grosse 1991, doi:10.1007/BF01890836, as in R's `loess` with its defaults
    (degree 2, surface "interpolate", family "gaussian").
    """
    points, values, places = (np.asarray(v, float) for v in (x, y, at))
    if points.ndim != 1 or points.shape != values.shape:
        raise ValueError(f"x and y must come in pairs, got shapes {points.shape}, {values.shape}")
    if not (np.isfinite(points).all() and np.isfinite(values).all() and np.isfinite(places).all()):
        raise ValueError("x, y and at must be finite; leave out what is missing")
    if (np.diff(points) <= 0).any():
        raise ValueError("x must rise from point to point; sort it, and average equal places")
    window = window_points(len(points), span)
    if places.size and (places.min() < points[0] or places.max() > points[-1]):
        raise ValueError(
            f"places {places.min():g} to {places.max():g} go beyond x, "
            f"{points[0]:g} to {points[-1]:g}"
        )
    borders = cell_borders(points, span)
    fits = [local_parabola(points, values, border, window) for border in borders]
    heights, slopes = zip(*fits, strict=True)
    return CubicHermiteSpline(borders, heights, slopes)(places)


def window_points(count: int, span: float = SPAN) -> int:
    """Points in each window. Raises ValueError below 5 and for a span that is not in 0...1."""
    if not 0 < span <= 1:
        raise ValueError(f"span must be above 0 and at most 1, got {span}")
    window = math.floor(count * span + ROUNDING)
    if window < FEWEST:
        raise ValueError(
            f"{count} points with span {span} give windows of {window}, "
            f"expected at least {FEWEST}; take more points or a larger span"
        )
    return window


def cell_borders(x: np.ndarray, span: float = SPAN) -> np.ndarray:
    """Borders of the cells of rising x: (cells + 1,), the outer ones beyond the range.

    The points are halved until a cell has at most floor(0.2 x span x n) of them; the border is the
    last point of the lower half.
    """
    margin = MARGIN * (x[-1] - x[0])
    first, last = x[0] - margin, x[-1] + margin
    most = math.floor(len(x) * span * CELL_POINTS)
    borders = [first, last]
    cells = [(0, len(x) - 1)]
    while cells:
        low, high = cells.pop()
        if high - low + 1 > max(most, 1):
            middle = (low + high) // 2
            borders.append(x[middle])
            cells += [(low, middle), (middle + 1, high)]
    return np.array(sorted(borders))


def tricube_weights(x: np.ndarray, centre: float, window: int) -> np.ndarray:
    """Weights (1 - (d/h)³)³ of points at distance d from the centre, 0 from h on: (n,).

    h is the distance of the window-th nearest point.
    """
    distance = np.abs(x - centre)
    reach = np.sort(distance)[window - 1]
    return (1 - np.minimum(distance / reach, 1) ** 3) ** 3


def local_parabola(x: np.ndarray, y: np.ndarray, centre: float, window: int) -> tuple[float, float]:
    """Height and slope, at the centre, of the parabola through the weighted nearest points."""
    weights = tricube_weights(x, centre, window)
    used = weights > 0
    weights, heights = weights[used], y[used]
    scale = float(np.abs(x[used] - centre).max())
    u = (x[used] - centre) / scale
    # Polynomials that are orthogonal under the weights: nothing to solve, and the same bytes with
    # every linear algebra library.
    shift = (weights * u).sum() / weights.sum()
    line = u - shift
    line_size = (weights * line**2).sum()
    turn = (weights * u * line**2).sum() / line_size
    level = line_size / weights.sum()
    parabola = (u - turn) * line - level
    constant = (weights * heights).sum() / weights.sum()
    tilt = (weights * line * heights).sum() / line_size
    bend = (weights * parabola * heights).sum() / (weights * parabola**2).sum()
    # At the centre u is 0: line = -shift, parabola = turn x shift - level, and its slope
    # -(shift + turn).
    height = constant - tilt * shift + bend * (turn * shift - level)
    return float(height), float((tilt - bend * (shift + turn)) / scale)
