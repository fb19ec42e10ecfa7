"""How good an order of subjects is without their truth: risk and coverage, ROC, calibration."""

import numpy as np
from sklearn.metrics import brier_score_loss, roc_auc_score

# Part of the subjects that are the worst by truth, and part of the list in which they should be.
WORST, FIRST = 0.1, 0.2
# Bins of a calibration curve.
BINS = 5


def risk_coverage(order_by: np.ndarray, dice: np.ndarray) -> np.ndarray:
    """(n,) mean of 1 - Dice of the best 1, 2, ... n subjects by a predicted quality.

    order_by: (n,) higher is better; of equal ones all orders count, by their mean.
    """
    _, place = np.unique(-order_by, return_inverse=True)
    risk = np.bincount(place, 1 - dice) / np.bincount(place)
    mean_of_equals = risk[np.sort(place)]
    return np.asarray(np.cumsum(mean_of_equals) / np.arange(1, len(dice) + 1))


def aurc(order_by: np.ndarray, dice: np.ndarray) -> float:
    """Area under the risk-coverage curve, mean over coverages; 0 is perfect labels alone.

    Geifman et al. 2019, arXiv:1805.08206.
    """
    return float(risk_coverage(order_by, dice).mean())


def worst_found(order_by: np.ndarray, dice: np.ndarray) -> float:
    """Share of the worst tenth by Dice that is in the first fifth of a list, worst first.

    Both counts are rounded up. Of more labels with the Dice of the best one of the worst tenth
    (such as 0) any counts, up to a tenth. Ties in the list keep the order of the rows.
    """
    count = len(dice)
    tenth = int(np.ceil(WORST * count))
    first = np.argsort(order_by, kind="stable")[: int(np.ceil(FIRST * count))]
    as_bad = int((dice[first] <= np.sort(dice)[tenth - 1]).sum())
    return min(as_bad, tenth) / tenth


def roc_area(order_by: np.ndarray, is_bad: np.ndarray) -> float:
    """Area under the ROC curve; nan where all or none are bad."""
    if is_bad.all() or not is_bad.any():
        return float("nan")
    return float(roc_auc_score(is_bad, -order_by))


def brier(probability: np.ndarray, is_bad: np.ndarray) -> float:
    """Mean squared difference of a probability and what happened."""
    return float(brier_score_loss(is_bad, probability, pos_label=True))


def calibration_curve(probability: np.ndarray, is_bad: np.ndarray) -> np.ndarray:
    """(bins, 3) mean probability, share that is bad, number, in bins of equal numbers."""
    order = np.argsort(probability, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return np.array([[probability[b].mean(), is_bad[b].mean(), len(b)] for b in bins])
