"""Least squares, against values worked out by hand and a published example."""

import math

import pytest

from cmrseg.measure.regression import least_squares

# The first of four data sets with one line: Anscombe 1973, doi:10.1080/00031305.1973.10478966.
ANSCOMBE_X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
ANSCOMBE_Y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]


def test_line_worked_out_by_hand():
    found = least_squares([1, 2, 3, 4], [1, 3, 2, 4])
    # Residuals -0.3, 0.9, -0.9, 0.3; their squares add up to 1.8, those about the mean to 5.
    assert found == pytest.approx(
        {
            "n": 4,
            "df": 2,
            "intercept": 0.5,
            "intercept_se": math.sqrt(1.35),
            "slope": 0.8,
            "slope_se": math.sqrt(0.18),
            "residual_se": math.sqrt(0.9),
            "r2": 0.64,
            "r2_adjusted": 0.46,
            "f": 3.2 / 0.9,
            "residual_min": -0.9,
            "residual_q25": -0.45,
            "residual_median": 0,
            "residual_q75": 0.45,
            "residual_max": 0.9,
        }
    )


def test_anscombes_line_is_reproduced():
    found = least_squares(ANSCOMBE_X, ANSCOMBE_Y)
    assert found["intercept"] == pytest.approx(3.0, abs=0.005)
    assert found["slope"] == pytest.approx(0.5, abs=0.0005)
    assert found["slope_se"] == pytest.approx(0.118, abs=0.0005)
    assert found["r2"] == pytest.approx(0.667, abs=0.0005)
    assert found["residual_se"] ** 2 * found["df"] == pytest.approx(13.75, abs=0.02)


def test_f_of_one_slope_is_its_t_squared():
    found = least_squares(ANSCOMBE_X, ANSCOMBE_Y)
    assert found["f"] == pytest.approx((found["slope"] / found["slope_se"]) ** 2)


def test_points_on_a_line_leave_no_residuals():
    found = least_squares([0, 1, 2, 3], [1, 3, 5, 7])
    assert (found["intercept"], found["slope"], found["r2"]) == (1, 2, 1)
    assert (found["residual_se"], found["f"]) == (0, math.inf)


def test_pairs_with_a_nan_are_left_out():
    found = least_squares([0, 1, math.nan, 2, 3], [1, 3, 9, 5, math.nan])
    assert (found["n"], found["df"], found["slope"]) == (3, 1, 2)


def test_values_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match="x and y must come in pairs"):
        least_squares([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])]
)
def test_too_little_for_a_line_is_refused(x, y):
    with pytest.raises(ValueError, match="a line needs three or more pairs with different x and y"):
        least_squares(x, y)
