"""Tissues that exclude each other with a share of their own each, and the losses of MyoPS."""

import math

import numpy as np
import pytest
import torch

from cmrseg.canvas import prediction_canvas
from cmrseg.labels import UNLABELLED, Target, Tissue
from cmrseg.tasks.label_map import LabelMap
from cmrseg.tasks.losses import LOSSES, MYOPS_EPS, dice_of_batch
from cmrseg.tasks.segment import Segmentation
from cmrseg.tasks.targets import decode, encode, shares
from myops_oracle import TISSUES, VALUES, oracle

TEXT = "lv,rv,my,edema,scar"
SIGMOID, SOFTMAX = Target.of(TEXT, "sigmoid"), Target.of(TEXT)
CLASSES = torch.tensor([int(tissue) for tissue in TISSUES], dtype=torch.uint8)


def column(*channels):
    """Values of one pixel, (1, c, 1, 1)."""
    return torch.tensor(channels, dtype=torch.float32)[None, :, None, None]


# -- targets ----------------------------------------------------------------------------------


def test_an_activation_changes_no_channel_and_no_truth():
    assert (SIGMOID.sigmoid, SOFTMAX.sigmoid) == (True, False)
    assert SIGMOID.channels == SOFTMAX.channels == 6
    assert not Target.of(TEXT, "softmax").sigmoid
    assert Target.of("wall,scar").sigmoid
    assert Target.of("wall,scar", "sigmoid").channels == 2
    labels = torch.tensor([[[*TISSUES, UNLABELLED]]], dtype=torch.uint8)
    for ours, theirs in zip(encode(SIGMOID, labels), encode(SOFTMAX, labels), strict=True):
        assert torch.equal(ours, theirs)
    truth, _ = encode(SIGMOID, labels)
    assert decode(SIGMOID, truth).tolist() == [[[*TISSUES, 0]]]


def test_an_activation_that_is_unknown_or_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="activation 'relu' is unknown; there are '', softmax, s"):
        Target.of(TEXT, "relu")
    with pytest.raises(ValueError, match="activation softmax of tissues wall,scar, which overlap"):
        Target.of("wall,scar", "softmax")
    with pytest.raises(ValueError, match="activation None is unknown"):
        Target.of_settings({"tissues": TEXT, "activation": None})


def test_settings_without_an_activation_have_that_of_their_tissues():
    assert Target.of_settings({"tissues": TEXT}) == SOFTMAX
    assert Target.of_settings({"tissues": TEXT, "activation": "sigmoid"}) == SIGMOID


@pytest.mark.parametrize(
    ("found", "tissue"),
    [
        ((0.9, 0.6, 0.1, 0.7, 0.2, 0.3), Tissue.MYO),  # the later of two above 0.5
        ((0.9, 0.6, 0.1, 0.7, 0.51, 0.3), Tissue.EDEMA),
        ((0.1, 0.99, 0.9, 0.9, 0.9, 0.51), Tissue.SCAR),
        ((0.9, 0.99, 0.1, 0.1, 0.1, 0.1), Tissue.LV),  # whatever background is
        ((0.1, 0.4, 0.3, 0.4, 0.2, 0.1), Tissue.BACKGROUND),  # none above 0.5
        ((0.0, 0.5, 0.5, 0.5, 0.5, 0.5), Tissue.BACKGROUND),  # nor is 0.5 above 0.5
    ],
)
def test_the_last_tissue_above_a_half_wins(found, tissue):
    assert decode(SIGMOID, column(*found)).item() == tissue


def test_the_same_outputs_are_read_by_either_rule():
    logits = column(1, 3, -2, 2, -1, 0.5)
    assert torch.allclose(shares(SIGMOID, logits), torch.sigmoid(logits))
    assert shares(SOFTMAX, logits).sum().item() == pytest.approx(1)
    canvas = prediction_canvas((1, 1), {"preparation": "minmax", "size_px": 16})
    output = logits.expand(1, 6, 16, 16)
    for settings, tissue in (({}, Tissue.LV), ({"activation": "sigmoid"}, Tissue.SCAR)):
        reading = LabelMap.of({"tissues": TEXT} | settings)
        assert reading.result(output, canvas).tolist() == [[[tissue]]]
        task = Segmentation.of(
            {"tissues": TEXT, "loss": "dice_myops", "preparation": "minmax"} | settings
        )
        labels = torch.tensor([[[tissue]]], dtype=torch.uint8)
        assert task.counts(logits, labels)["right"].tolist() == [1]


def test_resized_shares_are_those_of_sigmoids():
    # Logits 4 and -2 of scar in neighbours; halfway sigmoids have 0.55, and logits would have 1.
    canvas = prediction_canvas((1, 1), {"preparation": "unet", "size_px": 2})
    assert canvas.scaled == (2, 2)
    logits = torch.full((1, 6, 2, 2), -9.0)
    logits[:, 5] = torch.tensor([4.0, -2.0])
    reading = LabelMap(SIGMOID)
    assert reading.result(logits, canvas).item() == Tissue.SCAR
    logits[:, 5] = torch.tensor([2.0, -2.5])  # 0.88 and 0.08 have the mean 0.48
    assert reading.result(logits, canvas).item() == Tissue.BACKGROUND


# -- losses -------------------------------------------------------------------------------------


def test_cross_entropy_of_sigmoids_is_the_mean_over_all_channels():
    found = (0.9, 0.6, 0.1, 0.7, 0.2, 0.3)
    labels = torch.tensor([[[Tissue.LV]]], dtype=torch.uint8)
    told = (0.1, 0.6, 0.9, 0.3, 0.8, 0.7)
    expected = -sum(map(math.log, told)) / 6
    loss = LOSSES["ce"](torch.logit(column(*found)), labels, SIGMOID)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def counted():
    """Labels n mod 6 of n = 0..31 as (2, 4, 4), and classes: the next one in each fourth."""
    n = torch.arange(32)
    label = n % 6
    return label.reshape(2, 4, 4), torch.where(n % 4 == 0, (label + 1) % 6, label).reshape(2, 4, 4)


def planes(classes):
    return torch.nn.functional.one_hot(classes, 6).permute(0, 3, 1, 2).double()


BACKGROUND = torch.zeros(1, 256, 256, dtype=torch.int64)


@pytest.mark.parametrize(
    ("label", "found", "expected"),
    [
        (counted()[0], planes(counted()[0]), 1),
        (BACKGROUND, planes(BACKGROUND), 1),
        (BACKGROUND, torch.zeros(1, 6, 256, 256), 0.833333),
        (BACKGROUND, torch.full((1, 6, 256, 256), 0.5), 0.111111),
        (counted()[0], planes(counted()[1]), 0.731777),
        (counted()[0], torch.full((2, 6, 4, 4), 1 / 6), 0.166351),
    ],
)
def test_the_published_loss_has_the_published_constant_and_counts_background(
    label, found, expected
):
    # A share of exactly 0 or 1 has an infinite logit.
    loss = LOSSES["dice_myops"](torch.logit(found.double()), CLASSES[label], SIGMOID)
    assert 1 - loss.item() == pytest.approx(expected, abs=1e-6)


def test_unlabelled_pixels_count_in_neither_loss():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 6, 2, 4, generator=generator)
    labels = CLASSES[torch.tensor([[[0, 1, 2, 3], [4, 5, 0, 1]]])]
    open_ = labels.clone()
    open_[:, 1] = UNLABELLED
    for name in ("dice_myops", "ce_dice"):
        for target in (SIGMOID, SOFTMAX):
            seen = LOSSES[name](logits[:, :, :1], labels[:, :1], target)
            assert LOSSES[name](logits, open_, target).item() == pytest.approx(seen.item())


def test_the_sum_of_cross_entropy_and_dice_leaves_background_out_of_dice_alone():
    labels = torch.tensor([[[0, Tissue.LV], [0, 0]]], dtype=torch.uint8)
    target = Target.of("lv")
    share = torch.tensor([[0.9, 0.8], [0.7, 0.4]])
    logits = torch.stack([torch.log(1 - (1 - share)), torch.log(1 - share)])[None]
    # Channel 1 has 0.1, 0.2, 0.3, 0.6, and is true in the second pixel; that is a share of 0.2.
    entropy = -(math.log(0.9) + math.log(0.2) + math.log(0.7) + math.log(0.4)) / 4
    expected = entropy + 1 - 2 * 0.2 / (1.2 + 1)
    assert LOSSES["ce_dice"](logits, labels, target).item() == pytest.approx(expected, abs=1e-5)
    overlapping = Target.of("wall,scar")
    scar = torch.full((1, 1, 1), Tissue.SCAR, dtype=torch.uint8)
    loss = LOSSES["ce_dice"](torch.zeros(1, 2, 1, 1), scar, overlapping)
    assert loss.item() == pytest.approx(math.log(2) + 1 - 2 * 0.5 / 1.5, abs=1e-5)


def test_a_class_that_is_nowhere_has_no_dice_without_a_constant():
    truth = torch.tensor([[[[1.0]], [[0.0]]]])
    each = dice_of_batch(truth, truth, 0).tolist()
    assert each[0] == 1
    assert math.isnan(each[1])


# -- reference numbers --------------------------------------------------------------------------


def test_loss_metrics_and_decisions_are_those_of_keras(data):
    expected = np.load(oracle(data) / "expected.npz")
    label = torch.from_numpy(expected["metric_label"].astype(np.int64))
    found = torch.from_numpy(expected["metric_prob"]).permute(0, 3, 1, 2).double()
    labels = CLASSES[label]
    loss = LOSSES["dice_myops"](torch.logit(found), labels, SIGMOID).item()
    truth, _ = encode(SIGMOID, labels)
    smoothed, plain = (dice_of_batch(found, truth, s) for s in (MYOPS_EPS, 0))
    values = np.array([loss, smoothed.mean().item(), *plain.tolist()])
    assert np.abs(values - expected["metric_values"]).max() < 1e-6
    assert np.abs(values - expected["metric_values_float64"]).max() < 1e-9
    as_here = np.zeros(max(VALUES) + 1, np.uint8)
    as_here[list(VALUES)] = TISSUES
    decided = decode(SIGMOID, found.float())
    assert (decided.numpy() == as_here[expected["metric_decided"]]).all()
