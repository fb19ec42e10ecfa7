"""Several networks that label together, and members that label what they have not seen."""

import json
import math

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.labels import Target
from cmrseg.learn.ensemble import join_weights, members_of
from cmrseg.learn.ensemble_over_time import over_time
from cmrseg.learn.label import label_shard, load_model
from cmrseg.learn.over_time import OverTime
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.weights import load_weights, save_weights
from cmrseg.nets.build import build_network, network_settings
from cmrseg.nets.ensemble import Ensemble
from cmrseg.nets.folded import folded
from cmrseg.nets.unet_lstm import UNetLSTM
from cmrseg.tasks.mean import mean_logits, mean_of
from networks import network_of

SETTINGS = network_of("fcn", 2, tissues="lv,my") | {
    "preparation": "fcn",
    "intensity": "linear",
    "size_px": 32,
}
MEMBERS = {"net_f1": 1, "net_f2": 2, "net_f3": 3}
SIZE = 32


def pixel(*logits):
    """An output of one pixel (n, c, y, x)."""
    return torch.tensor(logits).reshape(1, -1, 1, 1)


# -- the mean --------------------------------------------------------------------------------


def test_shares_of_tissues_are_averaged_and_not_logits():
    # Shares 1/4 and 3/4, and 1/2 and 1/2: together 3/8 and 5/8.
    outputs = [pixel(0.0, math.log(3)), pixel(2.0, 2.0)]
    shares = mean_logits(Target.of("lv"), outputs).softmax(1).flatten()
    torch.testing.assert_close(shares, torch.tensor([3 / 8, 5 / 8]))


@pytest.mark.parametrize("target", [Target.of("wall,scar"), Target.of("lv", "sigmoid")])
def test_shares_of_sigmoids_are_averaged_each_by_itself(target):
    # 3/4 and 1/2 of one channel, 1/4 and 1/2 of the other.
    outputs = [pixel(math.log(3), -math.log(3)), pixel(0.0, 0.0)]
    shares = torch.sigmoid(mean_logits(target, outputs)).flatten()
    torch.testing.assert_close(shares, torch.tensor([5 / 8, 3 / 8]))


@pytest.mark.parametrize("tissues", ["lv,my", "lv,wall,scar"])
def test_logits_that_are_large_stay_finite_and_keep_their_order(tissues):
    outputs = [pixel(-300.0, 0.0, 300.0), pixel(-200.0, 0.0, 200.0)]
    found = mean_logits(Target.of(tissues), outputs).flatten()
    assert torch.isfinite(found).all()
    assert found.diff().gt(0).all()


def test_a_card_s_short_numbers_are_averaged_as_long_ones():
    found = mean_logits(Target.of("lv"), [pixel(0.0, 9.0).half(), pixel(0.0, 9.0).half()])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.softmax(1), pixel(0.0, 9.0).softmax(1))


def test_points_have_no_mean(monkeypatch):
    from cmrseg.tasks import kinds

    points = kinds.TaskKind("centre", "points", lambda target: 1, ())
    monkeypatch.setitem(kinds.KINDS, "centre", points)
    with pytest.raises(ValueError, match="task centre gives points, of which there is no mean"):
        mean_of(SETTINGS | {"task": "centre"})


# -- a model's folder ------------------------------------------------------------------------


@pytest.fixture
def networks():
    """A network of random weights for each member."""
    seeds = enumerate(MEMBERS, 1)
    about = network_settings(SETTINGS)
    return {m: build_network(about, torch.Generator().manual_seed(s)) for s, m in seeds}


@pytest.fixture
def folder(networks, tmp_path):
    """A model's folder with all members."""
    files = {}
    for name, network in networks.items():
        files[name] = tmp_path / f"{name}.safetensors"
        save_weights(network.state_dict(), files[name])
    join_weights(files, tmp_path / "net/weights.safetensors")
    record = {"settings": SETTINGS | {"members": MEMBERS}}
    (tmp_path / "net/record.json").write_text(json.dumps(record))
    return tmp_path / "net"


def cine(seed):
    voxels = np.random.default_rng(seed).random((2, 2, SIZE, SIZE)).astype(np.float32)
    return Cine(voxels, np.diag([2.0, 2.0, 10.0, 1.0]))


def member_shares(network, image):
    """Shares (n, c, y, x) of an image that fills the canvas, from the network's own logits."""
    low, high = np.percentile(image.voxels, (1, 99))
    scaled = ((np.clip(image.voxels, low, high) - low) / (high - low)).astype(np.float32)
    images = torch.from_numpy(scaled.reshape(-1, 1, SIZE, SIZE))
    return folded(network)(images).softmax(1)


def mean_labels(networks, image):
    """Labels of the mean of the members' shares."""
    shares = [member_shares(network, image) for network in networks]
    return sum(shares).argmax(1).numpy().reshape(image.voxels.shape)


def test_weights_of_members_are_in_one_file_as_they_were(folder, networks):
    found = members_of(load_weights(folder / "weights.safetensors"))
    assert list(found) == list(MEMBERS)
    for name, network in networks.items():
        assert found[name].keys() == network.state_dict().keys()
        for array, value in network.state_dict().items():
            assert torch.equal(found[name][array], value)


def test_a_folder_of_members_labels_like_any_model_by_the_mean_of_their_shares(folder, networks):
    network, settings = load_model(folder)
    assert isinstance(network, Ensemble)
    image = cine(5)
    labels = predict_cine(network, image, settings)
    assert len(np.unique(labels)) > 1
    assert (labels == mean_labels(networks.values(), image)).all()
    for other in networks.values():
        assert (labels != predict_cine(other, image, settings)).any()


def labelled(folder, subjects, folds=None):
    """Label maps of a shard by the ensemble."""
    for seed, subject in enumerate(subjects):
        (folder / "images" / subject).mkdir(parents=True)
        cine(seed).save(folder / "images" / subject / "sa.nii.gz")
    (folder / "labels").mkdir()
    model, weights = SETTINGS | {"members": MEMBERS}, folder / "weights.safetensors"
    label_shard(model, weights, folder / "images", folder / "labels", "cpu", folds)
    return {s: Cine.load(folder / "labels" / s / "sa.nii.gz").voxels for s in subjects}


def test_a_subject_is_labelled_by_the_member_that_has_not_seen_it_and_others_by_all(
    folder, networks, caplog
):
    caplog.set_level("INFO")
    found = labelled(folder, ["a", "b_rot90", "c", "d"], {"a": 2, "b": 1, "c": 2})
    for seed, (subject, member) in enumerate(
        [("a", "net_f2"), ("b_rot90", "net_f1"), ("c", "net_f2")]
    ):
        expected = predict_cine(networks[member], cine(seed), SETTINGS)
        assert (found[subject] == expected).all()
    assert (found["d"] == mean_labels(networks.values(), cine(3))).all()
    assert "net_f2: a, c" in caplog.text


def test_a_cohort_without_folds_is_labelled_by_all_members(folder, networks):
    found = labelled(folder, ["a"])
    assert (found["a"] == mean_labels(networks.values(), cine(0))).all()


def test_views_of_an_ensemble_are_averaged_like_those_of_its_members(networks):
    settings, image = SETTINGS | {"views": 2}, cine(5)
    both = Ensemble(list(networks.values())[:2], mean_of(SETTINGS), 1)
    # A mirror image is displaced by a pixel along both axes.
    flipped = image.like(np.roll(image.voxels[..., ::-1], (1, 1), (-2, -1)))
    # Its shares, displaced and mirrored back; the mean over all four.
    shares = sum(
        member_shares(network, image)
        + member_shares(network, flipped).roll((-1, -1), (-2, -1)).flip(-1)
        for network in both.members
    )
    expected = shares.argmax(1).numpy().reshape(image.voxels.shape)
    found = predict_cine(both, image, settings)
    assert (found != predict_cine(both, image, SETTINGS)).any()
    # A pixel of 4096 may have two equal shares up to rounding.
    assert (found == expected).mean() > 0.9995


# -- over time -------------------------------------------------------------------------------


def test_networks_over_time_are_averaged_by_their_shares():
    members = [UNetLSTM(3, 2), UNetLSTM(3, 2)]
    for seed, member in enumerate(members):
        member.initialise(torch.Generator().manual_seed(seed))
    frames = torch.rand((9, 16, 16), generator=torch.Generator().manual_seed(5))

    def spread(work, starts):
        return map(work, starts)

    one, two = (OverTime(m, 9, "cpu").shares(frames, spread) for m in members)
    together = over_time(Ensemble(members, mean_of(SETTINGS), 1), 9, "cpu")
    torch.testing.assert_close(together.shares(frames, spread), (one + two) / 2)
    assert (one - two).abs().max() > 1e-3
