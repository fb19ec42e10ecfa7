"""Another task, of which trainings and labelling know nothing: the centre of the cavity."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.nn import functional

from cmrseg.canvas import Canvas
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.predict import Predictor
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.state import start_network
from cmrseg.learn.train import check_labels, train
from stopped_training import resumed_alike, saved

SIZE_PX = 32
# A network of two channels, of which the last one is a heat map.
SETTINGS = {
    "network": "fcn",
    "encoder": "",
    "width": 4,
    "sequence": "sa",
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


@dataclass(frozen=True)
class Centre:
    """The centre (y, x) of a tissue in px of an image, as Task and as Reading."""

    tissue: Tissue = Tissue.LV

    def truth(self, labels: torch.Tensor) -> torch.Tensor:
        """Centres (n, 2) of the tissue in labels (n, y, x); nan where there is none."""
        weights = (labels == self.tissue).float()
        return mean_place(weights / weights.sum((1, 2), keepdim=True))

    def found(self, output: torch.Tensor) -> torch.Tensor:
        """Centres (n, 2) of the heat map, the last channel of (n, c, y, x)."""
        heat = output[:, -1].float()
        return mean_place(functional.softmax(heat.flatten(1), 1).reshape(heat.shape))

    def check(self, labels):
        if not (labels == self.tissue).any():
            raise ValueError(f"no {self.tissue.name} in {len(labels)} images")

    def loss(self, heads, labels):
        truth = self.truth(labels)
        known = truth.isfinite().all(1)
        # Not 0 times nan, whose slope is nan.
        apart = (self.found(heads[-1]) - truth.where(known[:, None], 0)).square().sum(1)
        return (apart * known).sum() / known.sum().clamp(min=1)

    def counts(self, output, labels):
        return {"distance_px": (self.found(output) - self.truth(labels)).square().sum(1).sqrt()}

    def scores(self, counts, rows):
        told = counts["distance_px"][np.isfinite(counts["distance_px"])]
        return {"distance_px": float(told.mean()) if len(told) else math.nan}

    def result(self, output, canvas):
        """Centres (n, 2) in px of the native images."""
        offset, scaled, native = (
            torch.tensor(pair, dtype=torch.float32)
            for pair in (canvas.offset, canvas.scaled, canvas.native)
        )
        return (self.found(output) - offset + 0.5) * native / scaled - 0.5


def mean_place(weights: torch.Tensor) -> torch.Tensor:
    """Mean places (n, 2) of pixels by their weights (n, y, x), which sum up to 1."""
    y, x = (torch.arange(n, device=weights.device).float() for n in weights.shape[1:])
    return torch.stack([(weights.sum(2) * y).sum(1), (weights.sum(1) * x).sum(1)], 1)


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
    truth = Centre().truth(labels)
    assert truth[0].tolist() == [3, 4.5]
    assert truth[1].isnan().all()
    # Such an image counts in no loss and no score, and leaves slopes alone.
    output = torch.zeros(2, 2, 8, 8, requires_grad=True)
    loss = Centre().loss([output], labels)
    assert loss.item() == pytest.approx(0.5**2 + 1)
    loss.backward()
    assert output.grad.isfinite().all()
    counts = {name: c.detach().numpy() for name, c in Centre().counts(output, labels).items()}
    assert Centre().scores(counts, None) == {"distance_px": pytest.approx(math.sqrt(1.25))}


def test_a_training_learns_points_with_the_loop_of_label_maps(slices):
    settings = SETTINGS | {"epochs": "40"}
    weights, history = train(settings, slices, Centre(), seed=1)
    assert history.columns.tolist() == [
        *("epoch", "phase", "lr", "images", "train_loss", "valid_loss", "distance_px"),
    ]
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 4
    assert history["distance_px"].iloc[-1] < history["distance_px"].iloc[0] / 2
    # And a labeller says them of images of another size, on their own grid.
    network = start_network(settings, None, 0)
    network.load_state_dict(weights)
    image, _, centres = disc(9, size=40)
    labeller = Predictor(network, settings, batch=3, reading=Centre())
    points = labeller.label(labeller.prepare(Cine(image, np.eye(4))))()
    assert points.shape == (4, 2)
    untold = np.hypot(*(20 - centres).T).mean()
    assert np.hypot(*(points - centres).T).mean() < untold / 2


@pytest.mark.parametrize("schedule", ["constant", "early_stopping"])
def test_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    schedule, slices, tmp_path, monkeypatch
):
    settings = SETTINGS | {"schedule": schedule}
    history = resumed_alike(settings, slices, 3, tmp_path, monkeypatch, task=Centre())
    assert len(history) == 3


def test_labels_without_the_tissue_are_found_before_a_training(slices):
    check_labels(slices, Centre())
    with pytest.raises(ValueError, match="no RV in 20 images"):
        check_labels(slices, Centre(Tissue.RV))


def test_points_come_back_on_the_native_grid():
    output = torch.full((1, 2, 8, 8), -100.0)
    output[0, 1, 3, 5] = 100
    padded = Canvas((4, 6), (4, 6), (8, 8), (2, 1))
    assert Centre().result(output, padded).tolist() == [[1, 4]]
    # Twice as many pixels: the middle of pixel 3 is that of the edge between pixels 6 and 7.
    halved = Canvas((16, 16), (8, 8), (8, 8), (0, 0))
    assert Centre().result(output, halved).tolist() == [[6.5, 10.5]]
