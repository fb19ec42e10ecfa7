"""The id that git gives a folder, and sources that are held against it."""

import shutil
import subprocess

import pytest
from test_unpack import tree, zipped

from cmrseg.fetch.declared import check_entry
from cmrseg.fetch.git_tree import blob_id, tree_id
from cmrseg.fetch.sources import fetch
from source_places import own_places, own_site

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
CONTENT = {"Mouse1.h5": b"one", "Mouse10.h5": b"ten", "a/b": b"", "a.c": b"x", "a0": b"y"}
MEMBERS = [(f"repository-97252ef/Data/{name}", body) for name, body in CONTENT.items()]
OTHERS = [("repository-97252ef/README.md", b"about"), ("repository-97252ef/Paper/a.pdf", b"p")]

site = pytest.fixture(own_site)
places = pytest.fixture(own_places)


def written(folder):
    for name, body in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def test_ids_are_those_that_git_is_known_for(tmp_path):
    assert tree_id(tmp_path) == EMPTY
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert blob_id(tmp_path / "hello").hex() == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_folder_has_the_id_that_git_gives_it(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    written(tmp_path)
    (tmp_path / "nothing/in it").mkdir(parents=True)

    def git(*words):
        command = ["git", "-c", "core.autocrlf=false", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    expected = tree_id(tmp_path)
    git("init", "--quiet")
    git("add", ".")
    assert git("write-tree").stdout.strip() == expected


def test_a_link_has_no_id(tmp_path):
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(ValueError, match="a: is a link, expected a file or a folder"):
        tree_id(tmp_path)


def entry(site, tmp_path, members=(*MEMBERS, *OTHERS), **settings):
    site.files["/archive/97252ef.zip"] = zipped(tmp_path / "x.zip", members).read_bytes()
    id_ = tree_id(written(tmp_path / "expected"))
    about = {"url": f"{site.url}/archive/97252ef.zip", "folder": "Data", "tree": id_}
    return {"kind": "git_folder", "unpacked_gb": 1e-6, **about, **settings}


def test_the_folder_of_a_commit_is_fetched_alone(site, tmp_path, places):
    fetch("a", entry(site, tmp_path, holds=["Mouse10.h5"]), [], *places)
    assert tree(places[0]) == CONTENT
    assert list(places[0].parent.iterdir()) == [places[0]]


@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_other_data_than_expected_are_refused(site, tmp_path, places, change):
    first, *others = MEMBERS
    changed = {
        "content": [(first[0], b"two"), *others],
        "name": [(first[0].replace("Mouse1", "Mouse2"), first[1]), *others],
        "more": [*MEMBERS, ("repository-97252ef/Data/new", b"")],
        "less": others,
    }[change]
    with pytest.raises(
        ValueError, match=r"source a: Data of .* has the git tree id [0-9a-f]{40}, e"
    ):
        fetch("a", entry(site, tmp_path, changed), [], *places)
    assert list(places[0].parent.iterdir()) == []


def test_an_archive_without_the_folder_is_refused(site, tmp_path, places):
    with pytest.raises(ValueError, match="has no folder Data within a single top-level folder"):
        fetch("a", entry(site, tmp_path, OTHERS), [], *places)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("tree", "97252ef", "tree is '97252ef', expected are 40 hex digits"),
        ("folder", "../Data", r"folder is '\.\./Data', expected is one of the archive"),
        ("folder", "", "folder is '', expected is one of the archive"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(key, value, sentence):
    about = {"url": "https://example.org/a.zip", "folder": "Data", "tree": EMPTY}
    with pytest.raises(ValueError, match=sentence):
        check_entry("a", {"kind": "git_folder", "unpacked_gb": 1, **about, key: value})
