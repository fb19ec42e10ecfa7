"""Segmentation in several views of an image: mirrored, turned, averaged."""

import json

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.labels import Target
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.label import label_shard, load_model
from cmrseg.learn.predict import Predictor, label_on_card, predict_cine
from cmrseg.learn.views import VIEWS, Views, turned, turned_back
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from cmrseg.nets.ensemble import Ensemble
from cmrseg.results import labelling
from cmrseg.tasks.label_map import LabelMap
from cmrseg.tasks.mean import mean_logits, mean_of
from networks import network_of

FCN = network_of("fcn", 4, "lv,my") | {"preparation": "fcn", "size_px": 16, "intensity": "linear"}
LV = mean_of({"tissues": "lv"})
ALL = VIEWS[8]


class Pixels(torch.nn.Module):
    """Logits that a pixel's own grey value decides; remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append(images.clone())
        return torch.cat([0.7 - images, images, 1.1 * images * images], 1)


class Places(torch.nn.Module):
    """Logits of one tissue that its column decides: column k has the share k / 8."""

    def forward(self, images):
        share = (torch.arange(images.shape[-1]) / 8).expand(images.shape)
        return torch.cat([torch.log1p(-share), torch.log(share)], 1)


@pytest.fixture
def cine():
    """Two frames of three slices, 20 x 28 pixels (y, x)."""
    return Cine(
        np.random.default_rng(0).gamma(2, size=(2, 3, 20, 28)).astype(np.float32), np.eye(4)
    )


@pytest.fixture
def fcn():
    return build_network(network_of("fcn", 4, "lv,my"), torch.Generator().manual_seed(1))


def test_views_are_flips_and_turns_worked_out_by_hand():
    image = torch.tensor([[1, 2], [3, 4]])
    # A flipped one, 2 1 over 4 3, is displaced by a pixel down and to the right.
    assert [turned(image, *view).tolist() for view in ALL] == [
        [[1, 2], [3, 4]],
        [[3, 4], [1, 2]],
        [[2, 4], [1, 3]],
        [[4, 2], [3, 1]],
        [[4, 3], [2, 1]],
        [[2, 1], [4, 3]],
        [[3, 1], [4, 2]],
        [[1, 3], [2, 4]],
    ]
    assert {number: len(views) for number, views in VIEWS.items()} == {
        n: n for n in labelling.VIEWS
    }
    # One is the image, 2 also its mirror image, 4 both of them upside down.
    assert [turned(image, *view).tolist() for view in VIEWS[4]] == [
        [[1, 2], [3, 4]],
        [[3, 4], [1, 2]],
        [[4, 3], [2, 1]],
        [[2, 1], [4, 3]],
    ]
    assert VIEWS[2] == VIEWS[4][:2]


@pytest.mark.parametrize("view", ALL)
def test_turning_back_undoes_a_view(view):
    images = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(turned_back(turned(images, *view), *view), images)


@pytest.mark.parametrize("views", [2, 4, 8])
def test_a_network_that_sees_each_pixel_alone_gives_the_labels_of_one_view(cine, views):
    one = predict_cine(Pixels(), cine, FCN)
    assert set(np.unique(one)) == {0, 1, 2}
    assert (predict_cine(Pixels(), cine, FCN | {"views": views}) == one).all()


def test_shares_are_the_mean_of_those_of_the_views_turned_back():
    image = torch.zeros(1, 1, 4, 4)
    # Column k of the mirror image, displaced by a pixel, is column 4 - k, and 0 is 0: shares k / 8
    # and (4 - k) / 8.
    shares = Views(Places(), 2, LV)(image).softmax(1)[0, 1]
    assert shares.numpy() == pytest.approx(np.tile([0, 1 / 4, 1 / 4, 1 / 4], (4, 1)))
    # Turned by a quarter, the share of a pixel goes with its row: the mean over eight views is that
    # of k, 3 - k, and the same of rows, of the image and of its displaced mirror image.
    shares = Views(Places(), 8, LV)(image).softmax(1)[0, 1]
    assert shares.numpy() == pytest.approx(np.full((4, 4), 3 / 16))


class Blocks(torch.nn.Module):
    """Logits of one tissue in blocks of 2 x 2 pixels: that of the block's upper left pixel."""

    def forward(self, images):
        share = images[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
        return torch.cat([torch.log1p(-share), torch.log(share)], 1)


def test_mirrored_blocks_of_pixels_lie_between_the_others():
    # The tissue begins at column 3, in the middle of a block.
    image = torch.full((1, 1, 8, 8), 0.1)
    image[..., 3:] = 0.9
    one = Blocks()(image).softmax(1)[0, 1, 4]
    two = Views(Blocks(), 2, LV)(image).softmax(1)[0, 1, 4]
    assert one.tolist() == pytest.approx([0.1] * 4 + [0.9] * 4)
    # The mirror image has blocks of columns 1 and 2, 3 and 4, 5 and 6.
    assert two[1:7].tolist() == pytest.approx([0.1, 0.1, 0.5, 0.9, 0.9, 0.9])


def test_images_are_padded_to_squares_only_where_there_are_quarter_turns():
    network = Pixels()
    image = 1 + torch.arange(6.0).reshape(1, 1, 2, 3)
    for views, shapes in ((4, {(2, 3)}), (8, {(3, 3)})):
        network.seen.clear()
        output = Views(network, views, mean_of(FCN))(image)
        assert output.shape == (1, 3, 2, 3)
        assert {tuple(seen.shape[-2:]) for seen in network.seen} == shapes
        assert len({seen.numpy().tobytes() for seen in network.seen}) == views
    assert network.seen[0][0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]


def test_overlapping_regions_are_averaged_by_their_own_shares():
    target = Target.of("wall,scar")
    outputs = [
        torch.logit(torch.tensor([a, b])).reshape(1, 2, 1, 1) for a, b in ((0.9, 0.2), (0.3, 0.6))
    ]
    mean = torch.sigmoid(mean_logits(target, outputs)).flatten()
    assert mean.tolist() == pytest.approx([0.6, 0.4])


@pytest.mark.parametrize("tissues", ["lv", "wall,scar"])
def test_the_mean_of_equal_outputs_decides_as_one_of_them_also_at_the_extremes(tissues):
    target = Target.of(tissues)
    output = torch.tensor([[200.0, -200], [-200, 200], [3, 3.01]]).reshape(3, 2, 1, 1)
    reading = LabelMap(target)
    _, canvas = Predictor(Pixels(), FCN).prepare(
        Cine(np.ones((1, 1, 16, 16), np.float32), np.eye(4))
    )
    whole = output.expand(3, 2, 16, 16)
    assert torch.equal(
        reading.result(mean_logits(target, [whole] * 8), canvas), reading.result(whole, canvas)
    )


def test_threads_and_batch_have_no_influence_on_labels_in_views(cine, fcn):
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found += [predict_cine(fcn, cine, FCN | {"views": 8}, batch=b) for b in (1, 4)]
    finally:
        torch.set_num_threads(threads)
    assert all((labels == found[0]).all() for labels in found)
    assert (found[0] != predict_cine(fcn, cine, FCN)).any()


def test_a_card_s_way_of_labelling_gives_the_same_views(cine, fcn):
    settings = FCN | {"views": 8}
    images = CardImages(*planes_for_card([cine.voxels], settings), settings, "cpu")
    labeller = Predictor(fcn, settings)
    labels = label_on_card(labeller.network, images, 4, labeller.reading)
    assert (labels.numpy().reshape(cine.voxels.shape) == predict_cine(fcn, cine, settings)).all()


def test_an_ensemble_is_asked_in_every_view(cine, fcn):
    other = build_network(network_of("fcn", 4, "lv,my"), torch.Generator().manual_seed(2))
    members = Ensemble([fcn, other], mean_of(FCN), 1)
    own, found = Predictor(members, FCN | {"views": 8}), []
    for network in (fcn, other):
        found.append(Predictor(network, FCN | {"views": 8}).network)
    images = torch.rand(2, 1, 32, 16, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        logits = mean_of(FCN)([network(images) for network in found])
        torch.testing.assert_close(own.network(images).softmax(1), logits.softmax(1))
    assert predict_cine(members, cine, FCN | {"views": 8}).shape == cine.voxels.shape


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_labels_in_views_as_a_processor_does(cine, fcn):
    settings = FCN | {"views": 8}
    on_card, expected = (predict_cine(fcn, cine, settings, device) for device in ("cuda", "cpu"))
    assert (on_card != expected).mean() < 1e-3


@pytest.mark.parametrize("views", [0, 3, 16, True, "8"])
def test_other_numbers_of_views_are_refused(fcn, views):
    with pytest.raises(ValueError, match=rf"views {views!r}, expected one of 1, 2, 4, 8"):
        Predictor(fcn, FCN | {"views": views})


def test_networks_over_time_have_no_views():
    settings = network_of("unet_lstm", 4, "aao,dao", sequence="ao")
    network = build_network(settings, torch.Generator().manual_seed(0))
    settings |= {"preparation": "zscore", "size_px": 32, "intensity": "linear"}
    with pytest.raises(ValueError, match="views 2 of network unet_lstm, which sees 9 frames"):
        Predictor(network, settings | {"views": 2})
    assert Predictor(network, settings | {"views": 1}).window == 9


def test_a_task_that_gives_points_has_no_views(monkeypatch):
    points = type("Points", (), {"name": "centre", "writes": "points"})
    monkeypatch.setattr(labelling, "kind_of", lambda settings: points)
    with pytest.raises(ValueError, match="views 4 of task centre, which gives points; use 1"):
        labelling.check_views(FCN | {"views": 4})
    labelling.check_views(FCN | {"views": 1})


def test_the_record_of_a_model_says_in_how_many_views_it_labels(cine, fcn, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_weights(fcn.state_dict(), folder / "weights.safetensors")
    (folder / "record.json").write_text(json.dumps({"settings": FCN | {"views": 8}}))
    network, settings = load_model(folder)
    assert settings["views"] == 8
    labels = predict_cine(network, cine, settings)
    assert (labels == predict_cine(fcn, cine, FCN | {"views": 8})).all()
    (tmp_path / "images/7").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    cine.save(tmp_path / "images/7/sa.nii.gz")
    label_shard(
        settings, folder / "weights.safetensors", tmp_path / "images", tmp_path / "labels", "cpu"
    )
    assert (Cine.load(tmp_path / "labels/7/sa.nii.gz").voxels == labels).all()
    (folder / "record.json").write_text(json.dumps({"settings": FCN}))
    assert load_model(folder)[1]["views"] == 1
