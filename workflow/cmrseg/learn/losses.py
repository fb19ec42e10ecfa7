"""Losses of segmentation networks; pixels that nobody labelled do not count."""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from cmrseg.labels import UNLABELLED

# Power of (1 - probability of the true class) in the focal loss.
FOCAL_POWER = 2
# Constants of the published generalised Dice loss, used by `compat` only.
COMPAT_COUNT_EPS = 1e-10
COMPAT_SUM_EPS = 1e-5


def _one_hot(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Check a batch; truth (n, c, y, x) with zeros where unlabelled, and (n, 1, y, x) labelled."""
    if logits.ndim != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)}: "
            "expected (n, c, y, x) and (n, y, x) of one size"
        )
    classes = logits.shape[1]
    labelled = (labels != UNLABELLED)[:, None]
    # One-hot by comparison: its backward pass is deterministic on every device.
    truth = labels[:, None] == torch.arange(classes, device=labels.device)[:, None, None]
    unknown = labelled[:, 0] & ~truth.any(1)
    if unknown.any():
        raise ValueError(
            f"label {int(labels[unknown][0])} in a batch for a network with {classes} classes "
            f"(0 to {classes - 1}; {UNLABELLED} is unlabelled); map the labels to its classes"
        )
    if not labelled.any():
        raise ValueError("no pixel of the batch is labelled; leave such images out of the set")
    return truth.to(torch.float32), labelled.to(torch.float32)


def ce(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy, mean over the labelled pixels.

    logits: (n, c, y, x). labels: (n, y, x) integers 0..c-1 or UNLABELLED. Raises ValueError
    if shapes differ, a label is not a class, or nothing is labelled.
    """
    truth, labelled = _one_hot(logits, labels)
    pixels = -(truth * functional.log_softmax(logits.float(), 1)).sum(1, keepdim=True)
    return pixels.sum() / labelled.sum()


def focal(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Focal loss, (1 - p)² times cross entropy, mean over the labelled pixels.

    Arguments and errors as `ce`. Lin et al. 2017, doi:10.1109/ICCV.2017.324, with their
    class weights left out.
    """
    truth, labelled = _one_hot(logits, labels)
    pixels = -(truth * functional.log_softmax(logits.float(), 1)).sum(1, keepdim=True)
    return ((1 - torch.exp(-pixels)) ** FOCAL_POWER * pixels).sum() / labelled.sum()


def softdice(logits: torch.Tensor, labels: torch.Tensor, compat: bool = False) -> torch.Tensor:
    """Generalised Dice loss of each image over all classes, mean over images; 0 is perfect.

    A class counts by 1 / (its labelled pixels)². An absent class would get an infinite
    weight: it gets the largest weight among the classes present in its image, so that false
    pixels of it still cost. Images without any label are left out of the mean. With `compat`
    an absent class has the weight 1e20 and rules its image, as in the published training.
    Arguments and errors as `ce`. Sudre et al. 2017, doi:10.1007/978-3-319-67558-9_28.
    """
    truth, labelled = _one_hot(logits, labels)
    shares = functional.softmax(logits.float(), 1) * labelled
    counts = truth.sum((2, 3))
    common = (shares * truth).sum((2, 3))
    both = shares.sum((2, 3)) + counts
    if compat:
        weights = 1 / (counts + COMPAT_COUNT_EPS) ** 2
        common = (weights * common).sum(1) + COMPAT_SUM_EPS
        return (1 - 2 * common / ((weights * both).sum(1) + COMPAT_SUM_EPS)).mean()
    rarest = torch.where(counts > 0, counts, torch.inf).amin(1, keepdim=True)
    # Relative to the rarest class, which leaves the ratio as it is and the numbers near one.
    weights = torch.where(counts > 0, rarest / counts.clamp(min=1), 1) ** 2
    has_labels = counts.sum(1) > 0
    common, both = (weights * common).sum(1)[has_labels], (weights * both).sum(1)[has_labels]
    return (1 - 2 * common / both).mean()


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "ce": ce,
    "focal": focal,
    "softdice": softdice,
    "softdice_compat": partial(softdice, compat=True),
}
