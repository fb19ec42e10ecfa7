"""Segmentation as a task: losses and scores of label maps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from cmrseg.canvas import PREPARATIONS
from cmrseg.labels import SHORT_NAMES, UNLABELLED, Target, Tissue, pixels_column
from cmrseg.tasks.losses import LOSSES, sum_over_heads
from cmrseg.tasks.targets import check_labels, decode, inside, shares


@dataclass(frozen=True)
class Segmentation:
    """Each pixel's tissue.

    target: what the channels of a network mean. loss_name: of LOSSES. head_weights: of the losses
    of its heads, in their order; none for 1 each. cropped: whether images are cropped before a
    network sees them, so that tissue may be lost.
    """

    target: Target
    loss_name: str
    head_weights: tuple[float, ...] = ()
    cropped: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Segmentation":
        """That of a row of the models table."""
        weights = settings.get("head_weights", "")
        return cls(
            Target.of_settings(settings),
            settings["loss"],
            tuple(map(float, weights.split(","))) if weights else (),
            not PREPARATIONS[settings["preparation"]].resized,
        )

    def samples(self, rows: pd.DataFrame) -> pd.DataFrame:
        """All of them: also an image without any tissue teaches something."""
        return rows

    def check(self, labels: torch.Tensor) -> None:
        """Raise ValueError naming a label that no channel stands for."""
        check_labels(labels, self.target)

    def loss(self, heads: Sequence[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """The loss of each head by its weight, summed. Errors as those of `losses`."""
        return sum_over_heads(LOSSES[self.loss_name], heads, labels, self.target, self.head_weights)

    def counts(self, output: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Pixels of each image; unlabelled ones do not count.

        `predicted`, `true` and `common` to both: (n, regions + 1), the last one all tissues
        together. `labelled`, and of these `right`: (n,). `alone`: (n,) bool, whether the cavity is
        drawn with nothing labelled around it.
        """
        known, alone = labels != UNLABELLED, cavity_alone(labels)
        chosen = decode(self.target, shares(self.target, output) if self.target.sigmoid else output)
        # A cavity that is drawn alone ends at its outline: more of it beside that is a mistake.
        counted = known | (alone[:, None, None] & (chosen == Tissue.LV))
        predicted = torch.where(counted, chosen, Tissue.BACKGROUND)
        true = torch.where(known, labels, Tissue.BACKGROUND)
        pairs = [(inside(predicted, r), inside(true, r)) for r in self.target.regions]
        pairs.append((predicted > 0, true > 0))
        return {
            "common": torch.stack([(a & b).sum((1, 2)) for a, b in pairs], 1),
            "predicted": torch.stack([a.sum((1, 2)) for a, _ in pairs], 1),
            "true": torch.stack([b.sum((1, 2)) for _, b in pairs], 1),
            "right": ((predicted == true) & known).sum((1, 2)),
            "labelled": known.sum((1, 2)),
            "alone": alone,
        }

    def scores(self, counts: Mapping[str, np.ndarray], rows: pd.DataFrame) -> dict[str, float]:
        """Accuracy and Dice of some images.

        accuracy: of pixels. dice_<region>: from counts summed over all images; nan where the region
        is neither there nor predicted. image_dice_<region>, also of foreground = all tissues
        together: the mean over images, in which 0/0 counts as 1, as published in Ankenbrand et al.
        2021. An image with the cavity alone and nothing labelled around it counts in the means of
        the cavity only, and one does not count in those of a tissue that the crop removed from its
        labels.
        """
        names = [region.key for region in self.target.regions]
        common, true = counts["common"].T, counts["true"].T
        both = counts["predicted"].T + true
        scores = {"accuracy": counts["right"].sum().item() / counts["labelled"].sum().item()}
        for i, name in enumerate(names):
            total = both[i].sum()
            scores[f"dice_{name}"] = float(2 * common[i].sum() / total) if total else math.nan
        lost = (true == 0) & self.native_regions(rows)
        for i, name in enumerate([*names, "foreground"]):
            dice = np.where(both[i] > 0, 2 * common[i] / np.maximum(both[i], 1), 1)
            other = counts["alone"] & (name != SHORT_NAMES[Tissue.LV])
            told = dice[~lost[i] & ~other]
            scores[f"image_dice_{name}"] = float(told.mean()) if len(told) else math.nan
        return scores

    def native_regions(self, rows: pd.DataFrame) -> np.ndarray:
        """Which images have each region, and any, before the crop: (regions + 1, n) bool.

        Where nothing is cropped none has any.
        """
        there = np.zeros((len(self.target.regions), len(rows)), bool)
        if self.cropped:
            for found, region in zip(there, self.target.regions, strict=True):
                columns = [pixels_column(tissue) for tissue in region.members]
                found[:] = rows[columns].sum(axis=1) > 0
        return np.vstack([there, there.any(axis=0)])


def cavity_alone(labels: torch.Tensor) -> torch.Tensor:
    """(n,) bool: whether the LV cavity is drawn, the muscle is not, and pixels are unlabelled."""
    drawn = [(labels == k).any(2).any(1) for k in (Tissue.LV, Tissue.MYO, UNLABELLED)]
    return drawn[0] & ~drawn[1] & drawn[2]
