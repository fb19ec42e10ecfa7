"""Damaged archives, checksums and entries of sources."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bad_cases import Case, Family, content_cases, place_cases
from bad_study import CHECKSUMS, SOURCES, make_study
from cmrseg.fetch.sources import fetch
from cmrseg.fetch.unpack import unpack, unpack_nested
from mutations import damaged_bytes, damaged_text


def make_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"hello" * 100)
        archive.writestr("b/c.txt", b"world" * 100)


def run_unpack(folder: Path) -> list[str]:
    unpack(folder / "a.zip", folder / "out", 10**6)
    unpack_nested(folder / "out", 10**6)
    assert sum(p.stat().st_size for p in (folder / "out").rglob("*") if p.is_file()) <= 10**6
    return []


def archive_cases(good: Path) -> Iterator[Case]:
    content = (good / "a.zip").read_bytes()
    yield from content_cases("a.zip", damaged_bytes(content, 101, 6), run_unpack)
    yield from place_cases(good, "a.zip", run_unpack)


def run_checksums(folder: Path) -> list[str]:
    from study.sources import read_checksums, read_sources

    os.chdir(folder)
    sources, rows = read_sources(), read_checksums()
    # Without a connection: nothing answers at this address.
    for source, entry in sources.items():
        entry = {**entry, "kind": "by_hand", "how": "x"} if entry.get("kind") == "files" else entry
        entry.pop("url", None)
        try:
            fetch(source, entry, rows.get(source, []), folder / "out", folder / "downloads")
        except FileNotFoundError as error:
            if "has to be provided by hand" not in str(error):
                raise
    return []


def source_cases(good: Path) -> Iterator[Case]:
    table, entries = "resources/checksums.tsv", "resources/sources.yaml"
    yield from content_cases(table, damaged_text(CHECKSUMS, 111), run_checksums)
    yield from content_cases(table, damaged_bytes(CHECKSUMS.encode(), 112, 1), run_checksums)
    yield from place_cases(good, table, run_checksums)
    for path in ("../x", "/etc/x", "a/../../x", "", "a\\b", "x" * 5000):
        text = CHECKSUMS.replace("a/b.txt", path)
        yield from content_cases(table, iter([(f"path {path[:9]}", text.encode())]), run_checksums)
    yield from content_cases(entries, damaged_text(SOURCES, 113), run_checksums)
    yield from content_cases(entries, damaged_bytes(SOURCES.encode(), 114, 1), run_checksums)
    yield from place_cases(good, entries, run_checksums)
    for name, text in (
        ("deep", "[" * 5000),
        ("a cycle", "mine: &x {kind: *x}"),
        ("no mapping", "mine: 3"),
        ("kind is a list", "mine: {kind: [files]}"),
        ("holds is a number", "mine: {kind: by_hand, how: x, holds: 3}"),
        ("holds a number", "mine: {kind: by_hand, how: x, holds: [3]}"),
        ("numbers as keys", "mine: {kind: by_hand, how: x, 1: 2}"),
        ("how is a number", "mine: {kind: by_hand, how: 1}"),
        ("unpacked is a word", "mine: {kind: archive, url: 'http://x', sha256: 0, unpacked_gb: x}"),
    ):
        yield from content_cases(entries, iter([(name, text.encode())]), run_checksums)


FAMILIES = {
    "archives": Family(make_archive, archive_cases, ("a.zip",)),
    "sources": Family(make_study, source_cases, ("resources/", "source ")),
}
