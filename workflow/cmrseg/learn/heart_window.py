"""Where a coarse model found the heart: the centre of a network's window, maybe a channel of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from cmrseg.channels import has_coarse_channel
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.orientation import same_grid
from cmrseg.sequences import USUAL, labelled_sequence

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heart:
    """The heart in the labels of a coarse model.

    centre_px: (y, x), None where nothing was found. channel: its labels as `label_channel` gives
    them, where they are a channel of the network.
    """

    centre_px: tuple[float, float] | None
    channel: np.ndarray | None = None

    def of_planes(self, *where: Any) -> "Heart":
        """The same with some planes (n, y, x) of the channel (t, z, y, x), all without an index."""
        if self.channel is None:
            return self
        planes = self.channel[where] if where else self.channel
        return replace(self, channel=planes.reshape(-1, *planes.shape[-2:]))


def find_heart(
    coarse: Cine | None, image: Cine, settings: Mapping[str, Any], subject: str
) -> Heart | None:
    """The heart of a subject in its coarse labels; None for a network without a coarse model.

    coarse: label map. image: the first channel of the network, on the same grid. settings: of the
    network. Where nothing is labelled the window is in the centre of the image, and a warning names
    the subject. Raises ValueError where there are no labels, or their grid differs.
    """
    if not settings.get("coarse"):
        return None
    if coarse is None:
        raise ValueError(
            f"labels of the coarse model {settings['coarse']} are needed, around which the window "
            "lies; label the image with it first"
        )
    if coarse.voxels.shape != image.voxels.shape or not same_grid(coarse, image):
        raise ValueError(
            f"its labels of the coarse model {settings['coarse']} {coarse.voxels.shape} (t, z, y, "
            f"x) lie on another grid than the image {image.voxels.shape}; label this image again"
        )
    centre_px = heart_centre(coarse.voxels)
    if centre_px is None:
        logger.warning(
            "%s: coarse model %s found no heart; the window is in the centre of the image",
            *(subject, settings["coarse"]),
        )
    channel = None
    if has_coarse_channel(settings):
        channel = label_channel(coarse.voxels, settings.get("sequence", USUAL))
    return Heart(centre_px, channel)


def heart_centre(labels: np.ndarray) -> tuple[float, float] | None:
    """Centre of mass (y, x) of all tissue in labels (t, z, y, x); None where there is none."""
    tissue = (labels != Tissue.BACKGROUND) & (labels != UNLABELLED)
    if not tissue.any():
        return None
    y, x = ndimage.center_of_mass(tissue.sum(axis=(0, 1)))
    return float(y), float(x)


def label_channel(labels: np.ndarray, sequence: str) -> np.ndarray:
    """Labels as float32 in 0..1, same shape: 0 is background.

    A tissue is its place among those of the sequence, from 1, divided by their number: of a short
    axis lv 1/3, my 2/3, rv 1. So it does not depend on which of them the coarse model knows.
    """
    tissues = labelled_sequence(sequence).tissues
    values = np.zeros(UNLABELLED + 1, np.float32)
    values[list(tissues)] = np.arange(1, len(tissues) + 1) / np.float32(len(tissues))
    return values[labels]
