"""Entries of a source in resources/sources.yaml and resources/checksums.tsv, checked before use."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

SOURCES, CHECKSUMS = "resources/sources.yaml", "resources/checksums.tsv"
# Keys that an entry of a kind must have, and those that it may have.
KEYS = {
    "files": {"url"},
    "archive": {"url", "sha256", "unpacked_gb"},
    "git_folder": {"url", "folder", "tree", "unpacked_gb"},
    "kaggle": {"competition", "archive", "sha512", "unpacked_gb", "holds"},
    "by_hand": {"how"},
}
# Values that are not text.
TYPES: dict[Any, type | tuple[type, ...]] = {"unpacked_gb": (int, float), "holds": list}
OPTIONAL = {"about", "licence", "terms", "holds"}


class File(NamedTuple):
    """A file of a source: its path, size and checksum."""

    path: str
    size_bytes: int | None
    sha256: str


def check_entry(source: str, entry: Mapping[str, Any]) -> None:
    """Refuse an invalid entry of resources/sources.yaml; the ValueError names the key."""
    where = f"{SOURCES}, source {source}"
    for key, value in entry.items():
        if not isinstance(key, str) or not isinstance(value, TYPES.get(key, str)):
            raise ValueError(f"{where}: {key} is {value!r}, which it cannot be")
    kind = entry.get("kind")
    if kind not in KEYS:
        raise ValueError(f"{where}: kind is {kind!r}, expected is one of {', '.join(KEYS)}")
    if missing := KEYS[kind] - entry.keys():
        raise ValueError(f"{where}: {', '.join(sorted(missing))} is missing")
    if unknown := entry.keys() - KEYS[kind] - OPTIONAL - {"kind"}:
        raise ValueError(f"{where}: kind {kind} knows no {', '.join(sorted(unknown))}")
    url = entry.get("url", "https://")
    if not re.match("https?://", url):
        raise ValueError(f"{where}: url is {url!r}, expected is http:// or https://")
    if kind == "files" and "{path}" not in url:
        raise ValueError(f"{where}: url is {url!r}, expected is a place for the path: {{path}}")
    for key, digits in (("sha256", 64), ("sha512", 128), ("tree", 40)):
        if key in entry and not re.fullmatch(f"[0-9a-f]{{{digits}}}", str(entry[key])):
            raise ValueError(f"{where}: {key} is {entry[key]!r}, expected are {digits} hex digits")
    if "folder" in entry and not _is_inside(entry["folder"]):
        raise ValueError(f"{where}: folder is {entry['folder']!r}, expected is one of the archive")
    for held in entry.get("holds", []):
        if not isinstance(held, str) or not _is_inside(held):
            raise ValueError(f"{where}: holds {held!r}, expected is a path within the source")


def files_of(source: str, rows: Sequence[Mapping[str, str]]) -> list[File]:
    """Files of a source by its rows of resources/checksums.tsv.

    rows: path, size in bytes or "", sha256 or its first digits or "", all as text. Raises
    ValueError naming the row and its fault.
    """
    files: dict[str, File] = {}
    for row in rows:
        path, size, sha256 = row["path"], row["size"], row["sha256"]
        where = f"{CHECKSUMS}, {source} {path}"
        if not _is_inside(path):
            raise ValueError(f"{where}: expected a path within the source, with /")
        if path in files:
            raise ValueError(f"{where}: appears twice; keep one row")
        if not re.fullmatch("[0-9]*", size):
            raise ValueError(f"{where}: size is {size!r}, expected is a number of bytes or ''")
        if not re.fullmatch("([0-9a-f]{8,64})?", sha256):
            raise ValueError(
                f"{where}: sha256 is {sha256!r}, expected are 64 hex digits, the first of them "
                "(8 at least), or ''"
            )
        files[path] = File(path, int(size) if size else None, sha256)
    return list(files.values())


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path
