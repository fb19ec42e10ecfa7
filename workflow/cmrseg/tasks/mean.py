"""What several networks say together: one output that says the mean of their outputs."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from cmrseg.labels import Target
from cmrseg.tasks.kinds import kind_of

Mean = Callable[[Sequence[torch.Tensor]], torch.Tensor]


def mean_logits(target: Target, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Logits (n, c, y, x) float32 whose shares (tasks.targets) are the mean of the outputs' shares.

    By sums of exponents: a share that is close to 0 or 1 keeps its digits.
    """
    logits = torch.stack([output.float() for output in outputs])
    if not target.sigmoid:
        return logits.log_softmax(2).logsumexp(0) - math.log(len(logits))
    # The factor of the mean is the same in both.
    inside, outside = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    return inside.logsumexp(0) - outside.logsumexp(0)


def mean_of(settings: Mapping[str, Any]) -> Mean:
    """The mean of outputs of networks with some settings.

    Raises ValueError for a task whose outputs have none.
    """
    if (kind := kind_of(settings)).writes != "label map":
        raise ValueError(
            f"task {kind.name} gives {kind.writes}, of which there is no mean; label with one "
            "network"
        )
    return partial(mean_logits, Target.of_settings(settings))
