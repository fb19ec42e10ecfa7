"""The epochs of a training run: stages, cycles, learning rates, the optimiser."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from cmrseg.learn.subsets import corrected_epochs


@dataclass(frozen=True)
class OneCycle:
    """One-cycle (Smith 2018, arXiv:1803.09820) with AdamW.

    warm_fraction: fraction of steps with a rising learning rate. end_divisor: ratio of the highest
    to the last learning rate. eps: AdamW's epsilon. decays_all: whether biases and weights of
    norms decay, too.
    """

    warm_fraction: float
    end_divisor: float
    eps: float
    decays_all: bool


# Those of fastai 1 and 2, as in Ankenbrand et al. 2021.
ONECYCLES = {
    "onecycle": OneCycle(0.3, 250_000, 1e-8, True),
    "onecycle_fastai2": OneCycle(0.25, 100_000, 1e-5, False),
}
# A constant rate until the validation loss stops improving, as in Hanisah et al. 2026.
STOPPING = "early_stopping"
# A rate that falls by the root of 2 before every so many epochs, not before FIRST_FALL: those of
# the two networks of Ferdian et al. 2020.
FALLING = {"tag_box": 5, "tag_ring": 10}
FIRST_FALL_EPOCH = 10
# Adam as TensorFlow 1 and Keras write it: epsilon is added to the root of the second moment before
# that is corrected for its start. They differ in epsilon.
UNCORRECTED_EPS = {"constant_tensorflow": 1e-8, "constant_keras": 1e-7} | dict.fromkeys(
    FALLING, 1e-8
)
SCHEDULES = (*ONECYCLES, "constant", *UNCORRECTED_EPS, STOPPING)
START_DIVISOR = 25
HIGH_BETA1, LOW_BETA1 = 0.95, 0.85
ONECYCLE_BETA2 = 0.99
ONECYCLE_WEIGHT_DECAY = 0.01
# Adam of the constant schedules, as in Bai et al. 2018.
CONSTANT_BETAS = (0.9, 0.999)
CONSTANT_EPS = 1e-8
# Adam of early stopping.
STOPPING_EPS = 1e-7


@dataclass(frozen=True)
class Keeping:
    """Of a schedule that keeps the weights of the best epoch, and not those of the last.

    patience_epochs: after so many without a better one it stops, where it does. score: of the
    validation, by which an epoch is the best. highest: is the best score the highest?
    """

    patience_epochs: float = math.inf
    score: str = "valid_loss"
    highest: bool = False

    def losses(self, history: Sequence[Mapping[str, float]]) -> list[float]:
        """A number of each epoch of a history, which is the smallest of the best one."""
        return [-row[self.score] if self.highest else row[self.score] for row in history]


KEEPING = {
    STOPPING: Keeping(25),
    # By its mean overlap with the true boxes.
    "tag_box": Keeping(15, "iou", highest=True),
    "tag_ring": Keeping(),
}


@dataclass(frozen=True)
class EpochPlan:
    """One epoch: its stage (1 with frozen settings, 2 with the others), and place in its cycle.

    A stage has its own optimiser state, a cycle its own one-cycle schedule. frozen: are the
    encoder's weights frozen? lr: the highest learning rate, of the cycle or of the epoch.
    epoch_of_stage and epoch_of_cycle count from 0; cycle_epochs: length of the cycle. validated: is
    the network validated after it?
    """

    stage: int
    frozen: bool
    lr: float
    epoch_of_stage: int
    epoch_of_cycle: int
    cycle_epochs: int
    validated: bool = True


def parse_epochs(epochs: str | int) -> list[int]:
    """Epochs of each cycle of a stage: `8` is one cycle, `5+10+15` are three, `0` is none.

    Raises ValueError for other texts.
    """
    try:
        cycles = [int(part) for part in str(epochs).split("+")]
    except ValueError:
        cycles = [-1]
    if min(cycles) < 0:
        raise ValueError(f"epochs are {epochs!r}, expected numbers like 8 or 5+10+15")
    return [cycle for cycle in cycles if cycle]


def plan_epochs(settings: Mapping, count_all: int = 1, count_subset: int = 1) -> list[EpochPlan]:
    """All epochs of a training run, in order.

    settings: start, schedule, lr_frozen, epochs_frozen, lr, epochs. count_all, count_subset:
    numbers of images by which a subset's epochs are corrected (see subsets.corrected_epochs).
    Only a network that starts from ImageNet weights is frozen in the first stage: a random
    encoder has to learn, and the published transfer from another model trained all weights in
    both stages. Epochs of a subset are short: a network is validated after as many of them as show
    about as many images as an epoch of all, and after the last one of a cycle; where the best epoch
    is kept after each. Raises ValueError for an unknown schedule or no epoch at all.
    """
    if settings["schedule"] not in SCHEDULES:
        raise ValueError(
            f"schedule {settings['schedule']!r} is unknown, expected one of {SCHEDULES}"
        )
    plan = []
    every = max(1, corrected_epochs(1, count_all, count_subset))
    if settings["schedule"] in KEEPING:
        every = 1
    for stage, suffix in ((1, "_frozen"), (2, "")):
        cycles = [
            corrected_epochs(epochs, count_all, count_subset)
            for epochs in parse_epochs(settings["epochs" + suffix])
        ]
        lr = float(settings["lr" + suffix])
        if cycles and not lr > 0:
            raise ValueError(f"lr{suffix} is {lr} for {cycles} epochs, expected more than 0")
        frozen = stage == 1 and settings["start"] == "imagenet"
        places = [(epoch, cycle) for cycle in cycles for epoch in range(cycle)]
        plan += [
            EpochPlan(
                stage,
                frozen,
                fallen(lr, settings["schedule"], epoch),
                number,
                epoch,
                cycle,
                (cycle - 1 - epoch) % every == 0,
            )
            for number, (epoch, cycle) in enumerate(places)
        ]
    if settings["schedule"] in KEEPING and any(
        now.stage == 1 or now.cycle_epochs != len(plan) for now in plan
    ):
        raise ValueError(
            f"schedule {settings['schedule']} with epochs {settings['epochs']!r} and epochs_frozen "
            f"{settings['epochs_frozen']!r}, expected one cycle such as 200 and none frozen"
        )
    if not plan:
        raise ValueError("epochs_frozen and epochs are both 0, expected at least one epoch")
    return plan


def fallen(lr: float, schedule: str, epoch: int) -> float:
    """Learning rate of an epoch (from 0) of a cycle; that of the cycle for most schedules."""
    if schedule not in FALLING or epoch < FIRST_FALL_EPOCH:
        return lr
    falls = (epoch - FIRST_FALL_EPOCH) // FALLING[schedule] + 1
    return float(lr * 2 ** (-falls / 2))


def onecycle(
    step: int, steps: int, lr: float, kind: OneCycle = ONECYCLES["onecycle"]
) -> tuple[float, float]:
    """Learning rate and beta1 of a step (from 0) in a cycle of `steps` steps.

    The first int(0.3 steps) go on a cosine from lr/25 to lr while beta1 falls from 0.95 to 0.85;
    the others from lr towards lr/250000 while beta1 returns. The one-cycle of fastai 2 has 0.25
    and 100000 there.
    """
    warm = int(kind.warm_fraction * steps)
    if step < warm:
        share = step / warm
        return _cosine(lr / START_DIVISOR, lr, share), _cosine(HIGH_BETA1, LOW_BETA1, share)
    share = (step - warm) / (steps - warm)
    return _cosine(lr, lr / kind.end_divisor, share), _cosine(LOW_BETA1, HIGH_BETA1, share)


def norm_momentum(momentum: float, step: int) -> float:
    """Momentum of a batch norm's statistics at a step (from 0), ignoring their initial values.

    A bias correction as in Adam. It tends to `momentum`, with which the initial values would take
    1 / momentum steps and more to fade, longer than a short training of the FCN (0.01).
    """
    return momentum / (1 - (1 - momentum) ** (step + 1))


def make_optimiser(
    schedule: str, parameters: list[torch.nn.Parameter], fused: bool = False
) -> torch.optim.Optimizer:
    """Adam for the parameters that have a gradient; its learning rate is set by `set_step`.

    One-cycle: decoupled weight decay 0.01, beta2 0.99. The others: plain Adam.
    fused: one operation for all parameters, with different rounding.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    kind = ONECYCLES.get(schedule)
    if kind is None:
        eps = STOPPING_EPS if schedule == STOPPING else CONSTANT_EPS
        return torch.optim.Adam(trained, betas=CONSTANT_BETAS, eps=eps, fused=fused or None)
    # Biases, and weights of norms, are vectors.
    decaying = [weight for weight in trained if kind.decays_all or weight.ndim > 1]
    others = [weight for weight in trained if not kind.decays_all and weight.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": decay}
        for weights, decay in ((decaying, ONECYCLE_WEIGHT_DECAY), (others, 0.0))
        if weights
    ]
    return torch.optim.AdamW(
        groups, betas=(HIGH_BETA1, ONECYCLE_BETA2), eps=kind.eps, fused=fused or None
    )


def set_step(
    optimiser: torch.optim.Optimizer, schedule: str, now: EpochPlan, step: int, steps: int
) -> None:
    """Set learning rate and beta1 for a step of an epoch of `steps` steps.

    And epsilon where it changes: TensorFlow and Keras add it to the root of the second moment
    before that is corrected for its start, PyTorch after it.
    """
    lr, betas = now.lr, CONSTANT_BETAS
    if schedule in UNCORRECTED_EPS:
        count = now.epoch_of_stage * steps + step + 1
        for group in optimiser.param_groups:
            group["eps"] = UNCORRECTED_EPS[schedule] / math.sqrt(1 - CONSTANT_BETAS[1] ** count)
    if schedule in ONECYCLES:
        done, whole = now.epoch_of_cycle * steps + step, now.cycle_epochs * steps
        lr, beta1 = onecycle(done, whole, now.lr, ONECYCLES[schedule])
        betas = (beta1, ONECYCLE_BETA2)
    for group in optimiser.param_groups:
        group["lr"], group["betas"] = lr, betas


def best_epoch(losses: Sequence[float]) -> int:
    """The first of the epochs with the smallest validation loss; one without a number is none."""
    return min(range(len(losses)), key=lambda epoch: (math.isnan(losses[epoch]), losses[epoch]))


def has_stopped(losses: Sequence[float], patience_epochs: float, least_epochs: int = 0) -> bool:
    """Whether the validation losses so far end a training that stops early.

    patience_epochs: it ends after so many without a smaller one. least_epochs: it never ends before
    so many. Where batch norms have a momentum of 0.99 (Keras), the loss stays where it was for more
    than a hundred steps, as their statistics lag behind.
    """
    if not losses or len(losses) < least_epochs:
        return False
    return len(losses) - 1 - best_epoch(losses) >= patience_epochs


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
