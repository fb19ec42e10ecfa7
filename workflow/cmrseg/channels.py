"""How many channels the network of some settings takes."""

from collections.abc import Mapping
from typing import Any

from cmrseg.sequences import USUAL, channels_of


def has_coarse_channel(settings: Mapping[str, Any]) -> bool:
    """Whether the label map of a coarse model is a channel beside the images."""
    return bool(settings.get("coarse_channel", "no") == "yes")


def channel_count(settings: Mapping[str, Any]) -> int:
    """A channel for each image, and one for the labels of a coarse model.

    settings: `sequence`, and `coarse_channel` where there is one. Errors as `channels_of`.
    """
    images = len(channels_of(settings.get("sequence", USUAL)))
    return images + has_coarse_channel(settings)
