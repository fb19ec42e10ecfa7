"""How the outputs of a model are read, by its task; what labelling knows of tasks."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cmrseg.tasks.label_map import LabelMap
from cmrseg.tasks.task import Reading

# The task of settings that name none.
USUAL = "segment"
READINGS: dict[str, Callable[[Mapping[str, Any]], Reading]] = {"segment": LabelMap.of}

Made = TypeVar("Made")


def reading_of(settings: Mapping[str, Any]) -> Reading:
    """The reading of a model's settings: that of its `task`, or of `segment`.

    Raises ValueError for an unknown task.
    """
    return named(READINGS, settings)(settings)


def named(makers: Mapping[str, Made], settings: Mapping[str, Any]) -> Made:
    """What the `task` of some settings stands for. Raises ValueError for an unknown one."""
    name = settings.get("task", USUAL)
    if name not in makers:
        raise ValueError(f"task {name!r} is unknown; there are {', '.join(makers)}")
    return makers[name]
