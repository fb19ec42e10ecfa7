"""Training of one network: a row of the models table becomes weights and a history."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cmrseg.learn.augmented import epoch_batches
from cmrseg.learn.averaging import Averaged
from cmrseg.learn.batches import split_names, training_rows
from cmrseg.learn.over_time import window_of
from cmrseg.learn.schedule import (
    KEEPING,
    EpochPlan,
    best_epoch,
    has_stopped,
    make_optimiser,
    plan_epochs,
    set_step,
)
from cmrseg.learn.slices import Slices
from cmrseg.learn.source import Source
from cmrseg.learn.state import (
    Saver,
    State,
    digest_weights,
    fingerprint,
    load_state,
    restore_optimiser,
    start_network,
)
from cmrseg.learn.step import (
    FLOAT32,
    Mode,
    NewNorms,
    batch_loss,
    computing,
    loss_function,
    seeded,
    training_step,
)
from cmrseg.learn.subsets import is_corrected
from cmrseg.learn.weights import on_cpu
from cmrseg.nets.build import freeze
from cmrseg.nets.network import Network
from cmrseg.nets.unet_lstm import frame_weights
from cmrseg.tasks.task import Task
from cmrseg.tasks.windowed import Windowed

log = logging.getLogger(__name__)

# Batch size of validation; affects memory, and losses that are summed over a batch.
EVALUATION_BATCH = 32


def train(
    settings: Mapping[str, Any],
    slices: Slices,
    task: Task,
    start_state: Mapping[str, torch.Tensor] | None = None,
    seed: int = 0,
    state_folder: str | Path | None = None,
    device: str = "cpu",
    confidence: pd.DataFrame | None = None,
    code: Sequence[str] = (),
    mode: Mode = FLOAT32,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train a network according to a row of the models table.

    settings: the row. slices: prepared slices of its cohort and labeller. task: the training task;
    of a network over time that of one frame.
    start_state: weights to start from: a torchvision state dict for start `imagenet`, a model's for
    a model, None for `random`. state_folder: keeps the state after every epoch; an
    interrupted run resumes from it and gives the same bytes. A state with other settings, slices,
    task, start, code, torch, device or mode is ignored. confidence: table with subject and score,
    for the subsets c05, c10 and c15. mode: how the device computes.
    Returns the weights after the last epoch, or the best one where the schedule keeps it, or their
    moving average where the settings say so (`averaged`), on the CPU, and the history, one row per
    epoch (results.history.result_row is that of the weights); scores are nan if the network was
    not validated.
    Raises ValueError if settings, slices and start do not fit, FloatingPointError if the loss is
    not finite.
    """
    window = window_of(settings)
    if window > 1:
        task = Windowed(task, tuple(frame_weights(window).tolist()))
    rows, valid = training_rows(slices, settings, confidence, task.samples)
    plan = planned(settings, slices, rows)
    mark = fingerprint(
        {
            "settings": dict(settings),
            "slices": slices.digest,
            "task": repr(task),
            "start": digest_weights(start_state or {}),
            "rows": [rows["row"].tolist(), valid["row"].tolist()],
            "seed": seed,
            "code": list(code),
            "torch": torch.__version__,
            "device": device,
            "mode": asdict(mode),
        }
    )
    network = start_network(settings, start_state, seed)
    state = State() if state_folder is None else load_state(Path(state_folder), mark)
    run = Run(settings, network, task, Source(slices, device, window), seed, mode, state)
    keeping, least = KEEPING.get(settings["schedule"]), settings.get("least_epochs", 0)
    with computing(mode, device), Saver(state_folder, mark) as saver:
        for now in plan[state.epochs_done :]:
            if keeping and has_stopped(
                keeping.losses(state.history), keeping.patience_epochs, least
            ):
                break
            learnt = run.learn(now, rows)
            scores = evaluate(run.result, run.source, valid, task, mode) if now.validated else {}
            note(state, learnt | scores, run)
            log.info("epoch %d of %d: %s", state.epochs_done, len(plan), words(state.history[-1]))
            saver.save(state)
    weights = state.best if keeping else on_cpu(run.result.state_dict())
    return weights, pd.DataFrame(state.history)


def planned(settings: Mapping[str, Any], slices: Slices, rows: pd.DataFrame) -> list[EpochPlan]:
    """The plan of all epochs; a subset of volunteers gets more of them. rows: to train on."""
    chosen_from = slices.select(split_names(settings)) if is_corrected(settings["subset"]) else rows
    return plan_epochs(settings, len(chosen_from), len(rows))


class Run:
    """A running training: a network, and all that changes it epoch by epoch.

    state: the state to resume from. Draws only depend on the seed and the epoch. Raises ValueError
    if the task cannot be trained on the labels of the slices.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        network: Network,
        task: Task,
        source: Source,
        seed: int,
        mode: Mode,
        state: State,
    ):
        self.settings, self.source, self.seed, self.device = settings, source, seed, source.device
        self.on_cpu = torch.device(self.device).type == "cpu"
        if not self.on_cpu:
            check_labels(source.slices, task)
        if state.epochs_done:
            network.load_state_dict(state.network)
        self.network = network
        network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.norms = NewNorms(network, settings, self.device)
        self.loss_of = loss_function(network, task, mode)
        self.epoch, self.moments = state.epochs_done, state.optimiser
        self.optimiser: torch.optim.Optimizer | None = None
        factor = settings.get("averaged", 0)
        self.averaged = Averaged(network, factor) if factor else None
        if self.averaged and state.epochs_done:
            self.averaged.network.load_state_dict(state.averaged)

    @property
    def result(self) -> Network:
        """The network that is validated and kept."""
        return self.averaged.network if self.averaged else self.network

    def learn(self, now: EpochPlan, rows: pd.DataFrame) -> dict[str, Any]:
        """Train for an epoch on rows of the slices; returns its history row, without scores."""
        epoch, optimiser = self.epoch, self._optimiser(now)
        batches, drawn = epoch_batches(self.settings, self.source, rows, self.seed, epoch)
        losses: list[torch.Tensor] = []
        self.network.train()
        norm_steps = self.norms.epoch(epoch * len(batches), len(batches))
        with norm_steps as before_step, seeded(self.seed, epoch, self.device):
            for step, (images, labels) in enumerate(drawn):
                set_step(optimiser, self.settings["schedule"], now, step, len(batches))
                before_step(epoch * len(batches) + step)
                losses.append(training_step(self.loss_of, optimiser, images, labels))
                if self.averaged:
                    self.averaged.add(self.network, epoch * len(batches) + step)
                # Reading a loss waits for it; meanwhile a GPU receives the next steps.
                if self.on_cpu or step == len(batches) - 1:
                    check_finite(losses, epoch, step if self.on_cpu else 0, now.lr)
        self.epoch += 1
        return {
            "epoch": epoch,
            "phase": now.stage,
            "lr": now.lr,
            "images": sum(map(len, batches)),
            "train_loss": float(np.mean(torch.stack(losses).tolist())),
        }

    def _optimiser(self, now: EpochPlan) -> torch.optim.Optimizer:
        """The stage's optimiser: new at its start, with saved moments after resuming."""
        if self.optimiser is None or now.epoch_of_stage == 0:
            freeze(self.network, now.frozen)
            self.optimiser = make_optimiser(
                self.settings["schedule"],
                list(self.network.parameters()),
                torch.device(self.device).type == "cuda",
            )
            if now.epoch_of_stage:
                restore_optimiser(self.optimiser, self.moments)
                self.moments = {}
        return self.optimiser


def note(state: State, row: dict[str, Any], run: Run) -> None:
    """Add a finished epoch to the state. row: of the history, with the epoch's own images."""
    history = state.history
    row["images"] += history[-1]["images"] if history else 0
    history.append(row)
    if keeping := KEEPING.get(run.settings["schedule"]):
        row["best_epoch"] = best_epoch(keeping.losses(history))
        if row["best_epoch"] == row["epoch"]:
            state.best = on_cpu(run.result.state_dict())
    state.epochs_done = run.epoch
    state.network = run.network.state_dict()
    state.averaged = run.averaged.network.state_dict() if run.averaged else {}
    state.optimiser = run.optimiser.state_dict()["state"] if run.optimiser else {}


def words(row: Mapping[str, Any]) -> str:
    """A readable row of the history."""
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())


@torch.inference_mode()
def evaluate(
    network: Network, source: Source, rows: pd.DataFrame, task: Task, mode: Mode = FLOAT32
) -> dict[str, float]:
    """Validation on some slices as prepared for training.

    Returns valid_loss, the mean over images, and the scores of the task.
    """
    network.eval()
    numbers, sizes, losses, counts = rows["row"].to_numpy(), [], [], []
    frames = 1 if source.around is None else source.around.shape[1]
    batch = max(1, EVALUATION_BATCH // frames)
    for first in range(0, len(numbers), batch):
        images, labels = source.read(numbers[first : first + batch])
        loss, output = batch_loss(network, images, labels, task, mode)
        sizes.append(len(images))
        losses.append(loss)
        counts.append(task.counts(output, labels))
    together = {
        name: torch.cat([of_batch[name] for of_batch in counts]).cpu().numpy() for name in counts[0]
    }
    total = sum(n * value for n, value in zip(sizes, torch.stack(losses).tolist(), strict=True))
    return {"valid_loss": total / len(numbers), **task.scores(together, rows)}


def check_labels(slices: Slices, task: Task) -> None:
    """Raise ValueError if the task cannot be trained on labels of the slices."""
    for first in range(0, len(slices.labels), EVALUATION_BATCH):
        task.check(torch.tensor(slices.labels[first : first + EVALUATION_BATCH]))


def check_finite(losses: Sequence[torch.Tensor], epoch: int, first: int, lr: float) -> None:
    """Raise FloatingPointError if a loss of an epoch, from step `first` on, is not finite."""
    for step, value in enumerate(torch.stack(list(losses[first:])).tolist(), first):
        if not math.isfinite(value):
            raise FloatingPointError(
                f"epoch {epoch}, step {step}: the loss is {value} at a highest learning rate of "
                f"{lr}; lower the learning rate of the model"
            )
