"""Files of a study that lie in zip files: listed and read as if they were unpacked beside them."""

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cmrseg.dicom.audit import UNREADABLE, SubjectError
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


def place_of(folder: Path, name: str) -> Path | Member:
    """Where a listed file is read: in its folder, or in the zip file that its name begins with."""
    if ZIP not in name.lower():
        return folder / name
    parts = PurePosixPath(name).parts
    for count in range(1, len(parts)):
        archive = folder.joinpath(*parts[:count])
        if is_zip(archive):
            opened, members = _opened_now(archive, "/".join(parts[:count]))
            return Member(opened, members["/".join(parts[count:])], "/".join(parts[:count]))
    return folder / name


def is_zip(path: Path) -> bool:
    return path.suffix.lower() == ZIP and path.is_file()


def members_by_folder(archive: Path, name: str) -> dict[str, list[str]]:
    """Names of a zip file's members, by the folder that they would lie in."""
    _, members = _opened_now(archive, name)
    listed: dict[str, list[str]] = {} if members else {name: []}
    for member in members:
        full = f"{name}/{member}"
        listed.setdefault(full.rpartition("/")[0], []).append(full)
    return listed


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
            UNREADABLE, name, f"zip file cannot be read: {told}; unpack or remove it"
        ) from None
    return opened, {str(path): info for path, info in members.items()}
