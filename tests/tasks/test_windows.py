"""Which frames a network over time sees together."""

import numpy as np
import pytest

from cmrseg.tasks.windows import windows


def test_a_cyclic_window_goes_on_at_the_other_end():
    assert windows(5, 3).tolist() == [[4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]


def test_other_windows_repeat_the_frames_at_the_ends():
    expected = [[0, 0, 0, 1, 2], [0, 0, 1, 2, 2], [0, 1, 2, 2, 2]]
    assert windows(3, 5, cyclic=False).tolist() == expected


@pytest.mark.parametrize("cyclic", [True, False])
@pytest.mark.parametrize("length", [1, 3, 9])
def test_the_frame_is_in_the_middle_of_its_window(length, cyclic):
    found = windows(9, length, cyclic)
    assert found.shape == (9, length)
    assert found[:, length // 2].tolist() == list(range(9))


def test_a_cyclic_window_meets_no_frame_twice_and_each_frame_is_in_as_many_windows():
    found = windows(7, 7)
    assert (np.sort(found, axis=1) == np.arange(7)).all()
    assert np.bincount(windows(7, 5).ravel()).tolist() == [5] * 7


def test_one_frame_is_its_own_neighbour_where_time_does_not_go_round():
    assert windows(1, 3, cyclic=False).tolist() == [[0, 0, 0]]
    assert windows(1, 1).tolist() == [[0]]


@pytest.mark.parametrize("length", [-1, 0, 2, 4])
def test_a_window_without_a_middle_is_refused(length):
    with pytest.raises(ValueError, match=f"a window of {length} frames has no middle"):
        windows(9, length)


def test_a_window_longer_than_the_cycle_is_refused():
    with pytest.raises(ValueError, match="a window of 9 frames is longer than a cycle of 8"):
        windows(8, 9)


@pytest.mark.parametrize("cyclic", [True, False])
def test_no_frames_are_refused(cyclic):
    with pytest.raises(ValueError, match="0 frames: there is nothing to look at"):
        windows(0, 1, cyclic)
