"""Moving averages of weights, copies drawn offline, bfloat16 on a CPU, least epochs."""

import json
import logging

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.learn import step as steps
from cmrseg.learn import train as training
from cmrseg.learn.augmented import offline_copies
from cmrseg.learn.averaging import Averaged
from cmrseg.learn.batches import draw_batches, training_rows
from cmrseg.learn.job import train_job
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source
from cmrseg.learn.step import FLOAT32, Mode, NewNorms, batch_loss, choose_mode
from cmrseg.nets.build import build_network, network_settings
from cmrseg.tasks.build import task_of
from networks import network_of
from stopped_training import resumed_alike, trained

SETTINGS = {
    **network_of("fcn", 4, "lv,my", sequence="c0,de"),
    **{"subset": "all", "splits": "train", "start": "random"},
    **{"preparation": "zscore", "size_px": 32, "intensity": "linear"},
    **{"augmentation": "myops_cmrseg", "loss": "ce", "batch": 3, "schedule": "onecycle"},
    **{"lr_frozen": 0.0, "epochs_frozen": 0, "lr": 3e-3, "epochs": 3},
}
AVERAGED = SETTINGS | {"averaged": 0.9}
BFLOAT16 = Mode(bfloat16=True)


def subject(seed, folder):
    """Two images of a bright disc in a ring on three slices, and its labels: their paths."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    distance = np.hypot(y - 16 - rng.integers(-2, 3), x - 17)
    labels = np.tile(np.select([distance < 5, distance < 8], [1, 2]), (1, 3, 1, 1))
    channels = [np.array(grey)[labels] for grey in ((0.3, 1, 0.6), (0.2, 0.9, 0))]
    paths = []
    noisy = [c + rng.normal(0, 0.05, c.shape) for c in channels]
    for i, voxels in enumerate([*(c.astype(np.float32) for c in noisy), labels.astype(np.uint8)]):
        paths.append(folder / f"{seed}_{i}.nii.gz")
        Cine(voxels, np.eye(4)).save(paths[-1])
    return str(seed), "validate" if seed == 4 else "train", paths[:2], paths[2]


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slices")
    make_slices([subject(seed, folder) for seed in range(5)], SETTINGS, folder / "made")
    return Slices.load(folder / "made")


# -- moving averages -------------------------------------------------------------------------


def test_an_average_counts_all_steps_by_powers_of_its_factor_and_forgets_the_start():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1))
    average = Averaged(network, 0.5)
    expected = (1, (0.5 * 2 + 0.25 * 1) / 0.75, (0.5 * 4 + 0.25 * 2 + 0.125 * 1) / 0.875)
    for step, (value, mean) in enumerate(zip((1, 2, 4), expected, strict=True)):
        for tensor in network.state_dict().values():
            tensor.fill_(value)
        average.add(network, step)
        found = average.network.state_dict()
        assert found.pop("1.num_batches_tracked").item() == value
        assert [t.item() for t in found.values()] == pytest.approx([mean] * 6)


def test_the_average_of_all_steps_is_saved_and_learning_does_not_know_of_it(slices, monkeypatch):
    states, real = [], Averaged.add

    def add(self, network, step):
        states.append({name: value.clone() for name, value in network.state_dict().items()})
        real(self, network, step)

    monkeypatch.setattr(Averaged, "add", add)
    weights, history = trained(AVERAGED, slices)
    plain_weights, plain = trained(SETTINGS, slices)
    assert history["train_loss"].tolist() == plain["train_loss"].tolist()
    assert (history["valid_loss"] != plain["valid_loss"]).all()
    # Three epochs of 12 slices in batches of 3.
    assert len(states) == 12
    shares = 0.9 ** np.arange(12)[::-1]
    shares /= shares.sum()
    for name, value in weights.items():
        if value.is_floating_point():
            mean = sum(
                share * state[name].double() for share, state in zip(shares, states, strict=True)
            )
            torch.testing.assert_close(value.double(), mean, rtol=1e-4, atol=1e-6)
        assert torch.equal(states[-1][name], plain_weights[name])
    assert (weights["logits.weight"] != plain_weights["logits.weight"]).any()


@pytest.mark.parametrize("schedule", ["onecycle", "early_stopping"])
def test_averaged_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    schedule, slices, tmp_path, monkeypatch
):
    history = resumed_alike(AVERAGED | {"schedule": schedule}, slices, 1, tmp_path, monkeypatch)
    assert len(history) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_averaged_run_stopped_after_any_epoch_ends_with_the_same_bytes_on_a_gpu(
    slices, tmp_path, monkeypatch
):
    settings = AVERAGED | {"augmentation": "no"}
    resumed_alike(settings, slices, 1, tmp_path, monkeypatch, device="cuda", mode=BFLOAT16)


def test_the_best_averaged_weights_are_those_of_early_stopping(slices, monkeypatch):
    kept, real = [], training.evaluate

    def evaluate(network, *rest):
        kept.append({name: value.clone() for name, value in network.state_dict().items()})
        return real(network, *rest) | {"valid_loss": (3.0, 1.0, 2.0)[len(kept) - 1]}

    monkeypatch.setattr(training, "evaluate", evaluate)
    weights, history = trained(AVERAGED | {"schedule": "early_stopping"}, slices)
    assert history["best_epoch"].tolist() == [0, 1, 1]
    assert all(torch.equal(weights[name], value) for name, value in kept[1].items())


def test_statistics_that_are_averaged_are_right_after_each_step_on_any_device():
    network = build_network(network_of("fcn", 2, "lv"), torch.Generator().manual_seed(0))
    for settings, each in ((SETTINGS, False), (AVERAGED, True)):
        assert NewNorms(network, settings, "cuda").each_step == each
        assert NewNorms(network, settings, "cpu").each_step


# -- copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["myops", "myops_cmrseg"])
def test_copies_made_offline_are_what_a_training_draws(preset, slices, monkeypatch):
    settings = SETTINGS | {"augmentation": preset, "epochs": 4}
    seen, real = [], training.training_step

    def step(loss_of, optimiser, images, labels):
        seen.append((images.clone(), labels.clone()))
        return real(loss_of, optimiser, images, labels)

    monkeypatch.setattr(training, "training_step", step)
    trained(settings, slices, seed=5)
    rows, _ = training_rows(slices, settings)
    source = Source(slices, "cpu")
    copies = list(offline_copies(settings, source, rows, 5, 4))
    for own, copied in zip(
        zip(*seen, strict=True), list(zip(*copies, strict=True))[1:], strict=True
    ):
        assert torch.equal(torch.cat(own), torch.cat(copied))
    for numbers, images, _ in copies:
        # Every slice once in each copy, and not as it was.
        assert sorted(numbers) == sorted(rows["row"])
        assert (images != source.read(numbers)[0]).flatten(1).any(1).all()
    assert not torch.equal(
        copies[0][1][np.argsort(copies[0][0])], copies[1][1][np.argsort(copies[1][0])]
    )
    other = next(offline_copies(settings, source, rows, 6, 1))
    assert not torch.equal(other[1], copies[0][1])


def test_batches_of_still_images_are_slices_also_of_a_preparation_of_cines(slices):
    rows, _ = training_rows(slices, SETTINGS)
    batches = draw_batches(np.random.default_rng(0), rows, SETTINGS)
    assert [len(batch) for batch in batches] == [3, 3, 3, 3]
    assert sorted(np.concatenate(batches)) == sorted(rows["row"])
    cines = draw_batches(np.random.default_rng(0), rows, SETTINGS | {"sequence": "ao"})
    assert [len(batch) for batch in cines] == [6]


# -- bfloat16 --------------------------------------------------------------------------------


def test_a_cpu_computes_in_the_precision_of_the_row(slices, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    row = SETTINGS | {"precision": "bfloat16"}
    assert choose_mode(SETTINGS, slices, "cpu") == FLOAT32
    assert choose_mode(row | {"precision": "float32"}, slices, "cpu") == FLOAT32
    monkeypatch.setattr(steps, "has_bfloat16", lambda: True)
    assert choose_mode(row, slices, "cpu") == BFLOAT16
    assert "cpu: products of convolutions in bfloat16" in caplog.text
    assert "no instructions" not in caplog.text
    monkeypatch.setattr(steps, "has_bfloat16", lambda: False)
    assert choose_mode(row, slices, "cpu") == BFLOAT16
    assert "this processor has no instructions for bfloat16 (AVX512-BF16 or AMX)" in caplog.text
    assert choose_mode(row, slices, "mps") == FLOAT32
    assert "precision bfloat16 is for processors and CUDA; mps takes float32" in caplog.text


def test_instructions_for_bfloat16_are_looked_up_by_their_names(monkeypatch):
    for able, expected in (({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert steps.has_bfloat16() == expected


@pytest.mark.parametrize("network", ["fcn", "unet", "unet3plus", "unet_bai"])
def test_the_loss_of_a_batch_in_bfloat16_is_nearly_that_of_float32(network):
    settings = SETTINGS | network_of(network, 8, "lv,my", "resnet34" if network == "unet" else "")
    settings |= {"loss": "dice" if network == "unet3plus" else "ce"}
    built = build_network(network_settings(settings), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 64, 64, generator=generator)
    labels = torch.randint(0, 3, (2, 64, 64), generator=generator).to(torch.uint8)
    (plain, _), (short, output) = (
        batch_loss(built, images, labels, task_of(settings), mode) for mode in (FLOAT32, BFLOAT16)
    )
    assert short.dtype == output.dtype == torch.float32
    assert short.item() == pytest.approx(plain.item(), rel=0.05)
    assert short.item() != plain.item()
    short.backward()
    assert all(torch.isfinite(w.grad).all() for w in built.parameters() if w.grad is not None)


def test_a_training_in_bfloat16_gives_its_bytes_again_and_others_than_float32(slices):
    first, history = trained(AVERAGED, slices, mode=BFLOAT16)
    again, _ = trained(AVERAGED, slices, mode=BFLOAT16)
    plain, plain_history = trained(AVERAGED, slices)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(value.dtype == plain[name].dtype for name, value in first.items())
    assert any(not torch.equal(first[name], plain[name]) for name in first)
    assert history["train_loss"].tolist() == pytest.approx(
        plain_history["train_loss"].tolist(), rel=0.1
    )


def test_the_record_says_in_what_a_training_computed(slices, tmp_path):
    model = AVERAGED | {"model": "m", "seed": 1, "precision": "bfloat16", "epochs": 1}
    names = {"weights": "w.safetensors", "history": "h.tsv", "record": "record.json"}
    train_job(
        model,
        {"slices": slices.folder, "start": "", "confidence": ""},
        {key: str(tmp_path / name) for key, name in names.items()},
        [],
        tmp_path / "state",
        tmp_path / "kept",
        "cpu",
    )
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["mode"]["bfloat16"] is True
    assert record["settings"]["precision"] == "bfloat16"
    assert record["settings"]["averaged"] == 0.9


# -- early stopping --------------------------------------------------------------------------


def test_a_training_may_not_end_before_its_least_epochs(slices, monkeypatch):
    monkeypatch.setattr(training, "evaluate", lambda *_: {"valid_loss": 1.0})
    monkeypatch.setattr(training, "training_step", lambda *_: torch.zeros(()))
    settings = SETTINGS | {"schedule": "early_stopping", "epochs": 40, "augmentation": "no"}
    # The first epoch is the best, and 25 follow it.
    assert len(trained(settings, slices)[1]) == 26
    assert len(trained(settings | {"least_epochs": 30}, slices)[1]) == 30
