"""Windows of images divided by largest values: in training, in prediction, and pasted back."""

import numpy as np
import pytest
import torch

from cmrseg.canvas import PREPARATIONS, prediction_canvas, training_canvas, window_canvas
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.prepare import as_float, check_settings, prepare_cines, prepare_volumes
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.tasks.label_map import LabelMap
from myops_oracle import SLICE, case, oracle

WINDOWS = ("joint_max", "joint_max_compat", "channel_max")
SETTINGS = {"intensity": "linear", "size_px": 16, "sequence": "c0,de", "tissues": "lv,my,scar"}
# What the spec says of the example in a window in the true centre of slice 3.
CENTRE_MEANS, CENTRE_MEAN, CENTRE_SD = (0.239667, 0.111335, 0.061117), 0.137373, 0.160227


def settings_of(preparation, size_px=16):
    return SETTINGS | {"preparation": preparation, "size_px": size_px}


def channels(shape=(2, 3, 20, 18), count=2):
    rng = np.random.default_rng(4)
    return [rng.integers(0, 100 * (i + 1), shape).astype(np.int16) for i in range(count)]


# -- where windows lie ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "offset"), [((20, 18), (-2, -1)), ((21, 16), (-3, 0)), ((11, 17), (2, -1))]
)
def test_a_window_is_in_the_centre_with_the_odd_pixel_on_the_low_side(shape, offset):
    canvas = window_canvas(shape, 16)
    assert (canvas.size, canvas.offset, canvas.windowed) == ((16, 16), offset, True)
    # Training and prediction see the same one.
    for settings in map(settings_of, ("joint_max", "channel_max")):
        check_settings(settings)
        assert training_canvas(shape, settings) == canvas
        assert prediction_canvas(shape, settings, 32) == canvas


def test_the_published_window_has_its_first_row_and_column_swapped():
    canvas = prediction_canvas((480, 485), settings_of("joint_max_compat", 256))
    # Rows 115 to 370 and columns 112 to 367; in the centre lie rows 112 and columns 115.
    assert canvas.overlap[0] == (slice(115, 371), slice(112, 368))
    centre = prediction_canvas((480, 485), settings_of("joint_max", 256))
    assert centre.overlap[0] == (slice(112, 368), slice(115, 371))


def test_a_swapped_window_beside_the_image_is_refused():
    with pytest.raises(ValueError, match=r"image of \(600, 100\) .* has nothing in a window of"):
        window_canvas((600, 100), 256, swapped=True)
    assert window_canvas((600, 100), 256).offset == (-172, 78)


def test_other_images_are_padded_to_what_a_network_takes():
    minmax = settings_of("minmax")
    assert prediction_canvas((33, 40), minmax).size == (48, 48)
    assert prediction_canvas((33, 40), minmax, 32).size == (64, 64)


# -- what is in them -----------------------------------------------------------------------------


def test_all_channels_of_a_slice_are_divided_by_one_number():
    images = channels()
    pixels, canvas = prepare_cines(images, settings_of("joint_max"))
    assert (pixels.dtype, pixels.shape) == (np.float32, (2, 3, 2, 16, 16))
    for t, z in np.ndindex(2, 3):
        window = np.stack([voxels[t, z, 2:18, 1:17] for voxels in images]).astype(float)
        assert (pixels[t, z] == (window / window.max()).astype(np.float32)).all()
    assert as_float(pixels) is pixels
    assert canvas.native == (20, 18)


def test_each_channel_may_be_divided_by_its_own_number():
    images = channels()
    pixels, _ = prepare_cines(images, settings_of("channel_max"))
    assert (pixels.max((3, 4)) == 1).all()
    alone, _ = prepare_cines(images[1:], settings_of("channel_max"))
    assert (alone == pixels[:, :, 1]).all()
    together, _ = prepare_cines(images[1:], settings_of("joint_max"))
    assert (together == alone).all()


@pytest.mark.parametrize("preparation", WINDOWS)
def test_empty_slices_and_padding_are_zero(preparation):
    images = channels((1, 2, 10, 12))
    images[0][0, 1] = images[1][0, 1] = 0
    pixels, canvas = prepare_volumes([voxels[0] for voxels in images], settings_of(preparation))
    assert not pixels[1].any()
    inside = np.zeros((16, 16), bool)
    inside[canvas.overlap[1]] = True
    assert not pixels[0, :, ~inside].any()
    assert pixels[0].max() == 1


@pytest.mark.parametrize("preparation", WINDOWS)
def test_a_card_gets_the_same_images(preparation):
    settings = settings_of(preparation)
    expected, _ = prepare_cines(channels(), settings)
    card = CardImages(*planes_for_card(channels(), settings), settings, "cpu")
    assert (card[:].numpy() == expected.reshape(6, 2, 16, 16)).all()


@pytest.mark.parametrize("preparation", WINDOWS)
def test_slices_of_a_training_are_the_windows_of_prediction(preparation, tmp_path, caplog):
    settings, images = settings_of(preparation), channels()
    labels = np.zeros(images[0].shape, np.uint8)
    labels[..., 8:12, 8:12], labels[..., 0, 0] = Tissue.LV, Tissue.SCAR
    paths = [tmp_path / f"{name}.nii.gz" for name in ("c0", "de", "labels")]
    for path, voxels in zip(paths, [*images, labels], strict=True):
        Cine(voxels, np.eye(4)).save(path)
    make_slices([("a", "train", paths[:2], paths[2])], settings, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    expected, canvas = prepare_cines(images, settings)
    assert (slices.images == expected.reshape(6, 2, 16, 16)).all()
    cut = labels.reshape(6, 20, 18)[:, *canvas.overlap[0]]
    assert (slices.labels[:, *canvas.overlap[1]] == cut).all()
    assert "size_px 16 cuts off labels of 6 images" in caplog.text


# -- back in the image ---------------------------------------------------------------------------


@pytest.mark.parametrize("preparation", WINDOWS)
@pytest.mark.parametrize("shape", [(20, 19), (10, 30), (12, 9)])
def test_labels_of_a_window_lie_where_it_was_with_background_around(preparation, shape):
    settings = settings_of(preparation)
    canvas = prediction_canvas(shape, settings)
    # Each pixel of the image says by its number where it is.
    numbers = np.arange(1, shape[0] * shape[1] + 1).reshape(1, 1, *shape) % 7 + 1
    pixels, _ = prepare_cines([numbers], settings)
    found = torch.from_numpy(np.rint(pixels[0] * numbers[0, 0][canvas.overlap[0]].max()))
    logits = torch.stack([torch.full_like(found, 0.5), (found == 3).float()], 1)
    labels = LabelMap.of({"tissues": "lv"}).result(logits, canvas)
    assert labels.shape == (1, *shape)
    inside = np.zeros(shape, bool)
    inside[canvas.overlap[0]] = True
    assert (labels[0].numpy() == (inside & (numbers[0, 0] == 3))).all()


def test_only_windows_may_crop_an_image():
    canvas = training_canvas((20, 28), settings_of("minmax"))
    with pytest.raises(ValueError, match=r"a canvas of \(16, 16\) does not hold an image of \(20,"):
        LabelMap.of({"tissues": "lv"}).result(torch.zeros(1, 2, 16, 16), canvas)


# -- reference numbers --------------------------------------------------------------------------


def test_windows_of_the_example_are_the_published_ones(data):
    expected = np.load(oracle(data) / "expected.npz")
    voxels = [cine.voxels for cine in case(data)]
    pixels, _ = prepare_cines(voxels, settings_of("joint_max_compat", 256))
    there = pixels[0].transpose(0, 3, 2, 1)  # (z, x, y, c)
    assert np.abs(there[:, ::8, ::8] - expected["sample_crop_sub"]).max() == 0
    means = there.mean((1, 2), dtype=float)
    assert np.abs(means - expected["sample_crop_mean"]).max() < 1e-7
    sds = there.std((1, 2, 3), dtype=float)
    assert np.abs(sds - expected["sample_crop_std"]).max() < 1e-7
    centre, _ = prepare_cines([v[:, [SLICE]] for v in voxels], settings_of("joint_max", 256))
    assert centre.mean((0, 1, 3, 4), dtype=float) == pytest.approx(CENTRE_MEANS, abs=1e-6)
    assert centre.mean(dtype=float) == pytest.approx(CENTRE_MEAN, abs=1e-6)
    assert centre.std(dtype=float) == pytest.approx(CENTRE_SD, abs=1e-6)


def test_windows_of_other_sizes_are_the_published_ones_filled_up_with_zeros(data):
    expected = np.load(oracle(data) / "expected.npz")
    settings, sizes = settings_of("joint_max_compat", 256), []
    for number, (a, b) in enumerate(expected["synthetic_shapes"].tolist()):
        x, y = np.mgrid[:a, :b]
        images = [((p * x + q * y) % 1009).T for p, q in ((3, 7), (11, 5), (2, 13))]
        pixels, canvas = prepare_volumes([image[None] for image in images], settings)
        there = pixels[0].transpose(2, 1, 0)  # (x, y, c)
        _, columns, rows, _ = expected[f"synthetic_crop_{number}_shape"].tolist()
        found = expected[f"synthetic_crop_{number}"].astype(np.float32)
        assert (there[:columns, :rows][::32, ::32] == found).all()
        assert not there[columns:].any()
        assert not there[:, rows:].any()
        sizes.append(tuple(part.stop - part.start for part in canvas.overlap[1]))
    assert sizes == [(240, 256), (256, 234), (256, 256), (255, 256), (256, 256)]


def test_windows_are_those_of_these_preparations_alone():
    assert [name for name, about in PREPARATIONS.items() if about.windowed] == [
        *WINDOWS,
        "zscore_window",
        "tag_window",
        "tag_window_compat",
    ]
