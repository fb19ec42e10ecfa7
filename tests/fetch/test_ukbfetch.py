"""Bulk files of UK Biobank: a client that stands in for ukbfetch, and what is said without it."""

import json
import logging
import sys
import zipfile
from types import SimpleNamespace

import pytest

from cmrseg.fetch import ukbfetch
from cmrseg.fetch.sources import fetch
from source_places import own_places

places = pytest.fixture(own_places)
SECRET = "0123456789abcdef"
TWO = ("1000001", "1000002")
# What the client has: writes a zip file for each line of its batch file.
GIVES = """
for line in lines:
    eid, item = line.split()
    with zipfile.ZipFile(f"{eid}_{item}.zip", "w") as archive:
        archive.writestr("1.dcm", line)
"""


@pytest.fixture
def entry(tmp_path):
    """A source with a table of two participants and a key file."""
    (tmp_path / "key").write_text(f"98765\n{SECRET}\n")
    table = "subject\tsplit\n" + "".join(f"{eid}\ttest\n" for eid in TWO)
    (tmp_path / "ukbb.tsv").write_text(table)
    return {
        "kind": "ukbfetch",
        "subjects": str(tmp_path / "ukbb.tsv"),
        "key": str(tmp_path / "key"),
        "fields": [20209, 20210],
    }


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Puts a program called ukbfetch in place, written in Python; it notes how it is called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(ukbfetch, "sys", SimpleNamespace(executable=str(folder / "python")))
    calls = tmp_path / "calls"

    def write(text=GIVES):
        head = [f"#!{sys.executable}", "import json, os, pathlib, sys, zipfile"]
        head += ["batch = next(a[2:] for a in sys.argv if a.startswith('-b'))"]
        head += ["key = next(a[2:] for a in sys.argv if a.startswith('-a'))"]
        head += ["lines = pathlib.Path(batch).read_text().splitlines()"]
        head += [f"calls = open({str(calls)!r}, 'a')"]
        head += ["print(json.dumps([lines, key]), file=calls, flush=True)"]
        (folder / "ukbfetch").write_text("\n".join([*head, text]))
        (folder / "ukbfetch").chmod(0o755)

    def called():
        return [json.loads(line) for line in calls.read_text().splitlines()]

    write.called = called
    return write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


ALL = [f"{eid}_{field}_2_0.zip" for eid in TWO for field in (20209, 20210)]


def test_every_field_of_every_participant_is_asked_for_with_the_key_file(entry, places, client):
    client()
    fetch("a", entry, [], *places)
    assert names(places[0]) == ALL
    lines = [f"{eid} {field}_2_0" for eid in TWO for field in (20209, 20210)]
    assert client.called() == [[lines, entry["key"]]]
    with zipfile.ZipFile(places[0] / ALL[1]) as archive:
        assert archive.read("1.dcm") == b"1000001 20210_2_0"
    assert names(places[1]) == ["files"]


def test_fields_and_visit_have_defaults_and_a_table_may_name_another_visit(tmp_path):
    table = tmp_path / "ukbb.tsv"
    table.write_text("subject\tstudy\tseries\nfirst\t1000001\t\nlater\tfolder/1000001\t3_0\n")
    assert ukbfetch.wanted_files("a", {"subjects": str(table)}) == [
        *(f"1000001_{field}_2_0" for field in (20208, 20209, 20210)),
        *(f"1000001_{field}_3_0" for field in (20208, 20209, 20210)),
    ]
    entry = {"subjects": str(table), "instance": "4_0", "fields": [20211]}
    assert ukbfetch.wanted_files("a", entry) == ["1000001_20211_4_0", "1000001_20211_3_0"]


def test_what_is_there_is_not_fetched_again(entry, places, client):
    client()
    (places[1] / "files").mkdir(parents=True)
    with zipfile.ZipFile(places[1] / "files" / ALL[0], "w") as archive:
        archive.writestr("own", b"")
    fetch("a", entry, [], *places)
    assert names(places[0]) == ALL
    assert client.called()[0][0] == [name[:7] + " " + name[8:-4] for name in ALL[1:]]


def test_a_client_that_breaks_is_started_again_and_halves_are_fetched_anew(entry, places, client):
    broken = (
        "eid, item = lines[0].split()\n"
        "with zipfile.ZipFile(f'{eid}_{item}.zip', 'w') as archive:\n"
        "    archive.writestr('1.dcm', 'x')\n"
        "if len(lines) > 1:\n"
        "    name = '_'.join(lines[1].split()) + '.zip'\n"
        "    open(name, 'wb').write(b'PK\\x03\\x04 cut short')\n"
        "    sys.exit('the connection broke')\n"
    )
    client(broken)
    fetch("a", entry, [], *places)
    assert names(places[0]) == ALL
    assert [len(lines) for lines, _ in client.called()] == [4, 3, 2, 1]
    for name in ALL:
        assert zipfile.is_zipfile(places[0] / name)


def test_whole_files_of_a_killed_run_are_kept(entry, places, client):
    client()
    (places[1] / "client").mkdir(parents=True)
    with zipfile.ZipFile(places[1] / "client" / ALL[2], "w") as archive:
        archive.writestr("own", b"")
    (places[1] / "client" / ALL[3]).write_bytes(b"half")
    fetch("a", entry, [], *places)
    assert len(client.called()[0][0]) == 3
    with zipfile.ZipFile(places[0] / ALL[2]) as archive:
        assert archive.namelist() == ["own"]


def test_many_files_are_asked_for_in_parts(entry, places, client, monkeypatch):
    monkeypatch.setattr(ukbfetch, "LINES", 3)
    client()
    fetch("a", entry, [], *places)
    assert [len(lines) for lines, _ in client.called()] == [3, 1]


LACKS = "lines = [line for line in lines if '1000002 20210' not in line]" + GIVES


def test_files_that_are_not_there_end_the_fetch_unless_some_may_be_missing(entry, places, client):
    client(LACKS + "\nprint('no such file')")
    match = (
        r"source a: 1 of 4 files were not fetched \(1000002_20210_2_0\); the client's last words: "
        r"no such file\. .*raise max_missing_fraction"
    )
    with pytest.raises(ConnectionError, match=match):
        fetch("a", entry, [], *places)
    assert not places[0].exists()
    assert len(client.called()) == 3
    fetch("a", entry | {"max_missing_fraction": 0.25}, [], *places)
    assert names(places[0]) == [*ALL[:3], "missing.txt"]
    assert (places[0] / "missing.txt").read_text() == "1000002_20210_2_0\n"


def test_a_client_that_gives_nothing_at_all_fails_whatever_may_be_missing(entry, places, client):
    client("sys.exit('not authorised')")
    with pytest.raises(ConnectionError, match=r"4 of 4 files .* last words: not authorised"):
        fetch("a", entry | {"max_missing_fraction": 1}, [], *places)


def test_nothing_of_the_key_file_is_told(entry, places, client, caplog):
    caplog.set_level(logging.DEBUG)
    client(
        "words = pathlib.Path(key).read_text().split()\n"
        "sys.exit(' '.join(['key', *words, words[1][:10], 'is wrong']))"
    )
    with pytest.raises(ConnectionError, match=r"key \*\*\* \*\*\* \*\*\* is wrong") as error:
        fetch("a", entry, [], *places)
    for secret in ("98765", SECRET, SECRET[:10]):
        assert secret not in str(error.value) + caplog.text


@pytest.mark.parametrize("content", [None, ""])
def test_without_a_key_file_nothing_is_asked_for(entry, places, client, tmp_path, content):
    client()
    (tmp_path / "key").unlink() if content is None else (tmp_path / "key").write_text(content)
    match = "source a: no key file of UK Biobank at .*key; .* Nothing is asked for without it"
    with pytest.raises(PermissionError, match=match):
        fetch("a", entry, [], *places)
    assert not (tmp_path / "calls").exists()


def test_without_a_client_the_error_says_what_to_do(entry, places, client):
    match = "source a: the client ukbfetch of UK Biobank was not found. Download ukbfetch"
    with pytest.raises(FileNotFoundError, match=match):
        fetch("a", entry, [], *places)
    with pytest.raises(FileNotFoundError, match="the client /elsewhere/ukbfetch of UK Biobank"):
        fetch("a", entry | {"program": "/elsewhere/ukbfetch"}, [], *places)


def test_tables_that_name_no_participants_are_refused(entry, tmp_path):
    def told(table):
        (tmp_path / "ukbb.tsv").write_text(table)
        with pytest.raises(ValueError, match="source a: ") as error:
            ukbfetch.wanted_files("a", entry)
        return str(error.value)

    assert "has study 'p1', expected an eid of UK Biobank (7 digits)" in told("subject\np1\n")
    assert "has no column subject" in told("eid\n1000001\n")
    with pytest.raises(FileNotFoundError, match=r"a: no subject table .*none\.tsv; write one"):
        ukbfetch.wanted_files("a", {"subjects": str(tmp_path / "none.tsv")})


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"fields": []}, r"fields is \[\], expected are numbers"),
        ({"fields": ["20209"]}, r"fields is \['20209'\], expected are numbers"),
        ({"instance": "2"}, "instance is '2', expected is one such as 2_0"),
        ({"max_missing_fraction": 2}, "max_missing_fraction is 2, expected 0 to 1"),
        ({"url": "https://a.org"}, "kind ukbfetch knows no url"),
    ],
)
def test_a_wrong_entry_is_named(entry, places, wrong, match):
    with pytest.raises(ValueError, match=match):
        fetch("a", entry | wrong, [], *places)
