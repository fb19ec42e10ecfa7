"""Training of the network for mice: deep supervision, dropout from a seed, the best epoch kept."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.labels import Target, Tissue
from cmrseg.learn import schedule
from cmrseg.learn.batches import draw_batches
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source, as_input
from cmrseg.learn.state import start_network
from cmrseg.learn.step import COMPILED, FLOAT32, Mode, batch_loss, seeded
from cmrseg.learn.train import evaluate
from cmrseg.nets.build import build_network, network_settings
from cmrseg.results.history import result_row
from cmrseg.tasks.build import task_of
from cmrseg.tasks.losses import dice
from stopped_training import resumed_alike, saved, trained

MOUSE = {
    "network": "unet3plus",
    "encoder": "",
    "width": 2,
    "sequence": "sa",
    "tissues": "lv,my",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "minmax",
    "size_px": 32,
    "intensity": "linear",
    "augmentation": "mouse",
    "loss": "dice",
    "batch": 4,
    "schedule": "early_stopping",
    "lr_frozen": 0,
    "epochs_frozen": "0",
    "lr": 1e-2,
    "epochs": "8",
    "head_weights": "",
    "islands": "",
}
TARGET, TASK = Target.of(MOUSE["tissues"]), task_of(MOUSE)
NETWORK = {name: MOUSE[name] for name in ("network", "encoder", "width", "tissues")}


def heart(seed, size=32, count=2):
    """Rings around discs at places of chance: image and labels (1, count, size, size)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((1, count, size, size), np.uint8)
    for z in range(count):
        distance = np.hypot(y - size / 2 - rng.integers(-4, 5), x - size / 2 - rng.integers(-4, 5))
        radius = size * rng.uniform(0.12, 0.2)
        labels[0, z] = np.select(
            [distance < radius, distance < 1.6 * radius], [Tissue.LV, Tissue.MYO]
        )
    grey = np.array([0.35, 0.9, 0.1])[labels] + rng.normal(0, 0.05, labels.shape)
    return (1000 * grey).astype(np.float32), labels


def make(folder, settings, splits, **about):
    hearts = [heart(i, **about) for i in range(len(splits))]
    make_slices(saved(folder, hearts, splits), settings, folder / "slices")
    return Slices.load(folder / "slices")


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    """Eight slices to train on and two to validate on."""
    return make(tmp_path_factory.mktemp("mice"), MOUSE, ["train"] * 4 + ["validate"])


def network(seed=0):
    return build_network(network_settings(NETWORK), torch.Generator().manual_seed(seed))


def batch(slices):
    return Source(slices, "cpu").read(np.arange(4))


def test_the_loss_is_the_sum_over_the_heads(slices):
    own, (images, labels) = network().eval(), batch(slices)
    with torch.no_grad():
        loss, logits = batch_loss(own, images, labels, TASK, FLOAT32)
        heads = own.heads(as_input(images))
        each = [dice(head, labels, TARGET).item() for head in heads]
        assert len(each) == 5
        assert loss.item() == pytest.approx(sum(each), abs=1e-6)
        assert torch.equal(logits, heads[-1])
        weighing = task_of(MOUSE | {"head_weights": "0,0,0,0.5,2"})
        weighted, _ = batch_loss(own, images, labels, weighing, FLOAT32)
        assert weighted.item() == pytest.approx(each[3] / 2 + 2 * each[4], abs=1e-6)


def test_network_and_heads_are_one_program_for_a_compiler(slices):
    own, (images, labels) = network().train(), batch(slices)

    def loss_of(images, labels):
        return TASK.loss(own.heads(as_input(images)), labels)

    # The checks of labels, which look at values, are of a CPU alone.
    own.to("meta")
    compiled = torch.compile(loss_of, fullgraph=True, backend="eager")
    assert compiled(images.to("meta"), labels.to("meta")).shape == ()


def test_dropout_follows_from_seed_and_epoch_and_leaves_the_global_generator_alone(slices):
    own, (images, labels) = network().train(), batch(slices)
    before = torch.get_rng_state()
    losses = {}
    for place in ((5, 0), (5, 0), (5, 1), (6, 0)):
        with seeded(*place, "cpu"), torch.no_grad():
            steps = [batch_loss(own, images, labels, TASK, FLOAT32)[0].item() for _ in range(2)]
        assert losses.setdefault(place, steps) == steps
    assert torch.equal(torch.get_rng_state(), before)
    assert len({value for steps in losses.values() for value in steps}) == 6


def test_images_are_drawn_with_replacement_in_as_many_batches(slices):
    rows = slices.select(["train"])
    batches = draw_batches(np.random.default_rng(0), rows, MOUSE | {"batch": 3})
    assert [len(numbers) for numbers in batches] == [3, 3]
    many = np.concatenate(
        [np.concatenate(draw_batches(np.random.default_rng(i), rows, MOUSE)) for i in range(400)]
    )
    counts = np.bincount(many, minlength=8) / len(many)
    assert set(many) == set(rows["row"])
    assert counts == pytest.approx(np.full(8, 1 / 8), abs=0.02)
    once = np.concatenate(draw_batches(np.random.default_rng(1), rows, MOUSE))
    assert len(set(once)) < len(once)


def test_run_stopped_after_any_epoch_ends_with_the_same_bytes(slices, tmp_path, monkeypatch):
    """Also where the best epoch lies before the stop, and where patience ends the run after it."""
    monkeypatch.setitem(schedule.KEEPING, "early_stopping", schedule.Keeping(2))
    settings = MOUSE | {"lr": 3e-2, "epochs": "12"}
    history = resumed_alike(settings, slices, 3, tmp_path, monkeypatch)
    assert 2 < len(history) < 12


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", [Mode(True), Mode(True, COMPILED)], ids=["bfloat16", "compiled"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes_on_a_gpu(
    slices, tmp_path, monkeypatch, mode
):
    settings = MOUSE | {"lr": 3e-3, "epochs": "3"}
    history = resumed_alike(settings, slices, 3, tmp_path, monkeypatch, device="cuda", mode=mode)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_labels_as_a_processor_does(slices):
    weights, _ = trained(MOUSE | {"epochs": "12"}, slices, seed=1)
    own = start_network(MOUSE, None, 0)
    own.load_state_dict(weights)
    cine = Cine(heart(9, size=40, count=3)[0], np.eye(4))
    settings = {name: MOUSE[name] for name in ("preparation", "size_px", "intensity")}
    expected = predict_cine(own, cine, settings)
    assert len(np.unique(expected)) > 1
    assert (predict_cine(own, cine, settings, "cuda") != expected).mean() < 1e-3


def test_the_weights_are_those_of_the_best_epoch(slices, monkeypatch):
    monkeypatch.setitem(schedule.KEEPING, "early_stopping", schedule.Keeping(3))
    weights, history = trained(MOUSE | {"lr": 3e-2, "epochs": "20"}, slices, seed=1)
    best = int(history["best_epoch"].iloc[-1])
    assert best == history["valid_loss"].argmin()
    assert best < len(history) - 1
    own = start_network(MOUSE, None, 0)
    own.load_state_dict(weights)
    scores = evaluate(own, Source(slices, "cpu"), slices.select(["validate"]), TASK)
    row = result_row(history)
    assert row["epoch"] == best
    for name in ("valid_loss", "dice_lv", "dice_my"):
        # Weights in another order in memory are summed in another one.
        assert scores[name] == pytest.approx(row[name], abs=1e-5)
    # It stopped as soon as three epochs in a row were no better.
    losses = history["valid_loss"].tolist()
    stops = [schedule.has_stopped(losses[:n], 3) for n in range(1, len(losses) + 1)]
    assert stops == [False] * (len(losses) - 1) + [True]


def test_patience_counts_epochs_since_the_first_smallest_loss():
    patience = schedule.KEEPING["early_stopping"].patience_epochs
    assert patience == 25
    assert not schedule.has_stopped([], patience)
    falling = [1 / n for n in range(1, 100)]
    assert not schedule.has_stopped(falling, patience)
    assert not schedule.has_stopped([1.0] * patience, patience)
    # An equal loss is no smaller one.
    assert schedule.has_stopped([1.0] * (patience + 1), patience)
    assert schedule.best_epoch([2, 1, 3, 1]) == 1
    assert schedule.best_epoch([math.nan, 5, math.nan]) == 1
    assert schedule.has_stopped([math.nan] * (patience + 1), patience)


def test_other_schedules_give_the_last_epoch():
    history = pd.DataFrame({"epoch": [0, 1, 2], "valid_loss": [1.0, 0.2, 0.5]})
    assert result_row(history)["epoch"] == 2
    assert result_row(history.assign(best_epoch=[0, 1, 1]))["epoch"] == 1


@pytest.mark.soak
def test_eight_slices_are_learnt_by_heart(tmp_path):
    """Rings and discs, on a CPU, in far less than two minutes."""
    settings = MOUSE | {"width": 4, "size_px": 48, "augmentation": "no", "epochs": "80"}
    slices = make(tmp_path, settings, ["train"] * 4 + ["validate"], size=48)
    slices.index.loc[slices.index["split"] == "validate", "split"] = "test"
    again = slices.index[slices.index["split"] == "train"].assign(split="validate")
    index = pd.concat([slices.index, again])
    weights, history = trained(settings, Slices(slices.images, slices.labels, index, slices.folder))
    row = result_row(history)
    assert row["dice_lv"] > 0.95
    assert row["dice_my"] > 0.95
    own = start_network(settings, None, 0)
    own.load_state_dict(weights)
    image, labels = heart(2, size=48)
    predicted = predict_cine(own, Cine(image, np.eye(4)), settings)
    for tissue in (Tissue.LV, Tissue.MYO):
        common = ((predicted == tissue) & (labels == tissue)).sum()
        assert 2 * common / ((predicted == tissue).sum() + (labels == tissue).sum()) > 0.95
