"""Resampling in the plane: against scikit-image, identities, hand-computed cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cmrseg.dicom.placement import Placement, place, place_labels
from cmrseg.dicom.resample import fit, linear_matrix, resize, rotate, scaled_size
from cmrseg.labels import UNLABELLED

skimage_transform = pytest.importorskip("skimage.transform", reason="needs scikit-image")

# Anti-aliasing was the default of scikit-image 0.16 and has to be asked for today.
LIKE_0_16 = {"anti_aliasing": True, "mode": "reflect", "order": 1, "preserve_range": True}


@pytest.fixture
def images():
    return np.random.default_rng(3).random((2, 31, 24))


@pytest.mark.parametrize("shape", [(16, 12), (31, 9), (11, 24), (7, 30), (48, 40), (1, 24)])
def test_resize_equals_scikit_image(images, shape):
    expected = [skimage_transform.resize(image, shape, **LIKE_0_16) for image in images]
    np.testing.assert_allclose(resize(images, shape), expected, atol=1e-5)


@pytest.mark.parametrize("factor", [0.5, 256 / 448, 1.1, 0.9])
def test_scaling_equals_scikit_image_rescale(images, factor):
    expected = skimage_transform.rescale(images[0], factor, **LIKE_0_16)
    shape = (scaled_size(31, factor), scaled_size(24, factor))
    np.testing.assert_allclose(resize(images[0], shape), expected, atol=1e-5)


@pytest.mark.parametrize("angle_deg", [7.3, -19.0, 68.07, 90.0, 180.0, 271.0])
def test_rotation_equals_scikit_image(images, angle_deg):
    expected = skimage_transform.rotate(images[0], angle_deg, preserve_range=True)
    np.testing.assert_allclose(rotate(images, angle_deg, (31, 24))[0], expected, atol=1e-5)


def test_resizing_to_the_same_shape_changes_nothing(images):
    assert resize(images, (31, 24)) is images


@pytest.mark.parametrize("shape", [(256, 192), (128, 96), (30, 50)])
@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_resizing_one_by_one_gives_the_bits_of_resizing_all_at_once(shape, kind):
    stack = np.random.default_rng(0).integers(0, 4000, (2, 3, 40, 30)).astype(kind)
    down, across = (sparse.csr_array(linear_matrix(*n)) for n in zip((40, 30), shape, strict=True))
    lines = across @ stack.reshape(-1, 30).T.astype(np.float64)
    planes = lines.reshape(shape[1], -1, 40).transpose(2, 0, 1).reshape(40, -1)
    expected = (down @ planes).reshape(shape[0], shape[1], -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(resize(stack, shape), expected.reshape(2, 3, *shape))


def test_linear_weights_of_an_axis_sum_to_one():
    for sizes in [(30, 17), (17, 30), (1, 3), (2, 1), (448, 256)]:
        np.testing.assert_allclose(linear_matrix(*sizes).sum(axis=1), 1, atol=1e-12)


def test_doubling_an_axis_interpolates_at_quarters():
    # Centres of the new pixels lie at -0.25 (mirrored to 0.25), 0.25, 0.75 and 1.25 (0.75).
    image = np.array([[0.0, 8.0]])
    np.testing.assert_allclose(resize(image, (1, 4)), [[2, 2, 6, 6]], atol=1e-12)


def test_sizes_round_halves_to_even_and_stay_positive():
    assert [scaled_size(5, 0.5), scaled_size(7, 0.5), scaled_size(1, 0.1)] == [2, 4, 1]


def test_rotating_four_quarters_is_identity(images):
    turned = images
    for _ in range(4):
        turned = rotate(turned, 90.0, turned.shape[:-3:-1])
    assert (turned == images).all()


def test_a_quarter_is_counter_clockwise_as_displayed(images):
    assert (rotate(images, 90.0, (24, 31)) == np.rot90(images, 1, axes=(1, 2))).all()


def test_rotating_there_and_back_keeps_the_middle():
    y, x = np.mgrid[:60, :60] - 29.5
    image = np.exp(-((x - 3) ** 2 + y**2) / 150)
    back = rotate(rotate(image, 25.0, (60, 60)), -25.0, (60, 60))
    assert np.abs(back - image)[15:45, 15:45].max() < 0.01


def test_nearest_rotation_only_picks_values_and_zeros():
    labels = np.random.default_rng(0).integers(1, 4, (20, 30)).astype(np.uint8)
    turned = rotate(labels, 33.0, (20, 30), nearest=True)
    assert turned.dtype == np.uint8
    assert set(np.unique(turned)) == {0, 1, 2, 3}
    assert turned[0, 0] == 0


def test_fit_puts_the_odd_pixel_on_the_low_side():
    image = np.arange(1, 6)[None]
    assert fit(image, (1, 2)).tolist() == [[3, 4]]
    assert fit(image, (1, 8)).tolist() == [[0, 0, 1, 2, 3, 4, 5, 0]]
    assert fit(image, (2, 5)).tolist() == [[0] * 5, [1, 2, 3, 4, 5]]


def test_an_empty_placement_changes_nothing(images):
    assert (place(images, Placement(), (31, 24)) == images).all()


def test_four_quarter_turns_of_a_stack_are_identity(images):
    assert (place(images, Placement(quarter_turns=4), (31, 24)) == images).all()


def test_an_unknown_canvas_is_refused():
    with pytest.raises(ValueError, match="rotation_canvas is 'own size', expected 'own' or 'ta"):
        Placement(rotation_canvas="own size")


@pytest.mark.parametrize(
    "placement",
    [
        Placement(),
        Placement(quarter_turns=1),
        Placement(scale_y=0.5, scale_x=0.5),
        Placement(scale_y=1.1, scale_x=1.1, rotation_deg=-20.0),
        Placement(mirrored=True, rotation_deg=70.0, rotation_canvas="own"),
    ],
    ids=["nothing", "turn", "shrink", "larger and rotated", "mirrored and rotated"],
)
def test_labels_and_images_are_carried_to_the_same_place(placement):
    y, x = np.mgrid[:80, :64]
    disc = (y - 30) ** 2 + (x - 40) ** 2 < 15**2
    shape = (64, 80) if placement.quarter_turns else (80, 64)
    image = place(disc.astype(float), placement, shape)
    label = place(disc.astype(np.uint8), placement, shape, nearest=True)
    assert label.sum() > 0.2 * disc.sum()
    assert np.abs((image > 0.5).astype(int) - label).sum() < 0.06 * label.sum()


def sources(**columns):
    row = {"z": 0, "t": 0, "file": "sax_5/a.dcm", "rows": 4, "columns": 3}
    placement = {name: getattr(Placement(), name) for name in Placement.__dataclass_fields__}
    return pd.DataFrame([{**row, **placement, **columns}])


def test_labels_without_resampling_arrive_unchanged_and_others_are_unlabelled():
    label = np.arange(12, dtype=np.uint8).reshape(4, 3) % 4
    table = pd.concat([sources(), sources(z=1, file="sax_6/a.dcm")])
    placed = place_labels({"sax_5/a.dcm": label}.get, table, (1, 2, 4, 3))
    assert (placed[0, 0] == label).all()
    assert (placed[0, 1] == UNLABELLED).all()


def test_a_label_of_another_size_is_refused_by_name():
    with pytest.raises(ValueError, match=r"sax_5/a.dcm: label of shape \(3, 4\), expected \(4, 3"):
        place_labels(lambda file: np.zeros((3, 4), np.uint8), sources(), (1, 1, 4, 3))


# Shifts


@pytest.mark.parametrize("shape", [(9, 8), (4, 5), (14, 13), (9, 13)])
@pytest.mark.parametrize("shift", [(2, -3), (-1, 1), (20, 0)])
def test_whole_shifts_are_those_of_a_wider_canvas_and_labels_follow(shape, shift):
    image = np.random.default_rng(0).integers(1, 100, (2, 9, 8)).astype(np.uint8)
    wide = np.zeros((2, 89, 88), np.uint8)
    wide[:, 40 + shift[0] : 49 + shift[0], 40 + shift[1] : 48 + shift[1]] = image
    start = [
        40 - (abs(n - m) + 1) // 2 * (1 if n > m else -1)
        for n, m in zip(shape, (9, 8), strict=True)
    ]
    expected = wide[:, start[0] : start[0] + shape[0], start[1] : start[1] + shape[1]]
    moved = fit(image, shape, shift)
    assert moved.dtype == np.uint8
    assert (moved == expected).all()
    near = (shift[0] + 0.4, shift[1] - 0.4)
    assert (fit(image, shape, near, nearest=True) == expected).all()


def test_parts_of_a_pixel_are_linear():
    image = np.zeros((1, 5, 5))
    image[0, 2, 2] = 1
    moved = fit(image, (5, 5), (0.25, -0.5))
    assert moved[0, 2:4, 1:3].tolist() == [[0.375, 0.375], [0.125, 0.125]]
    assert moved.sum() == 1


def test_a_turned_image_is_moved_after_turning():
    image = np.random.default_rng(1).random((1, 9, 9))
    turned = rotate(image, 90, (9, 9))
    assert np.allclose(rotate(image, 90, (9, 9), shift=(2, -1)), fit(turned, (9, 9), (2, -1)))
