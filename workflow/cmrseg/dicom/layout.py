"""Which files make up a study."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cmrseg.dicom.audit import NO_IMAGES, SubjectError
from cmrseg.dicom.zipped import ZIP, is_zip, members_by_folder


def natural(text: str) -> list[tuple[int, int | str]]:
    """Sorting key by which sax_9 comes before sax_10."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def kaggle_files(folder: Path, series: str = "") -> dict[str, list[str]]:
    """Files of each `sax_*` folder, as paths relative to the study's folder, in natural order.

    series: "" for all, "sax_10,sax_11" for these, "!sax_10" for all but these.
    """
    names = [p.name for p in folder.glob("sax_*") if p.is_dir()]
    return {name: _files_below(folder, name) for name in selected(names, series)}


def folder_files(folder: Path, series: str = "", zips: bool = False) -> dict[str, list[str]]:
    """All files below a folder by their own folder ("" for the study's), in natural order.

    series: as for `kaggle_files`, names of the folders directly below the study's. zips: a zip
    file is a folder of its members. Raises SubjectError (UNREADABLE) naming one that is damaged,
    encrypted, or not safe to read.
    """
    below = []
    # Of many files: only those that may be zip files are looked at.
    for parent, folders, files in os.walk(folder):
        archives = [f for f in files if zips and f.lower().endswith(ZIP)]
        inner = [Path(parent, f) for f in archives if is_zip(Path(parent, f))]
        below += [p.relative_to(folder) for p in (*(Path(parent, f) for f in folders), *inner)]
    names = selected([p.name for p in below if len(p.parts) == 1], series)
    chosen = [p for p in below if p.parts[0] in names]
    listed = {} if series else {"": _files_below(folder, "")}
    opened = set()
    for place in chosen:
        name = place.as_posix()
        if (folder / place).is_dir():
            listed[name] = _files_below(folder, name)
        else:
            opened.add(name)
            members = members_by_folder(folder / place, name)
            listed |= {n: sorted(files, key=natural) for n, files in members.items()}
    if opened:
        listed = {n: [f for f in files if f not in opened] for n, files in listed.items()}
    listed = dict(sorted(listed.items(), key=lambda item: natural(item[0])))
    # A folder that only holds folders is not an empty one.
    return {
        name: files
        for name, files in listed.items()
        if files or (name and _is_empty(folder / name))
    }


def _is_empty(folder: Path) -> bool:
    """Also of a zip file, which is listed without files where it has none."""
    return not folder.is_dir() or not any(folder.iterdir())


def _is_file(entry: os.DirEntry) -> bool:
    """Also of a link to a file; one that leads nowhere, or to itself, is none."""
    return entry.is_file(follow_symlinks=False) or Path(entry).is_file()


def _files_below(folder: Path, name: str) -> list[str]:
    # Of many files: no Path is made, and the kind is what the folder says.
    with os.scandir(folder / name) as entries:
        files = [f"{name}/{e.name}" if name else e.name for e in entries if _is_file(e)]
    return sorted(files, key=natural)


def selected(names: Iterable[str], series: str) -> list[str]:
    """The series folders that a subject takes, in natural order.

    Raises SubjectError (NO_IMAGES) where a name of the selection does not exist.
    """
    ordered = sorted(names, key=natural)
    if not series:
        return ordered
    wanted = {name.strip() for name in series.removeprefix("!").split(",")}
    if absent := sorted(wanted - set(ordered)):
        raise SubjectError(
            NO_IMAGES,
            "",
            f"series {', '.join(absent)} not found among {', '.join(ordered)}; "
            "correct the column series of the subject table",
        )
    return [name for name in ordered if (name in wanted) != series.startswith("!")]


def by_number(series: str) -> Callable[[Any], bool] | None:
    """Whether a series is chosen by its SeriesNumber: "#7,#8" for these, "!#7" for all but it.

    Of several series with one number "#7.2" is the second alone (`Series.name`), "#7" are all.
    None for a selection of folders. Raises SubjectError (NO_IMAGES) for a number that is none.
    """
    names = [name.strip() for name in series.removeprefix("!").split(",")]
    if not any(name.startswith("#") for name in names):
        return None
    if not all(re.fullmatch(r"#\d+(\.\d+)?", name) for name in names):
        raise SubjectError(
            NO_IMAGES,
            "",
            f"series is {series!r}, expected numbers as '#7,#8' or '#7.2', or names of folders",
        )
    chosen, others = set(names), series.startswith("!")
    return lambda one: bool({f"#{one.number}", one.name} & chosen) != others
