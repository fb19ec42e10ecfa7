"""Linear regression of one measurement on another."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

# Quantiles of the residuals that are reported, by name.
RESIDUAL_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


def least_squares(x: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """The line y = intercept + slope x with the smallest sum of squared residuals.

    x, y: (n,); pairs with a nan are left out. Returns n, df (n - 2), intercept, slope and their
    standard errors intercept_se, slope_se; residual_se (with df), r2, r2_adjusted, f (1 and df
    degrees of freedom), and residual_min, _q25, _median, _q75, _max (interpolated linearly).
    f is infinite where all points lie on the line. Raises ValueError for arrays that are no
    pairs, below three pairs, and where all x or all y are equal.
    """
    pairs = [np.asarray(values, float) for values in (x, y)]
    if pairs[0].shape != pairs[1].shape or pairs[0].ndim != 1:
        raise ValueError(f"x and y must come in pairs, got {pairs[0].shape} and {pairs[1].shape}")
    keep = ~np.isnan(pairs).any(axis=0)
    first, second = (values[keep] for values in pairs)
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        raise ValueError(
            f"a line needs three or more pairs with different x and y, got {first.size} pairs"
        )
    # SciPy gives the line and its standard errors; the rest follows from the residuals.
    line = stats.linregress(first, second)
    residuals = second - line.intercept - line.slope * first
    df = first.size - 2
    unexplained = float((residuals**2).sum())
    total = float(((second - second.mean()) ** 2).sum())
    r2 = 1 - unexplained / total
    quantiles = np.quantile(residuals, list(RESIDUAL_QUANTILES.values()))
    return {
        "n": first.size,
        "df": df,
        "intercept": float(line.intercept),
        "intercept_se": float(line.intercept_stderr),
        "slope": float(line.slope),
        "slope_se": float(line.stderr),
        "residual_se": math.sqrt(unexplained / df),
        "r2": r2,
        "r2_adjusted": 1 - (1 - r2) * (first.size - 1) / df,
        "f": (total - unexplained) / (unexplained / df) if unexplained else math.inf,
        **{
            f"residual_{name}": float(value)
            for name, value in zip(RESIDUAL_QUANTILES, quantiles, strict=True)
        },
    }
