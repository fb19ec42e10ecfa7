"""The heart in a tagged slice, found by the network of landmarks alone where no box is known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cmrseg.learn.tag_images import place_of_box, prepared
from cmrseg.nets.tag_motion import TagMotion

# Sides of the windows that are tried, and how far apart: hearts are 40 to 75 mm wide, and windows
# 1.6 times as large; a network finds a heart that is some way off the middle.
SIDES_MM = (70.0, 90.0, 115.0)
STEP_MM = 25.0
# Slices of a heart lie so near to each other in the plane.
NEAR_MM = 36.0
# Windows have their middle in this part of the image along both axes.
CENTRAL = 0.7
# A window shows the heart where the network is so sure (nets.tag_motion). Chosen on the published
# example, where it is 0.87 sure of the heart and 0.70 elsewhere; of 48 slices of digital patients
# 45 then are right, 1 is wrong and 2 are refused.
LEAST_CERTAINTY = 0.75
BATCH = 16


@torch.inference_mode()
def search(
    network: TagMotion,
    frames: np.ndarray,
    spacing_mm: tuple[float, float],
    settings: Mapping[str, Any],
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (z, 2, 2), first and last corner (y, x) in px, around the heart in each slice.

    And how sure the network is of each, (z,). frames: (t, z, y, x), those that the network sees.
    spacing_mm: of rows and columns. Slices of a cine show the heart near the place of which all of
    them together are surest.
    """
    boxes = candidates(frames.shape[2:], spacing_mm)
    certainty = np.stack(
        [
            _certainties(network, frames[:, z], boxes, settings, device)
            for z in range(frames.shape[1])
        ]
    )
    middles_mm = np.stack([box.mean(0) * spacing_mm for box in boxes])
    surest = middles_mm[int(certainty.mean(0).argmax())]
    near = np.linalg.norm(middles_mm - surest, axis=1) <= NEAR_MM
    chosen = np.where(near, certainty, -1.0).argmax(axis=1)
    found = np.stack([boxes[number] for number in chosen])
    return found, np.take_along_axis(certainty, chosen[:, None], axis=1)[:, 0]


def check_certainty(certainty: float) -> None:
    """Raise ValueError where a network is not sure that the best window shows the heart."""
    if certainty < LEAST_CERTAINTY:
        raise ValueError(
            f"no heart is found: the network is sure by {certainty:.2f} in the best window, "
            f"expected {LEAST_CERTAINTY} or more; is it a tagged short-axis slice through the left "
            "ventricle? Otherwise name a network of boxes"
        )


def _certainties(
    network: TagMotion,
    frames: np.ndarray,
    boxes: list[np.ndarray],
    settings: Mapping[str, Any],
    device: str,
) -> np.ndarray:
    """How sure a network is (n,) that windows around boxes of a slice (t, y, x) show the wall."""
    found = []
    for first in range(0, len(boxes), BATCH):
        places = [place_of_box(b, frames.shape[1:], settings) for b in boxes[first : first + BATCH]]
        windows = np.stack([prepared(frames, place, settings) for place in places])
        found.append(network.certainty(torch.from_numpy(windows).to(device)).cpu().numpy())
    return np.concatenate(found)


def candidates(shape_px: tuple[int, ...], spacing_mm: tuple[float, float]) -> list[np.ndarray]:
    """Boxes (2, 2) all over the middle of an image of `shape_px` (y, x), in three sizes."""
    axes = []
    for count, step in zip(shape_px, spacing_mm, strict=True):
        half_mm = CENTRAL * count * step / 2
        offsets = np.arange(-(half_mm // STEP_MM), half_mm // STEP_MM + 1) * STEP_MM
        axes.append((count - 1) / 2 + offsets / step)
    found = []
    for side_mm in SIDES_MM:
        half = side_mm / np.array(spacing_mm) / 2
        for y in axes[0]:
            for x in axes[1]:
                middle = np.array([y, x])
                found.append(np.stack([middle - half, middle + half]))
    return found
