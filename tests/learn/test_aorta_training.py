"""Training of the aortic networks: frames alone first, then windows, by the one loop there is."""

import logging

import numpy as np
import pytest
import torch

from aortas import SETTINGS, aorta, aortic_slices
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.learn.job import train_job
from cmrseg.learn.label import load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.state import start_network
from cmrseg.learn.train import check_labels
from cmrseg.learn.trained_card import write_card
from cmrseg.learn.weights import save_weights
from cmrseg.tasks.build import task_of
from stopped_training import resumed_alike, trained

FRAMES_ALONE = SETTINGS | {"network": "unet_bai"}
FROM_FRAMES = SETTINGS | {"start": "frames"}
STATISTICS = ("running_mean", "running_var")


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    return aortic_slices(tmp_path_factory.mktemp("aortas"))


@pytest.fixture(scope="module")
def frames(slices):
    """Weights of a U-Net that learnt single frames, and its history."""
    return trained(FRAMES_ALONE | {"lr": 2e-2, "epochs": 15}, slices, seed=1)


@pytest.mark.parametrize("settings", [SETTINGS, FRAMES_ALONE], ids=["over time", "frames"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    settings, slices, tmp_path, monkeypatch
):
    history = resumed_alike(settings, slices, 5, tmp_path, monkeypatch)
    assert len(history) == 2
    # Three steps of a subject with two labelled frames.
    assert history["images"].tolist() == [6, 12]


def test_it_learns_discs_that_move_from_a_network_of_single_frames(slices, frames):
    weights, history = trained(FROM_FRAMES | {"lr": 2e-2, "epochs": 12}, slices, frames[0], seed=1)
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 3
    assert history["dice_aao"].iloc[-1] > 0.7
    assert history["dice_dao"].iloc[-1] > 0.5
    for name, value in frames[0].items():
        same = torch.equal(weights[name], value) if not name.startswith("logits.") else False
        # Statistics of the norms stay, their scales and all else learn.
        assert same == (name.endswith(STATISTICS) or "tracked" in name)
    network = start_network(SETTINGS, None, 0)
    network.load_state_dict(weights)
    image, every = aorta(3, drawn=range(12))
    labels = predict_cine(network, Cine(image, np.eye(4)), SETTINGS)
    found, true = (part == Tissue.AAO for part in (labels, every))
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.7


def test_norms_of_a_network_that_starts_at_random_keep_their_start(slices):
    weights, _ = trained(SETTINGS | {"epochs": 1}, slices)
    norms = {name: value for name, value in weights.items() if name.endswith(STATISTICS)}
    assert len(norms) == 2 * 22
    assert all((value == float(name.endswith("var"))).all() for name, value in norms.items())
    alone, _ = trained(FRAMES_ALONE | {"epochs": 1}, slices)
    assert not any((alone[name] == norms[name]).all() for name in norms)


def test_a_network_over_time_starts_from_one_of_single_frames(frames, caplog):
    with caplog.at_level(logging.INFO):
        network = start_network(FROM_FRAMES, frames[0], seed=3)
    assert "start frames sees single frames: what the model has over time (" in caplog.text
    fresh = start_network(SETTINGS, None, seed=3).state_dict()
    for name, value in network.state_dict().items():
        over_time = name.startswith(("forwards.", "backwards.", "logits."))
        assert torch.equal(value, fresh[name] if over_time else frames[0][name])
    again = start_network(SETTINGS | {"start": "base"}, network.state_dict(), seed=4)
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in again.state_dict().items())


def test_a_network_of_other_width_is_no_start(frames):
    with pytest.raises(ValueError, match="weights of start 'frames' do not fit"):
        start_network(FROM_FRAMES | {"width": 4}, frames[0], seed=0)
    with pytest.raises(ValueError, match="weights of start 'frames' do not fit"):
        start_network(
            FRAMES_ALONE | {"start": "frames"}, start_network(SETTINGS, None, 0).state_dict(), 0
        )


def test_validation_is_of_the_frames_that_are_labelled(slices):
    _, history = trained(SETTINGS | {"epochs": 1}, slices)
    names = ["epoch", "phase", "lr", "images", "train_loss", "valid_loss", "accuracy"]
    scores = ["dice_aao", "dice_dao"]
    means = ["image_dice_aao", "image_dice_dao", "image_dice_foreground"]
    assert history.columns.tolist() == [*names, *scores, *means]


def test_labels_of_frames_are_checked_as_they_are_in_the_slices(slices):
    check_labels(slices, task_of(SETTINGS))
    with pytest.raises(ValueError, match="label 7 in a batch for a network of aao"):
        check_labels(slices, task_of(SETTINGS | {"tissues": "aao"}))


def test_a_training_job_starts_from_a_model_and_writes_a_card(slices, frames, tmp_path):
    save_weights(frames[0], tmp_path / "start.safetensors")
    row = FROM_FRAMES | {"epochs": 1, "seed": 1, "model": "over_time", "cohort": "people"}
    row |= {"labeller": "reader", "task": "segment", "islands": "", "head_weights": ""}
    names = {"weights": "weights.safetensors", "history": "history.tsv", "record": "record.json"}
    outputs = {name: str(tmp_path / "model" / file) for name, file in names.items()}
    inputs = {"slices": slices.folder, "start": tmp_path / "start.safetensors", "confidence": ""}
    state, kept = tmp_path / "state", tmp_path / "kept"
    train_job(row, inputs, outputs, ["a@1"], state, kept, "cpu")
    write_card(row, {**inputs, **outputs}, str(tmp_path / "card.md"), phantom=False)
    card = (tmp_path / "card.md").read_text("utf-8")
    assert "| training | 6 images of 3 subjects |" in card
    assert "| augmentation | aorta: rotation up to 30 degrees, little zoom |" in card
    network, settings = load_model(tmp_path / "model")
    labels = predict_cine(network, Cine(aorta(3)[0], np.eye(4)), settings)
    assert set(np.unique(labels)) <= {0, Tissue.AAO, Tissue.DAO}
