"""The git tree id of a folder, to verify data of a repository.

The bytes of a code host's zip file of a commit may change; the id of a folder in it only depends on
names and contents.
"""

import hashlib
from pathlib import Path

from cmrseg.fetch.checks import CHUNK_BYTES


def blob_id(path: Path) -> bytes:
    """sha1 of a file as git counts it, 20 bytes."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()


def tree_id(folder: str | Path) -> str:
    """Id of a folder in git, 40 hex digits, for files that are neither executables nor links.

    Git ignores empty folders. Raises ValueError naming a link.
    """
    return _tree(Path(folder)).hex()


def _tree(folder: Path) -> bytes:
    entries = []
    for path in folder.iterdir():
        name = path.name.encode()
        if path.is_symlink():
            raise ValueError(f"{path}: is a link, expected a file or a folder")
        if path.is_dir():
            if any(inner.is_file() for inner in path.rglob("*")):
                # Git sorts folders as if their names ended with a slash.
                entries.append((name + b"/", b"40000 " + name + b"\0" + _tree(path)))
        else:
            entries.append((name, b"100644 " + name + b"\0" + blob_id(path)))
    content = b"".join(entry for _, entry in sorted(entries))
    return hashlib.sha1(b"tree %d\0" % len(content) + content, usedforsecurity=False).digest()
