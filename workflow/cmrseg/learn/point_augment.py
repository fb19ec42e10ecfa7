"""Augmentation of images with a box: quarter turns (Ferdian et al. 2020).

doi:10.1148/ryct.2020190032. Parameters are drawn by a seeded generator and applied in batches.
"""

import numpy as np
import torch

# Draws of a turn are 0 to 7: 1, 2 and 3 are as many quarter turns, the others none.
DRAWS = 8
TURNS = 4


def draw_turns(rng: np.random.Generator, count: int) -> np.ndarray:
    """Quarter turns (n,) of images: each of 1, 2 and 3 with probability 1 in 8, else 0."""
    drawn = rng.integers(DRAWS, size=count)
    return np.where(drawn < TURNS, drawn, 0)


def turn_boxes(
    images: torch.Tensor, boxes: torch.Tensor, turns: np.ndarray, compat: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, c, y, x) and boxes (n, t, 2, 2), each after so many quarter turns.

    turns: (n,), counter-clockwise on the displayed image. Corners are the first and the last again
    afterwards. compat: as published, boxes turn around the place (size / 2, size / 2) in place of
    the images' centre, a pixel off along the axes that are reversed. Raises ValueError for images
    that are not square.
    """
    size = images.shape[-1]
    if images.shape[-2] != size:
        raise ValueError(
            f"images of {images.shape[-2]} x {size} pixels (y, x): quarter turns need square ones"
        )
    last = size if compat else size - 1
    turned, corners = images.clone(), boxes.clone()
    for number, count in enumerate(np.asarray(turns) % TURNS):
        turned[number] = torch.rot90(images[number], int(count), (-2, -1))
        for _ in range(count):
            y, x = corners[number].unbind(-1)
            corners[number] = torch.stack([last - x, y], -1).sort(-2).values
    return turned, corners
