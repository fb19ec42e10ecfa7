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
    told = [int(t) for t in (Tissue.BACKGROUND, *target.members)]
    unknown = ~torch.isin(labels, torch.tensor([*told, UNLABELLED], device=labels.device))
    if unknown.any():
        raise ValueError(
            f"label {int(labels[unknown][0])} in a batch for a network of {target.text} "
            f"({', '.join(map(str, told))}; {UNLABELLED} is unlabelled); "
            "map the labels to its tissues"
        )


def shares(target: Target, logits: torch.Tensor) -> torch.Tensor:
    """Logits (n, c, y, x) to the share of each channel in a pixel, 0 to 1."""
    return torch.sigmoid(logits) if target.sigmoid else functional.softmax(logits, 1)


def surprise(target: Target, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each pixel (n, 1, y, x); of sigmoids the mean over the channels.

    truth: of `encode`. Unlabelled pixels are 0 where channels share a pixel; else they are not.
    """
    if not target.sigmoid:
        return -(truth * functional.log_softmax(logits, 1)).sum(1, keepdim=True)
    told = truth * functional.logsigmoid(logits) + (1 - truth) * functional.logsigmoid(-logits)
    return -told.mean(1, keepdim=True)


def decode(target: Target, shares: torch.Tensor) -> torch.Tensor:
    """Shares (n, c, y, x) to labels (n, y, x) uint8 of `Tissue`.

    Where channels share a pixel, the one with the largest share is taken, the first one on ties,
    and any numbers of that order will do, such as logits. Of overlapping regions each is painted
    where its share reaches its threshold, a later one over an earlier one. Those of sigmoids that
    exclude each other are painted in the same way where they are above it, which is what the
    published program of MyoPS does; its share of background changes nothing.
    """
    painted = [region.members[0] for region in target.regions]
    if not target.sigmoid:
        chosen = shares.argmax(1)
        if painted == list(range(1, len(painted) + 1)):
            return chosen.to(torch.uint8)
        return torch.tensor([0, *painted], dtype=torch.uint8, device=shares.device)[chosen]
    labels = torch.zeros_like(shares[:, 0], dtype=torch.uint8)
    for channel, region in enumerate(target.regions, int(target.exclusive)):
        share, least = shares[:, channel], region.threshold
        chosen = share > least if target.exclusive else share >= least
        labels[chosen] = int(region.members[0])
    return labels


def inside(labels: torch.Tensor, region: Region) -> torch.Tensor:
    """Which pixels of labels (n, y, x) are in a region."""
    found = labels == int(region.members[0])
    for tissue in region.members[1:]:
        found = found | (labels == int(tissue))
    return found
