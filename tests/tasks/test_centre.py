"""Another task, of which trainings and labelling know nothing: the centre of the cavity."""

import math

import numpy as np
import pytest
import torch

from centre_task import Centre
from cmrseg.canvas import Canvas
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Target, Tissue
from cmrseg.learn.predict import Predictor
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.state import start_network
from cmrseg.learn.train import check_labels, train
from cmrseg.tasks.build import TASKS
from cmrseg.tasks.kinds import KINDS, TaskKind
from cmrseg.tasks.reading import READINGS
from stopped_training import resumed_alike, saved

SIZE_PX = 32
SETTINGS = {
    "network": "fcn",
    "encoder": "",
    "width": 4,
    "sequence": "sa",
    "task": "centre",
    "tissues": "lv",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "fcn",
    "size_px": SIZE_PX,
    "intensity": "linear",
    "augmentation": "fcn",
    "batch": 2,
    "schedule": "constant",
    "lr_frozen": 0,
    "epochs_frozen": "0",
    "lr": 1e-2,
    "epochs": "3",
}


CAVITY = Centre(Target.of("lv"))


@pytest.fixture(autouse=True)
def centre(monkeypatch):
    """The task among the others, as a row of its own."""
    monkeypatch.setitem(KINDS, "centre", TaskKind("centre", "points", lambda t: len(t.regions), ()))
    monkeypatch.setitem(TASKS, "centre", Centre.of)
    monkeypatch.setitem(READINGS, "centre", Centre.of)


def disc(seed, size=SIZE_PX, count=4):
    """Bright discs at places of chance: image and labels (1, count, size, size), centres."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    centres = size / 2 + rng.integers(-6, 7, (count, 2))
    distance = np.stack([np.hypot(y - a, x - b) for a, b in centres])
    labels = (distance < 4)[None].astype(np.uint8)
    grey = np.where(labels, 0.9, 0.1) + rng.normal(0, 0.03, labels.shape)
    return grey.astype(np.float32), labels, centres


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    """16 slices to train on and 4 to validate on; one of these has nothing labelled but a part."""
    folder = tmp_path_factory.mktemp("discs")
    discs = [disc(i)[:2] for i in range(5)]
    discs[4][1][0, 0] = np.where(discs[4][1][0, 0], UNLABELLED, 0)
    make_slices(saved(folder, discs, ["train"] * 4 + ["validate"]), SETTINGS, folder / "slices")
    return Slices.load(folder / "slices")


def test_the_truth_is_nan_where_there_is_no_centre():
    labels = torch.zeros(2, 8, 8, dtype=torch.uint8)
    labels[0, 2:5, 4:6] = Tissue.LV
    truth = CAVITY.truth(labels)
    assert truth[0].tolist() == [[3, 4.5]]
    assert truth[1].isnan().all()
    # Such an image counts in no loss and no score, and leaves slopes alone.
    output = torch.zeros(2, 1, 8, 8, requires_grad=True)
    loss = CAVITY.loss([output], labels)
    assert loss.item() == pytest.approx(0.5**2 + 1)
    loss.backward()
    assert output.grad.isfinite().all()
    counts = {name: c.detach().numpy() for name, c in CAVITY.counts(output, labels).items()}
    assert CAVITY.scores(counts, None) == {"distance_px": pytest.approx(math.sqrt(1.25))}


def test_a_training_learns_points_with_the_loop_of_label_maps(slices):
    settings = SETTINGS | {"epochs": "40"}
    weights, history = train(settings, slices, CAVITY, seed=1)
    assert history.columns.tolist() == [
        *("epoch", "phase", "lr", "images", "train_loss", "valid_loss", "distance_px"),
    ]
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 4
    assert history["distance_px"].iloc[-1] < history["distance_px"].iloc[0] / 2
    # And a labeller says them of images of another size, on their own grid.
    network = start_network(settings, None, 0)
    network.load_state_dict(weights)
    image, _, centres = disc(9, size=40)
    labeller = Predictor(network, settings, batch=3, reading=CAVITY)
    cine = Cine(image, np.eye(4))
    found = labeller.finished(labeller.label(labeller.prepare(cine))(), cine, "a")
    assert found.shape == (1, 4, 1, 2)
    points = found[0, :, 0]
    untold = np.hypot(*(20 - centres).T).mean()
    assert np.hypot(*(points - centres).T).mean() < untold / 2


@pytest.mark.parametrize("schedule", ["constant", "early_stopping"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    schedule, slices, tmp_path, monkeypatch
):
    settings = SETTINGS | {"schedule": schedule}
    history = resumed_alike(settings, slices, 3, tmp_path, monkeypatch, task=CAVITY)
    assert len(history) == 3


def test_labels_without_the_tissue_are_found_before_a_training(slices):
    check_labels(slices, CAVITY)
    with pytest.raises(ValueError, match="no rv in 20 images"):
        check_labels(slices, Centre(Target.of("rv")))


def test_points_come_back_on_the_native_grid():
    output = torch.full((1, 1, 8, 8), -100.0)
    output[0, 0, 3, 5] = 100
    padded = Canvas((4, 6), (4, 6), (8, 8), (2, 1))
    assert CAVITY.result(output, padded).tolist() == [[[1, 4]]]
    # Twice as many pixels: the middle of pixel 3 is that of the edge between pixels 6 and 7.
    halved = Canvas((16, 16), (8, 8), (8, 8), (0, 0))
    assert CAVITY.result(output, halved).tolist() == [[[6.5, 10.5]]]
