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

from cmrseg.labels import SHORT_NAMES, UNLABELLED, Target, Tissue
from cmrseg.learn.augment import apply_transforms, draw_transforms
from cmrseg.learn.prepare import PREPARATIONS
from cmrseg.learn.schedule import (
    STOPPING,
    best_epoch,
    has_stopped,
    make_optimiser,
    plan_epochs,
    set_step,
)
from cmrseg.learn.slices import Slices, native_regions
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
    head_weights,
    loss_function,
    seeded,
    training_step,
)
from cmrseg.learn.subsets import THRESHOLDS, is_corrected, select_subset
from cmrseg.learn.targets import check_labels, decode, inside, shares
from cmrseg.learn.weights import on_cpu
from cmrseg.nets.build import freeze
from cmrseg.nets.network import Network

log = logging.getLogger(__name__)

# Slices at once in validation; of influence on memory, and on losses that sum over a batch.
EVALUATION_BATCH = 32


def train(
    settings: Mapping[str, Any],
    slices: Slices,
    start_state: Mapping[str, torch.Tensor] | None = None,
    seed: int = 0,
    state_folder: str | Path | None = None,
    device: str = "cpu",
    confidence: pd.DataFrame | None = None,
    code: Sequence[str] = (),
    mode: Mode = FLOAT32,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train a network as a row of the models table says.

    settings: the row. slices: prepared slices of its cohort and labeller. start_state: weights to
    start from: a torchvision state dict for start `imagenet`, a model's for a model, None for
    `random`. state_folder: keeps the state after every epoch; a run that was stopped goes on
    from there and ends with the same bytes, and a state of other settings, slices, start, code,
    torch, device or mode is ignored. confidence: table with subject and score, for the subsets
    c05, c10 and c15. mode: how the device computes.
    Returns the weights after the last epoch, or the best one of schedule `early_stopping`, on the
    CPU, and the history, one row per epoch (schedule.result_row is that of the weights).
    Raises ValueError where settings, slices and start do not fit, FloatingPointError where the
    loss is not finite.
    """
    rows, valid = training_rows(slices, settings, confidence)
    mark = fingerprint(
        {
            "settings": dict(settings),
            "slices": slices.digest,
            "start": digest_weights(start_state or {}),
            "rows": [rows["row"].tolist(), valid["row"].tolist()],
            "seed": seed,
            "code": list(code),
            "torch": torch.__version__,
            "device": device,
            "mode": asdict(mode),
        }
    )
    chosen_from = slices.select(split_names(settings)) if is_corrected(settings["subset"]) else rows
    plan = plan_epochs(settings, len(chosen_from), len(rows))
    network, target = start_network(settings, start_state, seed), Target.of(settings["tissues"])
    state = State() if state_folder is None else load_state(Path(state_folder), mark)
    if state.epochs_done:
        network.load_state_dict(state.network)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    source, kind = Source(slices, device), torch.device(device).type
    if kind != "cpu":
        # Losses look at the values of a batch on a CPU alone.
        for first in range(0, len(slices.labels), EVALUATION_BATCH):
            part = torch.tensor(slices.labels[first : first + EVALUATION_BATCH])
            check_labels(part, target)
    norms = NewNorms(network, settings, device)
    loss_of = loss_function(network, target, settings["loss"], mode, head_weights(settings))
    stopping = settings["schedule"] == STOPPING
    optimiser, history, best = None, state.history, state.best
    with computing(mode, device), Saver(state_folder, mark) as saver:
        for epoch in range(state.epochs_done, len(plan)):
            if stopping and has_stopped([row["valid_loss"] for row in history]):
                break
            now, rng = plan[epoch], np.random.default_rng([seed, epoch])
            if optimiser is None or now.epoch_of_stage == 0:
                freeze(network, now.frozen)
                optimiser = make_optimiser(
                    settings["schedule"], list(network.parameters()), kind == "cuda"
                )
                if now.epoch_of_stage:
                    restore_optimiser(optimiser, state.optimiser)
            batches = draw_batches(rng, rows, settings)
            losses: list[torch.Tensor] = []
            network.train()
            norm_steps = norms.epoch(epoch * len(batches), len(batches))
            with norm_steps as before_step, seeded(seed, epoch, device):
                for step, batch in enumerate(batches):
                    transforms = draw_transforms(
                        rng, len(batch), settings["augmentation"], settings["size_px"]
                    )
                    images, labels = apply_transforms(*source.read(batch), transforms)
                    set_step(optimiser, settings["schedule"], now, step, len(batches))
                    before_step(epoch * len(batches) + step)
                    losses.append(training_step(loss_of, optimiser, images, labels))
                    # Looking at a loss waits for it; a GPU gets the next steps meanwhile.
                    if kind == "cpu" or step == len(batches) - 1:
                        check_finite(losses, epoch, step if kind == "cpu" else 0, now.lr)
            scores = evaluate(network, source, valid, settings, mode)
            before = history[-1]["images"] if history else 0
            history.append(
                {
                    "epoch": epoch,
                    "phase": now.stage,
                    "lr": now.lr,
                    "images": before + sum(map(len, batches)),
                    "train_loss": float(np.mean(torch.stack(losses).tolist())),
                    **scores,
                }
            )
            if stopping:
                best_so_far = best_epoch([row["valid_loss"] for row in history])
                history[-1]["best_epoch"] = best_so_far
                best = on_cpu(network.state_dict()) if best_so_far == epoch else best
            readable = ", ".join(f"{name} {value:.4g}" for name, value in history[-1].items())
            log.info("epoch %d of %d: %s", epoch + 1, len(plan), readable)
            moments = optimiser.state_dict()["state"]
            state = State(epoch + 1, network.state_dict(), moments, history, best)
            saver.save(state)
    return best if stopping else on_cpu(network.state_dict()), pd.DataFrame(history)


def training_rows(
    slices: Slices, settings: Mapping[str, Any], confidence: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index rows to train on and to validate on.

    A confidence set filters both, as published; any other subset the training rows only.
    Raises ValueError where the slices do not fit the settings.
    """
    size, expected = settings["size_px"], PREPARATIONS[settings["preparation"]].dtype
    if slices.images.shape[1:] != (size, size) or slices.images.dtype != expected:
        raise ValueError(
            f"{slices.folder}: images are {slices.images.dtype} {slices.images.shape[1:]} (y, x), "
            f"preparation {settings['preparation']} with size_px {size} needs "
            f"{expected.__name__} {(size, size)}; make the slices with the model's settings"
        )
    subset = settings["subset"]
    rows = select_subset(slices.select(split_names(settings)), subset, confidence)
    valid = slices.select(["validate"])
    if subset in THRESHOLDS:
        valid = select_subset(valid, subset, confidence)
    return rows, valid


def split_names(settings: Mapping[str, Any]) -> list[str]:
    """The splits of a row, written `train` or `train,test`."""
    return str(settings["splits"]).split(",")


def draw_batches(
    rng: np.random.Generator, rows: pd.DataFrame, settings: Mapping[str, Any]
) -> list[np.ndarray]:
    """Rows of the slices in each batch of an epoch.

    All slices in random order, without the last incomplete batch; with schedule `early_stopping`
    as many drawn with replacement. Preparation fcn: `batch` volumes (all slices of a subject and
    frame) drawn with replacement, as often as gives the number of volumes.
    Raises ValueError where there are fewer slices than one batch.
    """
    size, numbers = settings["batch"], rows["row"].to_numpy()
    if settings["preparation"] == "fcn":
        volumes = list(rows.groupby("volume")["row"].apply(np.array))
        steps = max(1, len(volumes) // size)
        return [
            np.concatenate([volumes[i] for i in chosen])
            for chosen in rng.integers(len(volumes), size=(steps, size))
        ]
    if len(numbers) < size:
        raise ValueError(
            f"subset {settings['subset']} has {len(numbers)} slices, fewer than one batch of "
            f"{size}; choose a smaller batch or a larger subset"
        )
    steps = len(numbers) // size
    if settings["schedule"] == STOPPING:
        return list(rng.choice(numbers, (steps, size)))
    return np.split(rng.permutation(numbers)[: steps * size], steps)


@torch.inference_mode()
def evaluate(
    network: Network,
    source: Source,
    rows: pd.DataFrame,
    settings: Mapping[str, Any],
    mode: Mode = FLOAT32,
) -> dict[str, float]:
    """Loss and scores on some slices as prepared for training; unlabelled pixels do not count.

    Returns valid_loss (mean over images), accuracy (of pixels), for each region dice_<region> (from
    counts summed over all images; nan where the tissue is neither there nor predicted)
    and image_dice_<tissue>, also of foreground = all tissues together: the mean over images, in
    which 0/0 counts as 1, as published in Ankenbrand et al. 2021. An image with the cavity alone
    and nothing labelled around it counts in the means of the cavity only, and one does not count in
    those of a tissue that the crop removed from its labels.
    """
    network.eval()
    numbers, losses, counts, pixels = rows["row"].to_numpy(), [], [], []
    cavity_alone = []
    target = Target.of(settings["tissues"])
    for first in range(0, len(numbers), EVALUATION_BATCH):
        images, labels = source.read(numbers[first : first + EVALUATION_BATCH])
        loss, logits = batch_loss(
            network, images, labels, target, settings["loss"], mode, head_weights(settings)
        )
        losses.append(loss)
        known = labels != UNLABELLED
        # A cavity that is drawn alone ends at its outline: more of it beside that is a mistake.
        drawn = [(labels == k).any(2).any(1) for k in (Tissue.LV, Tissue.MYO, UNLABELLED)]
        cavity_alone.append(drawn[0] & ~drawn[1] & drawn[2])
        chosen = decode(target, logits if target.exclusive else shares(target, logits))
        counted = known | (cavity_alone[-1][:, None, None] & (chosen == Tissue.LV))
        predicted = torch.where(counted, chosen, Tissue.BACKGROUND)
        truth = torch.where(known, labels, Tissue.BACKGROUND)
        pixels.append(torch.stack([((predicted == truth) & known).sum(), known.sum()]))
        pairs = [(inside(predicted, r), inside(truth, r)) for r in target.regions]
        pairs.append((predicted > 0, truth > 0))
        sums = [[x.sum((1, 2)) for x in (a & b, a, b)] for a, b in pairs]
        counts.append(torch.stack([torch.stack(pair) for pair in sums]))
    # (tissue and foreground; common, predicted or true; image)
    common, guessed, true = torch.cat(counts, 2).cpu().numpy().swapaxes(0, 1)
    both = guessed + true
    right, labelled = torch.stack(pixels).sum(0).tolist()
    sizes = [min(EVALUATION_BATCH, len(numbers) - i * EVALUATION_BATCH) for i in range(len(losses))]
    loss = sum(n * value for n, value in zip(sizes, torch.stack(losses).tolist(), strict=True))
    scores = {"valid_loss": loss / len(numbers), "accuracy": right / labelled}
    for i, region in enumerate(target.regions):
        total = both[i].sum()
        scores[f"dice_{region.key}"] = float(2 * common[i].sum() / total) if total else math.nan
    alone = torch.cat(cavity_alone).cpu().numpy()
    cropped = (true == 0) & native_regions(rows, target, settings)
    for i, name in enumerate([*(region.key for region in target.regions), "foreground"]):
        dice = np.where(both[i] > 0, 2 * common[i] / np.maximum(both[i], 1), 1)
        told = dice[~cropped[i] & ~(alone & (name != SHORT_NAMES[Tissue.LV]))]
        scores[f"image_dice_{name}"] = float(told.mean()) if len(told) else math.nan
    return scores


def check_finite(losses: Sequence[torch.Tensor], epoch: int, first: int, lr: float) -> None:
    """Raise FloatingPointError where a loss of an epoch, from step `first` on, is no number."""
    for step, value in enumerate(torch.stack(list(losses[first:])).tolist(), first):
        if not math.isfinite(value):
            raise FloatingPointError(
                f"epoch {epoch}, step {step}: the loss is {value} at a highest learning rate of "
                f"{lr}; lower the learning rate of the model"
            )
