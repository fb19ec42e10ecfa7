"""A task of single frames, learnt by a network that sees the frames of windows together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from cmrseg.tasks.task import Task


@dataclass(frozen=True)
class Windowed:
    """The task of one frame for all frames of a window; scores are of the frame in its middle.

    Labels are (n, t, y, x), outputs of a network (n, t, c, y, x). task: of a frame. weights: of the
    loss of each frame of a window. Rows of the index are those of the frames in the middle. As Bai
    et al. 2018, doi:10.1007/978-3-030-00937-3_67, for the segmentation of aortic cines.
    """

    task: Task
    weights: tuple[float, ...]

    def samples(self, rows: pd.DataFrame) -> pd.DataFrame:
        return self.task.samples(rows)

    def check(self, labels: torch.Tensor) -> None:
        """labels: (n, y, x), of frames as they are in the slices."""
        self.task.check(labels)

    def loss(self, heads: Sequence[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """Mean of the losses of the frames by their weights.

        Raises ValueError where windows have another number of frames than there are weights.
        """
        if labels.shape[1] != len(self.weights):
            raise ValueError(
                f"windows of {labels.shape[1]} frames, {len(self.weights)} weights of frames; "
                "make windows of as many frames"
            )
        weighted = [
            weight * self.task.loss([head[:, frame] for head in heads], labels[:, frame])
            for frame, weight in enumerate(self.weights)
        ]
        return torch.stack(weighted).sum() / sum(self.weights)

    def counts(self, output: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        middle = len(self.weights) // 2
        return self.task.counts(output[:, middle], labels[:, middle])

    def scores(self, counts: Mapping[str, np.ndarray], rows: pd.DataFrame) -> dict[str, float]:
        return self.task.scores(counts, rows)
