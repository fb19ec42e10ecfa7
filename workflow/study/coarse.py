"""What a row of the models table says of its coarse model, which finds the heart first."""

from collections.abc import Mapping
from typing import Any

from cmrseg.canvas import PREPARATIONS

# How the folder of a model's slices ends, after the name of its coarse model: windows around the
# heart in its labels, and slices that have these as a channel, too.
ENDINGS = {"no": "_at_", "yes": "_with_"}


def learns_with_coarse(row: Mapping[str, Any]) -> bool:
    """Whether the training of a row needs what its coarse model says of the training images.

    A network that places points in a window learns with the window of its true points.
    """
    return bool(row["coarse"]) and not PREPARATIONS[row["preparation"]].frames


def coarse_ending(row: Mapping[str, Any]) -> str:
    """The last part of the name of a folder of slices, empty where these need no coarse model."""
    return f"{ENDINGS[row['coarse_channel']]}{row['coarse']}" if learns_with_coarse(row) else ""


def coarse_settings(row: Mapping[str, Any]) -> dict[str, str]:
    """The columns about the coarse model that slices and training depend on, if there is one.

    Rows without one are trained with what they were trained with before.
    """
    if not learns_with_coarse(row):
        return {}
    return {key: row[key] for key in ("coarse", "coarse_channel")}
