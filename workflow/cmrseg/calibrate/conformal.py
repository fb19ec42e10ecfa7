"""Distributions and intervals from residuals of other subjects: weighted conformal prediction.

Vovk et al. 2005, Algorithmic Learning in a Random World (conformal prediction, also by group);
Tibshirani et al. 2019, arXiv:1904.06019 (weights under covariate shift).
"""

from typing import NamedTuple

import numpy as np

# Rounding of sums of weights must not decide which residual a quantile is.
ROUNDING = 1e-9


class Distributions(NamedTuple):
    """Predictive distributions of n subjects from the residuals of m calibrating subjects.

    centre, spread: (n,) in the unit of the measure; spread > 0. residuals: (m,) sorted,
    (known - centre)/spread of the calibrating subjects, each predicted without itself.
    weights: (n, m) of these residuals for each subject, 0 for those of another group.
    own_weight: (n,) of the subject itself, whose residual may be anything.
    """

    centre: np.ndarray
    spread: np.ndarray
    residuals: np.ndarray
    weights: np.ndarray
    own_weight: np.ndarray

    def bounds(self, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end (n,) of intervals that hold a new value with this probability.

        As many values are below as above. An end is infinite if there are too few residuals.
        """
        tail = (1 - coverage) / 2
        return self._quantile(tail, upwards=False), self._quantile(1 - tail, upwards=True)

    def median(self) -> np.ndarray:
        """Medians (n,): the middle of the two residuals around one half."""
        return (self._quantile(0.5, upwards=False) + self._quantile(0.5, upwards=True)) / 2

    def cumulative(self, values: np.ndarray) -> np.ndarray:
        """Probability (n, k) that the measure is at most each of k increasing values.

        The subject's own weight is on both sides in equal parts.
        """
        sums = np.pad(np.cumsum(self.weights, axis=1), ((0, 0), (1, 0)))
        standard = (values - self.centre[:, None]) / self.spread[:, None]
        places = np.searchsorted(self.residuals, standard, side="right")
        below = np.take_along_axis(sums, places, axis=1)
        total = sums[:, -1:] + self.own_weight[:, None]
        return np.clip((below + self.own_weight[:, None] / 2) / total, 0, 1)

    def effective_size(self) -> np.ndarray:
        """Number (n,) of equally weighted residuals that would be as certain (Kish 1965)."""
        squares = (self.weights**2).sum(axis=1)
        return self.weights.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1)

    def _quantile(self, level: float, upwards: bool) -> np.ndarray:
        """Smallest value with at least this probability up to it, counting the subject itself
        above; downwards: largest value with at least 1 - level from it on, itself below."""
        weights = self.weights if upwards else self.weights[:, ::-1]
        residuals = np.append(self.residuals, np.inf)
        if not upwards:
            residuals = np.append(self.residuals[::-1], -np.inf)
        sums = np.cumsum(weights, axis=1)
        needed = level if upwards else 1 - level
        total = sums[:, -1] + self.own_weight
        enough = sums >= (needed * total * (1 - ROUNDING))[:, None]
        first = np.where(enough.any(axis=1), enough.argmax(axis=1), weights.shape[1])
        return self.centre + self.spread * residuals[first]


def distributions(
    centre: np.ndarray,
    spread: np.ndarray,
    residuals: np.ndarray,
    weights: np.ndarray,
    own_weight: np.ndarray,
) -> Distributions:
    """Distributions from residuals in any order: weights (m,) for all subjects, or (n, m).

    Raises ValueError if a spread is not positive, or a weight is negative or not finite.
    """
    if not (spread > 0).all():
        raise ValueError(f"spreads must be positive, got {spread.min()}")
    for name, values in (("weights", weights), ("own_weight", own_weight)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"{name} must be finite and not negative")
    order = np.argsort(residuals, kind="stable")
    full = np.broadcast_to(weights, (len(centre), len(residuals)))
    return Distributions(centre, spread, residuals[order], full[:, order], own_weight)


def group_weights(
    groups: np.ndarray, new: np.ndarray, smallest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the calibrating subjects for each new one: 1 in its group, 0 in others (Mondrian).

    groups: (m,) text, new: (n,). A group with fewer than `smallest` calibrating subjects is
    calibrated on all of them. Returns (n, m) weights, and (n,) whether the group's own were used.
    """
    same = new[:, None] == groups
    own = same.sum(axis=1) >= smallest
    return np.where(own[:, None], same, True).astype(float), own
