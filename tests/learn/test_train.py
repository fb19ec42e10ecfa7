import logging
import math

import numpy as np
import pandas as pd
import pytest
import torch

from cmrseg.learn import train as training
from cmrseg.learn.batches import draw_batches, training_rows
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source
from cmrseg.learn.state import STATE_FILE, start_network
from cmrseg.learn.train import check_labels, evaluate, train
from cmrseg.learn.weights import load_weights, save_weights
from cmrseg.tasks.build import task_of
from stopped_training import resumed_alike, saved, trained

UNET = {
    "network": "unet",
    "encoder": "resnet34",
    "width": 2,
    "sequence": "sa",
    "tissues": "lv,my",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "unet",
    "size_px": 32,
    "intensity": "linear",
    "augmentation": "extreme",
    "loss": "ce",
    "batch": 4,
    "schedule": "onecycle",
    "lr_frozen": 3e-3,
    "epochs_frozen": "1+1",
    "lr": 1e-3,
    "epochs": 2,
}
FCN = UNET | {
    "network": "fcn",
    "encoder": "",
    "sequence": "sa",
    "tissues": "lv,my,rv",
    "preparation": "fcn",
    "augmentation": "fcn",
    "batch": 2,
    "schedule": "constant",
    "epochs_frozen": 0,
    "lr": 5e-3,
}


def heart(seed):
    """A bright ring in a dark cavity beside a grey ventricle: image and labels (2, 2, 32, 32)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    labels = np.zeros((2, 2, 32, 32), np.uint8)
    for t, radius in enumerate((6, 4)):
        distance = np.hypot(y - 16 - rng.integers(-2, 3), x - 17 - rng.integers(-2, 3))
        labels[t] = np.select(
            [distance < radius, distance < radius + 3, (distance < 12) & (x < 12)], [1, 2, 3]
        )
    grey = np.array([0.3, 1, 0, 0.7])[labels] + rng.normal(0, 0.05, labels.shape)
    return grey.astype(np.float32), labels


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slices")
    images = saved(folder, map(heart, range(5)), ["train"] * 4 + ["validate"])
    made = {}
    for settings in (UNET, FCN):
        name = settings["preparation"]
        make_slices(images, settings, folder / name)
        made[name] = Slices.load(folder / name)
    return made


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("settings", [UNET, FCN], ids=["unet", "fcn"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    settings, slices, tmp_path, monkeypatch
):
    settings = settings | {"epochs": 3 if settings is FCN else 2}
    own = slices[settings["preparation"]]
    history = resumed_alike(settings, own, 5, tmp_path, monkeypatch)
    assert len(history) > 2


def test_finished_run_gives_its_result_again_without_training(slices, tmp_path, monkeypatch):
    weights, history = trained(UNET, slices["unet"], state_folder=tmp_path)
    monkeypatch.setattr(training, "epoch_batches", None)
    again, again_history = trained(UNET, slices["unet"], state_folder=tmp_path)
    assert same(weights, again)
    pd.testing.assert_frame_equal(history, again_history, check_exact=True)


def test_state_of_other_settings_seed_or_code_is_ignored_with_a_word(slices, tmp_path, caplog):
    settings = UNET | {"epochs_frozen": 0, "epochs": 1}
    trained(settings, slices["unet"], state_folder=tmp_path, code=["a@1"])
    fresh, _ = trained(settings | {"lr": 2e-3}, slices["unet"], code=["a@1"])
    for change in ({"code": ["a@2"]}, {"seed": 1, "code": ["a@1"]}):
        caplog.clear()
        trained(settings, slices["unet"], state_folder=tmp_path, **change)
        assert "left by a run with other settings, slices or start" in caplog.text
    resumed, _ = trained(
        settings | {"lr": 2e-3}, slices["unet"], state_folder=tmp_path, code=["a@1"]
    )
    assert same(fresh, resumed)


def test_damaged_state_is_ignored_with_a_word(slices, tmp_path, caplog):
    settings = UNET | {"epochs_frozen": 0, "epochs": 1}
    (tmp_path / STATE_FILE).write_bytes(b"\x05half a file")
    trained(settings, slices["unet"], state_folder=tmp_path)
    assert "not a readable state" in caplog.text


def test_training_learns_and_leaves_the_global_generators_alone(slices):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    settings = UNET | {
        "epochs_frozen": 0,
        "epochs": 12,
        "augmentation": "no",
        "width": 4,
        "lr": 1e-2,
    }
    _, history = trained(settings, slices["unet"])
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 2
    assert history["dice_lv"].iloc[-1] > 0.5


def test_history_has_one_row_per_epoch_with_phases_and_images(slices):
    _, history = trained(UNET, slices["unet"])
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    assert history["phase"].tolist() == [1, 1, 2, 2]
    assert history["images"].tolist() == [16, 32, 48, 64]
    scores = [
        "accuracy",
        "dice_lv",
        "dice_my",
        "image_dice_lv",
        "image_dice_my",
        "image_dice_foreground",
    ]
    assert history.columns.tolist() == [
        "epoch",
        "phase",
        "lr",
        "images",
        "train_loss",
        "valid_loss",
        *scores,
    ]


def test_seed_decides_the_weights(slices):
    settings = UNET | {"epochs_frozen": 0, "epochs": 1}
    runs = [trained(settings, slices["unet"], seed=seed)[0] for seed in (1, 1, 2)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_model_starts_from_another_and_the_last_weights_are_used(slices):
    base, _ = trained(UNET, slices["unet"])
    network = start_network(UNET | {"start": "base"}, base, seed=9)
    assert same(network.state_dict(), base)


def test_start_of_other_classes_gets_a_new_head_and_says_so(caplog):
    base = start_network(UNET | {"tissues": "lv,my,rv"}, None, seed=1).state_dict()
    with caplog.at_level(logging.WARNING):
        network = start_network(UNET | {"start": "base"}, base, seed=2)
    assert (
        "start base has 4 classes, the model 3: its last layer (logits.weight, logits.bias)"
        in caplog.text
    )
    fresh = start_network(UNET, None, seed=2).state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, (fresh if name.startswith("logits.") else base)[name])


def test_start_of_another_network_is_refused():
    base = start_network(UNET | {"width": 4}, None, seed=1).state_dict()
    with pytest.raises(ValueError, match="weights of start 'base' do not fit"):
        start_network(UNET | {"start": "base"}, base, seed=1)
    del base["logits.bias"]
    with pytest.raises(ValueError, match="weights of start 'base' do not fit"):
        start_network(UNET | {"start": "base", "width": 4}, base, seed=1)


def test_imagenet_weights_go_to_the_encoder_only_and_are_frozen_at_first(slices):
    donor = start_network(UNET, None, seed=3).encoder.state_dict()
    settings = UNET | {"start": "imagenet", "epochs": 0}
    network = start_network(settings, donor, seed=4)
    assert same(network.encoder.state_dict(), donor)
    weights, _ = trained(settings, slices["unet"], donor)
    kept = [torch.equal(weights[f"encoder.{n}"], v) for n, v in donor.items() if v.ndim == 4]
    assert all(kept)
    weights, _ = trained(settings | {"epochs": 1}, slices["unet"], donor)
    kept = [torch.equal(weights[f"encoder.{n}"], v) for n, v in donor.items() if v.ndim == 4]
    assert not any(kept)


def test_start_weights_are_given_exactly_when_they_are_needed():
    with pytest.raises(ValueError, match="start 'base' needs start weights"):
        start_network(UNET | {"start": "base"}, None, seed=0)
    with pytest.raises(ValueError, match="start 'random' takes no start weights"):
        start_network(UNET, {}, seed=0)
    with pytest.raises(ValueError, match="network fcn has no ImageNet weights"):
        start_network(FCN | {"start": "imagenet"}, {}, seed=0)


def test_slices_of_another_preparation_are_refused(slices):
    with pytest.raises(ValueError, match=r"images are uint16 \(32, 32\).* needs uint8 \(32, 32\)"):
        training_rows(slices["fcn"], UNET)


def test_confidence_filters_training_and_validation(slices):
    scores = pd.DataFrame({"subject": list("01234"), "score": [0.01, 0.2, 0.03, 0.2, 0.04]})
    rows, valid = training_rows(slices["unet"], UNET | {"subset": "c05"}, scores)
    assert set(rows["subject"]) == {"0", "2"}
    assert set(valid["subject"]) == {"4"}


def test_subset_of_volunteers_sees_as_many_images_in_all(slices):
    settings = UNET | {"subset": "v1", "epochs_frozen": 0, "epochs": 1}
    _, history = trained(settings, slices["unet"])
    assert len(history) == 4
    assert history["images"].iloc[-1] == 16
    assert history["dice_lv"].notna().tolist() == [False, False, False, True]


def test_unet_batches_hold_every_slice_once_without_the_rest(slices):
    rows = slices["unet"].select(["train"])
    batches = draw_batches(np.random.default_rng(0), rows, UNET | {"batch": 5})
    assert [len(batch) for batch in batches] == [5, 5, 5]
    assert len(set(np.concatenate(batches))) == 15
    with pytest.raises(ValueError, match="subset all has 16 slices, fewer than one batch of 17"):
        draw_batches(np.random.default_rng(0), rows, UNET | {"batch": 17})


def test_batches_of_the_published_tagged_cines_hold_every_slice_once(slices):
    rows = slices["unet"].select(["train"])
    settings = UNET | {"batch": 5, "schedule": "tag_box"}
    batches = draw_batches(np.random.default_rng(0), rows, settings)
    assert [len(batch) for batch in batches] == [5, 5, 5, 1]
    assert sorted(np.concatenate(batches)) == sorted(rows["row"])


def test_fcn_batches_are_whole_volumes_drawn_with_replacement(slices):
    rows = slices["fcn"].select(["train"])
    batches = draw_batches(np.random.default_rng(0), rows, FCN)
    assert len(batches) == 4
    volume_of = rows.set_index("row")["volume"]
    for batch in batches:
        assert len(batch) == 4
        assert volume_of[batch[:2]].nunique() == volume_of[batch[2:]].nunique() == 1


def test_loss_that_is_not_finite_ends_the_training_with_a_reason(slices):
    base = start_network(UNET, None, seed=0).state_dict()
    base["logits.bias"] = torch.full_like(base["logits.bias"], math.nan)
    with pytest.raises(FloatingPointError, match="epoch 0, step 0: the loss is nan at a highest"):
        trained(UNET | {"start": "base"}, slices["unet"], base)


@pytest.mark.parametrize("batch", [1, 3])
def test_validation_is_the_same_in_batches_of_any_size(batch, slices, monkeypatch):
    own, task = start_network(UNET, None, seed=1), task_of(UNET)
    source, rows = Source(slices["unet"], "cpu"), slices["unet"].select(["train"])
    expected = evaluate(own, source, rows, task)
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch)
    found = evaluate(own, source, rows, task)
    # Every pixel is labelled, so the mean of the cross entropy over images is that over pixels.
    assert found["valid_loss"] == pytest.approx(expected["valid_loss"], rel=1e-5)
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, abs=1e-3)


def test_labels_that_the_task_cannot_learn_are_found_before_a_training(slices):
    with pytest.raises(ValueError, match="label 3 in a batch for a network of lv,my"):
        check_labels(slices["fcn"], task_of(UNET))
    check_labels(slices["fcn"], task_of(FCN))


def test_a_stopped_training_does_not_go_on_with_another_task(slices, tmp_path, caplog):
    train(UNET, slices["unet"], task_of(UNET), state_folder=tmp_path)
    train(UNET, slices["unet"], task_of(UNET | {"loss": "focal"}), state_folder=tmp_path)
    assert "left by a run with other settings" in caplog.text


def test_weights_file_has_the_same_bytes_each_time_and_comes_back(tmp_path):
    weights = start_network(UNET, None, seed=0).state_dict()
    for name in ("a", "b"):
        save_weights(dict(reversed(weights.items())) if name == "b" else weights, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert same(load_weights(tmp_path / "a"), dict(weights))


def test_file_that_holds_no_weights_is_refused_by_name(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"weights.safetensors: not a readable safetensors file"):
        load_weights(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("settings", [UNET, FCN], ids=["unet", "fcn"])
def test_arrays_kept_on_the_device_give_the_same_batches(settings, slices):
    own = slices[settings["preparation"]]
    source = Source(own, "cpu")
    read = source.read(np.array([3, 0, 7]))
    source.keep()
    kept = source.read(np.array([3, 0, 7]))
    assert all(torch.equal(a, b) for a, b in zip(read, kept, strict=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", [UNET, FCN], ids=["unet", "fcn"])
def test_gpu_reads_the_same_batches_and_trains(settings, slices):
    own = slices[settings["preparation"]]
    rows = np.array([3, 0, 7])
    on_gpu, on_cpu = (Source(own, device).read(rows) for device in ("cuda", "cpu"))
    assert all(torch.equal(a.cpu(), b) for a, b in zip(on_gpu, on_cpu, strict=True))
    weights, history = trained(settings, own, device="cuda")
    assert np.isfinite(history["train_loss"]).all()
    assert all(value.device.type == "cpu" for value in weights.values())
