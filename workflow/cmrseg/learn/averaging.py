"""Moving averages of the weights of a training, which are often better than the last ones.

As the exponential moving averages of Tarvainen and Valpola 2017, arXiv:1703.01780, with a
correction of their start as in Adam: the first weights have no more weight in them than any others,
so that a short training does not end with a part of its random start.
"""

import copy

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from cmrseg.nets.network import Network


class Averaged:
    """A network whose weights and statistics are moving averages of those of another one.

    factor: of the average at each step, below 1.
    """

    def __init__(self, network: Network, factor: float):
        self.factor = factor
        self.network: Network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def add(self, network: Network, step: int) -> None:
        """Take the state of a network into the average, after a step (from 0) of the run.

        Counters, which are integers, are copied.
        """
        own, other = self.network.state_dict(), network.state_dict()
        moved = [name for name, value in own.items() if value.is_floating_point()]
        share = (1 - self.factor) / (1 - self.factor ** (step + 1))
        average = get_ema_multi_avg_fn(1 - share)
        average([own[name] for name in moved], [other[name] for name in moved], step)
        for name in own.keys() - set(moved):
            own[name].copy_(other[name])
