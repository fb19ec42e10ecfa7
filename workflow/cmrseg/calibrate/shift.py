"""Weights of calibrating subjects where new ones are different: covariate shift."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

# With fewer subjects, by effective size, an interval of 90 % is decided by two or three of them.
SMALLEST_EFFECTIVE = 50
FOLDS = 5
# Values of the inverse regularisation that cross-validation chooses from.
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
# Quantiles that bring each feature to a normal distribution.
QUANTILES = 100


class Ratio(NamedTuple):
    """Density of new subjects over that of calibrating ones, up to a factor: at the calibrating
    subjects (m,) and at the new ones (n,). effective: size of the weighted calibrating set."""

    calibrating: np.ndarray
    new: np.ndarray
    effective: float


def density_ratio(calibrating: np.ndarray, new: np.ndarray, seed: int) -> Ratio:
    """Ratio of densities by a logistic regression that tells new from calibrating subjects.

    calibrating: (m, f), new: (n, f) features; a missing one, nan, is taken to be the median.
    Raises ValueError if the calibrating subjects that resemble the new ones are fewer than
    SMALLEST_EFFECTIVE.
    Probabilistic classification: Sugiyama et al. 2012, doi:10.1017/CBO9781139035613.
    """
    both = np.vstack([calibrating, new])
    middle = np.nanmedian(both, axis=0)
    both = np.where(np.isnan(both), middle, both)
    is_new = np.repeat([0, 1], [len(calibrating), len(new)])
    model = make_pipeline(
        QuantileTransformer(
            n_quantiles=min(QUANTILES, len(both)), output_distribution="normal", random_state=seed
        ),
        LogisticRegressionCV(
            Cs=list(STRENGTHS),
            cv=FOLDS,
            scoring="neg_log_loss",
            l1_ratios=(0,),
            use_legacy_attributes=False,
        ),
    )
    odds = np.exp(model.fit(both, is_new).decision_function(both)) * len(calibrating) / len(new)
    ratio = Ratio(odds[is_new == 0], odds[is_new == 1], effective_size(odds[is_new == 0]))
    if ratio.effective < SMALLEST_EFFECTIVE:
        raise ValueError(
            f"only {ratio.effective:.0f} of {len(calibrating)} calibrating subjects, by effective "
            f"size, are like the new ones, {SMALLEST_EFFECTIVE} are needed; add subjects with "
            f"known values from where the new ones come from"
        )
    return ratio


def effective_size(weights: np.ndarray) -> float:
    """Number of equal weights that are as certain as these (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())
