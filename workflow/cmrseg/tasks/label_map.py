"""Label maps from what a network says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from cmrseg.canvas import Canvas
from cmrseg.labels import Target
from cmrseg.tasks.targets import decode, shares


@dataclass(frozen=True)
class LabelMap:
    """The reading of a network that segments. target: what its channels mean."""

    target: Target

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "LabelMap":
        """That of a model's settings, of which it takes `tissues`."""
        return cls(Target.of(settings["tissues"]))

    def result(self, output: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        """Labels (n, y, x) uint8 on the native grid from logits (n, c, Y, X) on a canvas.

        Padding is cut off; where the image was resized, shares go back to its grid (bilinear, as in
        the preparation) before they become labels, which keeps outlines smooth. Raises ValueError
        where the canvas cropped the image.
        """
        if min(canvas.offset) < 0:
            raise ValueError(
                f"a canvas of {canvas.size} does not hold an image of {canvas.native} (y, x); "
                "use the canvas of prediction"
            )
        y, x = canvas.offset
        inside = output[:, :, y : y + canvas.scaled[0], x : x + canvas.scaled[1]]
        resized = canvas.scaled != canvas.native
        if resized or not self.target.exclusive:
            inside = shares(self.target, inside)
        if resized:
            inside = functional.interpolate(
                inside, size=canvas.native, mode="bilinear", align_corners=False
            )
        return decode(self.target, inside)
