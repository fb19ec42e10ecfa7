"""How good an order is: values worked out by hand."""

import math

import numpy as np
import pytest

from cmrseg.quality.scores import (
    aurc,
    brier,
    calibration_curve,
    risk_coverage,
    roc_area,
    worst_found,
)

DICE = np.array([0.9, 0.8, 0.5, 0.4])


def test_risk_of_the_best_is_low_where_the_order_is_right():
    assert risk_coverage(DICE, DICE) == pytest.approx([0.1, 0.15, 0.8 / 3, 0.35])
    assert aurc(DICE, DICE) == pytest.approx((0.1 + 0.15 + 0.8 / 3 + 0.35) / 4)
    assert risk_coverage(-DICE, DICE)[0] == pytest.approx(0.6)


def test_equal_values_are_no_order():
    assert risk_coverage(np.zeros(4), DICE) == pytest.approx([0.35] * 4)


def test_the_worst_tenth_is_found_in_the_first_fifth():
    dice = np.linspace(0.1, 1, 20)
    assert worst_found(dice, dice) == 1
    assert worst_found(-dice, dice) == 0
    half = dice.copy()
    half[1] = 2  # one of the two worst is said to be best
    assert worst_found(half, dice) == 0.5


def test_of_labels_that_are_equally_bad_any_tenth_counts():
    dice = np.array([0.0] * 5 + [0.9] * 15)
    order = np.arange(20.0)
    order[0] = 30  # one of five with Dice 0 is missed; two are a tenth
    assert worst_found(order, dice) == 1


def test_roc_area_and_brier():
    bad = np.array([False, False, True, True])
    assert roc_area(DICE, bad) == 1
    assert roc_area(-DICE, bad) == 0
    assert math.isnan(roc_area(DICE, np.zeros(4, bool)))
    assert brier(np.array([0, 0, 1, 0.5]), bad) == pytest.approx(0.25 / 4)


def test_a_calibration_curve_has_bins_of_equal_numbers():
    probability = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 2)
    bad = np.array([0, 0, 0, 1, 0, 1, 1, 1, 1, 1], bool)
    assert calibration_curve(probability, bad).tolist() == [
        pytest.approx(row)
        for row in [[0.1, 0, 2], [0.3, 0.5, 2], [0.5, 0.5, 2], [0.7, 1, 2], [0.9, 1, 2]]
    ]
