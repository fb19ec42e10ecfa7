import matplotlib
import numpy as np
import pytest

from cmrseg.canvas import prediction_canvas, training_canvas
from cmrseg.labels import UNLABELLED
from cmrseg.learn.prepare import (
    FCN_PERCENTILES,
    GREYS,
    as_float,
    check_settings,
    percentiles,
    prepare_cine,
    prepare_labels,
    prepare_volume,
)

UNET = {"preparation": "unet", "size_px": 8, "intensity": "linear"}
FCN = {"preparation": "fcn", "size_px": 16, "intensity": "linear"}
MINMAX = {"preparation": "minmax", "size_px": 16, "intensity": "linear"}


def test_unet_image_that_fits_is_only_scaled_by_its_own_range():
    volume = np.stack([np.arange(64.0).reshape(8, 8), 5 + 2 * np.arange(64.0).reshape(8, 8)])
    pixels, canvas = prepare_volume(volume, UNET)
    assert pixels.dtype == np.uint8
    assert canvas.native == canvas.scaled == canvas.size == (8, 8)
    assert (pixels[0] == np.rint(np.arange(64).reshape(8, 8) / 63 * 255)).all()
    assert (pixels[0] == pixels[1]).all()


def test_constant_images_become_zeros_and_not_nan():
    for settings in (UNET, FCN, MINMAX, UNET | {"intensity": "greys"}):
        for value in (0, -3.5, 7):
            pixels, _ = prepare_volume(np.full((2, 8, 8), value), settings | {"size_px": 16})
            volume, _ = prepare_cine(np.full((1, 2, 8, 8), value), settings)
            assert not volume.any()
            assert not pixels.any() or settings["preparation"] == "fcn"


def test_greys_curve_is_that_of_the_published_pictures():
    values = np.linspace(0, 1, 256)
    published = matplotlib.colormaps["Greys_r"](values, bytes=True)[:, 0]
    assert (GREYS * 255).tolist() == published.tolist()
    pixels, _ = prepare_volume(
        values.reshape(1, 16, 16), UNET | {"size_px": 16, "intensity": "greys"}
    )
    assert pixels.ravel().tolist() == published.tolist()


def test_halving_is_the_mean_of_two_by_two_pixels():
    image = np.random.default_rng(0).random((16, 12))
    image[0, 0], image[5, 5] = 0, 1
    pixels, canvas = prepare_volume(image[None], UNET)
    assert canvas.scaled == (8, 6)
    assert canvas.offset == (0, 1)
    means = image.reshape(8, 2, 6, 2).mean(axis=(1, 3))
    assert np.abs(pixels[0, :, 1:7] - 255 * means).max() <= 0.5001
    assert not pixels[0, :, [0, 7]].any()


def test_padding_is_symmetric_with_the_smaller_half_in_front():
    canvas = training_canvas((8, 5), UNET)
    assert canvas.offset == (0, 1)
    pixels, _ = prepare_volume(1 + np.arange(40.0).reshape(1, 8, 5), UNET)
    assert pixels[0].any(axis=0).tolist() == [False] + 5 * [True] + 2 * [False]


def test_small_images_are_enlarged_to_the_size():
    canvas = training_canvas((3, 4), UNET)
    assert canvas.scaled == (6, 8)
    labels = prepare_labels(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), canvas)
    assert (labels[0, 1:7] == np.kron(np.arange(12).reshape(3, 4), np.ones((2, 2)))).all()


def test_labels_take_the_nearest_pixel_and_background_outside():
    labels = np.full((1, 16, 12), UNLABELLED, np.uint8)
    labels[0, 4:10, 2:6] = 1
    prepared = prepare_labels(labels, training_canvas((16, 12), UNET))
    assert (prepared[0, 2:5, 2:4] == 1).all()
    assert set(np.unique(prepared)) == {0, 1, UNLABELLED}
    assert (prepared[0, :, 0] == 0).all()


def test_fcn_training_crops_the_centre_then_takes_percentiles_with_the_padding():
    volume = np.random.default_rng(1).random((3, 21, 10)) + 1
    pixels, canvas = prepare_volume(volume, FCN)
    window = np.zeros((3, 16, 16))
    window[:, :, 3:13] = volume[:, 2:18]  # centre 10 of 21 -> 8 of 16; centre 5 of 10 -> 8 of 16
    low, high = np.percentile(window, (1, 99))
    expected = (np.clip(window, low, high) - low) / (high - low)
    assert pixels.dtype == np.uint16
    assert np.abs(as_float(pixels) - expected).max() < 1e-4
    labels = prepare_labels((volume > 1.5).astype(np.uint8), canvas)
    assert (labels == (window > 1.5)).all()


def test_fcn_prediction_takes_percentiles_of_the_whole_cine_before_padding():
    voxels = np.random.default_rng(2).integers(0, 1000, (2, 3, 17, 16)).astype(np.int16)
    before = voxels.copy()
    pixels, canvas = prepare_cine(voxels, FCN)
    low, high = np.percentile(voxels, (1, 99))
    expected = (np.clip(voxels, low, high) - low) / (high - low)
    assert pixels.shape == (2, 3, 32, 16)
    assert canvas.offset == (7, 0)
    assert np.abs(as_float(pixels)[:, :, 7:24] - expected).max() < 1e-4
    assert not pixels[:, :, :7].any()
    assert (voxels == before).all()


def test_prediction_sees_what_the_unet_was_trained_on():
    voxels = np.random.default_rng(3).random((2, 3, 20, 14))
    settings = UNET | {"size_px": 16, "intensity": "greys"}
    pixels, canvas = prepare_cine(voxels, settings)
    assert canvas == prediction_canvas((20, 14), settings)
    assert all((pixels[t] == prepare_volume(voxels[t], settings)[0]).all() for t in range(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preparation": "vnet"}, "preparation 'vnet' is unknown"),
        ({"intensity": "jet"}, "intensity 'jet' is unknown"),
        ({"size_px": 24}, "size_px is 24, expected .* multiple of 16"),
        ({"intensity": "greys"}, "'greys' does not exist for preparation fcn"),
    ],
)
def test_settings_that_do_not_exist_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        check_settings(FCN | change)


def test_minmax_scales_each_image_by_its_own_range_before_it_is_padded():
    rng = np.random.default_rng(3)
    cine = 50 + rng.integers(0, 2000, (2, 3, 20, 16)).astype(np.uint16)
    cine[1, 2] = 77
    pixels, canvas = prepare_cine(cine, MINMAX)
    assert pixels.dtype == np.uint16
    assert (canvas.size, canvas.offset) == ((32, 16), (6, 0))
    inside = pixels[..., 6:26, :]
    assert not np.delete(pixels, np.s_[6:26], axis=2).any()
    low, high = (f(cine, axis=(2, 3), keepdims=True).astype(float) for f in (np.min, np.max))
    expected = (cine - low) / np.maximum(high - low, 1)
    assert np.abs(as_float(inside) - expected).max() < 1e-5
    # Exactly 0 and 1 in each slice and frame; a constant one is all zeros.
    assert (inside.min(axis=(2, 3)) == 0).all()
    assert (inside.max(axis=(2, 3)) == np.array([[65535] * 3, [65535, 65535, 0]])).all()


def test_minmax_of_training_is_a_centred_window_of_the_scaled_image():
    volume = np.arange(24 * 20.0).reshape(1, 24, 20)
    pixels, canvas = prepare_volume(volume, MINMAX)
    assert (canvas.size, canvas.offset, canvas.scaled) == ((16, 16), (-4, -2), (24, 20))
    # The largest value lies outside the window: grey values are those of the whole image.
    assert np.abs(as_float(pixels[0]) - volume[0, 4:20, 2:18] / volume.max()).max() < 1e-5
    labels = prepare_labels((volume > 100).astype(np.uint8), canvas)
    assert (labels[0] == (volume[0, 4:20, 2:18] > 100)).all()
    small, _ = prepare_volume(volume[:, :8, :8], MINMAX)
    assert (small[0, 4:12, 4:12] > 0).sum() == 63
    assert (small[0] > 0).sum() == 63


def test_minmax_images_that_fit_are_those_of_prediction():
    volume = np.random.default_rng(1).random((3, 16, 16))
    assert (prepare_volume(volume, MINMAX)[0] == prepare_cine(volume[None], MINMAX)[0][0]).all()


def test_minmax_has_sizes_of_16_and_no_curve():
    with pytest.raises(ValueError, match=r"size_px is 24.* a multiple of 16"):
        check_settings(MINMAX | {"size_px": 24})
    with pytest.raises(ValueError, match="'greys' does not exist for preparation minmax"):
        check_settings(MINMAX | {"intensity": "greys"})


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int32, np.float32, float])
def test_percentiles_are_numpys_to_the_bit(dtype):
    rng = np.random.default_rng(4)
    for size in [1, 2, 3, 50, 51, 100, 101, *rng.integers(1, 5000, 40)]:
        images = (200 * rng.gamma(2, size=size)).astype(dtype)
        expected = np.percentile(images.astype(np.float32), FCN_PERCENTILES)
        assert percentiles(images) == expected.tolist()
