"""Segmentation by a network that uses the frames of a window together, averaged over windows."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from cmrseg.nets.kinds import KINDS
from cmrseg.nets.unet_lstm import UNetLSTM, frame_weights
from cmrseg.tasks.windows import windows

# Frames at once in the part of the network that sees single ones.
BATCH = 8

# Gives what some work makes of each start, in their order.
Spread = Callable[[Callable[[int], torch.Tensor], range], Iterator[torch.Tensor]]


def window_of(settings: Mapping[str, Any]) -> int:
    """Frames that the network of some settings sees together."""
    kind = KINDS.get(settings.get("network", ""))
    return kind.window if kind else 1


class OverTime:
    """A network over time that segments a cine of one heartbeat.

    Every frame is the centre of one window; the first frame of the cine follows the last one. The
    output for a frame is the mean over all its windows, weighted by its position in them
    (nets.unet_lstm).
    """

    def __init__(self, network: torch.nn.Module, window: int, device: str) -> None:
        if not isinstance(network, UNetLSTM):
            raise TypeError(f"{type(network).__name__} is no network over time")
        self.network = copy.deepcopy(network).eval().requires_grad_(False).to(device)
        self.window, self.device = window, device
        self.weights = frame_weights(window).to(device)

    @torch.inference_mode()
    def shares(self, frames: torch.Tensor, spread: Spread) -> torch.Tensor:
        """Shares (t, c, y, x) of the frames (t, y, x) of a slice. spread: over threads, in order.

        Raises ValueError if there are fewer frames than in a window.
        """
        numbers = windows(len(frames), self.window)

        @torch.inference_mode()
        def features(first: int) -> torch.Tensor:
            some = frames[first : first + BATCH, None].to(self.device)
            # torch computes a single small image in another way, which rounds differently.
            found = self.network.features(some if len(some) > 1 else torch.cat([some, some]))
            return found[: len(some)]

        seen = torch.cat(list(spread(features, range(0, len(frames), BATCH))))

        @torch.inference_mode()
        def said(middle: int) -> torch.Tensor:
            logits = self.network.over_time([seen[i : i + 1] for i in numbers[middle].tolist()])
            return logits[0].softmax(1)

        total = None
        for middle, shares in enumerate(spread(said, range(len(frames)))):
            if total is None:
                total = shares.new_zeros(len(frames), *shares.shape[1:])
            there = torch.from_numpy(numbers[middle]).to(self.device)
            total[there] += self.weights[:, None, None, None] * shares
        assert total is not None
        # Each frame is once at every position of a window.
        return total / self.weights.sum()
