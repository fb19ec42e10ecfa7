"""Local regression with R's interpolation."""

import numpy as np
import pytest

from cmrseg.measure.smoothing import (
    cell_borders,
    local_parabola,
    local_regression,
    tricube_weights,
    window_points,
)

X = np.arange(1.0, 13) ** 2
Y = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8.0])


def test_tricube_weights_worked_out_by_hand():
    # The fourth nearest point is 2 away, so 1 away is half of the reach: (1 - 1/8)³.
    weights = tricube_weights(np.array([0, 1, 2, 3, 5.0]), 2, window=4)
    assert weights.tolist() == [0, 343 / 512, 1, 343 / 512, 0]


def test_a_parabola_through_three_weighted_points_goes_through_them():
    # The outer two of five points have no weight.
    height, slope = local_parabola(np.arange(-2.0, 3), np.array([9, 4, 5, 7, 9.0]), 0, window=5)
    assert height == pytest.approx(5)
    assert slope == pytest.approx((7 - 4) / 2)


def test_least_squares_worked_out_by_hand():
    # Symmetric points at 1 and 2, reach 4: the height at 0 of a + c x² from its normal equations.
    x, y = np.array([-2, -1, 0, 1, 2, 4.0]), np.array([0, 0, 1, 0, 0, 9.0])
    near, far = (63 / 64) ** 3, (7 / 8) ** 3
    weight, squares, fourths = 1 + 2 * near + 2 * far, 2 * near + 8 * far, 2 * near + 32 * far
    height, slope = local_parabola(x, y, 0, window=6)
    assert height == pytest.approx(fourths / (weight * fourths - squares**2))
    assert slope == pytest.approx(0)


def test_a_parabola_stays_as_it_is():
    at = np.linspace(1, 144, 50)
    assert local_regression(X, 2 - 3 * X + X**2 / 7, at) == pytest.approx(2 - 3 * at + at**2 / 7)


def test_cells_worked_out_by_hand():
    # Twenty points: cells of at most three, with half a percent of the range at both ends.
    borders = cell_borders(np.arange(20.0))
    assert borders == pytest.approx([-0.095, 2, 4, 7, 9, 12, 14, 17, 19.095])


def test_windows_are_rounded_down():
    assert [window_points(count) for count in (7, 20, 38, 332)] == [5, 15, 28, 249]
    assert window_points(10, span=1) == 10


def test_values_of_the_original_program_come_out():
    # From the netlib `dloess` of Cleveland and Grosse, which R has too (scikit-misc 0.5.3).
    smooth = local_regression(X, Y, [1, 10, 40, 77, 100, 144])
    assert smooth == pytest.approx(
        [
            *(1.6442814501880627, 3.1166153647750896, 5.578754842016361),
            *(4.3849878047094375, 4.176408946599008, 7.745912025169017),
        ],
        rel=1e-12,
    )


def test_curves_between_borders_are_not_fitted_but_interpolated():
    at, window = 40.0, window_points(len(X))
    assert at not in cell_borders(X)
    difference = local_regression(X, Y, [at])[0] - local_parabola(X, Y, at, window)[0]
    assert 1e-3 < abs(difference) < 1


def test_units_of_the_axes_have_no_influence():
    at = np.linspace(1, 144, 9)
    smooth = local_regression(X, Y, at)
    assert local_regression(5 + X / 1000, Y, 5 + at / 1000) == pytest.approx(smooth)
    assert local_regression(X, 7 * Y - 2, at) == pytest.approx(7 * smooth - 2)


def test_places_beyond_the_points_are_refused():
    with pytest.raises(ValueError, match="places 0 to 144 go beyond x, 1 to 144"):
        local_regression(X, Y, [0, 144])


@pytest.mark.parametrize("x", [X[::-1], np.repeat(X[:6], 2)])
def test_points_that_do_not_rise_are_refused(x):
    with pytest.raises(ValueError, match="x must rise from point to point"):
        local_regression(x, Y, [])


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        local_regression(X, np.where(Y > 8, np.nan, Y), [1])


def test_unpaired_values_are_refused():
    with pytest.raises(ValueError, match=r"in pairs, got shapes \(12,\), \(11,\)"):
        local_regression(X, Y[1:], [1])


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match=r"6 points with span 0.75 give windows of 4"):
        local_regression(X[:6], Y[:6], [1])


@pytest.mark.parametrize("span", [0, 1.5])
def test_impossible_spans_are_refused(span):
    with pytest.raises(ValueError, match=f"at most 1, got {span}"):
        local_regression(X, Y, [1], span)
