"""Networks over time that answer together."""

from collections.abc import Sequence

import torch

from cmrseg.learn.over_time import OverTime, Spread
from cmrseg.nets.ensemble import Ensemble


class EnsembleOverTime:
    """Like `OverTime`, of several networks: the mean of their shares."""

    def __init__(self, members: Sequence[OverTime]) -> None:
        self.members = members

    def shares(self, frames: torch.Tensor, spread: Spread) -> torch.Tensor:
        """Shares (t, c, y, x) of the frames (t, y, x) of a slice, as of `OverTime.shares`."""
        return torch.stack([member.shares(frames, spread) for member in self.members]).mean(0)


def over_time(network: torch.nn.Module, window: int, device: str) -> OverTime | EnsembleOverTime:
    """A network, or an ensemble, as it segments cines. Arguments are those of `OverTime`."""
    if isinstance(network, Ensemble):
        return EnsembleOverTime([OverTime(m, window, device) for m in network.members])
    return OverTime(network, window, device)
