"""Labels of a coarse model where no study made them: its folder lies beside the model's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cmrseg.cine import Cine
from cmrseg.learn.label import load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.sequences import channels_of


def coarse_labels(
    folder: str | Path,
    settings: Mapping[str, Any],
    channels: Sequence[Cine],
    device: str = "cpu",
    subject: str = "the cine",
    above: tuple[str, ...] = (),
) -> Cine | None:
    """The label map that a model needs beside its images, None where it has no coarse model.

    folder, settings: of the model, as `load_model` has them. channels: its images, (t, z, y, x).
    subject: for messages. above: models that wait for this one. Raises FileNotFoundError saying
    where to put the coarse model, and ValueError where it cannot be used.
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
    sequences = [sequence.key for sequence in channels_of(settings["sequence"])]
    wanted = [sequence.key for sequence in channels_of(coarse["sequence"])]
    if wanted[0] != sequences[0] or not set(wanted) <= set(sequences):
        raise ValueError(
            f"{beside}: labels {coarse['sequence']}, but finds the heart for a model of "
            f"{settings['sequence']}; put the right model there"
        )
    images = [channels[sequences.index(key)] for key in wanted]
    first = coarse_labels(beside, coarse, images, device, subject, (*above, name))
    found = predict_cine(network, images, coarse, device, subject=subject, coarse=first)
    return images[0].like(found)
