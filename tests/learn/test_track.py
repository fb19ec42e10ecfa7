"""Points placed in tagged cines: a box, and landmarks in the window around it."""

import logging

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.learn.track import Tracker, track_cine
from cmrseg.nets.tag_motion import TagMotion
from cmrseg.points import read_points
from cmrseg.ring import LANDMARKS, SEEN_FRAMES

BOX = {"sequence": "tag", "preparation": "tag_frame", "intensity": "linear", "size_px": 64}
PUBLISHED = BOX | {"preparation": "tag_window_compat", "size_px": 32, "coarse": "box"}
RING = BOX | {"preparation": "tag_window", "size_px": 32, "coarse": "box"}
AFFINE = np.diag([1.4, 1.4, 10.0, 1.0])


class Fixed(torch.nn.Module):
    """Says the same points of every image, in px of what it sees."""

    def __init__(self, points):
        super().__init__()
        self.points, self.seen = torch.tensor(points, dtype=torch.float32), []

    def forward(self, images):
        self.seen.append(tuple(images.shape))
        return self.points.expand(len(images), *self.points.shape)


@pytest.fixture
def cine():
    voxels = np.random.default_rng(0).uniform(0, 100, (SEEN_FRAMES, 2, 96, 128))
    return Cine(voxels.astype(np.float32), AFFINE)


def boxes(cine, corners=((20, 40), (60, 80))):
    found = np.full((*cine.voxels.shape[:2], 2, 2), np.nan)
    found[0] = corners
    return found


def test_a_box_is_placed_in_the_first_frame_in_pixels_of_the_image(cine):
    network = Fixed([[[16.0, 12.0], [40.0, 44.0]]])
    found = track_cine(network, cine, BOX)
    # 128 columns are 64, and the 96 rows 48 between 8 rows of zeros.
    expected = (np.array([[16.0, 12.0], [40.0, 44.0]]) - [8, 0] + 0.5) * 2 - 0.5
    np.testing.assert_allclose(found[0], np.stack([expected, expected]))
    assert np.isnan(found[1:]).all()
    assert network.seen == [(1, 1, 64, 64)] * 2


def test_landmarks_are_placed_in_the_window_around_the_box(cine):
    points = np.full((SEEN_FRAMES, LANDMARKS, 2), 15.5)
    network = Fixed(points)
    found = track_cine(network, cine, PUBLISHED, box=boxes(cine))
    # Places of the window are those of the box, by its height.
    np.testing.assert_allclose(
        found, np.broadcast_to(np.array([20, 40]) + 15.5 * 40 / 32, found.shape)
    )
    assert network.seen == [(1, SEEN_FRAMES, 32, 32)] * 2


def test_landmarks_are_placed_once_more_in_the_window_around_them(cine):
    angles = np.linspace(0, 2 * np.pi, LANDMARKS, endpoint=False)
    ring = np.stack([12 + 5 * np.sin(angles), 20 + 5 * np.cos(angles)], -1)
    network = Fixed(np.broadcast_to(ring, (SEEN_FRAMES, LANDMARKS, 2)))
    found = track_cine(network, cine, RING, box=boxes(cine))
    assert network.seen == [(1, SEEN_FRAMES, 32, 32)] * 4
    # The first window has 41 px around the middle (40, 60) of the box; the ring is found around
    # (35.5, 65.1), 12.8 px wide, so that the second one has 22 px around there.
    middle = np.array([39.5 + (12 - 15.5) * 41 / 32, 59.5 + (20 - 15.5) * 41 / 32])
    expected = middle + (np.array([12, 20]) - 15.5) * 22 / 32
    np.testing.assert_allclose(found[0, 0].mean(0), expected, atol=1.0)


def test_a_cine_of_other_length_is_sampled_in_time_and_the_log_says_so(caplog):
    voxels = np.random.default_rng(0).uniform(0, 100, (39, 1, 96, 128)).astype(np.float32)
    cine = Cine(voxels, AFFINE)
    moving = np.arange(SEEN_FRAMES)[:, None, None] * np.ones((1, LANDMARKS, 2))
    with caplog.at_level(logging.WARNING):
        found = track_cine(Fixed(moving), cine, PUBLISHED, box=boxes(cine), subject="subject 7")
    assert "subject 7: 39 frames; the network sees 20 of them" in caplog.text
    steps = np.diff(found[:, 0], axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0, 0, 0], steps.shape))
    assert steps[0, 0, 0] > 0.5


def test_a_slice_without_a_box_is_left_out_by_name(cine, caplog):
    some = boxes(cine)
    some[0, 1] = [[60, 80], [20, 40]]
    points = np.zeros((SEEN_FRAMES, LANDMARKS, 2))
    with caplog.at_level(logging.WARNING):
        found = track_cine(Fixed(points), cine, PUBLISHED, box=some, subject="subject 7")
    assert "subject 7, slice 2: box" in caplog.text
    assert "the slice is left out" in caplog.text
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


def test_landmarks_that_are_no_ring_are_left_out_by_name(cine, caplog):
    network = Fixed(np.full((SEEN_FRAMES, LANDMARKS, 2), 15.5))
    with caplog.at_level(logging.WARNING):
        found = track_cine(network, cine, RING, box=boxes(cine), subject="subject 7")
    assert "subject 7, slice 1: landmarks between" in caplog.text
    assert np.isnan(found).all()


def test_a_network_with_a_coarse_model_does_not_search_where_boxes_are_missing(cine):
    network = TagMotion(4, 32)
    with pytest.raises(ValueError, match="no box around the heart"):
        track_cine(network, cine, RING)


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        (None, "no box around the heart, in which landmarks are placed"),
        (np.zeros((1, 3, 2, 2)), r"boxes \(1, 3, 2, 2\) \(t, z, corner, 2\) of a cine"),
    ],
)
def test_landmarks_without_boxes_of_the_cine_are_refused(cine, box, sentence):
    with pytest.raises(ValueError, match=sentence):
        track_cine(Fixed(np.zeros((SEEN_FRAMES, LANDMARKS, 2))), cine, RING, box=box)


def test_values_that_are_not_finite_are_refused(cine):
    cine.voxels[3, 0, 4, 4] = np.nan
    with pytest.raises(ValueError, match="has values that are not finite"):
        track_cine(Fixed(np.zeros((1, 2, 2))), cine, BOX)


def test_points_are_the_same_on_any_number_of_threads(cine):
    def placed(threads):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            torch.manual_seed(0)
            network = torch.nn.Sequential(
                torch.nn.Conv2d(1, 4, 5), torch.nn.Flatten(), torch.nn.Linear(4 * 60 * 60, 4)
            )
            network = torch.nn.Sequential(network, torch.nn.Unflatten(1, (1, 2, 2)))
            return track_cine(network, cine, BOX)
        finally:
            torch.set_num_threads(before)

    np.testing.assert_array_equal(placed(1), placed(2))


def test_points_are_written_beside_the_label_maps_of_others(cine, tmp_path):
    tracker = Tracker(Fixed([[[16.0, 12.0], [40.0, 44.0]]]), BOX)
    found = tracker.label(tracker.prepare(cine))()
    tracker.save(tracker.finished(found, cine, "subject 7"), cine, tmp_path, "tag")
    written = read_points(tmp_path / "tag.points.tsv.gz", cine)
    np.testing.assert_allclose(written, found, atol=1e-4)
    np.testing.assert_allclose(tracker.read_coarse(tmp_path, "tag", cine), written)
