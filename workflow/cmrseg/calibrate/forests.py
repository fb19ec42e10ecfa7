"""Bias and spread of a measure by two forests, each subject predicted by trees without it."""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

# Trees on the same sample of patients: more of them cost less, fewer give more samples.
TREES_PER_SAMPLE = 5
# Spreads below this share of the median spread are raised to it: one residual must not be divided
# by next to nothing.
SMALLEST_SPREAD = 0.2


class Settings(NamedTuple):
    """trees: of a forest. leaf, spread_leaf: fewest subjects in a leaf of the forest of the bias
    and of the spread. features: share of the features that a split may choose from."""

    trees: int = 200
    leaf: int = 5
    spread_leaf: int = 10
    features: float = 0.3

    def fit(
        self,
        features: np.ndarray,
        errors: np.ndarray,
        patients: np.ndarray,
        weights: np.ndarray,
        seed: int,
    ) -> "Fitted":
        """See `fit`."""
        return fit(features, errors, patients, weights, self, seed)


class Grown(NamedTuple):
    """A forest, and what it says of its own subjects without their patients: (m,)."""

    parts: list[ExtraTreesRegressor]
    out_of_bag: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.mean([part.predict(features) for part in self.parts], axis=0)


class Fitted(NamedTuple):
    """Bias and spread of a measure, in units of the measure's scale.

    residuals: (m,) of the calibrating subjects, each by trees that never saw its patient.
    """

    bias: Grown
    spread: Grown
    floor: float
    residuals: np.ndarray

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bias and spread (n,) of other subjects."""
        return self.bias.predict(features), np.maximum(self.spread.predict(features), self.floor)


def fit(
    features: np.ndarray,
    errors: np.ndarray,
    patients: np.ndarray,
    weights: np.ndarray,
    settings: Settings,
    seed: int,
) -> Fitted:
    """Forests of the error of a measure and of the size of what remains.

    features: (m, f), nan is missing. errors: (m,) known minus measured, in units of the measure's
    scale. patients: (m,); subjects of one patient are always left out together. weights: (m,).
    Extremely randomised trees: Geurts et al. 2006, doi:10.1007/s10994-006-6226-1.
    """
    bias = _grow(features, errors, patients, weights, settings, settings.leaf, (seed, 0))
    left = errors - bias.out_of_bag
    size = np.abs(left)
    spread = _grow(features, size, patients, weights, settings, settings.spread_leaf, (seed, 1))
    floor = SMALLEST_SPREAD * float(np.median(spread.out_of_bag))
    if floor <= 0:
        raise ValueError(
            "the errors of most subjects are the same, so there is no spread to predict; take "
            "method plain"
        )
    return Fitted(bias, spread, floor, left / np.maximum(spread.out_of_bag, floor))


def _grow(
    features: np.ndarray,
    target: np.ndarray,
    patients: np.ndarray,
    weights: np.ndarray,
    settings: Settings,
    leaf: int,
    seed: tuple[int, int],
) -> Grown:
    """A forest whose samples are drawn by patient, with replacement."""
    names, patient = np.unique(patients, return_inverse=True)
    parts: list[ExtraTreesRegressor] = []
    sums, counts = np.zeros(len(target)), np.zeros(len(target))
    rng = np.random.default_rng(seed)
    # A patient is left out of a third of the samples; some may be in all of a small forest.
    while len(parts) * TREES_PER_SAMPLE < settings.trees or not counts.all():
        drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        used = drawn[patient] > 0
        part = ExtraTreesRegressor(
            n_estimators=TREES_PER_SAMPLE,
            min_samples_leaf=leaf,
            max_features=settings.features,
            random_state=int(rng.integers(2**31)),
            n_jobs=1,
        )
        part.fit(features[used], target[used], sample_weight=(drawn[patient] * weights)[used])
        if not used.all():
            sums[~used] += part.predict(features[~used])
            counts[~used] += 1
        parts.append(part)
    return Grown(parts, sums / counts)
