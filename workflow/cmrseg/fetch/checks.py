"""Is a file what it should be, is there room for it, does a folder hold what it should."""

import errno
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from cmrseg.progress import Progress, readable

CHUNK_BYTES = 2**20
# Both mean that nothing more can be written: the disk is full, or the user's share of it.
FULL = (errno.ENOSPC, errno.EDQUOT)


def checksum(path: str | Path, algorithm: str) -> str:
    """Checksum of a file as hexadecimal text; algorithm: a name that hashlib knows."""
    path = Path(path)
    digest = hashlib.new(algorithm)
    progress = Progress(f"{path.name}: {algorithm}", path.stat().st_size)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            progress.add(len(chunk))
    return digest.hexdigest()


def fault(path: str | Path, size_bytes: int | None, algorithm: str, expected: str) -> str:
    """What is wrong with a file, "" if nothing is.

    size_bytes: None where nobody knows it. expected: the checksum, or its first digits, or ""
    where nobody knows it.
    """
    size = Path(path).stat().st_size
    if size_bytes is not None and size != size_bytes:
        return f"it has {size} bytes instead of {size_bytes}"
    if not expected:
        return ""
    found = checksum(path, algorithm)
    return "" if found.startswith(expected) else f"its {algorithm} is {found} instead of {expected}"


def set_aside(path: str | Path) -> Path:
    """Rename a wrong file to <name>.bad, so that nobody takes it for the right one."""
    path = Path(path)
    return path.replace(path.with_name(path.name.removesuffix(".part") + ".bad"))


def check_room(folder: str | Path, needed_bytes: int, what: str) -> None:
    """Raise OSError (ENOSPC) where less than needed_bytes are free at a folder.

    The folder may not be there yet. what: for whom the room is, the start of the sentence.
    """
    folder = Path(folder).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed_bytes > free:
        raise OSError(
            errno.ENOSPC,
            f"{what} needs {readable(needed_bytes)} at {folder}, where {readable(free)} are free: "
            f"{readable(needed_bytes - free)} are missing; make room and start again",
        )


def check_holds(folder: str | Path, holds: Iterable[str], source: str) -> None:
    """Raise ValueError naming what of `holds` (relative paths) a folder of a source lacks."""
    missing = [path for path in holds if not Path(folder, path).exists()]
    if missing:
        there = sorted(path.name for path in Path(folder).iterdir())
        raise ValueError(
            f"source {source}: {folder} lacks {', '.join(missing)}; at its top are "
            f"{', '.join(there[:10]) or 'no files'}{', ...' if len(there) > 10 else ''}; "
            "lay the files out as resources/README.md says"
        )
