"""What was found in a folder of raw files, as rows of a subject table and settings of a cohort."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Folder of the annotators' labels, below that of the raw files.
ANNOTATIONS = "annotations"


@dataclass
class Found:
    """A folder of raw files.

    layout: as in a study. raw: the folder that holds the studies. studies: name of each study in
    it -> what it holds, in words. settings: further settings of the cohort. patients: study ->
    patient, where files tell. sets: study -> set, layout kaggle. annotators: name -> setting.
    labelled: studies with labels of anybody. unclear: name and reason of what was left out.
    """

    layout: str
    raw: Path
    studies: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    annotators: dict[str, Any] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)
    unclear: list[tuple[str, str]] = field(default_factory=list)


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in order of names, without hidden files and the annotators'."""
    found = (p for p in folder.iterdir() if not p.name.startswith(".") and p.name != ANNOTATIONS)
    return sorted(found, key=lambda path: path.name)


def subject_name(study: str) -> str:
    """The id of a study's subject: letters, digits, _ and -. Raises ValueError for none of them."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", study).strip("_-")
    if not name:
        raise ValueError(f"study {study!r}: no letter or digit for an id; rename the folder")
    return name
