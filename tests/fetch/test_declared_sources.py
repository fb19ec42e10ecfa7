"""The project's sources and checksums, and what is said of wrong ones."""

import csv

import pytest

from cmrseg.fetch import checks
from cmrseg.fetch.declared import KEYS, File, check_entry, files_of
from cmrseg.fetch.sources import fetch
from source_places import declared_sources, own_places
from tiny_study import ROOT

CHECKSUMS = ROOT / "resources/checksums.tsv"

places = pytest.fixture(own_places)


def declared_rows():
    """Rows of the table of checksums by source, all text."""
    rows = {}
    with open(CHECKSUMS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            rows.setdefault(row.pop("source"), []).append(row)
    return rows


def test_the_project_s_sources_are_well_formed():
    sources = declared_sources()
    for name, entry in sources.items():
        check_entry(name, entry)
        assert entry["about"]
    assert {entry["kind"] for entry in sources.values()} <= set(KEYS)
    assert {"kaggle", "cmr_seg_tl", "seven_tesla", "ukbb_weights"} <= set(sources)


def test_the_project_s_checksums_are_well_formed():
    rows = declared_rows()
    files = {name for name, entry in declared_sources().items() if entry["kind"] == "files"}
    assert set(rows) == files
    for name in files:
        assert all(list(row) == ["path", "size", "sha256"] for row in rows[name])
        assert len(files_of(name, rows[name])) == len(rows[name])


def test_the_published_files_are_counted_and_known_by_full_checksums():
    published = files_of("cmr_seg_tl", declared_rows()["cmr_seg_tl"])
    assert (len(published), sum(file.size_bytes for file in published)) == (851, 32_598_464)
    assert {len(file.sha256) for file in published} == {64}


def test_the_published_files_are_those_of_the_checksums(data):
    for file in files_of("cmr_seg_tl", declared_rows()["cmr_seg_tl"]):
        path = data / "published" / file.path
        assert checks.fault(path, file.size_bytes, "sha256", file.sha256) == ""


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (
            {"kind": "ftp"},
            r"source a: kind is 'ftp', expected is one of files, archive, git_folder, kaggle",
        ),
        ({"kind": "by_hand"}, "source a: how is missing"),
        ({"kind": "by_hand", "how": "Ask.", "url": "x"}, "source a: kind by_hand knows no url"),
        (
            {"kind": "files", "url": "file:///a/{path}"},
            r"url is 'file:///a/\{path\}', expected is http",
        ),
        ({"kind": "files", "url": "https://a.org"}, r"a place for the path: \{path\}"),
        (
            {"kind": "archive", "url": "https://a.org", "sha256": "abc", "unpacked_gb": 1},
            "source a: sha256 is 'abc', expected are 64 hex digits",
        ),
        (
            {"kind": "by_hand", "how": "Ask.", "holds": ["../b"]},
            r"holds '\.\./b', expected is a path within",
        ),
    ],
)
def test_a_wrong_source_is_named(places, entry, match):
    with pytest.raises(ValueError, match=match):
        fetch("a", entry, [], *places)


GOOD = {"path": "b/c.txt", "size": "3", "sha256": "01234567"}


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (
            GOOD | {"path": "../c"},
            r"checksums\.tsv, a \.\./c: expected a path within the source",
        ),
        (GOOD | {"path": "/c"}, r"a /c: expected a path within the source"),
        (GOOD | {"path": ""}, r"a : expected a path within the source"),
        (GOOD | {"path": "c", "size": "1kB"}, r"a c: size is '1kB', expected is a number of bytes"),
        (GOOD | {"path": "c", "sha256": "0123"}, r"a c: sha256 is '0123', expected are 64 hex"),
        (GOOD, r"a b/c\.txt: appears twice; keep one row"),
    ],
)
def test_a_wrong_checksum_row_is_named(places, row, match):
    with pytest.raises(ValueError, match=match):
        fetch("a", {"kind": "files", "url": "http://localhost/{path}"}, [GOOD, row], *places)


def test_what_nobody_knows_of_a_file_is_left_open():
    assert files_of("a", [GOOD, {"path": "d", "size": "", "sha256": ""}]) == [
        File("b/c.txt", 3, "01234567"),
        File("d", None, ""),
    ]
