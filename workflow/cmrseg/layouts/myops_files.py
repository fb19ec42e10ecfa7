"""Names of files of MyoPS: which image or label map of which case a NIfTI file is.

The challenge's own are `myops_training_101_C0.nii.gz`, `_DE`, `_T2` and `_gd`; copies also have
`training_101_C0.nii.gz`, `Case3001_LGE.nii`, or `101/C0.nii.gz`. Standard library only, as planning
looks at the files of every subject of a study.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from cmrseg.layouts.inputs import SUFFIXES

# What a file's name ends with, by sequence, in small letters.
ENDINGS = {"c0": ("c0", "bssfp"), "de": ("de", "lge"), "t2": ("t2",)}
# The same of label maps: of the challenge, and of copies.
LABEL_ENDINGS = ("gd", "gt", "label", "labels")
# Folders below the raw folder in which files are looked for: of a set of cases, and of a case.
DEPTH = 2
_PARTS = re.compile(r"[_\-. ]+")
_NUMBER = re.compile(r"\d+")
# What may stand before a number without anything between.
_WORDS = ("case", "patient", "subject")


def nifti_files(folder: str | Path) -> list[str]:
    """NIfTI files in a folder and up to DEPTH folders below, relative to it, in order of names.

    Hidden files, such as macOS' resource forks, are none.
    """
    found = []
    top = Path(folder)
    for here, folders, names in os.walk(top, followlinks=True):
        below = Path(here).relative_to(top)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(below.parts) >= DEPTH:
            folders.clear()
        found += [
            (below / name).as_posix()
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found)


def files_of_case(files: Iterable[str], case: str, endings: Iterable[str]) -> list[str]:
    """The files of a case whose names end with one of some words.

    files: of `nifti_files`. case: as in the subject table, `101`, `training_101`, `Case3001`, or
    with folders before, `train25/101`; upper and lower case are one. A name without any number is
    of the case that its folder is named by. Raises ValueError where one file in the folder of the
    case is named by the number of another one; a folder with several such is of many cases.
    """
    folder, _, name = case.lower().rpartition("/")
    wanted = set(endings)
    found, foreign = [], []
    for file in files:
        *folders, last = file.lower().split("/")
        if folder and not f"{'/'.join(folders)}/".startswith(f"{folder}/"):
            continue
        before, ending = _split(last)
        if ending not in wanted:
            continue
        in_own = bool(folders) and _is_case(folders[-1], name)
        if _is_case(before, name) or (in_own and not _NUMBER.search(before)):
            found.append(file)
        elif in_own:
            foreign.append(file)
    if len(foreign) == 1:
        raise ValueError(
            f"{foreign[0]} is named by another case than its folder; a case's folder holds images "
            "of one patient: move the file to its own case"
        )
    return found


def _split(name: str) -> tuple[str, str]:
    """A file's name without suffix, in small letters: what stands before the last word, and it."""
    stem = name
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    word = _PARTS.split(stem)[-1]
    return stem.removesuffix(word).rstrip("_-. "), word


def _is_case(text: str, case: str) -> bool:
    """Whether a name is that of a case, or ends with it: myops_training_101, Case3001 for 3001."""
    if not text.endswith(case):
        return False
    before = text[: len(text) - len(case)]
    if not before or not before[-1].isalnum():
        return True
    return case[0].isdecimal() and before.endswith(_WORDS)
