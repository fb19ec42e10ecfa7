"""Quantiles of weighted residuals: values worked out by hand, and identities."""

import numpy as np
import pytest

from cmrseg.calibrate.conformal import distributions, group_weights


def of(residuals, weights=1.0, own=1.0, centre=0.0, spread=1.0):
    """Distribution of one subject."""
    return distributions(
        np.array([centre]),
        np.array([spread]),
        np.asarray(residuals, float),
        np.broadcast_to(weights, (1, len(residuals))).astype(float),
        np.array([own]),
    )


def ends(found, coverage):
    low, high = found.bounds(coverage)
    return low[0], high[0]


def test_nineteen_residuals_hold_nine_tenths_between_the_outermost():
    # (19 + 1) * 0.95 = 19: the largest and the smallest.
    assert ends(of(range(19)), 0.9) == (0, 18)


def test_ends_are_the_residuals_of_the_conformal_ranks():
    # 99 residuals 1 to 99: ranks 95 and 5 of 100.
    assert ends(of(range(1, 100)), 0.9) == (5, 95)


def test_with_eighteen_residuals_no_interval_of_nine_tenths_exists():
    assert ends(of(range(18)), 0.9) == (-np.inf, np.inf)


def test_centre_and_spread_move_and_stretch_the_interval():
    assert ends(of(range(19), centre=100.0, spread=2.0), 0.9) == (100, 136)


def test_residuals_may_come_in_any_order():
    mixed = np.random.default_rng(1).permutation(19)
    assert ends(of(mixed), 0.9) == (0, 18)


def test_the_median_is_the_middle():
    assert of([3, 1, 8]).median()[0] == 3
    assert of([1, 2, 4, 8]).median()[0] == 3


def test_a_weight_of_two_is_two_equal_residuals():
    residuals = np.arange(30.0)
    double = np.where(residuals < 10, 2.0, 1.0)
    twice = np.concatenate([residuals, residuals[:10]])
    for coverage in (0.5, 0.8, 0.9):
        assert ends(of(residuals, double), coverage) == ends(of(twice), coverage)
    at = np.arange(-1, 31.0)
    assert of(residuals, double).cumulative(at) == pytest.approx(of(twice).cumulative(at))


def test_a_factor_of_all_weights_changes_nothing():
    assert ends(of(range(40), 3.0, own=3.0), 0.8) == ends(of(range(40)), 0.8)


def test_a_subject_that_outweighs_all_others_has_no_interval():
    assert ends(of(range(40), 1.0, own=20.0), 0.8) == (-np.inf, np.inf)


def test_probabilities_count_residuals_and_half_of_the_subject_itself():
    # (k + 1/2) / 4 of three residuals.
    found = of([1, 2, 3]).cumulative(np.array([0.0, 1, 1.5, 2, 3, 9]))[0]
    assert found.tolist() == [0.125, 0.375, 0.375, 0.625, 0.875, 0.875]


def test_the_effective_size_of_unequal_weights_is_smaller():
    assert of(range(10)).effective_size()[0] == pytest.approx(10)
    assert of(range(4), [3.0, 1, 0, 0]).effective_size()[0] == pytest.approx(16 / 10)


def test_intervals_of_exchangeable_subjects_hold_what_they_promise():
    rng = np.random.default_rng(2)
    held = [
        low <= value <= high
        for *residuals, value in rng.standard_t(3, (2000, 40))
        for low, high in [ends(of(residuals), 0.9)]
    ]
    # (39 + 1) * 0.9 = 36 of 40 exactly; 2,000 draws are within three standard errors.
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_subjects_are_calibrated_on_their_own_group():
    groups, new = np.array(["1.5T"] * 3 + ["7T"] * 2), np.array(["7T", "1.5T", "3T"])
    weights, own = group_weights(groups, new, smallest=2)
    assert weights.tolist() == [[0, 0, 0, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert own.tolist() == [True, True, False]


def test_a_small_group_is_calibrated_on_all():
    weights, own = group_weights(np.array(["a", "a", "b"]), np.array(["b"]), smallest=2)
    assert (weights.tolist(), own.tolist()) == ([[1, 1, 1]], [False])


def test_a_spread_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"spreads must be positive, got 0\.0"):
        of([1], spread=0.0)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        of([1, 2], weight)


def test_an_own_weight_that_is_none_is_refused():
    with pytest.raises(ValueError, match="own_weight must be finite"):
        of([1, 2], own=np.nan)
