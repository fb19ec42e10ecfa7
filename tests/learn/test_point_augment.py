"""Quarter turns of images with a box."""

import numpy as np
import pytest
import torch

from cmrseg.learn.point_augment import draw_turns, turn_boxes
from tag_oracle import example, oracle_folder, our_boxes


def test_turns_are_those_of_the_original(data):
    expected = np.load(oracle_folder(data) / "expected.npz")
    image = torch.from_numpy(example(data)["image_seqs"][:1].astype(np.float32))
    rows, columns = expected["aug_pixels_rowcol"].T
    boxes = our_boxes(expected["aug_boxes_in"])
    for turns in (1, 2, 3):
        images = image[None].expand(len(boxes), 1, 256, 256)
        turned, corners = turn_boxes(images, boxes, np.full(len(boxes), turns), compat=True)
        theirs = our_boxes(expected["aug_boxes_out_k123"][:, turns - 1])
        torch.testing.assert_close(corners, theirs, rtol=0, atol=1e-4)
        values = turned[0, 0].numpy()[rows, columns]
        # There by interpolation, which leaves rounding of 1e-14.
        theirs = expected["aug_image_values_k123"][turns - 1]
        np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-12)


def test_a_box_turns_with_what_it_is_around():
    images = torch.zeros(4, 1, 32, 32)
    images[:, :, 5:9, 20:31] = 1
    boxes = torch.tensor([[[5.0, 20], [8, 30]]]).expand(4, 1, 2, 2)
    turned, corners = turn_boxes(images, boxes, np.arange(4))
    for image, ((y1, x1), (y2, x2)) in zip(turned[:, 0], corners[:, 0].int().tolist(), strict=True):
        assert image[y1 : y2 + 1, x1 : x2 + 1].all()
        assert image.sum() == (y2 - y1 + 1) * (x2 - x1 + 1) == 44
    # Counter-clockwise, what is on the right is at the top then.
    assert corners[1, 0].tolist() == [[1, 5], [11, 8]]
    assert torch.equal(images[0], turned[0])


def test_unknown_boxes_stay_unknown_and_images_stay_as_they_are():
    images, boxes = torch.rand(1, 1, 8, 8), torch.full((1, 1, 2, 2), torch.nan)
    before = images.clone()
    turned, corners = turn_boxes(images, boxes, np.array([1]))
    assert corners.isnan().all()
    assert torch.equal(images, before)
    assert not torch.equal(turned, before)


def test_three_eighths_of_the_images_are_turned():
    turns = draw_turns(np.random.default_rng(1), 80_000)
    shares = np.bincount(turns) / len(turns)
    np.testing.assert_allclose(shares, [5 / 8, 1 / 8, 1 / 8, 1 / 8], atol=5e-3)


def test_images_that_are_not_square_are_not_turned():
    with pytest.raises(ValueError, match=r"images of 8 x 9 pixels \(y, x\): quarter turns need"):
        turn_boxes(torch.zeros(1, 1, 8, 9), torch.zeros(1, 1, 2, 2), np.zeros(1, int))
