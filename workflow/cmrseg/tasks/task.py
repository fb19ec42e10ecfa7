"""What trainings and labelling ask of a task, and all that they know of it.

A task is what a network is made for: a label map, points. Learning it and reading what a network
says are two interfaces, so that labels do not depend on losses.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
import torch

from cmrseg.canvas import Canvas
from cmrseg.cine import Cine
from cmrseg.tasks.kinds import kind_of

Made = TypeVar("Made")


class Task(Protocol):
    """What a training asks, of single frames also where a network sees several (tasks.windowed).

    Labels are (n, y, x) uint8 as they are in the slices, augmented: `Tissue` or UNLABELLED; of a
    task that learns from points (n, t, p, 2) float32, places (y, x) in px. What of them is the
    truth, and for which images it is known, a task finds out by itself. Outputs of a network are
    (n, c, y, x), with channels that only the task understands. The `repr` says all that decides
    what is learnt: a stopped training does not go on with another one.
    """

    def samples(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of the index of the slices that can be learnt from, of those that a row of the
        models table chooses; the others are in no batch and no score.
        """

    def check(self, labels: torch.Tensor) -> None:
        """Raise ValueError where labels cannot be learnt.

        It looks at values. On a CPU `loss` has to do that, too; a training on another device asks
        once, before it starts.
        """

    def loss(self, heads: Sequence[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """Loss of a batch, a float32 tensor of one number.

        heads: outputs of each head of the network, maybe in bfloat16; the last is the network's
        answer. On other devices than a CPU it looks at no value, which would wait for it, and
        a compiler can make one program of it.
        """

    def counts(self, output: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """What scores are made of, by name: tensors (n, ...), where images stay apart.

        output: of the last head, float32.
        """

    def scores(self, counts: Mapping[str, np.ndarray], rows: pd.DataFrame) -> dict[str, float]:
        """Scores by name, nan where one cannot be told: columns of a training's history.

        counts: of `counts`, those of all batches below each other. rows: of the index of the slices
        (see learn.slices.make_slices), in the same order.
        """


class Reading(Protocol):
    """What labelling by learn.predict asks; points over time are placed by learn.track."""

    def result(self, output: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        """What an output (n, c, Y, X) float32 on a canvas says of the images: (n, ...).

        Places in it are on the native grid. It looks at no value. Raises ValueError where the
        canvas cropped the images.
        """

    def finished(self, found: np.ndarray, subject: str) -> np.ndarray:
        """What was found in a whole cine, (t, z, ...), as the labeller gives it away.

        subject: for the log.
        """

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        """Write what `finished` gives into the folder of a subject.

        cine: the image of the sequence that it was found in.
        """


def named(makers: Mapping[str, Made], settings: Mapping[str, Any]) -> Made:
    """What the `task` of some settings stands for. Raises ValueError for an unknown one."""
    return makers[kind_of(settings).name]
