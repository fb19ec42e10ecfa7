import numpy as np
import pytest

from cmrseg.label_grids import resize_labels


def disc(size: int, centre: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return ((y - centre) ** 2 + (x - centre) ** 2 <= radius**2).astype(np.uint8)


def test_the_same_size_changes_nothing():
    labels = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    assert np.array_equal(resize_labels(labels, (3, 4)), labels)


def test_the_largest_share_of_the_area_wins():
    labels = np.array([[1, 1, 2, 2], [1, 0, 2, 3]], np.uint8)
    assert resize_labels(labels, (1, 2)).tolist() == [[1, 2]]


def test_among_equal_shares_the_pixel_nearest_to_the_centre_wins():
    assert resize_labels(np.array([[1, 2]], np.uint8), (1, 1)).tolist() == [[2]]


def test_enlarging_repeats_pixels():
    labels = np.array([[1, 2], [3, 0]], np.uint8)
    assert np.array_equal(resize_labels(labels, (4, 4)), labels.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("factor", [2, 4, 1.7])
def test_a_disc_stays_in_its_place_and_keeps_its_area(factor):
    size = 136
    labels = disc(size, 67.3, 40)
    small = resize_labels(labels, (round(size / factor),) * 2)
    centre = (np.argwhere(small).mean(axis=0) + 0.5) * (size / small.shape[0]) - 0.5
    # Picking the nearest pixel would be 0.5 off where the size is halved.
    assert centre == pytest.approx([67.3, 67.3], abs=0.2)
    assert small.sum() * (size / small.shape[0]) ** 2 == pytest.approx(labels.sum(), rel=0.01)
