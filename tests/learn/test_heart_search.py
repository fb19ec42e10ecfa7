"""The heart found by the network of landmarks alone."""

import numpy as np
import pytest

from cmrseg.learn.heart_search import candidates, check_certainty, search
from cmrseg.nets.tag_motion import TagMotion
from cmrseg.ring import SEEN_FRAMES

SIZE, SPACING_MM = 32, (3.0, 3.0)
SETTINGS = {"preparation": "tag_window", "intensity": "linear", "size_px": SIZE}


class Bright(TagMotion):
    """Is sure of windows with a bright middle, the more the less is bright around it."""

    def certainty(self, images):
        middle = images[:, :, 12:20, 12:20].mean((1, 2, 3))
        return (middle - images.mean((1, 2, 3))).clamp(0, 1)


def slices(*spots):
    """Frames (t, z, y, x), a slice for each list of bright spots (y, x, brightness)."""
    found = np.zeros((SEEN_FRAMES, len(spots), 96, 96), np.float32)
    y, x = np.mgrid[:96, :96]
    for z, of_slice in enumerate(spots):
        for row, column, bright in of_slice:
            found[:, z][:, np.hypot(y - row, x - column) < 7] = bright
    return found


def test_candidates_cover_the_middle_of_an_image_in_three_sizes():
    boxes = np.stack(candidates((96, 96), SPACING_MM))
    assert set(np.round((boxes[:, 1] - boxes[:, 0]) * 3).ravel()) == {70, 90, 115}
    middles = boxes.mean(1)
    assert middles.min() > 0.1 * 96
    assert middles.max() < 0.9 * 96
    np.testing.assert_allclose(middles.mean(0), 47.5)


def test_the_heart_is_where_all_slices_together_show_it():
    network = Bright(4, SIZE)
    # The second slice has a brighter spot elsewhere.
    frames = slices([(30, 60, 1.0)], [(30, 60, 0.9), (75, 25, 1.0)], [(33, 57, 1.0)])
    boxes, certainty = search(network, frames, SPACING_MM, SETTINGS)
    assert boxes.shape == (3, 2, 2)
    assert np.abs(boxes.mean(1) - [31, 59]).max() < 10
    assert (certainty > 0.3).all()


def test_a_network_that_is_not_sure_has_found_no_heart():
    check_certainty(0.8)
    with pytest.raises(ValueError, match=r"no heart is found: the network is sure by 0\.40"):
        check_certainty(0.4)
