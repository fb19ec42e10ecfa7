"""Steps of the trainings of Bai et al. 2018 against numbers of the original and of its formula."""

import numpy as np
import pandas as pd
import pytest
import torch

from aorta_reference import reference_network, variables_of
from cmrseg.labels import Target
from cmrseg.learn.schedule import EpochPlan, make_optimiser, set_step
from cmrseg.learn.step import FLOAT32, batch_loss, loss_function, training_step
from cmrseg.nets.build import build_network
from cmrseg.nets.unet_lstm import frame_weights, from_tensorflow
from cmrseg.tasks.segment import Segmentation
from cmrseg.tasks.windowed import Windowed
from networks import network_of

TASK = Windowed(Segmentation(Target.of("aao,dao"), "ce"), tuple(frame_weights().tolist()))
SCHEDULE = "constant_tensorflow"
LR = 1e-3
# The reference numbers have labels 1 and 2, the registry 6 and 7.
TISSUES = np.array([0, 6, 7], np.uint8)


@pytest.fixture(scope="module")
def folder(data):
    return data / "ukbb_aorta"


@pytest.fixture(scope="module")
def expected(folder):
    return np.load(folder / "UNet-LSTM_expected.npz")


@pytest.fixture(scope="module")
def batch(expected):
    """Windows (n, t, y, x) and their labels; there (n, t, x, y, c)."""
    images = expected["narrow_image"][..., 0].swapaxes(2, 3)
    labels = TISSUES[expected["narrow_label"].reshape(images.shape).swapaxes(2, 3)]
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.copy())


def stepped(folder, batch, schedule, steps=5):
    """The narrow network after some steps, and the loss before each and after the last."""
    network = reference_network(folder, "narrow", 2, 4).train()
    loss_of = loss_function(network, TASK, FLOAT32)
    optimiser = make_optimiser(schedule, list(network.parameters()))
    losses = []
    for step in range(steps):
        # As two epochs of a stage, the second of which begins with the fourth step.
        set_step(optimiser, schedule, EpochPlan(2, False, LR, step // 3, 0, 2), step % 3, 3)
        losses.append(training_step(loss_of, optimiser, *batch).item())
    losses.append(loss_of(*batch).item())
    return network, losses


def test_loss_and_scores_of_a_window_are_those_of_the_original(folder, expected, batch):
    network = reference_network(folder, "narrow", 2, 4).eval()
    with torch.inference_mode():
        loss, output = batch_loss(network, *batch, TASK, FLOAT32)
    counts = {name: value.numpy() for name, value in TASK.counts(output, batch[1]).items()}
    rows = pd.DataFrame({"row": range(len(output))})
    scores = TASK.scores(counts, rows)
    found = [loss.item(), *(scores[name] for name in ("accuracy", "dice_aao", "dice_dao"))]
    assert found == pytest.approx(expected["narrow_loss_acc_dice1_dice2"].tolist(), abs=1e-6)


def test_losses_of_five_steps_are_those_of_the_original(folder, expected, batch):
    _, losses = stepped(folder, batch, SCHEDULE)
    assert losses == pytest.approx(expected["narrow_train_loss"].tolist(), abs=1e-6)
    _, others = stepped(folder, batch, "constant")
    assert np.abs(np.subtract(others, losses)).max() > 1e-5


def test_weights_after_five_steps_are_those_of_the_original(folder, expected, batch):
    network, _ = stepped(folder, batch, SCHEDULE)
    variables, prefix = variables_of(folder, "narrow"), "narrow_after5_"
    after = {
        name.removeprefix(prefix).replace(".", "/"): expected[name]
        for name in expected
        if name.startswith(prefix)
    }
    assert len(after) == 6
    assert after.keys() <= variables.keys()
    before, theirs = from_tensorflow(variables), from_tensorflow(variables | after)
    told = [name for name, value in theirs.items() if not torch.equal(value, before[name])]
    # One of the six is a moving mean, which stays.
    assert len(told) == 5
    state = network.state_dict()
    for name in told:
        torch.testing.assert_close(state[name], theirs[name], rtol=0, atol=1e-6)
    for name in ("running_mean", "running_var"):
        assert all(torch.equal(state[k], v) for k, v in before.items() if k.endswith(name))


# -- the short-axis network ---------------------------------------------------------------------


def published_adam(weight, gradients, lr=LR, beta1=0.9, beta2=0.999, eps=1e-8):
    """A weight after some gradients, by the formula of TensorFlow 1 in 64 bits."""
    m = v = np.zeros_like(weight)
    for t, gradient in enumerate(gradients, 1):
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        weight = weight - rate * m / (np.sqrt(v) + eps)
    return weight


def test_steps_of_the_fcn_are_those_of_the_published_formula():
    network = build_network(network_of("fcn", 2), torch.Generator().manual_seed(0)).double().train()
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((4, 32, 32)))
    labels = torch.from_numpy(rng.integers(0, 4, (4, 32, 32), np.uint8))
    task = Segmentation(Target.of("lv,my,rv"), "ce")
    before = {name: p.detach().numpy().copy() for name, p in network.named_parameters()}
    recorded = {name: [] for name in before}
    optimiser = make_optimiser(SCHEDULE, list(network.parameters()))

    def loss_of(images, labels):
        # The loss is of 32 bits; made smaller, so that many gradients are as small as epsilon.
        return batch_loss(network, images, labels, task, FLOAT32)[0].double() * 1e-6

    for step in range(4):
        set_step(optimiser, SCHEDULE, EpochPlan(2, False, LR, 0, 0, 1), step, 4)
        training_step(loss_of, optimiser, images, labels)
        for name, parameter in network.named_parameters():
            recorded[name].append(parameter.grad.numpy().copy())
    smallest = min(np.abs(gradient).min() for each in recorded.values() for gradient in each)
    assert smallest < 1e-8
    for name, parameter in network.named_parameters():
        expected = published_adam(before[name], recorded[name])
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=0, atol=1e-14)
        assert np.abs(expected - before[name]).max() > 0


def test_epsilon_is_added_before_the_second_moment_is_corrected_for_its_start():
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimiser = make_optimiser(SCHEDULE, [weight])
    set_step(optimiser, SCHEDULE, EpochPlan(2, False, LR, 0, 0, 1), 0, 1)
    weight.grad = torch.full((1,), 1e-8, dtype=torch.float64)
    optimiser.step()
    # By hand: m is 0.1 g, v is 0.001 g g, the rate 0.001 sqrt(0.001) / 0.1; the root of v is
    # 0.0316 g, and epsilon is g. PyTorch moves it by half the rate.
    assert weight.item() == pytest.approx(-LR * 0.0316228 / 1.0316228, rel=1e-6)
