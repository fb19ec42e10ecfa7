"""Sources of a Kaggle competition: the archive, its client, and what to do without them."""

import logging
import os
import random
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_unpack import tree, zipped

from cmrseg.fetch import checks, kaggle
from cmrseg.fetch.sources import fetch
from source_places import own_places, own_site, sha

BOWL = "bowl.zip"
INSIDE = {"train/train/1/study/sax_5/IM-1-0001.dcm": b"dcm", "train.csv": b"Id,Systole\n1,2\n"}

site = pytest.fixture(own_site)
places = pytest.fixture(own_places)


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
    with pytest.raises(
        ValueError, match=r"lacks train/train/1/.*top are train, train\.csv; arrange"
    ):
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
    with pytest.raises(
        FileNotFoundError, match=r"source a: the Kaggle client .* was not found"
    ) as error:
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
    match = r"cannot resume: 403 for url: https://a\.org/b\.zip with \*\*\* and \*\*\*\. 1 bytes"
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
    assert caplog.messages == ["the Kaggle client stopped (the connection broke); resuming"] * 2


def test_a_client_that_calls_the_file_otherwise_is_told(bowl, places, client):
    client("open(folder + '/other.zip', 'w').close()")
    with pytest.raises(ConnectionError, match=r"ended well, but in .*is other\.zip, not bowl\.zip"):
        fetch("a", bowl[1], [], *places)


def test_how_far_the_client_is_goes_to_the_log(bowl, places, client, monkeypatch, caplog, tmp_path):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(kaggle, "PERIOD_S", 0.1)
    line, seen = f"bowl.zip: {bowl[0].stat().st_size} bytes", tmp_path / "seen"

    def look(record):
        if record.getMessage() == line:
            seen.touch()
        return True

    # The client ends once this is told, or never.
    monkeypatch.setattr(caplog.handler, "filters", [look])
    waits = f"while not os.path.exists({str(seen)!r}):\n    time.sleep(0.01)"
    client(f"import time\nshutil.copy({str(bowl[0])!r}, target)\n{waits}")
    fetch("a", bowl[1], [], *places)
    assert line in caplog.messages


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
