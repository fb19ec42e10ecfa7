"""Another task than label maps: the centre of each region as a point, as Task and as Reading.

It is no part of the workflow. Tests add it as `cmrseg/tasks/centre.py`, as anybody adds a task.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from cmrseg.canvas import Canvas
from cmrseg.cine import Cine
from cmrseg.labels import Target, pixels_column
from cmrseg.points import save_points
from cmrseg.sequences import points_path
from cmrseg.tasks.targets import inside


@dataclass(frozen=True)
class Centre:
    """Centres (n, p, 2), (y, x) in px, of the p regions of a target; a heat map is said of each."""

    target: Target

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Centre":
        """That of a model's settings, of which it takes `tissues`."""
        return cls(Target.of(settings["tissues"]))

    def samples(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Images that show one of the regions at least."""
        columns = [pixels_column(t) for region in self.target.regions for t in region.members]
        return rows[rows[columns].sum(axis=1) > 0]

    def truth(self, labels: torch.Tensor) -> torch.Tensor:
        """Centres (n, p, 2) in labels (n, y, x); nan where a region is absent."""
        weights = torch.stack([inside(labels, r) for r in self.target.regions], 1).float()
        return mean_place(weights / weights.sum((2, 3), keepdim=True))

    def found(self, output: torch.Tensor) -> torch.Tensor:
        """Centres (n, p, 2) of heat maps (n, p, y, x)."""
        heat = output.float()
        return mean_place(functional.softmax(heat.flatten(2), 2).reshape(heat.shape))

    def check(self, labels: torch.Tensor) -> None:
        for region in self.target.regions:
            if not inside(labels, region).any():
                raise ValueError(f"no {region.key} in {len(labels)} images")

    def loss(self, heads: Sequence[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        truth = self.truth(labels)
        known = truth.isfinite().all(2)
        # Not 0 times nan, whose slope is nan.
        apart = (self.found(heads[-1]) - truth.where(known[..., None], 0)).square().sum(2)
        return (apart * known).sum() / known.sum().clamp(min=1)

    def counts(self, output: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"distance_px": (self.found(output) - self.truth(labels)).square().sum(2).sqrt()}

    def scores(self, counts: Mapping[str, np.ndarray], rows: pd.DataFrame) -> dict[str, float]:
        told = counts["distance_px"][np.isfinite(counts["distance_px"])]
        return {"distance_px": float(told.mean()) if len(told) else math.nan}

    def result(self, output: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        """Centres (n, p, 2) in px of the native images."""
        offset, scaled, native = (
            torch.tensor(pair, dtype=torch.float32)
            for pair in (canvas.offset, canvas.scaled, canvas.native)
        )
        return (self.found(output) - offset + 0.5) * native / scaled - 0.5

    def finished(self, found: np.ndarray, subject: str) -> np.ndarray:
        return found

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        save_points(found, cine, points_path(folder, sequence))


def mean_place(weights: torch.Tensor) -> torch.Tensor:
    """Mean places (n, p, 2) of pixels by their weights (n, p, y, x), which sum up to 1."""
    y, x = (torch.arange(n, device=weights.device).float() for n in weights.shape[2:])
    return torch.stack([(weights.sum(3) * y).sum(2), (weights.sum(2) * x).sum(2)], 2)
