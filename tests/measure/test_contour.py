"""Borders of masks by hand and as the original has them; smooth curves along them."""

import numpy as np
import pytest

from annular_heart import AFFINE, Reference
from cmrseg.measure.contour import centre_mm, outer_border, smooth_border_mm, smooth_contour
from cmrseg.measure.pieces import slice_masks


@pytest.fixture(scope="module")
def reference(data):
    return Reference.of(data)


@pytest.mark.parametrize("surface", ["endo", "epi"])
@pytest.mark.parametrize(("subject", "z"), [("1", 4), ("2", 3)])
def test_borders_and_curves_are_those_of_the_original_to_the_last_bit(
    reference, subject, z, surface
):
    masks = slice_masks(reference.short_axis(subject).voxels[0, z].T)
    border = outer_border(getattr(masks, surface))
    key = f"contour_{subject}_{surface}"
    assert np.array_equal(border[:, ::-1], reference.arrays[f"{key}_yx"])
    smooth = smooth_contour(border, closed=True)
    assert np.array_equal(smooth[:, ::-1], reference.arrays[f"{key}_smooth_yx"])


def test_a_border_starts_at_the_smallest_x_and_runs_to_larger_x_first():
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2:5] = True
    around = [[1, 2], [2, 2], [3, 2], [3, 3], [3, 4], [2, 4], [1, 4], [1, 3]]
    assert outer_border(mask).tolist() == around


def test_a_border_at_the_edge_of_the_picture_is_found():
    assert outer_border(np.ones((2, 2), bool)).tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]


def test_corners_are_cut_where_pixels_touch_at_a_corner():
    mask = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    assert outer_border(mask).tolist() == [[0, 1], [1, 0], [2, 1], [1, 2]]


def test_a_border_comes_back_along_what_is_one_pixel_wide():
    assert outer_border(np.ones((1, 3), bool)).tolist() == [[0, 0], [0, 1], [0, 2], [0, 1]]


def test_one_pixel_is_its_own_border():
    mask = np.zeros((3, 3), bool)
    mask[1, 2] = True
    assert outer_border(mask).tolist() == [[1, 2]]


def test_a_hole_has_no_border():
    full = np.ones((7, 7), bool)
    holed = full.copy()
    holed[2:5, 2:5] = False
    assert outer_border(holed).tolist() == outer_border(full).tolist()


def test_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match="the mask is empty, so it has no border"):
        outer_border(np.zeros((3, 3), bool))


def test_a_curve_has_four_points_for_each_pixel_and_the_line_s_place():
    line = np.column_stack([np.arange(10), np.full(10, 3)])
    smooth = smooth_contour(line, closed=False)
    assert smooth.shape == (40, 2)
    assert smooth[:, 1] == pytest.approx(3)
    assert (np.diff(smooth[:, 0]) > -0.05).all()
    # Near its ends the curve is pulled to where they are repeated.
    assert smooth[[0, 18, 36], 0] == pytest.approx([0, 4.5, 9], abs=0.6)


def test_a_closed_curve_around_a_disc_is_a_circle():
    x, y = np.mgrid[:41, :41] - 20
    smooth = smooth_contour(outer_border(np.hypot(x, y) <= 15), closed=True)
    radius = np.hypot(*(smooth - 20).T)
    # Through the centres of the outermost pixels: half a pixel inside the disc.
    assert radius.mean() == pytest.approx(14.5, abs=0.1)
    assert radius == pytest.approx(14.5, abs=0.35)
    # No seam: the last point is as far from the first as from the one before.
    steps = np.hypot(*np.diff(smooth, axis=0, append=smooth[:1]).T)
    assert steps[-1] == pytest.approx(steps.mean(), rel=0.3)


def test_a_contour_of_one_pixel_has_no_curve():
    with pytest.raises(ValueError, match="a contour of 1 pixels has no curve; expected at least 2"):
        smooth_contour(np.array([[3, 4]]), closed=True)


def test_curves_and_centres_lie_where_the_affine_puts_their_slice():
    mask = np.zeros((9, 9), bool)
    mask[2:7, 3:8] = True
    affine = AFFINE.copy()
    affine[:3, 3] = 10, 20, 30
    assert centre_mm(mask, 2, affine).tolist() == [14, 25, 14]
    curve = smooth_border_mm(mask, 2, affine)
    assert curve.mean(axis=0) == pytest.approx([14, 25, 14], abs=0.02)
