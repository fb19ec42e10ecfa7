"""How the outputs of a model are read, by its task; what labelling knows of tasks."""

from collections.abc import Callable, Mapping
from typing import Any

from cmrseg.tasks.label_map import LabelMap
from cmrseg.tasks.task import Reading, named

READINGS: dict[str, Callable[[Mapping[str, Any]], Reading]] = {"segment": LabelMap.of}


def reading_of(settings: Mapping[str, Any]) -> Reading:
    """The reading of a model's settings: that of its `task`, or of `segment`.

    Raises ValueError for an unknown task.
    """
    return named(READINGS, settings)(settings)
