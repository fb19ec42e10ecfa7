"""Rank test of paired values, with the results of R."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def signed_rank(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """Wilcoxon's signed rank test of first - second: V and the two-sided p.

    V is the sum of the ranks of positive differences. As R's `wilcox.test(paired = TRUE)` for
    many values: differences of 0 are dropped, ties get their mean rank, and p comes from the
    normal distribution with continuity correction. Raises ValueError unless there are two equally
    long series of finite values that are not all equal.
    """
    x, y = np.asarray(first, float), np.asarray(second, float)
    if x.shape != y.shape or x.ndim != 1 or not np.isfinite(x - y).all():
        raise ValueError(
            f"values must be finite and come in pairs, got shapes {x.shape} and {y.shape}"
        )
    difference = (x - y)[x != y]
    if not difference.size:
        raise ValueError(f"all {x.size} pairs are equal, there is nothing to rank")
    rank_sum = float(stats.rankdata(np.abs(difference))[difference > 0].sum())
    test = stats.wilcoxon(difference, correction=True, method="asymptotic")
    return rank_sum, float(test.pvalue)
