import csv
import hashlib
import logging
import os
import random
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cmrseg.fetch import checks, kaggle
from cmrseg.fetch.declared import KEYS, File, check_entry, files_of
from cmrseg.fetch.sources import fetch
from source_places import own_places, own_site
from test_unpack import tree, zipped
from tiny_study import ROOT

SOURCES = ROOT / "resources/sources.yaml"
CHECKSUMS = ROOT / "resources/checksums.tsv"

site = pytest.fixture(own_site)
places = pytest.fixture(own_places)


def declared_sources():
    return yaml.safe_load(SOURCES.read_text("utf-8"))


def declared_rows():
    """Rows of the table of checksums by source, all text."""
    rows = {}
    with open(CHECKSUMS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            rows.setdefault(row.pop("source"), []).append(row)
    return rows


def sha(content, algorithm="sha256"):
    return hashlib.new(algorithm, content).hexdigest()


def row(path, content):
    return {"path": path, "size": str(len(content)), "sha256": sha(content)}


# -- files -----------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match=r"source a: resources/checksums\.tsv has no rows of it"):
        fetch("a", {"kind": "files", "url": "http://localhost/{path}"}, [], *places)


# -- archives --------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match=r"source a: .* lacks b, c; at its top are a, c\.zip; lay"):
        fetch("a", entry, [], *places)
    assert list(places[0].parent.iterdir()) == []


def test_an_archive_of_another_size_than_stated_is_refused(site, tmp_path, places):
    zeros = zipped(tmp_path / "y.zip", [("zeros", b"0" * 1300)]).read_bytes()
    entry = archive_entry(site, tmp_path, sha256=sha(zeros))
    site.files["/x.zip"] = zeros
    with pytest.raises(ValueError, match=r"x\.zip: holds 1\.3 kB, at most 1\.2 kB are expected"):
        fetch("a", entry, [], *places)


# -- by hand ---------------------------------------------------------------------------------


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
    with pytest.raises(FileNotFoundError, match="cannot be fetched, it is put there") as error:
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
    with pytest.raises(ValueError, match=r"lacks train/train/1; at its top are no files; lay the"):
        fetch("a", entry, [], *places)
    assert not places[0].exists()


def test_files_by_hand_are_all_looked_for(places):
    (places[1] / "by_hand").mkdir(parents=True)
    (places[1] / "by_hand/a").write_text("1")
    entry = {"kind": "files", "url": "http://localhost/{path}"}
    fetch("a", entry, [row("a", b"1")], *places)
    with pytest.raises(ValueError, match="lacks b; at its top are a"):
        fetch("a", entry, [row("a", b"1"), row("b", b"2")], *places)


# -- Kaggle ----------------------------------------------------------------------------------

BOWL = "bowl.zip"
INSIDE = {"train/train/1/study/sax_5/IM-1-0001.dcm": b"dcm", "train.csv": b"Id,Systole\n1,2\n"}


def bowl_entry(path):
    return {
        "kind": "kaggle",
        "competition": "bowl",
        "archive": BOWL,
        "sha512": sha(path.read_bytes(), "sha512"),
        "unpacked_gb": 1e-5,
        "holds": list(INSIDE),
    }


@pytest.fixture
def bowl(tmp_path):
    """A competition's archive, and its entry."""
    path = zipped(tmp_path / "packed.zip", INSIDE.items())
    return path, bowl_entry(path)


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Puts a program called `kaggle` in place, written in Python; no other one is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(kaggle, "sys", SimpleNamespace(executable=str(folder / "python")))

    def write(text):
        lines = [f"#!{sys.executable}", "import os, shutil, sys", "args = sys.argv[1:]"]
        lines += ["folder = args[args.index('-p') + 1]", f"target = folder + '/{BOWL}'", text]
        (folder / "kaggle").write_text("\n".join(lines))
        (folder / "kaggle").chmod(0o755)

    return write


def test_an_archive_that_lies_there_needs_no_client(bowl, places):
    path, entry = bowl
    places[1].mkdir(parents=True)
    shutil.copy(path, places[1] / BOWL)
    fetch("a", entry, [], *places)
    assert tree(places[0]) == INSIDE


def test_an_unpacked_archive_that_lies_there_needs_no_client(bowl, places, client):
    for path, content in INSIDE.items():
        (places[1] / "by_hand" / path).parent.mkdir(parents=True, exist_ok=True)
        (places[1] / "by_hand" / path).write_bytes(content)
    fetch("a", bowl[1], [], *places)
    assert tree(places[1] / "by_hand") == INSIDE
    assert places[0].is_symlink()


def test_the_client_gets_the_archive_once(bowl, places, client, tmp_path):
    path, entry = bowl
    client(
        f"open({str(tmp_path / 'said')!r}, 'a').write(' '.join(args) + '\\n')\n"
        f"shutil.copy({str(path)!r}, target)"
    )
    for _ in range(2):
        fetch("a", entry, [], *places)
    assert tree(places[0]) == INSIDE
    folder = places[1] / "client"
    said = f"competitions download -q -c bowl -p {folder}\n"
    assert (tmp_path / "said").read_text() == said


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("train.zip", "train/1/study/sax_5"), ("train/train.zip", "1/study/sax_5")],
)
def test_archives_within_the_archive_give_the_same_layout(tmp_path, places, outer, inner):
    dicom, table = INSIDE.values()
    images = zipped(tmp_path / "images.zip", [(f"{inner}/IM-1-0001.dcm", dicom)]).read_bytes()
    tables = zipped(tmp_path / "tables.zip", [("train.csv", table)]).read_bytes()
    path = zipped(tmp_path / "nested.zip", [(outer, images), ("train.csv.zip", tables)])
    places[1].mkdir(parents=True)
    shutil.copy(path, places[1] / BOWL)
    fetch("a", bowl_entry(path), [], *places)
    assert tree(places[0]) == INSIDE


def test_another_layout_is_refused(tmp_path, places):
    path = zipped(tmp_path / "flat.zip", [("train/1/study/a.dcm", b""), ("train.csv", b"")])
    places[1].mkdir(parents=True)
    shutil.copy(path, places[1] / BOWL)
    with pytest.raises(ValueError, match=r"lacks train/train/1/.*top are train, train\.csv; lay"):
        fetch("a", bowl_entry(path), [], *places)
    assert list(places[0].parent.iterdir()) == []


def test_another_archive_is_kept_aside(bowl, places):
    _, entry = bowl
    places[1].mkdir(parents=True)
    (places[1] / BOWL).write_bytes(b"half")
    wrong = sha(b"half", "sha512")
    match = rf"bowl\.zip is not the expected archive: its sha512 is {wrong} instead of .*zip\.bad\."
    with pytest.raises(ValueError, match=match):
        fetch("a", entry, [], *places)
    assert tree(places[1]) == {"bowl.zip.bad": b"half"}


def what_to_do(places):
    """What every error says that ends without an archive."""
    return (
        "make an account at https://www.kaggle.com",
        "accept the rules at https://www.kaggle.com/competitions/bowl/rules",
        "~/.kaggle/kaggle.json",
        "KAGGLE_USERNAME and KAGGLE_KEY",
        f"put the competition's archive at {places[1] / BOWL}",
        f"unpacked, into {places[1] / 'by_hand'}",
    )


def test_without_a_client_the_error_says_what_to_do(bowl, places, client):
    with pytest.raises(FileNotFoundError, match=r"source a: there is no Kaggle client") as error:
        fetch("a", bowl[1], [], *places)
    for said in what_to_do(places):
        assert said in str(error.value)


def test_without_an_account_the_error_says_what_to_do(bowl, places, client):
    client("print('Authentication required.\\nFirst, ...\\nSave the token'); sys.exit(1)")
    match = r"got nothing of bowl: Authentication required\. \.\.\. Save the token\."
    with pytest.raises(PermissionError, match=match) as error:
        fetch("a", bowl[1], [], *places)
    for said in what_to_do(places):
        assert said in str(error.value)


def test_no_key_and_no_signed_address_is_told(bowl, places, client, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("KAGGLE_KEY", "secret-key")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "secret-token")
    monkeypatch.setenv("VERBOSE", "1")
    client(
        "open(target, 'ab').write(b'1') if not os.path.exists(target) else None\n"
        "assert 'VERBOSE' not in os.environ and os.environ['KAGGLE_KEY'] == 'secret-key'\n"
        "sys.exit('403 for url: https://a.org/b.zip?sig=secret-sig with '\n"
        "         + os.environ['KAGGLE_KEY'] + ' and ' + os.environ['KAGGLE_API_TOKEN'])"
    )
    match = r"cannot go on: 403 for url: https://a\.org/b\.zip with \*\*\* and \*\*\*\. 1 bytes"
    with pytest.raises(ConnectionError, match=match) as error:
        fetch("a", bowl[1], [], *places)
    assert "secret" not in str(error.value) + caplog.text


def test_a_client_that_stops_is_started_again_while_it_gains(bowl, places, client, caplog):
    path, entry = bowl
    size = path.stat().st_size
    client(
        f"content = open({str(path)!r}, 'rb').read()\n"
        "have = os.path.getsize(target) if os.path.exists(target) else 0\n"
        f"open(target, 'ab').write(content[have : have + {size // 3 + 1}])\n"
        "sys.exit('the connection broke' if os.path.getsize(target) < len(content) else 0)"
    )
    fetch("a", entry, [], *places)
    assert tree(places[0]) == INSIDE
    assert caplog.messages == ["the Kaggle client stopped (the connection broke); it goes on"] * 2


def test_a_client_that_calls_the_file_otherwise_is_told(bowl, places, client):
    client("open(folder + '/other.zip', 'w').close()")
    with pytest.raises(ConnectionError, match=r"ended well, but in .*is other\.zip, not bowl\.zip"):
        fetch("a", bowl[1], [], *places)


def test_how_far_the_client_is_goes_to_the_log(bowl, places, client, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(kaggle, "PERIOD_S", 0.2)
    client(f"import time\nshutil.copy({str(bowl[0])!r}, target)\ntime.sleep(0.7)")
    fetch("a", bowl[1], [], *places)
    size = bowl[0].stat().st_size
    assert f"bowl.zip: {size} bytes" in caplog.messages


def test_too_small_a_disk_is_told_before_the_download(bowl, places, client, monkeypatch):
    client("sys.exit('called')")
    free = SimpleNamespace(free=10**9)
    monkeypatch.setattr(checks, "shutil", SimpleNamespace(disk_usage=lambda _: free))
    match = r"what is unpacked alone needs 74\.0 GB at .*where 1\.0 GB are free: 73\.0 GB are miss"
    with pytest.raises(OSError, match=match):
        fetch("a", {**bowl[1], "unpacked_gb": 74}, [], *places)


def test_kaggle_s_own_client_goes_on_after_a_break(site, tmp_path, places, monkeypatch):
    """With the real client, which this web server is Kaggle for, by way of a proxy."""
    found = os.environ.get("CMRSEG_KAGGLE_CLIENT") or shutil.which("kaggle")
    if not found:
        pytest.skip("no Kaggle client: pip install kaggle six, or set CMRSEG_KAGGLE_CLIENT to one")
    monkeypatch.setenv("PATH", f"{Path(found).parent}:/usr/bin:/bin")
    settings = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": site.url, "no_proxy": ""}
    account = {"KAGGLE_USERNAME": "someone", "KAGGLE_KEY": "secret", "HOME": str(tmp_path)}
    for name, value in (settings | account).items():
        monkeypatch.setenv(name, value)
    noise = random.Random(1).randbytes(5_000_000)
    path = zipped(tmp_path / "packed.zip", [*INSIDE.items(), ("noise", noise)])
    site.files = {"/api/v1/competitions.CompetitionApiService/DownloadDataFiles": b"{}"}
    site.files["/bundle/archive.zip"] = path.read_bytes()
    size, broken = path.stat().st_size, 2**21
    site.tricks.extend([("to", "http://localhost/bundle/archive.zip?sig=1"), ("break", broken)])
    fetch("a", {**bowl_entry(path), "unpacked_gb": 0.01}, [], *places)
    assert tree(places[0]) == INSIDE | {"noise": noise}
    asked = [(range_, sent) for name, range_, sent in site.asked if name == "/bundle/archive.zip"]
    assert asked == [("", broken), (f"bytes={broken}-", size - broken)]


# -- what is declared ------------------------------------------------------------------------


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
            r"checksums\.tsv, a \.\./c: expected is a path within the source",
        ),
        (GOOD | {"path": "/c"}, r"a /c: expected is a path within the source"),
        (GOOD | {"path": ""}, r"a : expected is a path within the source"),
        (GOOD | {"path": "c", "size": "1kB"}, r"a c: size is '1kB', expected is a number of bytes"),
        (GOOD | {"path": "c", "sha256": "0123"}, r"a c: sha256 is '0123', expected are 64 hex"),
        (GOOD, r"a b/c\.txt: is there twice; keep one row"),
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
