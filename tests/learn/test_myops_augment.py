"""Augmentation of the MyoPS trainings: elastic deformation, drop-out, grey values of channels."""

import dataclasses

import numpy as np
import pytest
import torch

from cmrseg.learn import augment
from cmrseg.learn.augment import MYOPS, Transforms, apply_transforms, draw_transforms, identity
from cmrseg.learn.channel_greys import ChannelGreys, apply_channel_greys, draw_channel_greys
from cmrseg.learn.dropped import PATCH_PX, draw_dropped
from cmrseg.learn.elastic import (
    AMPLITUDE_PX,
    SIGMA_PX,
    Elastic,
    displacements_px,
    draw_elastic,
)
from cmrseg.learn.matrices import rotation_matrices
from cmrseg.learn.smooth_fields import NODES_PER_SIGMA, bspline, node_count, smooth_fields

SIZE = 64
MANY = 4000


def ramps(size=SIZE):
    """An image of two channels whose grey values are x and y, in pixels: (1, 2, size, size)."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return torch.from_numpy(np.stack([x, y])[None])


def elastic_of(*shifts_px, size=SIZE):
    """Deformations that are one shift (x, y) of the whole image each."""
    side = node_count(size, SIGMA_PX * NODES_PER_SIGMA)
    nodes = np.array(shifts_px, np.float32)[:, :, None, None] * np.ones((side, side), np.float32)
    return Elastic(nodes, np.hypot(*np.array(shifts_px, float).T))


def still(count=1, channels=1, size=8, **steps):
    """Grey value steps that do nothing, but for those given."""
    each = (count, channels)
    return dataclasses.replace(
        ChannelGreys(
            np.ones(each),
            np.ones(each),
            np.zeros((*each, 5, 5), np.float32),
            np.zeros((*each, size, size), np.float32),
        ),
        **steps,
    )


# -- smooth fields ---------------------------------------------------------------------------


def test_weights_of_a_b_spline_are_those_of_its_formula():
    at_node, between = bspline(np.array([0, 0.5])).T
    assert at_node == pytest.approx(np.array([1, 4, 1, 0]) / 6)
    assert between == pytest.approx(np.array([1, 23, 23, 1]) / 48)


def test_a_field_of_nodes_on_a_plane_is_that_plane():
    side = node_count(60, 7.5)
    rows, columns = np.mgrid[:side, :side]
    field = smooth_fields(3 * columns + rows, 60, 7.5)
    # The second node lies on the edge of the first pixel.
    place = 1 + (np.arange(60) + 0.5) / 7.5
    assert field == pytest.approx(3 * place + place[:, None], rel=1e-5)


def test_displacements_are_smoothed_by_ten_pixels():
    size, spacing = 256, SIGMA_PX * NODES_PER_SIGMA
    nodes = np.zeros((1, node_count(size, spacing), node_count(size, spacing)), np.float32)
    nodes[0, 8, 8] = 1
    along = smooth_fields(nodes, size, spacing)[0].sum(0)
    x = np.arange(size)
    middle = np.average(x, weights=along)
    assert np.sqrt(np.average((x - middle) ** 2, weights=along)) == pytest.approx(10, rel=0.01)


# -- elastic deformation ---------------------------------------------------------------------


def test_the_largest_displacement_is_the_amplitude_and_none_is_none():
    drawn = draw_elastic(np.random.default_rng(0), 40, SIZE, 0.5)
    fields = displacements_px(drawn, np.arange(40), SIZE)
    assert np.hypot(fields[:, 0], fields[:, 1]).max((1, 2)) == pytest.approx(
        drawn.amplitudes_px, rel=1e-5
    )
    assert 0 < (drawn.amplitudes_px == 0).sum() < 40
    # Along both axes, and some as they are drawn alone.
    assert (fields[drawn.amplitudes_px > 0].std((0, 2, 3)) > 0.5).all()
    assert (displacements_px(drawn, np.array([7, 3]), SIZE) == fields[[7, 3]]).all()


def test_one_displacement_of_all_pixels_shifts_image_and_labels():
    labels = torch.from_numpy(np.random.default_rng(1).integers(0, 4, (2, SIZE, SIZE), np.uint8))
    shifted = dataclasses.replace(identity(2), elastic=elastic_of((3, 0), (0, -5)))
    images, moved = apply_transforms(labels.float(), labels, shifted)
    assert torch.equal(moved[0, :, :-3], labels[0, :, 3:])
    assert not moved[0, :, -3:].any()
    assert torch.equal(moved[1, 5:], labels[1, :-5])
    torch.testing.assert_close(images, moved.float(), atol=1e-3, rtol=0)


def test_displacements_are_added_where_the_matrix_reads_in_one_resampling():
    drawn = draw_elastic(np.random.default_rng(2), 1, SIZE, 1)
    turned = Transforms(rotation_matrices(np.array([10.0])), np.zeros(1), np.ones(1), None)
    labels = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
    affine, _ = apply_transforms(ramps(), labels, turned)
    both, _ = apply_transforms(ramps(), labels, dataclasses.replace(turned, elastic=drawn))
    (field,) = displacements_px(drawn, np.arange(1), SIZE)
    inside = (slice(20, -20), slice(20, -20))
    for channel in (0, 1):
        found = (both - affine)[0, channel].numpy()[inside]
        assert found == pytest.approx(field[channel][inside], abs=1e-3)
    assert np.abs(field).max() > 1


# -- drop-out --------------------------------------------------------------------------------


def test_dropped_pixels_are_zero_in_all_channels_and_labels_stay():
    dropped = np.zeros((1, SIZE, SIZE), bool)
    dropped[0, 5, 7] = True
    labels = torch.ones(1, SIZE, SIZE, dtype=torch.uint8)
    one, two = labels.float(), torch.ones(1, 2, SIZE, SIZE)
    for given in (one, two):
        images, found = apply_transforms(
            given, labels, dataclasses.replace(identity(1), dropped=dropped)
        )
        gone = torch.nonzero(images[0] == 0)[:, -2:].tolist()
        assert gone == [[5, 7]] * (given.ndim - 2)
        assert torch.equal(found, labels)
        assert (given == 1).all()


def test_pixels_and_patches_are_dropped_from_a_part_of_images():
    dropped = draw_dropped(np.random.default_rng(3), MANY, SIZE, 0.3)
    shares = dropped.mean((1, 2))
    assert (shares == 0).mean() == pytest.approx(0.49, abs=0.03)
    blocks = dropped.reshape(MANY, 8, PATCH_PX, 8, PATCH_PX)
    whole = blocks.all((2, 4)).sum((1, 2))
    # Of 64 patches 2 to 10 %, of all images 0.3.
    assert whole.mean() == pytest.approx(64 * 0.06 * 0.3, rel=0.1)
    single = shares[(whole == 0) & (shares > 0)]
    assert single.mean() == pytest.approx(0.06, abs=0.005)
    assert single.min() > 0.01
    assert single.max() < 0.125


# -- presets ---------------------------------------------------------------------------------


def test_draws_of_the_published_kinds_have_the_proposed_strengths():
    drawn = draw_transforms(np.random.default_rng(4), MANY, "myops", 32)
    linear = drawn.matrices[:, :2, :2]
    determinants = np.linalg.det(linear)
    assert np.abs(determinants) == pytest.approx(1)
    assert (determinants < 0).mean() == pytest.approx(0.5, abs=0.03)
    angles_deg = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 1, 1]))
    assert 14.9 < np.abs(angles_deg).max() <= 15
    assert np.abs(angles_deg).mean() == pytest.approx(7.5, rel=0.05)
    amplitudes_px = drawn.elastic.amplitudes_px
    assert (amplitudes_px > 0).mean() == pytest.approx(0.3, abs=0.03)
    assert 7.9 < amplitudes_px.max() <= AMPLITUDE_PX
    assert drawn.greys is None
    assert not drawn.brightness.any()


def test_draws_of_ours_turn_by_any_angle_zoom_and_shift():
    drawn = draw_transforms(np.random.default_rng(5), MANY, "myops_cmrseg", 32, 2)
    linear = drawn.matrices[:, :2, :2]
    zooms = np.abs(np.linalg.det(linear)) ** -0.5
    assert (zooms.min(), zooms.max()) == (
        pytest.approx(0.8, abs=0.01),
        pytest.approx(1.2, abs=0.01),
    )
    angles_deg = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 1, 1]))
    assert np.histogram(angles_deg, 4, (-180, 180))[0] == pytest.approx(MANY / 4, rel=0.1)
    # The centre of the result is read within the shift, 12 pixels of 32 along each axis.
    shifts_px = 16 * np.einsum("nij,nj->ni", np.linalg.inv(linear), drawn.matrices[:, :2, 2])
    assert 11.9 < np.abs(shifts_px).max() <= 12 + 1e-9
    assert drawn.dropped is None
    assert drawn.greys.noise.shape == (MANY, 2, 32, 32)


@pytest.mark.parametrize("preset", MYOPS)
def test_as_many_numbers_are_drawn_whatever_happens(preset, monkeypatch):
    after = []
    for probability in (0, 1):
        for name in ("MYOPS_ELASTIC", "MYOPS_DROPPED", "CMRSEG_ELASTIC"):
            monkeypatch.setattr(augment, f"{name}_PROBABILITY", probability)
        monkeypatch.setattr("cmrseg.learn.channel_greys.PROBABILITY", probability)
        rng = np.random.default_rng(6)
        drawn = draw_transforms(rng, 3, preset, 32, 2)
        assert (drawn.elastic.amplitudes_px > 0).all() == (probability == 1)
        after.append(rng.random())
    assert after[0] == after[1]


@pytest.mark.parametrize("preset", MYOPS)
def test_all_channels_and_the_labels_of_an_image_move_alike(preset):
    y, x = np.mgrid[:SIZE, :SIZE]
    disc = torch.from_numpy(((y - 30) ** 2 + (x - 36) ** 2 < 150).astype(np.uint8))
    labels = disc.repeat(8, 1, 1)
    images = labels.float()[:, None].repeat(1, 3, 1, 1)
    drawn = draw_transforms(np.random.default_rng(7), 8, preset, SIZE, 3)
    drawn = dataclasses.replace(drawn, greys=None, dropped=None)
    moved, moved_labels = apply_transforms(images, labels, drawn)
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert torch.equal(moved[:, 0], moved[:, 2])
    assert ((moved[:, 0] > 0.5) != (moved_labels == 1)).float().mean() < 0.01
    assert (moved_labels != labels).any((1, 2)).all()


# -- grey values -----------------------------------------------------------------------------


def image(low=0.0, high=1.0, size=8):
    """A channel with its smallest and largest value in the corners, and a quarter between."""
    channel = torch.full((1, 1, size, size), low + (high - low) / 4)
    channel[..., 0, 0], channel[..., -1, -1] = low, high
    return channel


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-2, 6)])
def test_each_step_does_what_it_says_on_any_range_of_grey_values(low, high, monkeypatch):
    monkeypatch.setattr("cmrseg.learn.channel_greys.MEDIAN_STEP", 1)
    channel = image(low, high)

    def inner(**steps):
        found = apply_channel_greys(channel, still(**steps))
        return (found[0, 0, 3, 3].item() - low) / (high - low), found

    value, found = inner(gamma=np.array([[2.0]]))
    assert value == pytest.approx(1 / 16)
    assert (found.min(), found.max()) == (low, high)
    value, _ = inner(bias=np.full((1, 1, 5, 5), 0.2, np.float32))
    assert value == pytest.approx(0.3)
    # Contrast leaves the median where it is; what is darker than black is black.
    value, found = inner(contrast=np.array([[0.5]]))
    assert value == pytest.approx(0.25)
    assert (found[0, 0, 0, 0].item() - low) / (high - low) == pytest.approx(0.125)
    assert (found[0, 0, -1, -1].item() - low) / (high - low) == pytest.approx(0.625)
    _, found = inner(contrast=np.array([[2.0]]))
    assert (found.min(), found.max()) == (low, high)
    # Noise is in units of the median, 0.25 here.
    value, _ = inner(noise=np.full((1, 1, 8, 8), 0.4, np.float32))
    assert value == pytest.approx(0.35)


def test_a_channel_without_a_step_and_a_flat_one_come_back_as_they_are():
    channels = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    greys = still(channels=2, gamma=np.array([[1.0, 1.3]]))
    found = apply_channel_greys(channels, greys)
    assert torch.equal(found[:, 0], channels[:, 0])
    assert not torch.equal(found[:, 1], channels[:, 1])
    flat = torch.full((1, 2, 8, 8), 3.0)
    noisy = dataclasses.replace(greys, noise=np.ones((1, 2, 8, 8), np.float32))
    assert torch.equal(apply_channel_greys(flat, noisy), flat)


def test_each_channel_has_its_own_steps_and_frames_of_a_window_the_same():
    drawn = draw_channel_greys(np.random.default_rng(8), 50, 3, 16)
    assert (drawn.gamma != 1).mean() == pytest.approx(0.5, abs=0.15)
    assert 1 / 1.4 <= drawn.gamma.min() < 0.9 < 1.1 < drawn.gamma.max() <= 1.4
    assert 1 / 1.3 <= drawn.contrast.min() < 0.9 < 1.1 < drawn.contrast.max() <= 1.3
    assert 0.28 < np.abs(drawn.bias).max() <= 0.3
    assert 0 < drawn.noise.std() < 0.1
    assert (drawn.gamma[:, 0] != drawn.gamma[:, 1]).any()
    window = torch.randn(50, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    one = draw_channel_greys(np.random.default_rng(8), 50, 1, 16)
    found = apply_channel_greys(window.repeat(1, 3, 1, 1), one)
    assert torch.equal(found[:, 0], found[:, 2])
    assert torch.equal(found[:, 0], apply_channel_greys(window[:, 0], one))


def test_images_without_limits_stay_in_the_range_of_their_channel():
    images = 5 * torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    greys = draw_channel_greys(np.random.default_rng(9), 6, 3, 32)
    found = apply_channel_greys(images, greys)
    assert torch.isfinite(found).all()
    assert (found.amin((2, 3)) >= images.amin((2, 3))).all()
    assert (found.amax((2, 3)) <= images.amax((2, 3)) + 1e-5).all()
    assert (found != images).any()
