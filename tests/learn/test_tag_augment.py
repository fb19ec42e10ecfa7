"""Augmentation of tagged cines: points stay on what they were placed on, and keep their meaning."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cmrseg.learn.tag_augment import (
    PRESETS,
    TURN_DRAWS,
    TagTransforms,
    apply_tag_transforms,
    draw_tag_transforms,
)
from cmrseg.ring import FIRST_SPOKE_DEG, LANDMARKS, SPOKES, STEP_DEG, WALLS
from tag_oracle import example, oracle_folder, our_boxes

SIZE = 64
MIDDLE = (SIZE - 1) / 2


def ring(radius_px=12.0, centre=(MIDDLE, MIDDLE)):
    """Landmarks (1, 1, 168, 2) as they stand at end-diastole."""
    angles = np.deg2rad(FIRST_SPOKE_DEG + STEP_DEG * np.arange(SPOKES))[:, None]
    radii = radius_px * (1 + np.arange(WALLS) / 6)
    places = np.stack([centre[0] + radii * np.sin(angles), centre[1] + radii * np.cos(angles)], -1)
    return torch.tensor(places.reshape(1, 1, LANDMARKS, 2), dtype=torch.float32)


def spots(points):
    """Images (n, t, y, x) with a spot at each of some points (n, t, p, 2)."""
    axis = torch.arange(SIZE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    far = (y - points[..., :1, None]) ** 2 + (x - points[..., 1:, None]) ** 2
    return torch.exp(-far / 6).amax(2)


def centre_of(image):
    weights = (image - 0.2).clamp(min=0)
    axis = torch.arange(SIZE, dtype=torch.float32)
    total = weights.sum()
    return torch.stack([(weights.sum(1) * axis).sum(), (weights.sum(0) * axis).sum()]) / total


@pytest.mark.parametrize("preset", [name for name in PRESETS if not name.endswith("compat")])
@pytest.mark.parametrize("seed", range(6))
def test_a_box_stays_on_its_corners(preset, seed):
    box = torch.tensor([[[[20.0, 16.0], [41.0, 47.0]]]])
    corners = box[0, 0, [0, 0, 1, 1], [0, 0, 0, 0]], box[0, 0, [0, 1, 0, 1], [1, 1, 1, 1]]
    images = spots(torch.stack(corners, -1)[None, None])
    drawn = draw_tag_transforms(np.random.default_rng(seed), tuple(images.shape), 2, preset)
    moved, found = apply_tag_transforms(images, box, replace(drawn, noise=None))
    (top, left), (bottom, right) = found[0, 0]
    assert top < bottom
    assert left < right
    for y in (top, bottom):
        for x in (left, right):
            assert moved[0, 0, round(y.item()), round(x.item())] > 0.7


@pytest.mark.parametrize("seed", range(8))
def test_a_landmark_stays_on_its_place(seed):
    points = ring()
    for number in (3, 60, 131):
        images = spots(points[:, :, number : number + 1])
        rng = np.random.default_rng(seed)
        drawn = draw_tag_transforms(rng, tuple(images.shape), LANDMARKS, "tag_cmrseg")
        drawn = replace(drawn, noise=None)
        moved, found = apply_tag_transforms(images, points, drawn)
        place = centre_of(moved[0, 0])
        nearest = (found[0, 0] - place).norm(dim=-1).argmin()
        assert (found[0, 0, nearest] - place).norm() < 0.3
        # On the same wall.
        assert nearest % WALLS == number % WALLS


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 5, 18])
def test_a_ring_that_is_turned_or_mirrored_is_a_ring_again(mirrored, steps):
    """Exactly the same landmarks, as the ring is even."""
    same = TagTransforms.none(1)
    drawn = replace(same, mirrored=np.array([mirrored]), turn_deg=np.array([STEP_DEG * steps]))
    _, found = apply_tag_transforms(torch.zeros(1, 1, SIZE, SIZE), ring(), drawn)
    torch.testing.assert_close(found, ring(), atol=1e-4, rtol=0)


def test_published_quarter_turns_are_exact_and_as_often_as_published():
    rng = np.random.default_rng(0)
    turns = draw_tag_transforms(rng, (4000, SIZE, SIZE), 2, "tag_turned").turn_deg
    for turn_deg in (90, 180, 270):
        assert abs((turns == turn_deg).mean() - 1 / TURN_DRAWS) < 0.02
    images = torch.tensor(rng.normal(size=(1, 2, SIZE, SIZE)), dtype=torch.float32)
    box = torch.tensor([[[[20.0, 16.0], [41.0, 47.0]]]])
    drawn = replace(TagTransforms.none(1), turn_deg=np.array([270.0]))
    moved, found = apply_tag_transforms(images, box, drawn)
    # A quarter counter-clockwise: the pixel (y, x) goes to (63 - x, y).
    assert torch.equal(moved, torch.rot90(images, 1, (2, 3)))
    assert found.tolist() == [[[[16.0, 20.0], [47.0, 41.0]]]]


def test_turns_are_those_of_the_original(data):
    expected = np.load(oracle_folder(data) / "expected.npz")
    image = torch.from_numpy(example(data)["image_seqs"][:1].astype(np.float32))
    rows, columns = expected["aug_pixels_rowcol"].T
    boxes = our_boxes(expected["aug_boxes_in"])
    for turns in (1, 2, 3):
        images = image[None].expand(len(boxes), 1, 256, 256)
        drawn = replace(
            TagTransforms.none(len(boxes)),
            turn_deg=np.full(len(boxes), 360.0 - 90 * turns),
            points_off=True,
        )
        turned, corners = apply_tag_transforms(images, boxes, drawn)
        theirs = our_boxes(expected["aug_boxes_out_k123"][:, turns - 1])
        torch.testing.assert_close(corners, theirs, rtol=0, atol=1e-4)
        values = turned[0, 0].numpy()[rows, columns]
        # There by interpolation, which leaves rounding of 1e-14.
        theirs = expected["aug_image_values_k123"][turns - 1]
        np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-12)


def test_nothing_changes_without_augmentation():
    images, points = spots(ring()), ring()
    drawn = draw_tag_transforms(np.random.default_rng(0), (1, SIZE, SIZE), LANDMARKS, "no")
    moved, found = apply_tag_transforms(images[:, 0], points, drawn)
    assert torch.equal(moved, images[:, 0])
    assert torch.equal(found, points)


def test_unknown_points_stay_unknown():
    points = ring()
    points[0, 0, 5] = torch.nan
    images = spots(ring())
    rng = np.random.default_rng(0)
    drawn = draw_tag_transforms(rng, tuple(images.shape), LANDMARKS, "tag_cmrseg")
    _, found = apply_tag_transforms(images, points, drawn)
    assert found.isfinite().all(-1).sum() == LANDMARKS - 1


def test_a_preset_of_label_maps_is_refused():
    with pytest.raises(ValueError, match="augmentation 'normal' does not move points"):
        draw_tag_transforms(np.random.default_rng(0), (1, 8, 8), 2, "normal")
