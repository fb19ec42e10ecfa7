"""The task of a row of the models table, for its training."""

from collections.abc import Callable, Mapping
from typing import Any

from cmrseg.tasks.segment import Segmentation
from cmrseg.tasks.task import Task, named
from cmrseg.tasks.track import Tracking

TASKS: dict[str, Callable[[Mapping[str, Any]], Task]] = {
    "segment": Segmentation.of,
    "track": Tracking.of,
}


def task_of(settings: Mapping[str, Any]) -> Task:
    """The task of a row: `task`, or `segment`. Raises ValueError for an unknown one."""
    return named(TASKS, settings)(settings)
