"""Training of one network: a row of the models table becomes weights and a history."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.augment import apply_transforms, draw_transforms
from cmrseg.learn.losses import LOSSES
from cmrseg.learn.schedule import make_optimiser, norm_momentum, plan_epochs, set_step
from cmrseg.learn.slices import Slices
from cmrseg.learn.state import (
    State,
    digest_weights,
    fingerprint,
    load_state,
    restore_optimiser,
    save_state,
    start_network,
)
from cmrseg.learn.subsets import THRESHOLDS, is_corrected, select_subset
from cmrseg.nets.build import freeze

log = logging.getLogger(__name__)

# Columns of the history are named like those of the evaluation tables.
TISSUES = {Tissue.LV: "lv", Tissue.MYO: "my", Tissue.RV: "rv"}
# Slices at once in validation; of influence on memory only.
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
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train a network as a row of the models table says.

    settings: the row. slices: prepared slices of its cohort and labeller. start_state: weights to
    start from: a torchvision state dict for start `imagenet`, a model's for a model, None for
    `random`. state_folder: keeps the state after every epoch; a run that was stopped goes on
    from there and ends with the same bytes, and a state of other settings, slices, start, code,
    torch or device is ignored. confidence: table with subject and score, for the subsets c05,
    c10 and c15.
    Returns the weights after the last epoch, on the CPU, and the history, one row per epoch.
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
        }
    )
    chosen_from = slices.select(split_names(settings)) if is_corrected(settings["subset"]) else rows
    plan = plan_epochs(settings, len(chosen_from), len(rows))
    network = start_network(settings, start_state, seed)
    state = State() if state_folder is None else load_state(Path(state_folder), mark)
    if state.epochs_done:
        network.load_state_dict(state.network)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    source = Source(slices, device)
    # Statistics that come with start weights are worth keeping, those of a new network are not;
    # the published U-Net kept them all the same.
    norms = [
        (module, module.momentum)
        for module in network.modules()
        if settings["start"] == "random"
        and settings["network"] != "unet_compat"
        and isinstance(module, torch.nn.BatchNorm2d)
        and module.momentum is not None
    ]
    loss_of, optimiser, history = LOSSES[settings["loss"]], None, state.history
    with deterministic(device):
        for epoch in range(state.epochs_done, len(plan)):
            now, rng = plan[epoch], np.random.default_rng([seed, epoch])
            if optimiser is None or now.epoch_of_stage == 0:
                freeze(network, now.frozen)
                optimiser = make_optimiser(settings["schedule"], list(network.parameters()))
                if now.epoch_of_stage:
                    restore_optimiser(optimiser, state.optimiser)
            batches = draw_batches(rng, rows, settings)
            losses, images_seen = [], 0
            network.train()
            for step, batch in enumerate(batches):
                transforms = draw_transforms(
                    rng, len(batch), settings["augmentation"], settings["size_px"]
                )
                images, labels = apply_transforms(*source.read(batch), transforms)
                set_step(optimiser, settings["schedule"], now, step, len(batches))
                for norm, momentum in norms:
                    norm.momentum = norm_momentum(momentum, epoch * len(batches) + step)
                optimiser.zero_grad()
                loss = loss_of(network(as_input(images)), labels)
                losses.append(finite(loss, epoch, step, now.lr))
                loss.backward()
                optimiser.step()
                images_seen += len(batch)
            scores = evaluate(network, source, valid, settings)
            before = history[-1]["images"] if history else 0
            history.append(
                {
                    "epoch": epoch,
                    "phase": now.stage,
                    "lr": now.lr,
                    "images": before + images_seen,
                    "train_loss": float(np.mean(losses)),
                    **scores,
                }
            )
            readable = ", ".join(f"{name} {value:.4g}" for name, value in history[-1].items())
            log.info("epoch %d of %d: %s", epoch + 1, len(plan), readable)
            if state_folder is not None:
                moments = optimiser.state_dict()["state"]
                state = State(epoch + 1, network.state_dict(), moments, history)
                save_state(state, Path(state_folder), mark)
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    return weights, pd.DataFrame(history)


def training_rows(
    slices: Slices, settings: Mapping[str, Any], confidence: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index rows to train on and to validate on.

    A confidence set filters both, as published; any other subset the training rows only.
    Raises ValueError where the slices do not fit the settings.
    """
    size, expected = settings["size_px"], "uint16" if settings["preparation"] == "fcn" else "uint8"
    if slices.images.shape[1:] != (size, size) or slices.images.dtype != expected:
        raise ValueError(
            f"{slices.folder}: images are {slices.images.dtype} {slices.images.shape[1:]} (y, x), "
            f"preparation {settings['preparation']} with size_px {size} needs {expected} "
            f"{(size, size)}; make the slices with the model's settings"
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

    unet: all slices in random order, without the last incomplete batch. fcn: `batch` volumes
    (all slices of a subject and frame) drawn with replacement, as often as gives the number of
    volumes. Raises ValueError where there are fewer slices than one batch.
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
    return np.split(rng.permutation(numbers)[: steps * size], steps)


@torch.inference_mode()
def evaluate(
    network: torch.nn.Module, source: "Source", rows: pd.DataFrame, settings: Mapping[str, Any]
) -> dict[str, float]:
    """Loss and scores on some slices as prepared for training; unlabelled pixels do not count.

    Returns valid_loss (mean over images), accuracy (of pixels), for each tissue dice_<tissue>
    (from counts summed over all images; nan where the tissue is neither there nor predicted)
    and image_dice_<tissue>, also of foreground = all tissues together: the mean over images, in
    which 0/0 counts as 1, as published in Ankenbrand et al. 2021.
    """
    network.eval()
    numbers, losses, counts, right, labelled = rows["row"].to_numpy(), 0.0, [], 0, 0
    tissues = [Tissue(k) for k in range(1, settings["classes"])]
    for first in range(0, len(numbers), EVALUATION_BATCH):
        images, labels = source.read(numbers[first : first + EVALUATION_BATCH])
        logits = network(as_input(images))
        losses += LOSSES[settings["loss"]](logits, labels).item() * len(images)
        known = labels != UNLABELLED
        predicted = torch.where(known, logits.argmax(1), Tissue.BACKGROUND)
        truth = torch.where(known, labels, Tissue.BACKGROUND)
        right += int(((predicted == truth) & known).sum())
        labelled += int(known.sum())
        pairs = [(predicted == k, truth == k) for k in tissues] + [(predicted > 0, truth > 0)]
        sums = [[(a & b).sum((1, 2)), a.sum((1, 2)) + b.sum((1, 2))] for a, b in pairs]
        counts.append(torch.stack([torch.stack(pair) for pair in sums]).cpu().numpy())
    # (tissue and foreground, common or both, image)
    common, both = np.concatenate(counts, axis=2).swapaxes(0, 1)
    scores = {"valid_loss": losses / len(numbers), "accuracy": right / labelled}
    for i, k in enumerate(tissues):
        total = both[i].sum()
        scores[f"dice_{TISSUES[k]}"] = float(2 * common[i].sum() / total) if total else math.nan
    for i, name in enumerate([*(TISSUES[k] for k in tissues), "foreground"]):
        dice = np.where(both[i] > 0, 2 * common[i] / np.maximum(both[i], 1), 1)
        scores[f"image_dice_{name}"] = float(dice.mean())
    return scores


class Source:
    """Reads batches to a device; a GPU with room keeps the whole arrays."""

    # Share of the free memory of a GPU that slices may take.
    SHARE = 0.4

    def __init__(self, slices: Slices, device: str):
        self.slices, self.device = slices, device
        self.resident: tuple[torch.Tensor, ...] | None = None
        if torch.device(device).type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if slices.images.nbytes + slices.labels.nbytes < self.SHARE * free:
                self.keep()

    def keep(self) -> None:
        """Copy all images, as bytes, and labels to the device."""
        arrays = self.slices.images.view(np.uint8), self.slices.labels
        self.resident = tuple(torch.from_numpy(np.array(a)).to(self.device) for a in arrays)

    def read(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (n, y, x) float32 in 0...1 and labels (n, y, x) uint8 of some rows."""
        if self.resident is None:
            images, labels = (torch.from_numpy(a) for a in self.slices.batch(rows))
            return images.to(self.device), labels.to(self.device)
        where = torch.from_numpy(rows).to(self.device)
        images, labels = (array[where] for array in self.resident)
        maximum = np.iinfo(self.slices.images.dtype).max
        if maximum == 255:
            return images.float() / 255, labels
        # torch knows little about uint16: low and high byte, in the order of the file.
        low, high = images.float().unflatten(-1, (-1, 2)).unbind(-1)
        return (low + 256 * high) / maximum, labels


def as_input(images: torch.Tensor) -> torch.Tensor:
    """Images (n, y, x) as a network takes them: (n, 1, y, x), channels last in memory."""
    return images[:, None].contiguous(memory_format=torch.channels_last)


def finite(loss: torch.Tensor, epoch: int, step: int, lr: float) -> float:
    """The loss as a number. Raises FloatingPointError where it is none."""
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(
            f"epoch {epoch}, step {step}: the loss is {value} at a highest learning rate of {lr}; "
            "lower the learning rate of the model"
        )
    return value


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Only operations with repeatable results; a GPU lacks some and warns of those."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=torch.device(device).type != "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
