"""What the channels of a network mean, as numbers: labels to truth, logits to shares and labels."""

import torch
from torch.nn import functional

from cmrseg.labels import UNLABELLED, Region, Target, Tissue


def encode(target: Target, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth (n, c, y, x) of each channel, 0 where unlabelled, and (n, 1, y, x) labelled; float32.

    labels: (n, y, x) integers, `Tissue` or UNLABELLED.
    """
    # By comparison: its backward pass is deterministic on every device.
    truth = [inside(labels, region) for region in target.regions]
    if target.exclusive:
        truth = [labels == int(Tissue.BACKGROUND), *truth]
    labelled = (labels != UNLABELLED)[:, None]
    return torch.stack(truth, 1).to(torch.float32), labelled.to(torch.float32)


def check_labels(labels: torch.Tensor, target: Target) -> None:
    """Raise ValueError naming a label that the target has no channel for and is no UNLABELLED."""
    told = [int(t) for t in (Tissue.BACKGROUND, *target.tissues)]
    unknown = ~torch.isin(labels, torch.tensor([*told, UNLABELLED], device=labels.device))
    if unknown.any():
        raise ValueError(
            f"label {int(labels[unknown][0])} in a batch for a network of {target.text} "
            f"({', '.join(map(str, told))}; {UNLABELLED} is unlabelled); "
            "map the labels to its tissues"
        )


def shares(target: Target, logits: torch.Tensor) -> torch.Tensor:
    """Logits (n, c, y, x) to the share of each channel in a pixel, 0 to 1."""
    return functional.softmax(logits, 1) if target.exclusive else torch.sigmoid(logits)


def surprise(target: Target, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each pixel (n, 1, y, x); of overlapping regions the mean over these.

    truth: of `encode`. Unlabelled pixels of an exclusive target are 0; of others they are not.
    """
    if target.exclusive:
        return -(truth * functional.log_softmax(logits, 1)).sum(1, keepdim=True)
    told = truth * functional.logsigmoid(logits) + (1 - truth) * functional.logsigmoid(-logits)
    return -told.mean(1, keepdim=True)


def decode(target: Target, shares: torch.Tensor) -> torch.Tensor:
    """Shares (n, c, y, x) to labels (n, y, x) uint8 of `Tissue`.

    An exclusive target takes the channel with the largest share, the first one on ties, and any
    numbers of that order will do for it, such as logits. Of overlapping regions each is painted
    where its share reaches its threshold, a later one over an earlier one.
    """
    painted = [region.members[0] for region in target.regions]
    if target.exclusive:
        chosen = shares.argmax(1)
        if painted == list(range(1, len(painted) + 1)):
            return chosen.to(torch.uint8)
        return torch.tensor([0, *painted], dtype=torch.uint8, device=shares.device)[chosen]
    labels = torch.zeros_like(shares[:, 0], dtype=torch.uint8)
    for channel, region in enumerate(target.regions):
        labels[shares[:, channel] >= region.threshold] = int(painted[channel])
    return labels


def inside(labels: torch.Tensor, region: Region) -> torch.Tensor:
    """Which pixels of labels (n, y, x) are in a region."""
    found = labels == int(region.members[0])
    for tissue in region.members[1:]:
        found = found | (labels == int(tissue))
    return found
