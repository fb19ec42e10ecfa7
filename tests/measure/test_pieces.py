"""Pieces of a mask, and the masks of a slice."""

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.measure.pieces import largest_piece, slice_masks, without_small_pieces


def test_pieces_that_touch_at_a_corner_are_two():
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]], bool)
    assert np.argwhere(largest_piece(mask)).tolist() == [[1, 2], [1, 3], [2, 3]]


def test_of_two_equal_pieces_the_first_is_taken():
    assert largest_piece(np.array([[1, 0, 1]], bool)).tolist() == [[True, False, False]]


def test_an_empty_mask_has_no_piece():
    assert not largest_piece(np.zeros((3, 3), bool)).any()
    assert not without_small_pieces(np.zeros((3, 3), bool)).any()


def test_pieces_under_the_least_size_are_dropped():
    mask = np.zeros((4, 12), bool)
    mask[0, :10] = mask[2, :9] = True
    assert without_small_pieces(mask).sum(axis=1).tolist() == [10, 0, 0, 0]


def test_a_slice_has_the_largest_cavity_and_the_wall_around_it():
    labels = np.zeros((20, 20), np.uint8)
    labels[4:12, 4:12] = Tissue.MYO
    labels[6:10, 6:10] = Tissue.LV
    labels[15, 15:18] = Tissue.LV  # an island
    labels[18, 0:9] = Tissue.MYO  # too small
    labels[4:12, 0:3] = Tissue.RV
    masks = slice_masks(labels)
    assert [int(m.sum()) for m in (masks.endo, masks.myo, masks.epi, masks.rv)] == [16, 48, 64, 24]
    assert masks.valid


def test_a_slice_with_nine_pixels_of_cavity_is_not_valid():
    labels = np.full((10, 10), Tissue.MYO, np.uint8)
    labels[3:6, 3:6] = Tissue.LV
    assert not slice_masks(labels).valid
