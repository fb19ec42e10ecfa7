"""Whether a model may be passed on, by what the catalogue says of published weights."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cmrseg.learn.label import RECORD, WEIGHTS
from cmrseg.results.record import recorded_settings
from study.given import CATALOGUE, CONVERTED, PASSED_ON
from study.tables import own_file, read_yaml


def withheld(folder: Path, name: str) -> str:
    """Why a model's weights are not passed on, "" where nothing is known that forbids it.

    folder: of the model. name: as displayed. A training keeps the terms of the weights that it
    started from, and of those that these started from.
    """
    catalogue = read_yaml(own_file(CATALOGUE))
    waiting, seen = [folder.resolve()], set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        if published := _published(place, catalogue):
            entry = catalogue[published]
            if entry.get(PASSED_ON) is True:
                continue
            origin = "" if place == folder.resolve() else f", which started from {published},"
            return (
                f"There is no bundle of {name}{origin} as its weights may not be passed on: "
                f"{entry['terms']} Who has their consent sets {PASSED_ON} of {published} in "
                f"{CATALOGUE}"
            )
        waiting += _starts(place)
    return ""


def _published(folder: Path, catalogue: Mapping[str, Any]) -> str:
    """The entry of the catalogue whose weights are in a folder, "" of others."""
    if not (folder / RECORD).is_file():
        # Of published weights the path that a training had them at tells which they were.
        is_there = folder.match(f"{CONVERTED}/*") and folder.name in catalogue
        return folder.name if is_there else ""
    settings = recorded_settings(folder / RECORD)
    made_of = settings.get("source"), settings.get("file")
    return next((k for k, e in catalogue.items() if (e["source"], e["file"]) == made_of), "")


def _starts(folder: Path) -> Iterator[Path]:
    """Folders of the weights that a training took; their paths begin where it ran."""
    if not (folder / RECORD).is_file():
        return
    inputs = json.loads((folder / RECORD).read_text("utf-8")).get("inputs") or {}
    for start in (Path(path).parent for path in inputs if Path(path).name == WEIGHTS):
        roots = [root for root in folder.parents if (root / start / RECORD).is_file()]
        yield (roots[0] if roots else folder.parents[-1]) / start
