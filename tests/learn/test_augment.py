import numpy as np
import pytest
import scipy.ndimage
import torch

from cmrseg.labels import UNLABELLED
from cmrseg.learn.augment import (
    PRESETS,
    Transforms,
    apply_transforms,
    draw_transforms,
    identity,
)
from cmrseg.learn.matrices import (
    fcn_matrices,
    flip_matrices,
    rotation_matrices,
    warp_matrices,
    zoom_matrices,
)

MANY = 20_000


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((3, 32, 32), np.float32))
    return images, torch.from_numpy(rng.integers(0, 4, (3, 32, 32), np.uint8))


def moved(images, labels, matrices):
    count = len(images)
    return apply_transforms(images, labels, Transforms(matrices, np.zeros(count), np.ones(count)))


def test_identity_changes_nothing(batch):
    images, labels = apply_transforms(*batch, identity(3))
    assert torch.equal(images, batch[0])
    assert torch.equal(labels, batch[1])


def test_drawing_no_augmentation_is_the_identity():
    drawn = draw_transforms(np.random.default_rng(0), 4, "no", 32)
    for name in ("matrices", "brightness", "contrast"):
        assert (getattr(drawn, name) == getattr(identity(4), name)).all()


def test_rotation_by_a_quarter_is_that_of_numpy(batch):
    images, labels = moved(*batch, rotation_matrices(np.array([90.0, 180.0, 0.0])))
    for i, turns in enumerate((1, 2, 0)):
        assert np.allclose(images[i], np.rot90(batch[0][i], turns), atol=1e-5)
        assert (labels[i].numpy() == np.rot90(batch[1][i], turns)).all()


def test_flip_mirrors_left_and_right_where_asked(batch):
    images, labels = moved(*batch, flip_matrices(np.array([True, False, True])))
    assert np.allclose(images[0], batch[0][0].flip(1), atol=1e-5)
    assert torch.equal(labels[2], batch[1][2].flip(1))
    assert torch.equal(images[1], batch[0][1])


def test_zoom_by_two_enlarges_a_square_four_times_and_keeps_its_focus(batch):
    images, labels = torch.zeros(1, 32, 32), torch.zeros(1, 32, 32, dtype=torch.uint8)
    images[0, 12:20, 12:20], labels[0, 12:20, 12:20] = 1, 2
    centred = moved(images, labels, zoom_matrices(np.array([2.0]), np.zeros((2, 1))))
    assert int((centred[1] == 2).sum()) == 4 * 64
    assert (centred[1][0, 8:24, 8:24] == 2).all()
    corner = moved(images, labels, zoom_matrices(np.array([2.0]), np.full((2, 1), -1.0)))
    assert (corner[1][0, 24:, 24:] == 2).all()
    assert not corner[0][0, :23, :].any()


def test_warp_reads_the_corners_where_the_magnitudes_say():
    left, right, top, bottom = 0.1, -0.2, 0.05, 0.15
    matrix = warp_matrices(np.array([[left], [right], [top], [bottom]]))[0]
    for x, y, expected in (
        (-1, -1, (-1 - top, -1 - left)),
        (1, -1, (1 + top, -1 - right)),
        (-1, 1, (-1 - bottom, 1 + left)),
        (1, 1, (1 + bottom, 1 + right)),
    ):
        read = matrix @ (x, y, 1)
        assert np.allclose(read[:2] / read[2], expected)
    assert np.allclose(warp_matrices(np.zeros((4, 1)))[0], np.eye(3))


def test_fcn_affine_is_that_of_the_published_training_inside(batch):
    angle_deg, zoom, size = 17.0, 1.3, 32
    smooth = scipy.ndimage.gaussian_filter(batch[0].numpy(), (0, 2, 2))
    image, label = moved(
        torch.from_numpy(smooth[:1]),
        batch[1][:1],
        fcn_matrices(np.array([angle_deg]), np.array([zoom]), size),
    )
    cosine, sine = np.cos(np.deg2rad(angle_deg)) / zoom, np.sin(np.deg2rad(angle_deg)) / zoom
    matrix = np.array([[cosine, sine], [-sine, cosine]])
    centre = np.full(2, size / 2)
    for given, result, order in ((smooth[0], image[0], 1), (batch[1][0].numpy(), label[0], 0)):
        expected = scipy.ndimage.affine_transform(
            given, matrix, centre - matrix @ centre, order=order
        )
        inside = (slice(1, -1), slice(1, -1))
        assert np.allclose(result[inside], expected[inside], atol=1e-4)


def test_lighting_is_a_line_in_logit_space_and_leaves_labels(batch):
    share, contrast = 0.7, 0.6
    transforms = Transforms(
        identity(3).matrices, np.full(3, np.log(share / (1 - share))), np.array([1, contrast, 1])
    )
    images, labels = apply_transforms(*batch, transforms)
    given = batch[0][1].numpy().astype(float)
    odds = given / (1 - given) * share / (1 - share)
    assert np.allclose(images[1], odds**contrast / (1 + odds**contrast), atol=1e-5)
    assert torch.equal(labels, batch[1])
    half = torch.full((1, 2, 2), 0.5)
    lit, _ = apply_transforms(
        half,
        torch.zeros(1, 2, 2, dtype=torch.uint8),
        Transforms(identity(1).matrices, np.log([7 / 3]), np.ones(1)),
    )
    assert np.allclose(lit, 0.7)


def test_black_and_white_stay_finite_and_nearly_so():
    images = torch.tensor([[[0.0, 1.0]]])
    lit, _ = apply_transforms(
        images,
        torch.zeros(1, 1, 2, dtype=torch.uint8),
        Transforms(identity(1).matrices, np.array([-0.8]), np.array([1.6])),
    )
    assert torch.allclose(lit, images, atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_labels_stay_labels_and_images_stay_in_range(batch, preset):
    labels = batch[1].clone()
    labels[labels == 3] = UNLABELLED
    drawn = draw_transforms(np.random.default_rng(1), 3, preset, 32)
    images, labels = apply_transforms(batch[0], labels, drawn)
    assert labels.dtype == torch.uint8
    assert set(labels.unique().tolist()) <= {0, 1, 2, UNLABELLED}
    assert images.min() >= 0
    assert images.max() <= 1


def test_image_and_labels_move_together():
    y, x = np.mgrid[:64, :64]
    disc = ((y - 30) ** 2 + (x - 36) ** 2 < 150).astype(np.uint8)
    labels = torch.from_numpy(np.tile(disc, (20, 1, 1)))
    drawn = draw_transforms(np.random.default_rng(2), 20, "extreme", 64)
    drawn = Transforms(drawn.matrices, np.zeros(20), np.ones(20))
    images, moved_labels = apply_transforms(labels.float(), labels, drawn)
    assert ((images > 0.5) != (moved_labels == 1)).float().mean() < 0.01


@pytest.mark.parametrize(
    ("preset", "limit_deg", "flips"), [("normal", 20, 0), ("extreme", 90, 0.5)]
)
def test_draws_have_the_published_ranges(preset, limit_deg, flips):
    drawn = draw_transforms(np.random.default_rng(3), MANY, preset, 256)
    still = drawn.brightness == 0
    assert still.mean() == pytest.approx(0.25, abs=0.02)
    shares = 1 / (1 + np.exp(-drawn.brightness))
    assert 0.3 <= shares.min() < 0.302
    assert 0.698 < shares.max() <= 0.7
    assert 0.6 <= drawn.contrast.min() < 0.602
    assert 1.66 < drawn.contrast.max() <= 1 / 0.6
    assert np.median(drawn.contrast[drawn.contrast != 1]) == pytest.approx(1, abs=0.03)
    determinants = np.linalg.det(drawn.matrices[:, :2, :2])
    assert (determinants < 0).mean() == pytest.approx(flips, abs=0.02)
    # Where there is neither warp nor flip the matrix is a rotation times 1 / zoom.
    plain = (np.abs(drawn.matrices[:, 2, :2]).max(axis=1) < 1e-12) & (determinants > 0)
    angles_deg = np.rad2deg(np.arctan2(drawn.matrices[plain, 1, 0], drawn.matrices[plain, 0, 0]))
    assert 0.98 * limit_deg < np.abs(angles_deg).max() <= limit_deg + 1e-9
    zooms = determinants[plain] ** -0.5
    assert zooms.min() >= 1 - 1e-9
    assert 1.19 < zooms.max() <= 1.2 + 1e-9


@pytest.mark.parametrize(("preset", "zoom"), [("fcn", 0.2), ("aorta", 0.1)])
def test_draws_of_the_fcn_are_normal_and_clipped_at_three_deviations(preset, zoom):
    drawn = draw_transforms(np.random.default_rng(4), MANY, preset, 192)
    linear = drawn.matrices[:, :2, :2]
    angles_deg = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    zooms = np.linalg.det(linear) ** -0.5
    assert angles_deg.std() == pytest.approx(10, rel=0.03)
    assert np.abs(angles_deg).max() == pytest.approx(30)
    assert zooms.mean() == pytest.approx(1, abs=0.01)
    assert zooms.std() == pytest.approx(zoom, rel=0.03)
    least, most = 1 - 3 * zoom, 1 + 3 * zoom
    assert (zooms.min(), zooms.max()) == (pytest.approx(least), pytest.approx(most))
    assert not drawn.brightness.any()


def test_same_generator_gives_the_same_draws():
    a, b = (draw_transforms(np.random.default_rng(5), 6, "extreme", 64) for _ in range(2))
    assert (a.matrices == b.matrices).all()


def test_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="augmentation 'mild' is unknown"):
        draw_transforms(np.random.default_rng(0), 1, "mild", 32)
