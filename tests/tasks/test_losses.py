"""Losses against values worked out by hand."""

import math

import pytest
import torch

from cmrseg.labels import UNLABELLED, Target, Tissue
from cmrseg.tasks import losses
from cmrseg.tasks.kinds import KINDS
from cmrseg.tasks.losses import sum_over_heads
from cmrseg.tasks.targets import encode

# Of as many tissues as the logits have channels beside background.
TARGETS = {target.channels: target for target in map(Target.of, ("lv", "lv,my", "lv,my,rv"))}


def _of_tissues(loss):
    return lambda logits, labels, **given: loss(logits, labels, TARGETS[logits.shape[1]], **given)


LOSSES = {name: _of_tissues(loss) for name, loss in losses.LOSSES.items()}
NAMES = sorted(LOSSES)
ce, dice, focal = LOSSES["ce"], LOSSES["dice"], LOSSES["focal"]
softdice, tversky = _of_tissues(losses.softdice), _of_tissues(losses.tversky)


def _logits(*probabilities):
    """Logits (1, c, 1, pixels) whose softmax is the given (pixels, c)."""
    return torch.log(torch.tensor(probabilities)).T[None, :, None]


def _labels(*values):
    return torch.tensor(values, dtype=torch.uint8)[None, None]


def test_cross_entropy_is_the_mean_of_minus_log_probability():
    logits = _logits((0.5, 0.25, 0.25), (0.2, 0.2, 0.6))
    expected = (math.log(2) + math.log(5)) / 2
    assert ce(logits, _labels(0, 1)).item() == pytest.approx(expected)


def test_cross_entropy_equals_that_of_torch():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, 8, 9, generator=generator)
    labels = torch.randint(0, 3, (2, 8, 9), generator=generator)
    labels[0, :2] = UNLABELLED
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=UNLABELLED)
    torch.testing.assert_close(ce(logits, labels), expected)


def test_focal_loss_weighs_by_squared_doubt():
    logits = _logits((0.5, 0.25, 0.25), (0.2, 0.2, 0.6))
    expected = (0.5**2 * math.log(2) + 0.8**2 * math.log(5)) / 2
    assert focal(logits, _labels(0, 1)).item() == pytest.approx(expected)


def test_softdice_weighs_classes_by_inverse_squared_size():
    logits = _logits((0.5, 0.5), (0.75, 0.25), (0.25, 0.75))
    # Class 0: 2 pixels, weight 1/4, common 1.25, shares 1.5; class 1: 1, 1, 0.75, 1.5.
    common = 1.25 / 4 + 0.75
    both = (1.5 + 2) / 4 + 1.5 + 1
    expected = 1 - 2 * common / both
    assert softdice(logits, _labels(0, 0, 1)).item() == pytest.approx(expected)
    compat = 1 - 2 * (common + 1e-5) / (both + 1e-5)
    assert softdice(logits, _labels(0, 0, 1), compat=True).item() == pytest.approx(compat)


def test_softdice_is_the_mean_over_images():
    one, two = _logits((0.5, 0.5), (0.75, 0.25)), _logits((0.9, 0.1), (0.3, 0.7))
    labels = _labels(0, 1)
    both = softdice(torch.cat([one, two]), torch.cat([labels, labels]))
    assert both.item() == pytest.approx(
        (softdice(one, labels).item() + softdice(two, labels).item()) / 2
    )


def test_an_absent_class_weighs_like_the_rarest_present_one():
    logits = _logits((0.6, 0.3, 0.1), (0.6, 0.3, 0.1), (0.2, 0.7, 0.1))
    # Counts 2, 1, 0: weights 1/4, 1, and 1 for the absent class, of which 0.3 is predicted.
    common = 1.2 / 4 + 0.7
    both = (1.4 + 2) / 4 + (1.3 + 1) + 0.3
    assert softdice(logits, _labels(0, 0, 1)).item() == pytest.approx(1 - 2 * common / both)


def test_an_absent_class_rules_only_the_compatible_softdice():
    logits = _logits((0.9, 0.09, 0.01), (0.05, 0.94, 0.01))
    assert softdice(logits, _labels(0, 1)).item() < 0.1
    assert softdice(logits, _labels(0, 1), compat=True).item() == pytest.approx(1)


def test_a_perfect_prediction_costs_nothing():
    labels = torch.tensor([[[0, 0, 1], [1, 1, 2]]])
    logits = 200.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2)
    for loss in (ce, focal, softdice, dice):
        assert loss(logits, labels).item() == pytest.approx(0, abs=1e-6)


# Values of the pre-clinical system's own losses, on labels 0 0 1 / 1 2 2.
SIX = torch.tensor([[[0, 0, 1], [1, 2, 2]]])
UNIFORM = torch.zeros(1, 3, 2, 3)


def _certain(labels, classes=3):
    return 200.0 * torch.nn.functional.one_hot(labels, classes).permute(0, 3, 1, 2)


def test_dice_has_the_published_values():
    nearly = _certain(torch.tensor([[[0, 0, 1], [1, 2, 1]]]))
    assert dice(UNIFORM, SIX).item() == pytest.approx(0.666667, abs=1e-5)
    assert dice(nearly, SIX).item() == pytest.approx(0.177778, abs=1e-5)
    assert tversky(nearly, SIX).item() == pytest.approx(0.243704, abs=1e-5)
    nothing = torch.zeros_like(SIX)
    assert dice(_certain(nothing), nothing).item() == pytest.approx(0, abs=1e-5)
    assert dice(UNIFORM, nothing).item() == pytest.approx(0.833333, abs=1e-5)


def test_dice_sums_over_the_batch_not_over_images():
    one, two = _logits((0.5, 0.5), (0.75, 0.25)), _logits((0.9, 0.1), (0.3, 0.7))
    batch = dice(torch.cat([one, two]), torch.cat([_labels(0, 0), _labels(0, 1)]))
    # Class 0: common 0.5 + 0.75 + 0.9, shares 2.45, pixels 3; class 1: 0.7, 1.55 and 1.
    expected = 1 - (2 * 2.15 / 5.45 + 2 * 0.7 / 2.55) / 2
    assert batch.item() == pytest.approx(expected, abs=1e-6)


def test_tversky_with_equal_weights_and_no_power_is_dice():
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(2, 3, 8, 9, generator=generator)
    labels = torch.randint(0, 3, (2, 8, 9), generator=generator)
    labels[0, :2] = UNLABELLED
    same = tversky(logits, labels, alpha=0.5, beta=0.5, power=1)
    torch.testing.assert_close(same, dice(logits, labels), atol=1e-5, rtol=0)


def test_alpha_of_tversky_weighs_what_is_missed():
    missed = _certain(torch.tensor([[[0, 0, 1], [0, 2, 2]]]))
    wrong = _certain(torch.tensor([[[0, 1, 1], [1, 2, 2]]]))
    # Class 1 has pixels 2 and 3: one is missed, or one of class 0 is taken for it.
    for logits, (alpha, beta) in ((missed, (1, 0)), (wrong, (0, 1))):
        given = {"alpha": alpha, "beta": beta, "power": 1}
        # Of class 1 the error counts half or a third; of class 0 it is of the other kind.
        expected = (1 - 2 / 3) / 3 if beta else (1 - 1 / 2) / 3
        assert tversky(logits, SIX, **given).item() == pytest.approx(expected, abs=1e-5)


def test_heads_are_summed_by_their_weights():
    heads = [_logits((0.5, 0.25, 0.25)), _logits((0.2, 0.2, 0.6)), _logits((0.1, 0.8, 0.1))]
    labels, each = _labels(0), [math.log(2), math.log(5), math.log(10)]
    assert sum_over_heads(losses.ce, heads, labels, TARGETS[3]).item() == pytest.approx(sum(each))
    weighted = sum_over_heads(losses.ce, heads, labels, TARGETS[3], (0, 2, 0.5))
    assert weighted.item() == pytest.approx(2 * each[1] + each[2] / 2)
    with pytest.raises(ValueError, match=r"2 weights \(1, 1\) for the 3 heads"):
        sum_over_heads(losses.ce, heads, labels, TARGETS[3], (1, 1))


def test_the_registry_of_tasks_names_every_loss():
    assert sorted(KINDS["segment"].losses) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_unlabelled_pixels_do_not_count(name):
    logits = _logits((0.5, 0.25, 0.25), (0.2, 0.2, 0.6), (0.1, 0.8, 0.1)).requires_grad_()
    loss = LOSSES[name](logits, _labels(0, UNLABELLED, 2))
    seen = LOSSES[name](logits[..., [0, 2]], _labels(0, 2))
    assert loss.item() == pytest.approx(seen.item())
    loss.backward()
    assert logits.grad[0, :, 0, 1].abs().max() == 0
    assert logits.grad[0, :, 0, 0].abs().max() > 0


def test_softdice_leaves_out_images_without_labels():
    logits = _logits((0.5, 0.5), (0.75, 0.25))
    pair = torch.cat([_labels(0, 1), _labels(UNLABELLED, UNLABELLED)])
    alone = softdice(logits, _labels(0, 1)).item()
    assert softdice(torch.cat([logits, logits]), pair).item() == pytest.approx(alone)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_for_certain_predictions(name):
    logits = torch.tensor([100.0, -100.0, 0.0])[None, :, None, None].repeat(1, 1, 4, 4)
    logits.requires_grad_()
    LOSSES[name](logits, torch.ones(1, 4, 4, dtype=torch.int64)).backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_batches_that_do_not_fit_are_refused(name):
    logits = torch.zeros(1, 3, 2, 2)
    with pytest.raises(
        ValueError, match=r"label 3 in a batch for a network of lv,my \(0, 1, 2; 255"
    ):
        LOSSES[name](logits, torch.full((1, 2, 2), 3))
    with pytest.raises(ValueError, match="no pixel of the batch is labelled"):
        LOSSES[name](logits, torch.full((1, 2, 2), UNLABELLED))
    with pytest.raises(ValueError, match=r"logits \(1, 3, 2, 2\) and labels \(1, 2, 3\)"):
        LOSSES[name](logits, torch.zeros(1, 2, 3))


# -- regions that overlap ----------------------------------------------------------------------

ILL = Target.of("lv,wall,scar")


def test_a_channel_of_overlapping_regions_is_learnt_by_itself():
    # A pixel of scar is in the wall, too; probabilities are those of sigmoids.
    logits = torch.logit(torch.tensor([[0.1, 0.8, 0.6], [0.7, 0.5, 0.2]])).T[None, :, None]
    labels = _labels(int(Tissue.SCAR), int(Tissue.LV))
    told = [0.9, 0.8, 0.6, 0.7, 0.5, 0.8]
    expected = -sum(math.log(share) for share in told) / 6
    assert losses.ce(logits, labels, ILL).item() == pytest.approx(expected)
    # Sums of lv, wall and scar over both pixels.
    common, both = (0.7, 0.8, 0.6), (0.8 + 1, 1.3 + 1, 0.8 + 1)
    expected = 1 - sum(2 * a / b for a, b in zip(common, both, strict=True)) / 3
    assert losses.dice(logits, labels, ILL).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_losses_of_overlapping_regions_are_small_where_all_is_right(name):
    labels = _labels(0, int(Tissue.LV), int(Tissue.MYO), int(Tissue.SCAR), UNLABELLED)
    truth, _ = encode(ILL, labels)
    right = (60 * truth - 30).requires_grad_()
    loss = losses.LOSSES[name](right, labels, ILL)
    assert loss.item() == pytest.approx(0, abs=1e-3)
    assert losses.LOSSES[name](-right.detach(), labels, ILL).item() > 0.4
    loss.backward()
    assert torch.isfinite(right.grad).all()
    assert right.grad[..., -1].abs().max() == 0


def test_logits_of_another_number_of_channels_are_refused():
    with pytest.raises(ValueError, match="logits have 4 channels, tissues lv,wall,scar need 3"):
        losses.ce(torch.zeros(1, 4, 1, 1), _labels(0), ILL)
