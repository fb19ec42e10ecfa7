"""What a zip file that nobody vouches for may hold: looked at before any of it is read."""

import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from cmrseg.progress import readable

# A zip of images shrinks to a third, one of tables to a twentieth; a bomb is made of zeros.
MOST_RATIO = 200
ENCRYPTED = 0x1
# Characters of a member's name that a message shows.
MOST_SHOWN = 100
KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def checked_members(
    archive: Path, infos: list[zipfile.ZipInfo]
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Files of an archive by the path that each is written to.

    Raises ValueError naming archive and member: a name that leads out of the folder, a link or
    device, the same name twice, encrypted.
    """
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    parents: set[PurePosixPath] = set()
    for info in infos:
        if why := _refused(info):
            raise ValueError(f"{archive}: member {shown(info.orig_filename)} {why}; refused")
        path = PurePosixPath(info.filename)
        parents.update([*path.parents, path] if info.is_dir() else path.parents)
        if not info.is_dir():
            if path in members:
                raise ValueError(f"{archive}: member {shown(path)} is there twice; refused")
            members[path] = info
    if both := parents & members.keys():
        raise ValueError(f"{archive}: member {shown(min(both))} is a file and a folder; refused")
    return members


def shown(name: object) -> str:
    """A name from an archive, as messages show it: quoted, escaped, and cut in its middle."""
    return f"'{escaped(name)}'"


def escaped(text: object) -> str:
    """A text from an archive without signs that could do anything, cut in its middle."""
    text = str(text)
    if len(text) > MOST_SHOWN:
        text = f"{text[: MOST_SHOWN // 2]}...{text[-MOST_SHOWN // 2 :]}"
    return ascii(text)[1:-1]


def _refused(info: zipfile.ZipInfo) -> str:
    """Why a member is not taken, "" if it is."""
    name = info.orig_filename
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in PurePosixPath(name).parts:
        return "leads out of its folder"
    if "\\" in name or "\0" in name or not (PurePosixPath(name).name or info.is_dir()):
        return "has a name that is none"
    # The upper half holds the mode of Unix, 0 where the archive was made on another system.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"is {KINDS.get(kind, 'no file')}"
    return "is encrypted" if info.flag_bits & ENCRYPTED else ""


def check_size(archive: Path, total: int, most_bytes: int) -> None:
    """Raise ValueError naming an archive that holds more than most_bytes, or is a bomb."""
    size = archive.stat().st_size
    if total > most_bytes:
        raise ValueError(
            f"{archive}: holds {readable(total)}, at most {readable(most_bytes)} are expected; "
            "refused"
        )
    if total > MOST_RATIO * size:
        raise ValueError(
            f"{archive}: {readable(size)} would become {readable(total)}, more than {MOST_RATIO} "
            "times as much; refused"
        )
