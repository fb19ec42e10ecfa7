"""Labels of a coarse model where no study made them: its folder lies beside the model's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cmrseg.cine import Cine
from cmrseg.learn.label import labeller_of, load_model
from cmrseg.sequences import channels_of
from cmrseg.tasks.kinds import kind_of


def coarse_labels(
    folder: str | Path,
    settings: Mapping[str, Any],
    channels: Sequence[Cine],
    device: str = "cpu",
    subject: str = "the cine",
    above: tuple[str, ...] = (),
) -> Any:
    """What a model needs beside its images, None where it has no coarse model.

    That is the label map of the coarse model, a Cine, or for a model of landmarks the boxes
    (t, z, 2, 2) that its coarse model places. folder, settings: of the model, as `load_model` has
    them. channels: its images, (t, z, y, x). subject: for messages. above: models that wait for
    this one. Raises FileNotFoundError saying where to put the coarse model, and ValueError where
    it cannot be used.
    """
    if not (name := settings.get("coarse", "")):
        return None
    folder = Path(folder)
    beside = folder.resolve().parent / name
    if not beside.is_dir():
        raise FileNotFoundError(
            f"{folder}: needs its coarse model {name}, which finds the heart first; put that "
            f"model's folder at {beside}"
        )
    if name in above:
        raise ValueError(f"{folder}: its coarse model {name} needs itself; the record is wrong")
    network, coarse = load_model(beside)
    if (gives := kind_of(coarse).writes) != (wanted := kind_of(settings).writes):
        raise ValueError(
            f"{beside}: gives {gives}, but finds the heart for a model that gives {wanted}; put "
            "the right model there"
        )
    sequences = [sequence.key for sequence in channels_of(settings["sequence"])]
    needed = [sequence.key for sequence in channels_of(coarse["sequence"])]
    if needed[0] != sequences[0] or not set(needed) <= set(sequences):
        raise ValueError(
            f"{beside}: labels {coarse['sequence']}, but finds the heart for a model of "
            f"{settings['sequence']}; put the right model there"
        )
    images = [channels[sequences.index(key)] for key in needed]
    first = coarse_labels(beside, coarse, images, device, subject, (*above, name))
    labeller = labeller_of(network, coarse, device)
    made = labeller.prepare(*images, coarse=first, subject=subject)
    found: np.ndarray = labeller.finished(labeller.label(made)(), images[0], subject)
    return found if wanted == "points" else images[0].like(found)
