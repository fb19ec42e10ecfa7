"""The long axis of an atrium."""

import numpy as np
import pytest

from cmrseg.measure.atrial_axis import atrial_axis, axis_length_cm, line_pixels

UP = np.array([0.0, 1.0, 0.0])


def affine(x_mm=1.0, y_mm=1.0):
    return np.diag([x_mm, y_mm, 6.0, 1.0])


def block(rows, columns):
    mask = np.zeros((rows + 4, columns + 6), bool)
    mask[2 : 2 + rows, 3 : 3 + columns] = True
    return mask


def ellipse(half_long, half_short, angle, middle, size=90):
    """Semi-axes in pixels; angle of the long one from x towards y."""
    y, x = np.mgrid[:size, :size] - np.reshape(middle, (2, 1, 1))
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    return (along / half_long) ** 2 + (across / half_short) ** 2 < 1


# -- the published line ----------------------------------------------------------------------


def test_a_line_goes_as_opencv_draws_it():
    drawn = [[0, 0], [0, 1], [1, 2], [1, 3], [2, 4], [2, 5]]
    assert line_pixels([0, 0], [2, 5], (6, 6)).tolist() == drawn


@pytest.mark.parametrize("ends", [([1, 0], [0, 2]), ([0, 2], [1, 0])])
def test_of_two_pixels_equally_near_the_one_seen_from_the_left_is_drawn(ends):
    assert line_pixels(*ends, (6, 6)).tolist() == [[1, 0], [1, 1], [0, 2]]


def test_a_line_is_clipped_before_it_is_drawn():
    # Whole, it would go through (1, 2): it meets row 0 at column 2.14, and starts at 2.
    drawn = [[0, 2], [1, 3], [2, 3], [3, 4], [4, 5]]
    assert line_pixels([-3, 0], [4, 5], (5, 6)).tolist() == drawn


def test_the_second_end_is_clipped_along_the_line_that_the_first_one_left():
    # (-3, -4) becomes (0, -2). From there (9, 7) has 5 x 9 / 9 = 5 columns less at row 4; from
    # where the line began, it would have 5 x 11 / 12, cut off to 4. Then (0, -2) becomes (2, 0).
    assert line_pixels([-3, -4], [9, 7], (5, 6)).tolist() == [[2, 0], [3, 1], [4, 2]]


@pytest.mark.parametrize("ends", [([-5, 0], [-1, 5]), ([3, 7], [18, 205])])
def test_a_line_beside_the_image_has_no_pixels(ends):
    assert line_pixels(*ends, (3, 6)).shape == (0, 2)


# -- lengths worked out by hand --------------------------------------------------------------


@pytest.mark.parametrize("columns", [3, 4])
def test_an_upright_block_is_as_long_as_its_pixels(columns):
    ends = atrial_axis(block(9, columns), affine(1.5, 2.0), UP, "corrected")
    assert axis_length_cm(ends) == pytest.approx(1.8)  # 9 x 2 mm
    assert ends[:, 1] == pytest.approx([3.0, 21.0])  # rows 2 to 10, from edge to edge


def test_the_published_length_is_a_pixel_short():
    assert axis_length_cm(atrial_axis(block(9, 3), affine(1.5, 2.0), UP, "compat")) == 1.6


def test_of_a_row_that_a_third_ends_in_all_pixels_count_in_part():
    # Of nine pixels the lowest three are the first and half of each in the next row: their middle
    # is at x = (0 + 2 x 1.5) / 3 = 1, y = 2/3; that of the highest three at x = 1.5, y = 2. The
    # line leaves row 1 at y = 0.5, right of the first pixel, and row 2 at y = 2.5.
    mask = np.zeros((4, 5), bool)
    mask[0, 0] = mask[1, :4] = mask[2, :4] = True
    ends = atrial_axis(mask, affine(), UP, "corrected")
    slope = 0.5 / (4 / 3)
    assert ends[:, :2] == pytest.approx(
        np.array([[1 - slope / 6, 0.5], [1.5 + slope / 2, 2.5]]), abs=1e-6
    )


def test_the_axis_of_a_mirrored_atrium_is_the_mirrored_axis():
    mask = ellipse(28, 17, 1.2, (44.3, 45.8))
    mask[30:40, 50:60] = True
    lengths = [
        axis_length_cm(atrial_axis(m, affine(), UP, "corrected"))
        for m in (mask, mask[:, ::-1], mask[::-1])
    ]
    assert lengths[1:] == pytest.approx([lengths[0]] * 2, rel=1e-9)


def test_lengths_of_ellipses_are_right_in_the_mean_and_published_ones_short():
    middles = np.linspace(44, 45, 8)
    angles = np.linspace(0, np.pi, 30, endpoint=False)
    errors_px = {"corrected": [], "compat": []}
    for number, angle in enumerate(angles):
        mask = ellipse(25, 16, angle, (middles[number % 8], middles[number // 4]))
        up = np.array([np.cos(angle), np.sin(angle), 0.0])
        for mode, found in errors_px.items():
            found.append(10 * axis_length_cm(atrial_axis(mask, affine(), up, mode)) - 50)
    assert abs(np.mean(errors_px["corrected"])) < 0.2
    assert np.abs(errors_px["corrected"]).max() < 1.1
    assert -1.5 < np.mean(errors_px["compat"]) < -0.8


@pytest.mark.parametrize("mode", ["corrected", "compat"])
def test_two_pixels_have_no_axis(mode):
    assert atrial_axis(block(2, 1), affine(), UP, mode) is None
    assert atrial_axis(block(0, 1), affine(), UP, mode) is None


def test_a_plane_across_the_long_axis_has_no_axis():
    assert atrial_axis(block(9, 5), affine(), np.array([0.0, 0.0, 1.0]), "corrected") is None
