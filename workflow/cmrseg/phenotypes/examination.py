"""A subject's examination as a measure of a panel reads it, and the tables of a shard."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import write_table
from cmrseg.labels import Tissue, tissues_of
from cmrseg.points import read_points
from cmrseg.sequences import image_path, points_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """A sequence of a shard. labels, images, points: folders of the shard, "" for what is not read.

    Points are read with the images that they lie in. tissues: those of a model's labels as in a
    models table, "" for an annotator's.
    """

    sequence: str
    labels: str = ""
    images: str = ""
    tissues: str = ""
    points: str = ""


@dataclass(frozen=True)
class Examination:
    """What there is of a subject.

    about: its row of the subject table, None where a cell is empty. labels: label maps by sequence,
    `Tissue` numbers (t, z, y, x). images: images by sequence. known: tissues that labels tell of by
    sequence; all that are not named. points: (t, z, p, 2) by sequence, (y, x) in px of the image,
    nan where unknown. A sequence that the subject lacks is in none.
    """

    subject: str
    about: Mapping[str, Any]
    labels: Mapping[str, Cine]
    images: Mapping[str, Cine]
    known: Mapping[str, tuple[Tissue, ...]] = field(default_factory=dict)
    points: Mapping[str, np.ndarray] = field(default_factory=dict)

    def about_number(self, column: str) -> float:
        """A number of the subject table, nan where it is not given."""
        value = self.about.get(column)
        return float("nan") if value is None else float(value)


@dataclass(frozen=True)
class Measured:
    """What a measure says of a subject.

    values: by column, nan where unknown. doubt: why the values cannot be trusted, "" if they can.
    details: rows for the table of details, without the subject.
    """

    values: Mapping[str, float]
    doubt: str = ""
    details: pd.DataFrame = field(default_factory=pd.DataFrame)


def write_shard(
    measure: Callable[..., Measured],
    columns: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> None:
    """Write a measure of every subject of a shard: outputs `table` and `details`.

    measure: of an examination, with `mode`. settings: `views` and `mode` of the panel. inputs: as
    `views_of` takes them. Other arguments as `measure_shard`.
    """
    views = views_of(settings["views"], inputs)
    table, details = measure_shard(rows, views, columns, partial(measure, mode=settings["mode"]))
    write_table(table, outputs["table"])
    write_table(details, outputs["details"])


def views_of(views: Iterable[Mapping[str, Any]], inputs: Mapping[str, Any]) -> list[View]:
    """The views of a shard.

    views: sequence, number of its labeller's folder or None, image, tissues. Where the labeller
    places points, `points` is that number instead of `labels`. inputs: labels, the folders of label
    maps and points, and images, a folder or none.
    """
    folders, images = list(inputs["labels"]), list(inputs["images"])

    def folder(number: int | None) -> str:
        return "" if number is None else folders[number]

    return [
        View(
            view["sequence"],
            folder(view["labels"]),
            images[0] if view["image"] else "",
            view.get("tissues", ""),
            folder(view.get("points")),
        )
        for view in views
    ]


def measure_shard(
    rows: Iterable[Mapping[str, Any]],
    views: Iterable[View],
    columns: Iterable[str],
    measure: Callable[[Examination], Measured],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A measure of every subject of a shard: a row each, and the rows of details.

    rows: of the subject table. views: the sequences that the measure reads. columns: of its values.
    A subject that cannot be measured has a row with empty values and the reason in `doubt`: the
    measure raised ValueError, or doubts what it found. Details of doubtful subjects stay. A subject
    without any of the sequences has no row.
    """
    views, columns = list(views), list(columns)
    known = {view.sequence: tissues_of(view.tissues) for view in views if view.tissues}
    found, details = [], []
    for row in rows:
        subject = str(row["subject"])
        labels = _read(subject, [(v.sequence, v.labels) for v in views])
        images = _read(subject, [(v.sequence, v.images) for v in views])
        placed = [v for v in views if v.points and v.sequence in images]
        paths = {v.sequence: points_path(Path(v.points) / subject, v.sequence) for v in placed}
        paths = {key: path for key, path in paths.items() if path.is_file()}
        if not labels and not paths:
            continue
        try:
            points = {key: read_points(path, images[key]) for key, path in paths.items()}
            measured = measure(Examination(subject, row, labels, images, known, points))
        except ValueError as error:
            measured = Measured({}, str(error).removeprefix(f"subject {subject}: "))
        if measured.doubt:
            logger.warning("subject %s: %s", subject, measured.doubt)
        values = {} if measured.doubt else measured.values
        about = {"subject": subject, "split": row["split"]}
        told = {column: values.get(column, np.nan) for column in columns}
        found.append(about | told | {"doubt": measured.doubt})
        if len(measured.details):
            details.append(measured.details.assign(subject=subject))
    table = pd.DataFrame(found, columns=["subject", "split", *columns, "doubt"])
    joined = pd.concat(details, ignore_index=True) if details else pd.DataFrame({"subject": []})
    joined.insert(0, "subject", joined.pop("subject"))
    return table, joined


def _read(subject: str, folders: Iterable[tuple[str, str]]) -> dict[str, Cine]:
    """The images, or label maps, of a subject by sequence, of those that are there."""
    paths = {key: image_path(Path(folder) / subject, key) for key, folder in folders if folder}
    return {key: Cine.load(path) for key, path in paths.items() if path.is_file()}
