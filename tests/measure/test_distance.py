"""Contour distances in millimetres."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label

from cmrseg.measure.distance import contour_distances_mm, contour_pixels, slice_distances_mm


def square(row, column, size, shape=(12, 12)):
    mask = np.zeros(shape, bool)
    mask[row : row + size, column : column + size] = True
    return mask


def test_contour_of_a_square_is_its_rim():
    rim = square(2, 3, 4)
    rim[3:5, 4:6] = False
    assert (contour_pixels(square(2, 3, 4)) == np.argwhere(rim)).all()


def test_a_hole_has_no_contour():
    ring = square(2, 2, 5)
    ring[3:6, 3:6] = False
    island = ring.copy()
    island[4, 4] = True
    expected = contour_pixels(square(2, 2, 5)).tolist()
    assert contour_pixels(ring).tolist() == expected
    assert contour_pixels(island).tolist() == expected


def test_a_diagonal_line_closes_the_hole_behind_it():
    # 8-connected foreground: background does not pass between diagonal neighbours.
    diamond = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    filled = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    assert contour_pixels(diamond).tolist() == contour_pixels(filled).tolist()


def test_a_diagonal_neighbour_of_the_background_is_inside():
    plus = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 1]], bool)
    assert [1, 1] not in contour_pixels(plus).tolist()


def test_all_components_have_a_contour_also_at_the_edge_of_the_image():
    mask = square(0, 0, 2) | square(9, 9, 3)
    assert len(contour_pixels(mask)) == 4 + 8


def test_a_shift_is_the_distance_of_single_pixels():
    one, other = square(2, 2, 1), square(5, 6, 1)
    assert contour_distances_mm(one, other, (1, 1)) == (5, 5)
    assert contour_distances_mm(one, other, (2, 1)) == pytest.approx((52**0.5, 52**0.5))


def test_distances_worked_out_by_hand():
    # Rows of 3 and of 4 pixels with the same start: only the fourth is away, by one pixel.
    one, other = np.zeros((2, 1, 6), bool)
    one[0, 1:4] = True
    other[0, 1:5] = True
    assert contour_distances_mm(one, other, (9, 2)) == (2, (0 + 2 / 4) / 2)


def test_concentric_squares_are_apart_by_their_margin():
    hausdorff, mean = contour_distances_mm(square(4, 4, 3), square(3, 3, 5), (1.5, 1.5))
    assert hausdorff == pytest.approx(1.5 * 2**0.5)
    # 12 pixels of the rim lie straight beside the inner one, 4 in the corners.
    outer = (12 * 1.5 + 4 * 1.5 * 2**0.5) / 16
    assert mean == pytest.approx((1.5 + outer) / 2)


def test_equal_masks_have_no_distance_and_order_does_not_matter():
    one, other = square(1, 1, 6), square(3, 2, 5)
    assert contour_distances_mm(one, one, (1.2, 1.4)) == (0, 0)
    assert contour_distances_mm(one, other, (1.2, 1.4)) == contour_distances_mm(
        other, one, (1.2, 1.4)
    )


def test_slices_where_one_mask_is_empty_have_no_distance():
    empty = np.zeros((12, 12), bool)
    reference = np.stack([square(2, 2, 3), square(2, 2, 3), empty, empty])
    predicted = np.stack([square(2, 3, 3), empty, square(2, 2, 3), empty])
    distances = slice_distances_mm(reference, predicted, (1, 1))
    assert distances[0].tolist() == [1, 0.5]  # 4 of 8 rim pixels lie beside the other rim
    assert np.isnan(distances[1:]).all()
    assert np.isnan(contour_distances_mm(empty, empty, (1, 1))).all()


def brute_force_contour(mask):
    """Border pixels by labelling the whole plane: slow, and by another library."""
    padded = np.pad(mask, 1)
    components = label(~padded, connectivity=1)
    outside = components == components[0, 0]
    found = [
        (row - 1, column - 1)
        for row, column in np.argwhere(padded)
        if outside[[row - 1, row + 1, row, row], [column, column, column - 1, column + 1]].any()
    ]
    return found


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_contours_agree_with_brute_force(mask):
    assert [tuple(pixel) for pixel in contour_pixels(mask)] == brute_force_contour(mask)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, (2, 7, 6)), st.floats(0.5, 3), st.floats(0.5, 3))
def test_distances_agree_with_all_pairs(masks, spacing_y_mm, spacing_x_mm):
    spacing_mm = (spacing_y_mm, spacing_x_mm)
    found = contour_distances_mm(*masks, spacing_mm)
    if not masks.any(axis=(1, 2)).all():
        assert np.isnan(found).all()
        return
    first, second = (contour_pixels(mask) * spacing_mm for mask in masks)
    pairs = np.linalg.norm(first[:, None] - second[None], axis=-1)
    forth, back = pairs.min(axis=1), pairs.min(axis=0)
    assert found == pytest.approx(
        (max(forth.max(), back.max()), (forth.mean() + back.mean()) / 2), abs=1e-9
    )


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match=r"masks must be \(y, x\) of one shape"):
        contour_distances_mm(np.ones((2, 2), bool), np.ones((2, 3), bool), (1, 1))
    with pytest.raises(ValueError, match=r"masks must be \(n, y, x\) of one shape"):
        slice_distances_mm(np.ones((2, 2), bool), np.ones((2, 2), bool), (1, 1))


def test_impossible_spacing_is_refused():
    with pytest.raises(ValueError, match="spacing_mm must be two positive numbers"):
        contour_distances_mm(square(1, 1, 2), square(1, 1, 2), (0, 1))
