"""Which files make up a study: those of its folders, and of zip files that lie in them."""

import os
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cmrseg.dicom.audit import NO_IMAGES, UNREADABLE, SubjectError
from cmrseg.zips import check_size, checked_members, escaped

ZIP = ".zip"
# Of all members together; they are read one by one.
MOST_ZIP_BYTES = 2**37


@dataclass(frozen=True)
class Member:
    """A file in a zip file. name: of the zip file, relative to the study's folder."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    name: str

    def read_bytes(self) -> bytes:
        """Raises SubjectError (UNREADABLE) naming zip file and member where it is damaged."""
        try:
            with self.archive.open(self.info) as file:
                # One byte more than the directory tells, so that a longer one is found out.
                content = file.read(self.info.file_size + 1)
            if len(content) == self.info.file_size:
                return content
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
            pass
        raise SubjectError(
            UNREADABLE,
            f"{self.name}/{self.info.filename}",
            f"damaged in {self.name}; copy the zip file again, or remove it",
        )


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
    below = [
        p.relative_to(folder) for p in folder.rglob("*") if p.is_dir() or (zips and _is_zip(p))
    ]
    names = selected([p.name for p in below if len(p.parts) == 1], series)
    chosen = [p for p in below if p.parts[0] in names]
    listed: dict[str, list[str]] = {} if series else {"": _files_below(folder, "")}
    for place in sorted(chosen, key=lambda p: natural(p.as_posix())):
        name = place.as_posix()
        if (folder / place).is_dir():
            listed[name] = _files_below(folder, name)
        else:
            listed |= _members_by_folder(folder / place, name)
    if zips:
        listed = {n: [f for f in files if f not in listed] for n, files in listed.items()}
    listed = dict(sorted(listed.items(), key=lambda item: natural(item[0])))
    # A folder that only holds folders is not an empty one.
    return {
        name: files
        for name, files in listed.items()
        if files or (name and _is_empty(folder / name))
    }


def place_of(folder: Path, name: str) -> Path | Member:
    """Where a listed file is read: in its folder, or in the zip file that its name begins with."""
    if ZIP not in name.lower():
        return folder / name
    parts = PurePosixPath(name).parts
    for count in range(1, len(parts)):
        archive = folder.joinpath(*parts[:count])
        if _is_zip(archive):
            opened, members = _opened_now(archive, "/".join(parts[:count]))
            return Member(opened, members["/".join(parts[count:])], "/".join(parts[:count]))
    return folder / name


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ZIP and path.is_file()


def _is_empty(folder: Path) -> bool:
    """Also of a zip file, which is listed without files where it has none."""
    return not folder.is_dir() or not any(folder.iterdir())


def _members_by_folder(archive: Path, name: str) -> dict[str, list[str]]:
    """Names of a zip file's members, by the folder that they would lie in."""
    _, members = _opened_now(archive, name)
    listed: dict[str, list[str]] = {} if members else {name: []}
    for member in members:
        full = f"{name}/{member}"
        listed.setdefault(full.rpartition("/")[0], []).append(full)
    return {folder: sorted(files, key=natural) for folder, files in listed.items()}


def _opened_now(archive: Path, name: str) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    state = archive.stat()
    return _opened(archive, name, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(
    archive: Path, name: str, size: int, changed_ns: int
) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """A zip file and its members; opened again where it is another one by size or time."""
    try:
        opened = zipfile.ZipFile(archive)
        members = checked_members(Path(archive.name), opened.infolist())
        check_size(archive, sum(info.file_size for info in members.values()), MOST_ZIP_BYTES)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        told = escaped(str(error).replace(f"{archive}: ", "").replace(f"{archive.name}: ", ""))
        raise SubjectError(
            UNREADABLE, name, f"zip file that is not read: {told}; unpack or remove it"
        ) from None
    return opened, {str(path): info for path, info in members.items()}


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
