"""Losses of segmentation networks; pixels that nobody labelled do not count."""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from cmrseg.labels import UNLABELLED, Target
from cmrseg.tasks.targets import check_labels, encode, shares, surprise

# Logits, labels and target: a tensor of one number.
Loss = Callable[[torch.Tensor, torch.Tensor, Target], torch.Tensor]

# Power of (1 - probability of the true class) in the focal loss.
FOCAL_POWER = 2
# Constants of the published generalised Dice loss, used by `compat` only.
COMPAT_COUNT_EPS = 1e-10
COMPAT_SUM_EPS = 1e-5
# Keeps the Dice of a class that is neither there nor predicted at 1.
BATCH_EPS = 1e-6
# The same in the training of Altunok and Oksuz 2020 (MyoPS challenge, LNCS 12554, pp. 128-137).
MYOPS_EPS = 1e-5
# Abraham and Khan 2019, doi:10.1109/ISBI.2019.8759329: weights of false negatives and false
# positives, and the power (their 1 / gamma).
TVERSKY_ALPHA, TVERSKY_BETA, TVERSKY_POWER = 0.7, 0.3, 0.75


def _checked(
    logits: torch.Tensor, labels: torch.Tensor, target: Target
) -> tuple[torch.Tensor, torch.Tensor]:
    """Check a batch; truth (n, c, y, x) and what is labelled (n, 1, y, x), see `encode`."""
    if logits.ndim != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)}: "
            "expected (n, c, y, x) and (n, y, x) of one size"
        )
    if logits.shape[1] != target.channels:
        raise ValueError(
            f"logits have {logits.shape[1]} channels, tissues {target.text} need {target.channels}"
        )
    # Looking at values waits for them; on other devices they are checked before a training.
    if labels.device.type == "cpu":
        check_labels(labels, target)
        if (labels == UNLABELLED).all():
            raise ValueError("no pixel of the batch is labelled; leave such images out of the set")
    return encode(target, labels)


def precise(logits: torch.Tensor) -> torch.Tensor:
    """Logits with at least 32 bits: sums over a batch need these."""
    return logits if logits.dtype == torch.float64 else logits.float()


def ce(logits: torch.Tensor, labels: torch.Tensor, target: Target) -> torch.Tensor:
    """Cross entropy, mean over the labelled pixels.

    logits: (n, c, y, x). labels: (n, y, x) integers, `Tissue` or UNLABELLED. target: what the
    channels mean; overlapping regions count as a class each, without background. Raises ValueError
    if shapes differ, and on a CPU if a label has no channel or nothing is labelled.
    """
    truth, labelled = _checked(logits, labels, target)
    pixels = surprise(target, precise(logits), truth) * labelled
    return pixels.sum() / labelled.sum()


def focal(logits: torch.Tensor, labels: torch.Tensor, target: Target) -> torch.Tensor:
    """Focal loss, (1 - p)² times cross entropy, mean over the labelled pixels.

    Arguments and errors as `ce`. Lin et al. 2017, doi:10.1109/ICCV.2017.324, with their
    class weights left out.
    """
    truth, labelled = _checked(logits, labels, target)
    pixels = surprise(target, precise(logits), truth) * labelled
    return ((1 - torch.exp(-pixels)) ** FOCAL_POWER * pixels).sum() / labelled.sum()


def softdice(
    logits: torch.Tensor, labels: torch.Tensor, target: Target, compat: bool = False
) -> torch.Tensor:
    """Generalised Dice loss of each image over all classes, mean over images; 0 is perfect.

    A class counts by 1 / (its labelled pixels)². An absent class would get an infinite
    weight: it gets the largest weight among the classes present in its image, so that false
    pixels of it still cost. Images without any label are left out of the mean. With `compat`
    an absent class has the weight 1e20 and rules its image, as in the published training.
    Arguments and errors as `ce`. Sudre et al. 2017, doi:10.1007/978-3-319-67558-9_28.
    """
    truth, labelled = _checked(logits, labels, target)
    found = shares(target, precise(logits)) * labelled
    counts = truth.sum((2, 3))
    common = (found * truth).sum((2, 3))
    both = found.sum((2, 3)) + counts
    if compat:
        weights = 1 / (counts + COMPAT_COUNT_EPS) ** 2
        common = (weights * common).sum(1) + COMPAT_SUM_EPS
        return (1 - 2 * common / ((weights * both).sum(1) + COMPAT_SUM_EPS)).mean()
    # Images without any label are divided by one and then left out.
    has_labels = counts.sum(1) > 0
    rarest = torch.where(counts > 0, counts, torch.inf).amin(1, keepdim=True)
    # Relative to the rarest class, which leaves the ratio as it is and the numbers near one.
    weights = torch.where(counts > 0, rarest / counts.clamp(min=1), 1) ** 2
    common, both = (weights * common).sum(1), (weights * both).sum(1)
    return _mean(1 - 2 * common / torch.where(has_labels, both, 1), has_labels)


def _mean(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Mean of the chosen values (n,); how many these are only a CPU waits for."""
    if values.device.type == "cpu":
        return values[chosen].mean()
    return torch.where(chosen, values, 0).sum() / chosen.sum()


def dice_of_batch(found: torch.Tensor, truth: torch.Tensor, smooth: float) -> torch.Tensor:
    """Soft Dice (c,) of each channel, (2 * sum(f * t) + s) / (sum(f) + sum(t) + s).

    found: shares (n, c, y, x) in 0..1. truth: of the same shape. smooth: s; without it a channel
    that is neither there nor found is nan. Sums go over the whole batch, as many images have no
    tissue at all.
    """
    common = (found * truth).sum((0, 2, 3))
    both = (found + truth).sum((0, 2, 3))
    return (2 * common + smooth) / (both + smooth)


def dice(
    logits: torch.Tensor, labels: torch.Tensor, target: Target, smooth: float = BATCH_EPS
) -> torch.Tensor:
    """1 - soft Dice of the batch, mean over all classes with background; 0 is perfect.

    smooth: see `dice_of_batch`. Other arguments and errors as `ce`. As in Hanisah et al. 2026,
    doi:10.1016/j.jocmr.2026.102706.
    """
    truth, labelled = _checked(logits, labels, target)
    return (1 - dice_of_batch(shares(target, precise(logits)) * labelled, truth, smooth)).mean()


def ce_dice(logits: torch.Tensor, labels: torch.Tensor, target: Target) -> torch.Tensor:
    """Cross entropy, and 1 - soft Dice of the batch, mean over all classes but background.

    Their sum, each with weight 1. Arguments and errors as `ce`.
    """
    truth, labelled = _checked(logits, labels, target)
    found = shares(target, precise(logits)) * labelled
    each = dice_of_batch(found, truth, BATCH_EPS)[int(target.exclusive) :]
    return ce(logits, labels, target) + (1 - each).mean()


def tversky(
    logits: torch.Tensor,
    labels: torch.Tensor,
    target: Target,
    alpha: float = TVERSKY_ALPHA,
    beta: float = TVERSKY_BETA,
    power: float = TVERSKY_POWER,
) -> torch.Tensor:
    """Focal Tversky loss, mean over all classes with background, with sums over the batch.

    alpha: weight of false negatives. beta: weight of false positives. Alpha and beta 0.5 with
    power 1 are `dice`, but for a class that is absent: probabilities count at least 1e-6, all of
    which is false there. Arguments and errors as `ce`.
    """
    truth, labelled = _checked(logits, labels, target)
    found = shares(target, precise(logits)).clamp(BATCH_EPS, 1 - BATCH_EPS) * labelled
    common = (found * truth).sum((0, 2, 3))
    missed = truth.sum((0, 2, 3)) - common
    wrong = found.sum((0, 2, 3)) - common
    index = (common + BATCH_EPS) / (common + alpha * missed + beta * wrong + BATCH_EPS)
    # The power's slope is infinite at 0.
    return ((1 - index).clamp(min=BATCH_EPS) ** power).mean()


def sum_over_heads(
    loss: Loss,
    heads: Sequence[torch.Tensor],
    labels: torch.Tensor,
    target: Target,
    weights: Sequence[float] = (),
) -> torch.Tensor:
    """The loss of each head by its weight (1 each if there are none), summed: deep supervision.

    heads: logits (n, c, y, x) each. Raises ValueError if there are not as many weights as heads.
    """
    if weights and len(weights) != len(heads):
        raise ValueError(
            f"{len(weights)} weights {tuple(weights)} for the {len(heads)} heads of the network; "
            "give one per head, that of the deepest level first"
        )
    weighted = [
        weight * loss(logits, labels, target)
        for logits, weight in zip(heads, weights or (1,) * len(heads), strict=True)
    ]
    return torch.stack(weighted).sum()


LOSSES: dict[str, Loss] = {
    "ce": ce,
    "focal": focal,
    "softdice": softdice,
    "softdice_compat": partial(softdice, compat=True),
    "dice": dice,
    "dice_myops": partial(dice, smooth=MYOPS_EPS),
    "ce_dice": ce_dice,
    "tversky": tversky,
}
