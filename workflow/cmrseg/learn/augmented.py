"""Augmented batches of an epoch: drawn while a network learns, or all of them beforehand.

Draws only depend on the seed, the epoch and the place in it. So copies of the training images that
are made offline, one for each epoch, are what a training of as many epochs draws by itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from cmrseg.canvas import PREPARATIONS
from cmrseg.channels import has_coarse_channel
from cmrseg.learn.augment import Transforms, apply_transforms, draw_transforms
from cmrseg.learn.batches import draw_batches
from cmrseg.learn.source import Source
from cmrseg.learn.tag_augment import apply_tag_transforms, draw_tag_transforms
from cmrseg.sequences import channels_of

Batch = tuple[torch.Tensor, torch.Tensor]


def epoch_batches(
    settings: Mapping[str, Any], source: Source, rows: pd.DataFrame, seed: int, epoch: int
) -> tuple[list[np.ndarray], Iterator[Batch]]:
    """Which slices are in the batches of an epoch, and their images and labels one by one.

    settings: row of the models table. rows: of the index, to train on. Images are (n, [c,] y, x)
    and labels (n, y, x), with random augmentation; frames of a window are transformed alike. Of
    networks that place points labels are these, (n, t, p, 2).
    """
    rng = np.random.default_rng([seed, epoch])
    batches = draw_batches(rng, rows, settings)
    preset, size = settings["augmentation"], settings["size_px"]
    channels = len(channels_of(settings["sequence"]))
    transform = _transform_with_labels if has_coarse_channel(settings) else apply_transforms

    if PREPARATIONS[settings["preparation"]].frames:
        return batches, _with_points(rng, batches, source, preset)

    def drawn() -> Iterator[Batch]:
        for batch in batches:
            transforms = draw_transforms(rng, len(batch), preset, size, channels)
            yield transform(*source.read(batch), transforms)

    return batches, drawn()


def _with_points(
    rng: np.random.Generator, batches: list[np.ndarray], source: Source, preset: str
) -> Iterator[Batch]:
    """Cines and the points in them, batch by batch."""
    for batch in batches:
        images, points = source.read(batch)
        transforms = draw_tag_transforms(rng, tuple(images.shape), points.shape[2], preset)
        yield apply_tag_transforms(images, points, transforms)


def _transform_with_labels(
    images: torch.Tensor, labels: torch.Tensor, transforms: Transforms
) -> Batch:
    """Images (n, c, y, x) whose last channel are labels, which move with them but have no greys."""
    both = torch.stack([labels.float(), images[:, -1]], 1)
    greys, moved = apply_transforms(images[:, :-1], both, transforms)
    return torch.cat([greys, moved[:, 1:]], 1), moved[:, 0].to(labels.dtype)


def offline_copies(
    settings: Mapping[str, Any], source: Source, rows: pd.DataFrame, seed: int, copies: int
) -> Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]:
    """Augmented copies of the training images, as a published training has on disk.

    Of each copy the rows of its slices (n,), images and labels, in the order in which an epoch of
    a training with these settings and this seed sees them.
    """
    for epoch in range(copies):
        batches, drawn = epoch_batches(settings, source, rows, seed, epoch)
        images, labels = zip(*drawn, strict=True)
        yield np.concatenate(batches), torch.cat(images), torch.cat(labels)
