"""Cines of other lengths than a network over time sees."""

import numpy as np
import pytest

from cmrseg.learn.tag_frames import all_frames, seen_frames


def test_a_cine_of_as_many_frames_is_seen_as_it_is():
    assert seen_frames(20, 20).tolist() == list(range(20))
    points = np.random.default_rng(0).normal(size=(20, 3, 2))
    np.testing.assert_array_equal(all_frames(points, 20), points)


def test_of_more_frames_the_first_and_the_last_are_seen_and_others_in_even_steps():
    assert seen_frames(39, 20).tolist() == list(range(0, 39, 2))
    assert seen_frames(50, 20)[[0, -1]].tolist() == [0, 49]
    assert set(np.diff(seen_frames(50, 20))) == {2, 3}


@pytest.mark.parametrize("frames", [12, 20, 33, 50])
def test_points_that_move_steadily_are_found_in_every_frame(frames):
    moved = np.arange(frames)[:, None, None] * np.array([[0.5, -2.0]])
    found = all_frames(moved[seen_frames(frames, 20)], frames)
    np.testing.assert_allclose(found, moved, atol=1e-12)


def test_a_network_of_the_first_frame_tells_of_no_other():
    found = all_frames(np.ones((1, 2, 2)), 5)
    assert (found[0] == 1).all()
    assert np.isnan(found[1:]).all()


def test_a_single_frame_is_refused_by_a_network_over_time():
    assert seen_frames(1, 1).tolist() == [0]
    with pytest.raises(ValueError, match="1 frames, expected 2 or more"):
        seen_frames(1, 20)
