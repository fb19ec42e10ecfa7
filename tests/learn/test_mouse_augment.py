"""Augmentation of the pre-clinical system: CLAHE as OpenCV has it, grey values, geometry."""

import numpy as np
import pytest
import torch

from cmrseg.learn.augment import apply_transforms, draw_transforms, identity
from cmrseg.learn.clahe import clahe
from cmrseg.learn.lighting import Lighting, apply_lighting, draw_lighting, eight_bits, own_range

MANY = 4000
# What OpenCV 4.11 makes of `pattern()` with 8 x 8 tiles: every 13th pixel of row 27, and the sum.
OPENCV = {
    1.0: ([5, 74, 161, 160, 156, 146, 30, 82], 603992),
    8.0: ([12, 93, 155, 122, 150, 185, 45, 138], 763321),
    12.0: ([14, 97, 154, 118, 148, 184, 49, 149], 786102),
}


def pattern():
    """A bright spot in stripes: (64, 96) uint8."""
    y, x = np.mgrid[:64, :96]
    spot = np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 400)
    return (spot * 200 + (3 * x * y + 5 * x) % 50).astype(np.uint8)


def as_images(*levels):
    return torch.from_numpy(np.stack(levels).astype(np.float32) / 255)


def still(count, size, **changes):
    steps = {
        "added": np.zeros(count),
        "gamma": np.ones(count),
        "noise": np.zeros((count, size, size), np.float32),
        "clip_limits": np.zeros(count),
    }
    return Lighting(**(steps | changes))


# -- CLAHE -----------------------------------------------------------------------------------


def test_clahe_gives_the_values_of_opencv():
    images = as_images(*[pattern()] * len(OPENCV))
    results = clahe(images, np.array(list(OPENCV)))
    for result, (row, total) in zip(results, OPENCV.values(), strict=True):
        levels = (255 * result).round().int()
        assert levels[27, ::13].tolist() == row
        # Of 6144 pixels a few lie half way between two grey values.
        assert levels.sum().item() == pytest.approx(total, abs=30)


def test_clahe_keeps_an_image_whose_tiles_have_all_grey_values_alike():
    tile = np.arange(256, dtype=np.uint8).reshape(16, 16)
    images = as_images(np.tile(tile, (8, 8)))
    (result,) = 255 * clahe(images, np.array([1.0])) - 255 * images
    # The curve counts the pixels up to a grey value, that value with them.
    assert result.min() > -1e-3
    assert result.max() < 1 + 1e-3


def test_clahe_of_tiles_alike_is_monotone_and_stays_in_range():
    rng = np.random.default_rng(0)
    tile = (255 * rng.random((16, 16)) ** 3).astype(np.uint8)
    images = as_images(np.tile(tile, (8, 8)))
    (result,) = clahe(images, np.array([2.0]))
    order = np.argsort(tile.ravel(), kind="stable")
    inner = result[32:48, 32:48].numpy().ravel()[order]
    assert (np.diff(inner) >= 0).all()
    assert result.min() >= 0
    assert result.max() <= 1
    assert inner.std() > images[0, 32:48, 32:48].numpy().std()


def test_a_higher_clip_limit_stretches_more():
    rng = np.random.default_rng(0)
    images = as_images(*[(100 + 20 * rng.random((64, 64))).astype(np.uint8)] * 3)
    spread = clahe(images, np.array([4.0, 16.0, 64.0])).std((1, 2))
    assert images.std() < spread[0] < spread[1] < spread[2]


def test_clahe_treats_each_image_alone_and_both_axes_alike():
    rng = np.random.default_rng(1)
    images = as_images(*rng.integers(0, 256, (2, 64, 64)))
    limits = np.array([1.0, 2.0])
    both = clahe(images, limits)
    assert torch.equal(both[1], clahe(images[1:], limits[1:])[0])
    torch.testing.assert_close(clahe(images.mT, limits), both.mT)


def test_clahe_needs_eight_tiles_along_each_axis():
    with pytest.raises(ValueError, match=r"images of \[64, 60\] pixels .* multiples of 8"):
        clahe(torch.zeros(1, 64, 60), np.ones(1))


# -- grey values -----------------------------------------------------------------------------


def test_eight_bits_are_cut_off_not_rounded():
    stored = torch.arange(65536) / 65535
    # 65535 is 257 times 255.
    assert torch.equal(eight_bits(stored) * 255, (torch.arange(65536) // 257).float())


def test_each_step_does_what_it_says():
    images = as_images(*[np.full((8, 8), 51)] * 5)
    noise = np.zeros((5, 8, 8), np.float32)
    noise[2] = 0.1
    steps = still(
        5, 8, added=np.array([0.1, 0, 0, -0.5, 0]), gamma=np.array([1, 0.7, 1, 1, 1]), noise=noise
    )
    levels = apply_lighting(images, steps)[:, 0, 0].tolist()
    assert levels == pytest.approx([0.3, 0.2**0.7, 0.3, 0, 0.2], abs=1e-6)


def test_noise_is_that_of_the_paper_or_of_the_notebook():
    paper, notebook = (draw_lighting(np.random.default_rng(1), MANY, b, 8) for b in (False, True))
    for steps, low, high in ((paper, 5.5 / 255, 10 / 255), (notebook, 0.1, 0.4)):
        sd = steps.noise.reshape(MANY, -1).std(1)
        assert (sd == 0).mean() == pytest.approx(0.5, abs=0.03)
        assert np.sqrt((sd[sd > 0] ** 2).mean()) == pytest.approx(
            np.sqrt((low**2 + low * high + high**2) / 3 if steps is notebook else 65 / 255**2),
            rel=0.03,
        )
        assert abs(steps.noise.mean()) < 0.01 * high


def test_steps_have_the_published_ranges_and_frequencies():
    steps = draw_lighting(np.random.default_rng(2), MANY, False, 8)
    for values, none, chance, low, high in (
        (steps.added, 0, 0.4, -0.17, 0.17),
        (steps.gamma, 1, 0.3, 0.7, 1.2),
        (steps.clip_limits, 0, 0.5, 1, 2),
    ):
        drawn = values[values != none]
        assert len(drawn) / MANY == pytest.approx(chance, abs=0.03)
        margin = 0.01 * (high - low)
        assert low <= drawn.min() < low + margin
        assert high - margin < drawn.max() <= high


def test_own_range_is_exactly_0_to_1_and_zeros_for_a_constant_image():
    images = torch.stack([torch.arange(64.0).reshape(8, 8) / 200 + 0.1, torch.full((8, 8), 0.4)])
    scaled = own_range(images)
    assert (scaled[0].min(), scaled[0].max()) == (0, 1)
    assert not scaled[1].any()


# -- the presets ------------------------------------------------------------------------------


def test_geometry_has_the_published_ranges_and_frequencies():
    drawn = draw_transforms(np.random.default_rng(3), MANY, "mouse", 8)
    linear = drawn.matrices[:, :2, :2]
    assert (np.linalg.det(linear) < 0).mean() == pytest.approx(0.5, abs=0.03)
    # Without the step of zoom, rotation and shift an image is turned by a multiple of 90 degrees.
    whole = np.abs(linear - np.rint(linear)).max(axis=(1, 2)) < 1e-9
    assert whole.mean() == pytest.approx(0.5, abs=0.03)
    upright = whole & (np.abs(linear[:, 1, 1] - 1) < 1e-9)
    assert upright.sum() / whole.sum() == pytest.approx(1 - 3 / 8, abs=0.03)
    assert not drawn.matrices[whole, :2, 2].any()
    zooms = np.linalg.norm(linear[~whole], axis=2) ** -1
    assert (zooms.min(), zooms.max()) == (
        pytest.approx(0.9, abs=2e-3),
        pytest.approx(1.1, abs=2e-3),
    )
    # Zooms of the two axes are drawn by themselves.
    assert abs(np.corrcoef(zooms.T)[0, 1]) < 0.05
    shifts = np.linalg.solve(linear[~whole], drawn.matrices[~whole, :2, 2:])[..., 0] / -2
    assert np.abs(shifts).max() == pytest.approx(0.0625, abs=1e-3)
    assert np.abs(shifts.mean(0)).max() < 0.003


def test_the_notebook_shifts_each_image_it_moves_by_a_16th_down_and_right():
    drawn = draw_transforms(np.random.default_rng(3), MANY, "mouse_notebook", 8)
    linear = drawn.matrices[:, :2, :2]
    shifts = np.linalg.solve(linear, drawn.matrices[:, :2, 2:])[..., 0] / -2
    moved = np.abs(shifts).max(1) > 0
    assert moved.mean() == pytest.approx(0.5, abs=0.03)
    assert shifts[moved] == pytest.approx(0.0625)


def test_a_disc_ends_where_it_is_shifted_and_its_label_with_it():
    y, x = np.mgrid[:64, :64]
    disc = ((y - 20) ** 2 + (x - 30) ** 2 < 60).astype(np.uint8)
    labels = torch.from_numpy(np.tile(disc, (60, 1, 1)))
    drawn = draw_transforms(np.random.default_rng(5), 60, "mouse_notebook", 64)
    none = still(60, 64)
    drawn = type(drawn)(drawn.matrices, drawn.brightness, drawn.contrast, none)
    images, moved = apply_transforms(labels.float(), labels, drawn)
    assert ((images > 0.5) != (moved == 1)).float().mean() < 0.01
    assert set(moved.unique().tolist()) == {0, 1}
    only_shift = type(drawn)(np.tile(np.eye(3), (1, 1, 1)), np.zeros(1), np.ones(1), still(1, 64))
    only_shift.matrices[0, :2, 2] = -2 * 0.0625
    _, shifted = apply_transforms(labels[:1].float(), labels[:1], only_shift)
    assert (shifted[0, 4:, 4:] == labels[0, :-4, :-4]).all()


@pytest.mark.parametrize("preset", ["mouse", "mouse_notebook"])
def test_images_reach_from_0_to_1_and_the_source_stays(preset):
    images = torch.from_numpy(np.random.default_rng(0).random((6, 32, 32), np.float32))
    labels = torch.zeros(6, 32, 32, dtype=torch.uint8)
    before = images.clone()
    drawn = draw_transforms(np.random.default_rng(1), 6, preset, 32)
    result, _ = apply_transforms(images, labels, drawn)
    assert torch.equal(images, before)
    assert result.amin((1, 2)).tolist() == [0] * 6
    assert result.amax((1, 2)).tolist() == [1] * 6


def test_same_generator_gives_the_same_draws():
    one, two = (draw_transforms(np.random.default_rng(5), 4, "mouse", 16) for _ in range(2))
    assert (one.matrices == two.matrices).all()
    for name in ("added", "gamma", "noise", "clip_limits"):
        assert (getattr(one.lighting, name) == getattr(two.lighting, name)).all()


def test_brightness_comes_before_gamma_and_is_cut_before_noise():
    images = as_images(*[np.full((8, 8), level, np.uint8) for level in (102, 204)])
    noise = np.stack([np.zeros((8, 8)), np.full((8, 8), -0.1)]).astype(np.float32)
    steps = still(2, 8, added=np.array([0.2, 0.3]), gamma=np.full(2, 2.0), noise=noise)
    levels = apply_lighting(images, steps)[:, 0, 0].tolist()
    assert levels == pytest.approx([(0.4 + 0.2) ** 2, 1 - 0.1])


def test_images_with_a_clip_limit_are_equalised_and_others_are_not():
    images = as_images(pattern(), pattern())
    first, second = apply_lighting(images, still(2, 1, clip_limits=np.array([0.0, 8.0])))
    assert torch.equal(first, eight_bits(images)[0])
    assert torch.equal(second, clahe(eight_bits(images)[1:], np.array([8.0]))[0])


def test_drawing_nothing_has_no_lighting():
    assert identity(2).lighting is None
    assert draw_transforms(np.random.default_rng(0), 2, "extreme", 32).lighting is None
