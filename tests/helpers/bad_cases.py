"""A case of damaged input, what families of cases share, and what an import may end with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import read_table, write_table
from mutations import damaged_places

ROW = {"subject": "7", "study": "7", "series": "", "set": "train", "annotation": "7"}
ROWS = pd.DataFrame([ROW])
CLEANING = {"mode": "corrected", "max_size_px": 256}


@dataclass(frozen=True)
class Case:
    """name: what is damaged, and how. damage: does it to a copy of what is good. run: calls the
    stage and returns what it audited."""

    name: str
    damage: Callable[[Path], None]
    run: Callable[[Path], list[str]]


@dataclass(frozen=True)
class Family:
    """make: writes what is good. cases: what is done to it. names: one of these has to be in an
    error: files or the subject."""

    make: Callable[[Path], None]
    cases: Callable[[Path], Iterator[Case]]
    names: tuple[str, ...]


SUBJECT = ("7: ",)


def content_cases(
    target: str, contents: Iterator[tuple[str, bytes]], run: Callable[[Path], list[str]]
) -> Iterator[Case]:
    """Cases in which one file gets other contents."""
    for name, content in contents:

        def damage(folder: Path, content: bytes = content) -> None:
            (folder / target).write_bytes(content)

        yield Case(f"{target}: {name}", damage, run)


def place_cases(good: Path, target: str, run: Callable[[Path], list[str]]) -> Iterator[Case]:
    """Cases in which something else stands in the place of a file."""
    for i, (name, _) in enumerate(damaged_places(good / target)):

        def damage(folder: Path, i: int = i) -> None:
            list(damaged_places(folder / target))[i][1]()

        yield Case(f"{target}: {name}", damage, run)


def imported(folder: Path, audit: pd.DataFrame, headers: pd.DataFrame) -> list[str]:
    """Audited problems; a subject is either whole, finite and readable, or lost with a reason."""
    write_table(audit, folder / "audit.tsv")
    write_table(headers, folder / "headers.tsv.gz")
    lost = audit[audit["resolution"] == "subject excluded"]
    image = folder / "images/7/sa.nii.gz"
    assert image.exists() == lost.empty, f"image: {image.exists()}, lost: {len(lost)}"
    if image.exists():
        cine = Cine.load(image)
        assert np.isfinite(cine.voxels).all(), "voxels are not finite"
        assert min(cine.spacing_mm) > 0, f"spacing {cine.spacing_mm}"
        assert len(read_table(image.parent / "sources.tsv"))
    elif len(lost):
        row = lost.iloc[-1]
        raise Lost(f"{row['subject']}: {row['problem']}: {row['image']}: {row['detail']}")
    return [f"{r.problem}: {r.detail}" for r in audit.itertuples()]


class Lost(Exception):
    """The subject is in the audit with the reason why it was left out."""
