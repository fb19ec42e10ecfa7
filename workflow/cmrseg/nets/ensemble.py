"""Several networks that answer together."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from cmrseg.nets.network import Network

# One output (n, c, y, x) of several.
Mean = Callable[[Sequence[torch.Tensor]], torch.Tensor]


class Ensemble(Network):
    """Networks of the same settings; their answer is one output that says the mean of theirs.

    mean: of their outputs, as the task understands them (tasks.mean).
    """

    def __init__(self, members: Sequence[Network | nn.Module], mean: Mean, channels: int) -> None:
        super().__init__(channels)
        self.members = nn.ModuleList(members)
        self.mean = mean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.mean([member(images) for member in self.members])
