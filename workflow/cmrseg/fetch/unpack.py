"""Unpack untrusted zip files: every member is checked before any is written."""

import errno
import logging
import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from cmrseg.fetch.checks import CHUNK_BYTES, FULL, check_room
from cmrseg.files import check_plain
from cmrseg.progress import Progress, readable
from cmrseg.zips import check_size, checked_members, escaped, shown

logger = logging.getLogger(__name__)


def unpack(archive: str | Path, folder: str | Path, most_bytes: int) -> int:
    """Unpack a zip file into a new folder and return the number of bytes written.

    Only plain files are written, with the names and folders that they have and none of their
    permissions or times; empty folders are omitted. A folder that could not be finished is removed.
    Raises ValueError naming archive and member: no zip file, a name that leads out of the folder, a
    link or device, the same name twice, encrypted, damaged, more than most_bytes or MOST_RATIO
    times the archive's size in all; OSError (ENOSPC) if the disk is full.
    """
    archive, folder = Path(archive), Path(folder)
    check_plain(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = checked_members(archive, opened.infolist())
            total = sum(member.file_size for member in members.values())
            check_size(archive, total, most_bytes)
            block = 4096  # minimum size of a file on most file systems
            check_room(folder, total + block * len(members), f"unpacking {archive}")
            folder.mkdir(parents=True)
            try:
                _write_all(archive, opened, members, folder)
            except BaseException:
                shutil.rmtree(folder)
                raise
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        # If an offset points before the beginning, seeking fails without naming the file.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise ValueError(
            f"{archive}: not a zip file, or truncated ({error}); remove it and fetch it again"
        ) from error
    return total


def unpack_nested(folder: str | Path, most_bytes: int) -> int:
    """Unpack every zip file in a folder beside itself, remove it, and return the bytes written.

    a/b.zip becomes the folder a/b; one that holds nothing but a file of its own name, as b.csv.zip
    does, becomes that file. Nested zip files are kept packed. Raises as `unpack` does, and
    FileExistsError naming the existing path.
    """
    written = 0
    for archive in sorted(Path(folder).rglob("*.zip")):
        target = archive.with_suffix("")
        if target.exists():
            raise FileExistsError(
                f"{archive}: cannot be unpacked to {target}, which is also in the archive"
            )
        inner = archive.with_name(f".partial-{os.getpid()}-{target.name}")
        written += unpack(archive, inner, most_bytes - written)
        single = inner / target.name
        if single.is_file() and len(list(inner.iterdir())) == 1:
            single.rename(target)
            inner.rmdir()
        else:
            inner.rename(target)
        archive.unlink()
        logger.info("%s: unpacked", archive.name)
    return written


def _write_all(
    archive: Path,
    opened: zipfile.ZipFile,
    members: dict[PurePosixPath, zipfile.ZipInfo],
    folder: Path,
) -> None:
    made = {PurePosixPath(".")}
    progress = Progress(f"unpacking {archive.name}", sum(m.file_size for m in members.values()))
    for path, info in members.items():
        if path.parent not in made:
            (folder / path.parent).mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        try:
            with opened.open(info) as packed, open(folder / path, "xb") as file:
                shutil.copyfileobj(packed, file, CHUNK_BYTES)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise ValueError(
                f"{archive}: member {shown(path)} is damaged ({escaped(error)}); remove the "
                "archive and fetch it again"
            ) from error
        except OSError as error:
            if error.errno not in FULL:
                raise
            left = progress.total_bytes - progress.done_bytes if progress.total_bytes else 0
            raise OSError(
                errno.ENOSPC,
                f"{folder / path}: the disk is full, {readable(left)} of {archive} are still "
                "missing; free disk space and start again",
            ) from error
        progress.add(info.file_size)
