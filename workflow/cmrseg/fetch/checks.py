"""Check files against sizes and checksums, free disk space, and the content of folders."""

import errno
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from cmrseg.progress import Progress, readable

CHUNK_BYTES = 2**20
# Both mean that nothing more can be written: the disk or the user's quota is full.
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
    """The fault of a file, "" if it is correct.

    size_bytes: None if unknown. expected: the checksum, its first digits, or "" if unknown.
    """
    size = Path(path).stat().st_size
    if size_bytes is not None and size != size_bytes:
        return f"it has {size} bytes instead of {size_bytes}"
    if not expected:
        return ""
    found = checksum(path, algorithm)
    return "" if found.startswith(expected) else f"its {algorithm} is {found} instead of {expected}"


def set_aside(path: str | Path) -> Path:
    """Rename a wrong file to <name>.bad, so that it is not mistaken for the right one."""
    path = Path(path)
    return path.replace(path.with_name(path.name.removesuffix(".part") + ".bad"))


def check_room(folder: str | Path, needed_bytes: int, what: str) -> None:
    """Raise OSError (ENOSPC) if less than needed_bytes are free at a folder.

    The folder need not exist yet. what: subject of the message.
    """
    folder = Path(folder).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed_bytes > free:
        raise OSError(
            errno.ENOSPC,
            f"{what} needs {readable(needed_bytes)} at {folder}, where {readable(free)} are free: "
            f"{readable(needed_bytes - free)} are missing; free disk space and start again",
        )


def check_holds(folder: str | Path, holds: Iterable[str], source: str) -> None:
    """Raise ValueError naming the paths of `holds` that are missing in a folder of a source."""
    missing = [path for path in holds if not Path(folder, path).exists()]
    if missing:
        there = sorted(path.name for path in Path(folder).iterdir())
        raise ValueError(
            f"source {source}: {folder} lacks {', '.join(missing)}; at its top are "
            f"{', '.join(there[:10]) or 'no files'}{', ...' if len(there) > 10 else ''}; "
            "arrange the files as described in resources/README.md"
        )
