"""Sources that are files, archives, or put there by hand."""

import shutil

import pytest
from test_unpack import tree, zipped

from cmrseg.fetch.sources import fetch
from source_places import declared_sources, own_places, own_site, row, sha

site = pytest.fixture(own_site)
places = pytest.fixture(own_places)


def test_files_come_to_lie_at_their_paths_and_are_fetched_once(site, places):
    content = {"a b/c#1.txt": b"1", "d.txt": b"22"}
    site.files = {"/x/a%20b/c%231.txt": b"1", "/x/d.txt": b"22"}
    entry = {"kind": "files", "url": site.url + "/x/{path}"}
    rows = [row(path, body) for path, body in content.items()]
    fetch("a", entry, rows, *places)
    assert tree(places[0]) == content
    shutil.rmtree(places[0])
    (places[0]).mkdir()
    (places[0] / "old.txt").write_text("of an earlier run")
    fetch("a", entry, rows, *places)
    assert tree(places[0]) == content
    assert len(site.asked) == 2
    assert list(places[0].parent.iterdir()) == [places[0]]


def test_without_one_file_there_is_no_folder(site, places):
    site.files = {"/a": b"1", "/b": b"2"}
    entry = {"kind": "files", "url": site.url + "/{path}"}
    with pytest.raises(ValueError, match=r"b: what .*/b sent is not the expected file"):
        fetch("a", entry, [row("a", b"1"), row("b", b"3")], *places)
    assert not places[0].exists()
    assert tree(places[1]) == {"a": b"1", "b.bad": b"2"}


def test_a_source_without_rows_is_refused(places):
    with pytest.raises(ValueError, match=r"source a: resources/checksums\.tsv has no rows for it"):
        fetch("a", {"kind": "files", "url": "http://localhost/{path}"}, [], *places)


def archive_entry(site, tmp_path, **settings):
    content = zipped(tmp_path / "x.zip", [("a/b.txt", b"b"), ("c.zip", b"")]).read_bytes()
    site.files["/x.zip"] = content
    url = site.url + "/x.zip?download=1"
    return {"kind": "archive", "url": url, "sha256": sha(content), "unpacked_gb": 1e-6, **settings}


def test_an_archive_is_unpacked_but_not_what_is_in_it(site, tmp_path, places):
    fetch("a", archive_entry(site, tmp_path, holds=["a/b.txt"]), [], *places)
    assert tree(places[0]) == {"a/b.txt": b"b", "c.zip": b""}


def test_an_archive_that_lacks_something_leaves_no_folder(site, tmp_path, places):
    entry = archive_entry(site, tmp_path, holds=["a", "b", "c"])
    with pytest.raises(
        ValueError, match=r"source a: .* lacks b, c; at its top are a, c\.zip; arrange"
    ):
        fetch("a", entry, [], *places)
    assert list(places[0].parent.iterdir()) == []


def test_an_archive_of_another_size_than_stated_is_refused(site, tmp_path, places):
    zeros = zipped(tmp_path / "y.zip", [("zeros", b"0" * 1300)]).read_bytes()
    entry = archive_entry(site, tmp_path, sha256=sha(zeros))
    site.files["/x.zip"] = zeros
    with pytest.raises(ValueError, match=r"x\.zip: holds 1\.3 kB, at most 1\.2 kB are expected"):
        fetch("a", entry, [], *places)


@pytest.mark.parametrize(
    ("source", "layout"),
    [
        ("seven_tesla", "annotations/<expert>/<volunteer>.con"),
        ("sunnybrook", "contours/<case name>/{i,o}-contours/*.txt"),
        ("kaggle_png", "patient_dimensions.tsv"),
    ],
)
def test_what_only_a_person_can_get_is_asked_for(places, source, layout):
    entry = declared_sources()[source]
    with pytest.raises(
        FileNotFoundError, match="cannot be fetched and has to be provided"
    ) as error:
        fetch(source, entry, [], *places)
    assert layout in str(error.value)
    assert f"Put it into {places[1] / 'by_hand'} (a link will do)" in str(error.value)


def test_what_lies_there_by_hand_is_taken_and_stays(tmp_path, places):
    entry = {"kind": "by_hand", "how": "Ask.", "holds": ["annotations"]}
    (tmp_path / "mine/annotations").mkdir(parents=True)
    places[1].mkdir(parents=True)
    (places[1] / "by_hand").symlink_to(tmp_path / "mine")
    for _ in range(2):
        fetch("a", entry, [], *places)
        assert [path.name for path in places[0].iterdir()] == ["annotations"]
    # What removes a result removes the link alone.
    places[0].unlink()
    assert (tmp_path / "mine/annotations").is_dir()


def test_what_lies_there_by_hand_in_another_layout_is_refused(places):
    (places[1] / "by_hand").mkdir(parents=True)
    entry = {"kind": "by_hand", "how": "Ask.", "holds": ["train/train/1"]}
    with pytest.raises(ValueError, match=r"lacks train/train/1; at its top are no files; arrange"):
        fetch("a", entry, [], *places)
    assert not places[0].exists()


def test_files_by_hand_are_all_looked_for(places):
    (places[1] / "by_hand").mkdir(parents=True)
    (places[1] / "by_hand/a").write_text("1")
    entry = {"kind": "files", "url": "http://localhost/{path}"}
    fetch("a", entry, [row("a", b"1")], *places)
    with pytest.raises(ValueError, match="lacks b; at its top are a"):
        fetch("a", entry, [row("a", b"1"), row("b", b"2")], *places)
