"""Windows around the heart that a coarse model found: their place, what is in them, and back."""

import json
import shutil

import numpy as np
import pytest
import torch

from cmrseg.canvas import window_canvas
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.augmented import epoch_batches
from cmrseg.learn.coarse_labels import coarse_labels
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.heart_window import find_heart, heart_centre, label_channel
from cmrseg.learn.label import label_subjects, load_model
from cmrseg.learn.predict import Predictor, predict_cine
from cmrseg.learn.prepare import prepare_cines, zscore
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, network_settings
from cmrseg.results.labelling import check_coarse, facts_of

SETTINGS = {
    **{"network": "unet_myops", "encoder": "", "width": 2, "sequence": "sa", "tissues": "lv"},
    **{"preparation": "channel_max", "intensity": "linear", "size_px": 16, "coarse": "finder"},
    **{"coarse_channel": "no"},
}
WITH_CHANNEL = SETTINGS | {"coarse_channel": "yes"}
SHAPE = (1, 2, 40, 48)


class Bright(torch.nn.Module):
    """Class 1 where a channel, by default the image, is brighter than a half."""

    def __init__(self, channel=0):
        super().__init__()
        self.channel = channel

    def forward(self, images):
        shown = images[:, [self.channel]]
        return torch.cat([0.5 - shown, shown - 0.5], 1)


def found_at(y, x, tissue=Tissue.RV):
    """Coarse labels: 3 x 3 pixels around a place, in the second slice alone."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, 1, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = tissue
    return Cine(labels, np.eye(4))


@pytest.fixture
def cine():
    """Every fourth pixel is bright, so that a label says where the network saw the image."""
    voxels = np.zeros(SHAPE, np.float32)
    voxels[..., ::4, ::4] = 80
    return Cine(voxels, np.eye(4))


# -- where the window lies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("centre_px", "first"),
    # 16 pixels from 3 on have their centre at 10.5; those from 2 on at 9.5.
    [((10.5, 30.5), (3, 23)), ((10.0, 30.0), (3, 23)), ((9.9, 29.4), (2, 22))],
)
def test_the_centre_of_a_window_is_within_half_a_pixel_of_the_heart(centre_px, first):
    canvas = window_canvas((40, 48), 16, centre_px=centre_px)
    assert (canvas.size, canvas.windowed) == ((16, 16), True)
    assert [-offset for offset in canvas.offset] == [*first]


def test_a_window_at_the_border_has_what_is_there_and_zeros_beyond(cine):
    canvas = window_canvas((40, 48), 16, centre_px=(2.0, 46.0))
    assert canvas.overlap == (
        (slice(0, 11), slice(39, 48)),
        (slice(5, 16), slice(0, 9)),
    )
    pixels, there = prepare_cines(
        [cine.voxels], SETTINGS, heart=find_heart(found_at(2, 46), cine, SETTINGS, "1")
    )
    assert there == canvas
    assert (pixels[0, 0, 5:, :9] == cine.voxels[0, 0, :11, 39:] / 80).all()
    assert not pixels[..., :5, :].any()
    assert not pixels[..., 9:].any()


@pytest.mark.parametrize("shape", [(40, 48), (21, 17), (11, 30), (9, 8)])
def test_the_centre_of_an_image_gives_its_central_window(shape):
    centre_px = tuple((n - 1) / 2 for n in shape)
    assert window_canvas(shape, 16, centre_px=centre_px) == window_canvas(shape, 16)


def test_the_centre_is_that_of_all_tissue_in_all_slices_and_frames():
    labels = np.zeros((2, 2, 20, 20), np.uint8)
    labels[0, 0, 4, 6], labels[1, 1, 10, 6], labels[1, 0, 10, 12] = 1, 2, 3
    labels[0, 1, 19, 19] = UNLABELLED
    assert heart_centre(labels) == pytest.approx((8, 8))
    assert heart_centre(np.full((1, 1, 4, 4), UNLABELLED, np.uint8)) is None


def test_without_any_tissue_it_is_the_centre_of_the_image_with_a_warning(cine, caplog):
    empty = cine.like(np.zeros(SHAPE, np.uint8))
    found = predict_cine(Bright(), cine, SETTINGS, coarse=empty, subject="subject 7")
    assert "subject 7: coarse model finder found no heart; the window is in the ce" in caplog.text
    seen = np.argwhere(found[0, 0])
    assert (seen.min(0).tolist(), seen.max(0).tolist()) == ([12, 16], [24, 28])


# -- labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [
        ((10, 30), (3, 19), (23, 39)),
        ((38, 3), (31, 40), (0, 12)),
        ((0, 47), (0, 9), (39, 48)),
    ],
)
def test_labels_are_where_the_window_was_and_background_elsewhere(cine, place, rows, columns):
    found = predict_cine(Bright(), cine, SETTINGS, coarse=found_at(*place))
    expected = np.zeros(SHAPE, np.uint8)
    window = (..., slice(*rows), slice(*columns))
    expected[window] = (cine.voxels[window] > 0) * Tissue.LV
    assert expected.any()
    assert (found == expected).all()


def test_the_channel_is_the_label_map_in_the_same_window(cine):
    coarse = found_at(10, 30)
    found = predict_cine(Bright(channel=1), cine, WITH_CHANNEL, coarse=coarse)
    assert ((found == Tissue.LV) == (coarse.voxels == Tissue.RV)).all()
    # The muscle is 2/3 and the cavity 1/3 of what the right ventricle is.
    muscle, cavity = (found_at(10, 30, tissue) for tissue in (Tissue.MYO, Tissue.LV))
    assert predict_cine(Bright(1), cine, WITH_CHANNEL, coarse=muscle).sum() == 9
    assert predict_cine(Bright(1), cine, WITH_CHANNEL, coarse=cavity).sum() == 0


@pytest.mark.parametrize(
    ("sequence", "values"),
    [
        ("sa", {Tissue.LV: 1 / 3, Tissue.MYO: 2 / 3, Tissue.RV: 1}),
        ("c0,de", {Tissue.LV: 0.2, Tissue.MYO: 0.4, Tissue.RV: 0.6, Tissue.EDEMA: 0.8,
                   Tissue.SCAR: 1}),
    ],
)  # fmt: skip
def test_values_of_tissues_never_change(sequence, values):
    labels = np.array([[[[0, UNLABELLED, *values]]]], np.uint8)
    found = label_channel(labels, sequence)
    assert found.dtype == np.float32
    assert found.ravel() == pytest.approx([0, 0, *values.values()])


def test_a_shard_takes_the_coarse_labels_of_each_subject(cine, tmp_path):
    for subject, place in (("1", (10, 30)), ("2", (30, 10))):
        for kind, image in (("images", cine), ("coarse", found_at(*place))):
            (tmp_path / kind / subject).mkdir(parents=True)
            image.save(tmp_path / kind / subject / "sa.nii.gz")
    (tmp_path / "labels").mkdir()
    folders = {subject: tmp_path / "images" / subject for subject in ("1", "2")}
    labeller = Predictor(Bright(), SETTINGS)
    label_subjects(labeller, folders, ["sa"], tmp_path / "labels", tmp_path / "coarse")
    for subject, place in (("1", (10, 30)), ("2", (30, 10))):
        found = Cine.load(tmp_path / "labels" / subject / "sa.nii.gz").voxels
        assert (found == predict_cine(Bright(), cine, SETTINGS, coarse=found_at(*place))).all()
    (tmp_path / "labels2").mkdir()
    with pytest.raises(ValueError, match="subject 1: labels of the coarse model finder are needed"):
        label_subjects(labeller, folders, ["sa"], tmp_path / "labels2")


@pytest.mark.parametrize("settings", [SETTINGS, WITH_CHANNEL])
@pytest.mark.parametrize("preparation", ["joint_max", "channel_max", "zscore_window"])
def test_a_card_gets_the_same_images(cine, settings, preparation):
    settings = settings | {"preparation": preparation}
    heart = find_heart(found_at(10, 30), cine, settings, "1")
    expected, _ = prepare_cines([cine.voxels], settings, heart=heart)
    card = CardImages(*planes_for_card([cine.voxels], settings, heart=heart), settings, "cpu")
    assert (card[:].numpy() == expected.reshape(card[:].shape)).all()


# -- slices and training -----------------------------------------------------------------------


def written(tmp_path, cine, labels, coarse):
    paths = [tmp_path / f"{name}.nii.gz" for name in ("image", "labels", "coarse")]
    for path, one in zip(paths, (cine, labels, coarse), strict=True):
        one.save(path)
    return [("1", "train", paths[:1], paths[1])], {"1": paths[2]}


@pytest.mark.parametrize("settings", [SETTINGS, WITH_CHANNEL])
@pytest.mark.parametrize("preparation", ["channel_max", "zscore_window"])
def test_slices_are_what_a_prediction_sees(cine, settings, preparation, tmp_path):
    settings, coarse = settings | {"preparation": preparation}, found_at(10, 30)
    labels = cine.like((cine.voxels > 0).astype(np.uint8))
    images, hearts = written(tmp_path, cine, labels, coarse)
    index = make_slices(images, settings, tmp_path / "slices", hearts)
    assert "drawn" not in index
    slices = Slices.load(tmp_path / "slices")
    heart = find_heart(coarse, cine, settings, "1")
    expected, _ = prepare_cines([cine.voxels], settings, heart=heart)
    assert slices.images.shape[1:] == ((2, 16, 16) if "yes" in settings.values() else (16, 16))
    assert (slices.images == expected[0]).all()
    assert (slices.labels == labels.voxels[0, :, 3:19, 23:39]).all()


def test_values_of_a_window_are_scaled_by_the_whole_image(cine):
    voxels = np.random.default_rng(2).normal(50, 10, SHAPE).astype(np.float32)
    settings = SETTINGS | {"preparation": "zscore_window"}
    heart = find_heart(found_at(10, 30), cine, settings, "1")
    pixels, _ = prepare_cines([voxels], settings, heart=heart)
    assert (pixels == zscore(voxels[0])[None, :, 3:19, 23:39]).all()


def test_labels_as_a_channel_move_with_labels_and_have_no_other_grey_values(tmp_path):
    rng = np.random.default_rng(5)
    labels = np.zeros(SHAPE, np.uint8)
    labels[..., 12:28, 14:20], labels[..., 12:28, 20:34] = Tissue.LV, Tissue.MYO
    image = Cine(rng.gamma(2, size=SHAPE).astype(np.float32), np.eye(4))
    images, hearts = written(tmp_path, image, image.like(labels), image.like(labels))
    settings = WITH_CHANNEL | {"size_px": 32, "tissues": "lv,my", "batch": 2, "subset": "all"}
    settings |= {"augmentation": "myops_cmrseg", "schedule": "onecycle", "splits": "train"}
    make_slices(images, settings, tmp_path / "slices", hearts)
    slices = Slices.load(tmp_path / "slices")
    _, batches = epoch_batches(settings, Source(slices, "cpu"), slices.index, 1, 1)
    ((drawn, target),) = batches
    assert drawn.shape == (2, 2, 32, 32)
    assert (target.dtype, target.max()) == (torch.uint8, Tissue.MYO)
    assert (drawn[:, 1].numpy() == label_channel(target.numpy(), "sa")).all()
    assert not np.array_equal(np.sort(target.numpy(), axis=0), np.sort(slices.labels, axis=0))


def test_a_network_has_a_channel_more():
    assert facts_of(WITH_CHANNEL)["channels"] == facts_of(SETTINGS)["channels"] + 1 == 2
    network = build_network(network_settings(WITH_CHANNEL), torch.Generator().manual_seed(1))
    assert network.channels == 2
    assert network_settings(SETTINGS) == network_settings({**SETTINGS, "coarse": ""})


# -- refused -----------------------------------------------------------------------------------


def test_labels_that_are_missing_or_on_another_grid_are_refused(cine, tmp_path):
    with pytest.raises(ValueError, match="labels of the coarse model finder are needed, around"):
        predict_cine(Bright(), cine, SETTINGS)
    moved = Cine(found_at(10, 30).voxels, np.diag([1, 1, 2, 1]))
    one_slice = Cine(found_at(10, 30).voxels[:, :1], np.eye(4))
    for coarse in (moved, one_slice):
        with pytest.raises(ValueError, match=r"its labels of the coarse model finder .* lie on an"):
            predict_cine(Bright(), cine, SETTINGS, coarse=coarse)
    labels = cine.like((cine.voxels > 0).astype(np.uint8))
    images, hearts = written(tmp_path, cine, labels, one_slice)
    with pytest.raises(ValueError, match=r"subject 1: its labels of the coarse model finder"):
        make_slices(images, SETTINGS, tmp_path / "slices", hearts)
    with pytest.raises(ValueError, match=r"subject 1: labels of the coarse model finder are neede"):
        make_slices(images, SETTINGS, tmp_path / "slices")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ({"preparation": "minmax"}, "coarse finder with preparation minmax, which has no window"),
        ({"preparation": "joint_max_compat"}, "use joint_max, channel_max, zscore_window"),
        ({"network": "unet_lstm"}, "coarse finder of network unet_lstm, which sees 9 frames"),
        ({"coarse": "", "coarse_channel": "yes"}, "coarse_channel yes, but no coarse model"),
    ],
)
def test_settings_that_fit_no_coarse_model_are_refused(edit, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_coarse(SETTINGS | edit)
    with pytest.raises(ValueError, match=sentence):
        Predictor(Bright(), SETTINGS | edit)


def test_a_coarse_model_that_is_not_beside_is_missed_by_its_place(cine, tmp_path):
    assert coarse_labels(tmp_path / "net", {"sequence": "sa"}, [cine]) is None
    with pytest.raises(FileNotFoundError, match=r"net: needs its coarse model finder, .*/finder$"):
        coarse_labels(tmp_path / "net", SETTINGS, [cine])


@pytest.fixture
def model(tmp_path):
    """Writes the folder of an untrained model."""

    def write(name, **edit):
        settings = SETTINGS | {"coarse": "", "task": "segment", "activation": ""} | edit
        network = build_network(network_settings(settings), torch.Generator().manual_seed(3))
        (tmp_path / name).mkdir()
        save_weights(network.state_dict(), tmp_path / name / "weights.safetensors")
        (tmp_path / name / "record.json").write_text(json.dumps({"settings": settings}))
        return tmp_path / name

    return write


def test_the_labels_of_the_model_beside_are_taken_and_it_may_need_one_itself(cine, model):
    net, finder = model("net", coarse="finder"), model("finder", coarse="first")
    first = load_model(model("first", size_px=32))
    labels = cine.like(predict_cine(first[0], cine, first[1]))
    assert 0 < (labels.voxels > 0).sum() < 2 * 32 * 32
    network, settings = load_model(finder)
    expected = predict_cine(network, cine, settings, coarse=labels)
    found = coarse_labels(net, load_model(net)[1], [cine])
    assert (found.voxels == expected).all()


def test_models_beside_that_do_not_fit_are_refused(cine, model):
    net = model("net", coarse="finder")
    finder = model("finder", coarse="finder")
    with pytest.raises(ValueError, match="finder: its coarse model finder needs itself"):
        coarse_labels(net, load_model(net)[1], [cine])
    shutil.rmtree(finder)
    model("finder", sequence="c0")
    with pytest.raises(ValueError, match="finder: labels c0, but finds the heart for a mo"):
        coarse_labels(net, load_model(net)[1], [cine])
