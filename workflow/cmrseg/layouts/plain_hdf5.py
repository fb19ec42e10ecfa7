"""HDF5 read as data: nothing in a file is run, no link is followed out of it.

Data that lie in other files, or that need filters beyond h5py's own (programs that a file makes
its reader load), are refused, as are sizes that a file cannot hold.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from cmrseg.cine import MOST_BYTES, MOST_RATIO
from cmrseg.files import check_plain

# Filters that are part of h5py: deflate, shuffle, Fletcher's checksum, LZF.
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
# A chunk that could not be packed is this much longer than what it holds.
CHUNK_OVERHEAD = 64
# What h5py raises for files that are none of its own, or damaged.
UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError)


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """The file, without a lock: nobody writes it, and not every file system has locks.

    Raises ValueError naming the file where it cannot be opened.
    """
    try:
        check_plain(path)
        file = h5py.File(path, "r", locking=False)
    except UNREADABLE as error:
        raise ValueError(f"{path}: not a readable HDF5 file ({line(error)})") from error
    with file:
        yield file


def item(file: h5py.File, name: str) -> h5py.Group | h5py.Dataset | None:
    """What lies at a path within the file itself; None where nothing does.

    Raises ValueError for a path or a link that leads elsewhere.
    """
    found = file
    for part in name.split("/"):
        if part in ("", ".", "..") or not isinstance(found, h5py.Group):
            raise ValueError(f"{name} is no path within the file")
        link = found.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(
                f"{name} is a link to elsewhere, which is not followed; copy the data into the file"
            )
        found = found[part]
    return found


def values(found: h5py.Dataset) -> np.ndarray:
    """All values of a dataset. Raises ValueError where they are not plainly in the file."""
    _check_storage(found)
    return found[()]


def values_of(found: h5py.Dataset, rows: Sequence[int]) -> np.ndarray:
    """The values of some rows (the first axis) of a dataset, in the order named. As `values`."""
    _check_storage(found)
    return np.stack([found[row] for row in rows])


def line(error: Exception) -> str:
    """An error in one line; a KeyError's text without its quotes."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()) or type(error).__name__


def _check_storage(found: h5py.Dataset) -> None:
    """Raise ValueError where data lie elsewhere, or could be more than their file can hold."""
    if found.is_virtual or found.external:
        raise ValueError(
            f"{found.name}: its data lie in other files, which are not opened; copy them into "
            "the file"
        )
    settings = found.id.get_create_plist()
    for i in range(settings.get_nfilters()):
        if (code := settings.get_filter(i)[0]) not in FILTERS:
            known = ", ".join(FILTERS.values())
            raise ValueError(
                f"{found.name} is packed with filter {code}, expected {known}; write it anew"
            )
    there = Path(found.file.filename).stat().st_size
    taken = math.prod(found.shape) * found.dtype.itemsize
    if taken > max(MOST_BYTES, there * (MOST_RATIO if found.chunks else 1)):
        raise ValueError(
            f"{found.name}: {found.shape} values need {taken} bytes, and the file has {there}; "
            "copy it again"
        )
    if not found.chunks:
        return
    chunk = math.prod(found.chunks) * found.dtype.itemsize
    if chunk > MOST_BYTES:
        raise ValueError(
            f"{found.name}: chunks {found.chunks} need {chunk} bytes each; write it anew"
        )
    if found.id.get_num_chunks() > math.prod(
        -(-n // size) for n, size in zip(found.shape, found.chunks, strict=True)
    ):
        raise ValueError(f"{found.name} has more chunks than fit into it; copy the file again")

    def check_chunk(info: h5py.h5d.StoreInfo) -> None:
        if info.size > chunk + chunk // 256 + CHUNK_OVERHEAD:
            raise ValueError(
                f"{found.name}: a chunk of {chunk} bytes has {info.size} in the file; copy it again"
            )

    found.id.chunk_iter(check_chunk)
