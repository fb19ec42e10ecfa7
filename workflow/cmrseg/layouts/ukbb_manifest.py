"""Manifests of UK Biobank's zip files: which file belongs to which series.

The dates are not quoted and hold a comma (`Jan 5, 2016`), and the column of the description is
called `series discription`.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

# Both spellings are there.
NAMES = ("manifest.csv", "manifest.cvs")
DESCRIPTIONS = ("series discription", "series description")
FILE = "filename"
DATE = re.compile(r"\b([A-Z][a-z]{2,8}) +(\d{1,2}), *((?:19|20)\d\d)\b")
# A line for each of some thousand files.
MOST_BYTES = 2**26


@dataclass
class Manifest:
    """described: name of a file without its folders -> series description.

    malformed: numbers of the lines, from 1, that were ignored.
    """

    described: dict[str, str] = field(default_factory=dict)
    malformed: list[int] = field(default_factory=list)


def is_manifest(name: str) -> bool:
    return PurePosixPath(name).name.lower() in NAMES


def read_manifest(content: bytes) -> Manifest:
    """The manifest in a file's bytes.

    A line is malformed if it has another number of cells than the first one, no file name or no
    description, or names a file that another line gives another series: of these no line counts.
    Raises ValueError where the columns are not there.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content)} bytes, expected at most {MOST_BYTES}")
    text = DATE.sub(r"\1-\2-\3", content.decode("utf-8-sig", "replace").replace("\0", ""))
    lines = text.splitlines()
    head = [cell.strip().lower() for cell in _cells(lines[0])] if lines else []
    column = next((name for name in DESCRIPTIONS if name in head), None)
    if column is None or FILE not in head:
        raise ValueError(
            f"its columns are not {FILE} and {DESCRIPTIONS[0]} (or {DESCRIPTIONS[1]}) among others"
        )
    manifest = Manifest()
    numbers: dict[str, list[int]] = {}
    file_at, description_at = head.index(FILE), head.index(column)
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = _cells(line)
        name = description = ""
        if len(cells) == len(head):
            name = PurePosixPath(cells[file_at].strip()).name
            description = cells[description_at].strip()
        if not name or not description:
            manifest.malformed.append(number)
            continue
        numbers.setdefault(name, []).append(number)
        if manifest.described.setdefault(name, description) != description:
            manifest.described[name] = ""
    for name in [name for name, told in manifest.described.items() if not told]:
        del manifest.described[name]
        manifest.malformed += numbers[name]
    manifest.malformed.sort()
    return manifest


def _cells(line: str) -> list[str]:
    """The cells of a line; none where it cannot be read."""
    try:
        return next(csv.reader(io.StringIO(line)), [])
    except csv.Error:
        return []
