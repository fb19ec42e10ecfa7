"""The tasks, a row each: what a study and the networks have to know of them.

Without torch, as a study is checked where torch need not be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cmrseg.labels import Target


@dataclass(frozen=True)
class TaskKind:
    """What sets a task apart.

    name: as settings say it. writes: what its labellers write of a subject, "label map" or
    "points". outputs: channels of what its networks say, by what their `tissues` mean. losses:
    names of those that it has. learns_from: what its trainings need of a labeller.
    """

    name: str
    writes: str
    outputs: Callable[[Target], int]
    losses: tuple[str, ...]
    learns_from: str = "label maps"


_ROWS = (
    TaskKind(
        "segment",
        writes="label map",
        outputs=lambda target: target.channels,
        losses=(
            "ce",
            "focal",
            "softdice",
            "softdice_compat",
            "dice",
            "dice_myops",
            "ce_dice",
            "tversky",
        ),
    ),
    TaskKind(
        "track",
        writes="points",
        # Places, (y, x) of each point; how many points is up to the network.
        outputs=lambda target: 2,
        losses=("box", "ring_strain", "ring_motion"),
        learns_from="points",
    ),
)
KINDS = {kind.name: kind for kind in _ROWS}

# The task of settings that name none.
USUAL = "segment"


def kind_of(settings: Mapping[str, Any]) -> TaskKind:
    """The task of some settings: `task`, or `segment`. Raises ValueError for an unknown one."""
    name = settings.get("task", USUAL)
    if name not in tuple(KINDS):
        raise ValueError(f"task {name!r} is unknown; there are {', '.join(KINDS)}")
    return KINDS[name]


def outputs_of(settings: Mapping[str, Any]) -> int:
    """Channels of the outputs of a network with some settings. Errors as `kind_of`, `Target.of`."""
    return kind_of(settings).outputs(Target.of(settings["tissues"]))
