import numpy as np
import pytest
import torch

from cmrseg.learn.schedule import (
    KEEPING,
    ONECYCLES,
    SCHEDULES,
    EpochPlan,
    best_epoch,
    has_stopped,
    make_optimiser,
    norm_momentum,
    onecycle,
    parse_epochs,
    plan_epochs,
    set_step,
)
from tag_oracle import oracle_folder

SETTINGS = {
    "start": "imagenet",
    "schedule": "onecycle",
    "lr_frozen": 1e-4,
    "epochs_frozen": "5+10+15",
    "lr": 1e-5,
    "epochs": "5+10+15",
}


def test_published_stages_are_six_cycles_of_sixty_epochs():
    plan = plan_epochs(SETTINGS)
    assert len(plan) == 60
    assert [(now.stage, now.frozen, now.lr) for now in plan[::30]] == [
        (1, True, 1e-4),
        (2, False, 1e-5),
    ]
    assert [i for i, now in enumerate(plan) if now.epoch_of_cycle == 0] == [0, 5, 15, 30, 35, 45]
    assert [now.cycle_epochs for now in plan[:30]] == 5 * [5] + 10 * [10] + 15 * [15]
    assert [i for i, now in enumerate(plan) if now.epoch_of_stage == 0] == [0, 30]


@pytest.mark.parametrize("start", ["random", "base"])
def test_only_imagenet_starts_are_frozen(start):
    assert not any(now.frozen for now in plan_epochs(SETTINGS | {"start": start}))


def test_epochs_of_a_subset_are_corrected():
    settings = SETTINGS | {"epochs_frozen": 10, "epochs": "10"}
    assert len(plan_epochs(settings, 5076, 1001)) == 102


def test_short_epochs_of_a_subset_are_validated_as_often_as_those_of_all():
    settings = SETTINGS | {"epochs_frozen": 0, "epochs": "2+1"}
    validated = [now.validated for now in plan_epochs(settings, 100, 25)]
    assert validated == [False, False, False, True] * 3
    assert all(now.validated for now in plan_epochs(settings, 100, 100))


def test_the_last_epoch_of_a_cycle_is_validated_where_the_others_do_not_divide_it():
    plan = plan_epochs(SETTINGS | {"epochs_frozen": 0, "epochs": 3}, 100, 43)  # 7 epochs, every 2nd
    assert [now.validated for now in plan] == [True, False, True, False, True, False, True]


def test_early_stopping_validates_after_every_epoch_of_a_subset():
    settings = SETTINGS | {"epochs_frozen": 0, "epochs": 2, "schedule": "early_stopping"}
    assert all(now.validated for now in plan_epochs(settings, 100, 25))


def test_epochs_are_a_number_or_a_sum():
    assert [parse_epochs(e) for e in (8, "8", "5+10+15", 0, "0")] == [[8], [8], [5, 10, 15], [], []]


@pytest.mark.parametrize("epochs", ["", "5-3", "five", -1, "nan"])
def test_epochs_that_are_no_numbers_are_refused(epochs):
    with pytest.raises(ValueError, match="expected numbers like 8 or 5"):
        parse_epochs(epochs)


def test_plans_that_cannot_train_are_refused():
    with pytest.raises(ValueError, match="schedule 'step' is unknown"):
        plan_epochs(SETTINGS | {"schedule": "step"})
    with pytest.raises(ValueError, match="both 0, expected at least one epoch"):
        plan_epochs(SETTINGS | {"epochs_frozen": 0, "epochs": 0})
    with pytest.raises(ValueError, match=r"lr_frozen is 0\.0 for"):
        plan_epochs(SETTINGS | {"lr_frozen": 0})


def test_onecycle_starts_low_peaks_at_thirty_percent_and_ends_lower():
    steps = [onecycle(step, 100, 1e-3) for step in range(100)]
    lr, beta1 = np.array(steps).T
    assert steps[0] == (pytest.approx(4e-5), pytest.approx(0.95))
    assert steps[30] == (pytest.approx(1e-3), pytest.approx(0.85))
    assert lr.argmax() == 30
    assert lr[15] == pytest.approx((4e-5 + 1e-3) / 2)
    assert lr[65] == pytest.approx((1e-3 + 4e-9) / 2)
    assert 4e-9 < lr[99] < 1e-6
    assert (np.diff(beta1)[:30] < 0).all()
    assert (np.diff(beta1)[30:] > 0).all()


def test_onecycle_of_fastai_2_peaks_earlier_and_ends_higher():
    kind = ONECYCLES["onecycle_fastai2"]
    rates = [onecycle(step, 100, 1e-3, kind)[0] for step in range(101)]
    assert max(rates) == rates[25] == 1e-3
    assert rates[100] == pytest.approx(1e-8)
    assert onecycle(100, 100, 1e-3)[0] == pytest.approx(4e-9)


def test_onecycle_of_one_step_is_at_its_peak():
    assert onecycle(0, 1, 2e-3) == (2e-3, 0.85)


@pytest.mark.parametrize(
    ("schedule", "decays"), [("onecycle", (True, True)), ("onecycle_fastai2", (True, False))]
)
def test_unets_decay_weights_apart_from_the_gradient_in_fastai_1_biases_too(schedule, decays):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    before = [weight.detach().clone() for weight in network.parameters()]
    optimiser = make_optimiser(schedule, list(network.parameters()))
    now = EpochPlan(2, False, 0.1, 0, 0, 1)
    set_step(optimiser, schedule, now, 0, 1)
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    for weight, old in zip(network.parameters(), before, strict=True):
        factor = 1 - 0.01 * 0.1 if decays[weight.ndim == 1] else 1
        assert torch.equal(weight.detach(), old * factor)


def test_fcn_adam_moves_by_the_learning_rate_and_decays_nothing():
    weight = torch.nn.Parameter(torch.tensor([2.0, -1.0]))
    optimiser = make_optimiser("constant", [weight])
    set_step(optimiser, "constant", EpochPlan(2, False, 0.1, 3, 3, 5), 7, 9)
    weight.grad = torch.tensor([4.0, 0.0])
    optimiser.step()
    assert torch.allclose(weight.detach(), torch.tensor([1.9, -1.0]))


def test_optimiser_follows_the_cycle_over_its_epochs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = make_optimiser("onecycle", [weight])
    set_step(optimiser, "onecycle", EpochPlan(1, False, 1e-3, 7, 2, 10), 3, 5)
    group = optimiser.param_groups[0]
    assert (group["lr"], group["betas"][0]) == onecycle(2 * 5 + 3, 10 * 5, 1e-3)
    assert group["betas"][1] == 0.99
    assert group["eps"] == 1e-8


# Keras's for the mice, as in Hanisah et al. 2026; fastai's and PyTorch's; TensorFlow 1's and
# Keras's, which are corrected for the start of the second moment: in the first step by the root of
# 1 - 0.999.
EPS = {
    **{"onecycle": 1e-8, "onecycle_fastai2": 1e-5, "constant": 1e-8, "early_stopping": 1e-7},
    "constant_tensorflow": 1e-8 / 0.001**0.5,
    "constant_keras": 1e-7 / 0.001**0.5,
    **dict.fromkeys(("tag_box", "tag_ring"), 1e-8 / 0.001**0.5),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_gradient_as_small_as_the_schedule_s_epsilon_moves_by_half_the_rate(schedule):
    weight = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimiser = make_optimiser(schedule, [weight])
    now = EpochPlan(2, False, 0.1, 0, 0, 1)
    set_step(optimiser, schedule, now, 0, 1)
    weight.grad = torch.tensor([EPS[schedule], 1.0], dtype=torch.float64)
    optimiser.step()
    assert weight.tolist() == pytest.approx([-0.05, -0.1], rel=1e-3)


def test_frozen_weights_are_not_optimised():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    weights[0].requires_grad_(False)
    assert make_optimiser("onecycle", weights).param_groups[0]["params"] == [weights[1]]


def test_norm_statistics_are_an_average_without_their_start():
    assert norm_momentum(0.01, 0) == pytest.approx(1)
    assert norm_momentum(0.01, 5000) == pytest.approx(0.01)
    values, average = np.random.default_rng(0).random(50), 1e6
    for step, value in enumerate(values):
        share = norm_momentum(0.01, step)
        average = (1 - share) * average + share * value
    weights = 0.99 ** np.arange(50)[::-1]
    assert average == pytest.approx((weights * values).sum() / weights.sum())


def test_early_stopping_is_one_cycle_of_plain_adam_at_a_constant_rate():
    stopping = SETTINGS | {"schedule": "early_stopping", "epochs_frozen": "0", "epochs": "200"}
    plan = plan_epochs(stopping | {"lr": 1e-3})
    assert len(plan) == 200
    assert {(now.stage, now.frozen, now.lr) for now in plan} == {(2, False, 1e-3)}
    optimiser = make_optimiser("early_stopping", [torch.nn.Parameter(torch.zeros(1))])
    assert type(optimiser) is torch.optim.Adam
    set_step(optimiser, "early_stopping", plan[150], 3, 5)
    group = optimiser.param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (1e-3, (0.9, 0.999), 1e-7)
    assert group["weight_decay"] == 0
    for change in ({"epochs": "5+10"}, {"epochs_frozen": "1"}):
        with pytest.raises(ValueError, match=r"early_stopping with epochs .* expected one cycle"):
            plan_epochs(stopping | change)


@pytest.mark.parametrize(
    ("schedule", "lr", "name"),
    [("tag_box", 1e-3, "localisation"), ("tag_ring", 1e-4, "landmark")],
)
def test_rates_of_tagged_cines_fall_as_those_of_the_original(data, schedule, lr, name):
    rates = np.load(oracle_folder(data) / "expected.npz")[f"{name}_lr_per_epoch"]
    settings = {"start": "random", "schedule": schedule, "epochs_frozen": 0, "lr_frozen": 0}
    settings["lr"] = lr
    plan = plan_epochs(settings | {"epochs": len(rates)})
    # There the rate of the epoch before is divided, in float32.
    assert [now.lr for now in plan] == pytest.approx(rates, rel=1e-6)
    assert all(now.validated for now in plan)
    with pytest.raises(ValueError, match=rf"schedule {schedule} with epochs .* expected one cycle"):
        plan_epochs(settings | {"epochs": "5+10"})


def test_boxes_are_kept_by_their_overlap_and_landmarks_by_their_loss():
    history = [{"valid_loss": 9 - n, "iou": overlap} for n, overlap in enumerate((0.2, 0.5, 0.4))]
    assert best_epoch(KEEPING["tag_box"].losses(history)) == 1
    assert best_epoch(KEEPING["tag_ring"].losses(history)) == 2
    for name, stopped in (("tag_box", True), ("tag_ring", False)):
        patience = KEEPING[name].patience_epochs
        losses = KEEPING[name].losses(history[:1] * 16)
        assert has_stopped(losses, patience) == stopped
        assert not has_stopped(losses[:-1], patience)
        assert not has_stopped(losses, patience, least_epochs=17)
