"""Settings of a model that segmentation needs, from its record or row.

No training depends on this module, so a setting that only segmentation uses retrains nothing.
"""

from collections.abc import Mapping
from typing import Any

from cmrseg.nets.kinds import KINDS
from cmrseg.sequences import USUAL, channels_of
from cmrseg.tasks.kinds import USUAL as USUAL_TASK

# In the order of the params of a rule.
LABELLING = (
    *("network", "encoder", "width", "task", "tissues", "sequence"),
    *("preparation", "intensity", "size_px"),
)
# What models of earlier versions do not say, and published ones need not say.
DEFAULTS = {"sequence": USUAL, "task": USUAL_TASK}
# What it may know, and what holds where nothing is said of it.
OPTIONAL = {"islands": ""}


def facts_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """What follows from a model's settings, for its record: `channels` and `window`."""
    channels = len(channels_of(settings["sequence"]))
    return {"channels": channels, "window": KINDS[settings["network"]].window}


def check_facts(settings: Mapping[str, Any], where: str) -> None:
    """Raise ValueError where a record says other `channels` or `window` than its other settings."""
    for name, value in facts_of(settings).items():
        if settings.get(name, value) != value:
            raise ValueError(
                f"{where}: {name} {settings[name]}, but network {settings['network']} of images "
                f"{settings['sequence']} has {value}; the record is not that of its weights"
            )
