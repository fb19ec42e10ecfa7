"""Settings of a model that segmentation needs, from its record or row.

No training depends on this module, so a setting that only segmentation uses retrains nothing.
"""

from collections.abc import Mapping
from typing import Any

from cmrseg.canvas import PREPARATIONS
from cmrseg.channels import channel_count, has_coarse_channel
from cmrseg.nets.kinds import KINDS
from cmrseg.sequences import USUAL
from cmrseg.tasks.kinds import USUAL as USUAL_TASK
from cmrseg.tasks.kinds import kind_of

# In the order of the params of a rule.
LABELLING = (
    *("network", "encoder", "width", "task", "tissues", "activation", "sequence"),
    *("preparation", "intensity", "size_px"),
)
# What models of earlier versions do not say, and published ones need not say.
DEFAULTS = {"sequence": USUAL, "task": USUAL_TASK, "activation": ""}
# What it may know, and what holds where nothing is said of it.
OPTIONAL = {"islands": "", "views": 1, "coarse": "", "coarse_channel": "no"}
# Numbers of views of an image that can be averaged (learn.views).
VIEWS = (1, 2, 4, 8)


def facts_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """What follows from a model's settings, for its record: `channels` and `window`."""
    return {"channels": channel_count(settings), "window": KINDS[settings["network"]].window}


def check_facts(settings: Mapping[str, Any], where: str) -> None:
    """Raise ValueError where a record says other `channels` or `window` than its other settings."""
    for name, value in facts_of(settings).items():
        if settings.get(name, value) != value:
            raise ValueError(
                f"{where}: {name} {settings[name]}, but network {settings['network']} of images "
                f"{settings['sequence']} has {value}; the record is not that of its weights"
            )


def check_views(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for `views` that the model of some settings cannot be averaged over."""
    views = settings.get("views", OPTIONAL["views"])
    if isinstance(views, bool) or views not in VIEWS:
        raise ValueError(f"views {views!r}, expected one of {', '.join(map(str, VIEWS))}")
    if views == 1:
        return
    task, kind = kind_of(settings), KINDS.get(settings.get("network", ""))
    if task.writes != "label map":
        raise ValueError(f"views {views} of task {task.name}, which gives {task.writes}; use 1")
    if kind is not None and kind.window > 1:
        raise ValueError(
            f"views {views} of network {kind.name}, which sees {kind.window} frames together; use 1"
        )


def check_coarse(settings: Mapping[str, Any]) -> None:
    """Raise ValueError where a network cannot have the coarse model that its settings name."""
    coarse, kind = settings.get("coarse", ""), KINDS.get(settings.get("network", ""))
    if has_coarse_channel(settings) and not coarse:
        raise ValueError("coarse_channel yes, but no coarse model whose labels it has; name one")
    if not coarse:
        return
    preparation = PREPARATIONS.get(settings["preparation"])
    if preparation is None or not preparation.windowed or preparation.swapped:
        there = [n for n, about in PREPARATIONS.items() if about.windowed and not about.swapped]
        raise ValueError(
            f"coarse {coarse} with preparation {settings['preparation']}, which has no window to "
            f"put around the heart; use {', '.join(there)}"
        )
    if kind is not None and kind.window > 1:
        raise ValueError(
            f"coarse {coarse} of network {kind.name}, which sees {kind.window} frames together; "
            "leave it empty"
        )
