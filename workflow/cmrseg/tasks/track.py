"""Points over time as a training task: a box around the heart, or the landmarks of the wall."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from cmrseg.tasks.point_losses import (
    LOSSES,
    circumferential_squares,
    iou,
    known_points,
    radial_squares,
    strain,
)
from cmrseg.tasks.ring_motion import ring_motion

# The loss that looks at more than the landmarks that a network says.
BY_HEADS = "ring_motion"
# Scores of a ring, and the squared lengths that they are of.
STRAINS = {"err_difference": radial_squares, "ecc_difference": circumferential_squares}


@dataclass(frozen=True)
class Tracking:
    """Places (n, t, p, 2), (y, x) in px, that a network says of images (n, [t,] y, x).

    Labels are the true places, float32, nan where a point is not known. loss: a name in
    point_losses.LOSSES, or `ring_motion`; `box` is of two corners, the others of landmarks.
    """

    loss_name: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Tracking":
        """That of a model's settings, of which it takes `loss`. Raises ValueError if unknown."""
        if settings["loss"] not in (names := (*LOSSES, BY_HEADS)):
            raise ValueError(f"loss {settings['loss']!r}, expected one of {', '.join(names)}")
        return cls(settings["loss"])

    def samples(self, rows: pd.DataFrame) -> pd.DataFrame:
        """All: slices without points are in no folder of slices."""
        return rows

    def check(self, labels: torch.Tensor) -> None:
        if not labels.isfinite().all(-1).flatten(1).any(1).all():
            raise ValueError("a slice without a known point; make the slices again")

    def loss(self, heads: Sequence[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        if self.loss_name == BY_HEADS:
            return ring_motion(heads, labels)
        return LOSSES[self.loss_name](heads[-1].float(), labels)

    def counts(self, output: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        truth = labels.where(known_points(labels)[..., None], torch.nan)
        apart = (output - truth).square().sum(-1).sqrt()
        counts = {"error_px": apart.flatten(1).nanmean(1)}
        if self.loss_name == "box":
            return counts | {"iou": iou(output, truth).flatten(1).nanmean(1)}
        for name, squares in STRAINS.items():
            found, expected = squares(output), squares(truth)
            counted = expected.isfinite() & expected[:, :1].isfinite()
            difference = strain(found, counted) - strain(expected.nan_to_num(), counted)
            difference = difference.where(counted.any(2), torch.nan)
            counts[name] = difference.abs().nanmean(1)
        return counts

    def scores(self, counts: Mapping[str, np.ndarray], rows: pd.DataFrame) -> dict[str, float]:
        """Mean distance of a point in px of the prepared image and in mm, and by the loss.

        `iou`, the overlap of boxes, or `err_difference` and `ecc_difference`, how far the mean
        radial and circumferential Green strain of a frame is off, as fractions.
        """
        scores = {name: _mean(values) for name, values in counts.items()}
        error_mm = _mean(counts["error_px"] * rows["px_mm"].to_numpy())
        return {"error_px": scores.pop("error_px"), "error_mm": error_mm, **scores}


def _mean(values: np.ndarray) -> float:
    """Mean of what is known, nan where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
