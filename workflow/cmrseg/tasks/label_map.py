"""Label maps from what a network says."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from cmrseg.canvas import Canvas
from cmrseg.cine import Cine
from cmrseg.labels import NAMES, Target, Tissue
from cmrseg.measure.islands import Removed, remove_islands
from cmrseg.sequences import image_path
from cmrseg.tasks.targets import decode, shares

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelMap:
    """The reading of a network that segments.

    target: what its channels mean. islands: rule by which islands are removed, "" for none.
    """

    target: Target
    islands: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "LabelMap":
        """That of a model's settings: `tissues`, maybe `activation` and `islands`."""
        return cls(Target.of_settings(settings), settings.get("islands", ""))

    def result(self, output: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        """Labels (n, y, x) uint8 on the native grid from logits (n, c, Y, X) on a canvas.

        Padding is cut off; where the image was resized, shares go back to its grid (bilinear, as in
        the preparation) before they become labels, which keeps outlines smooth. Outside the window
        of a network that sees no more than that is background. Raises ValueError where another
        canvas cropped the image.
        """
        if min(canvas.offset) < 0 and not canvas.windowed:
            raise ValueError(
                f"a canvas of {canvas.size} does not hold an image of {canvas.native} (y, x); "
                "use the canvas of prediction"
            )
        native, there = canvas.overlap
        inside = output[:, :, *there]
        resized = canvas.scaled != canvas.native
        if resized or self.target.sigmoid:
            inside = shares(self.target, inside)
        if resized:
            inside = functional.interpolate(
                inside, size=canvas.native, mode="bilinear", align_corners=False
            )
        labels = decode(self.target, inside)
        if not canvas.windowed:
            return labels
        whole = labels.new_zeros(len(labels), *canvas.native)
        whole[:, *native] = labels
        return whole

    def finished(self, found: np.ndarray, subject: str) -> np.ndarray:
        """Labels (t, z, y, x) without the islands that the rule removes; losses are logged."""
        if not self.islands:
            return found
        labels, removed = remove_islands(found, self.islands)
        for sentence in describe_removed(removed):
            logger.warning("%s: islands (%s): %s", subject, self.islands, sentence)
        return labels

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        """Write a label map on the grid of the image."""
        cine.like(found).save(image_path(folder, sequence))


def describe_removed(removed: Sequence[Removed]) -> list[str]:
    """A sentence for each tissue that lost voxels, and one where it is gone from frames.

    Frames and slices count from 1.
    """
    sentences = []
    for tissue in sorted({entry.tissue for entry in removed}):
        entries = [entry for entry in removed if entry.tissue == tissue]
        name = NAMES[Tissue(tissue)] if tissue in NAMES else f"label {tissue}"
        slices = sorted({z + 1 for entry in entries for z in entry.slices})
        frames = [entry.frame + 1 for entry in entries]
        sentences.append(
            f"removed {sum(entry.voxels for entry in entries)} voxels of {name} in frames "
            f"{', '.join(map(str, frames))}, slices {', '.join(map(str, slices))} (from 1)"
        )
        if erased := [str(entry.frame + 1) for entry in entries if entry.erased]:
            sentences.append(f"no {name} is left in frames {', '.join(erased)}")
    return sentences
