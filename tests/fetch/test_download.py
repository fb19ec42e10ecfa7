import errno
import hashlib
import io
import json
import logging
import random
from types import SimpleNamespace

import pytest
import requests

import cmrseg.fetch.download as module
from cmrseg import progress
from cmrseg.fetch import checks
from cmrseg.fetch.download import download
from cmrseg.progress import Progress, readable
from loopback import served

# Larger than a chunk and than what a socket holds, so that a break is seen half way.
CONTENT = random.Random(1).randbytes(3_000_000)
# Breaks are at the ends of chunks here: what is lost of a chunk is fetched again.
BREAK = 16 * module.CHUNK_BYTES
REST = len(CONTENT) - BREAK
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site():
    with served() as site:
        site.files["/a.bin"] = CONTENT
        yield site


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses that were asked for, none of which is made."""
    asked: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=asked.append))
    return asked


def get(site, path, name="/a.bin", **expected):
    with requests.Session() as session:
        session.trust_env = False
        download(session, site.url + name, path, **expected)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_its_folder_is_made(site, tmp_path):
    path = tmp_path / "sub/a.bin"
    get(site, path, size_bytes=len(CONTENT), sha256=SHA256)
    assert path.read_bytes() == CONTENT
    get(site, path, size_bytes=len(CONTENT), sha256=SHA256)
    assert site.sent() == [len(CONTENT)]
    assert names(path.parent) == ["a.bin"]


def test_many_files_come_over_one_connection(site, tmp_path):
    ports = set()
    with requests.Session() as session:
        session.trust_env = False

        def note(response, **_):
            ports.add(response.raw.connection.sock.getsockname()[1])

        session.hooks["response"].append(note)
        for i in range(30):
            site.files[f"/{i}.txt"] = b"%d" % i
            download(session, f"{site.url}/{i}.txt", tmp_path / f"{i}.txt")
    assert len(names(tmp_path)) == 30
    assert len(ports) == 1


def test_an_empty_file_is_a_file(site, tmp_path):
    site.files["/empty"] = b""
    get(site, tmp_path / "empty", "/empty", size_bytes=0, sha256=hashlib.sha256(b"").hexdigest())
    assert (tmp_path / "empty").read_bytes() == b""


# -- breaks ----------------------------------------------------------------------------------


def test_a_broken_connection_goes_on_where_it_broke(site, tmp_path, pauses):
    site.tricks.extend([("break", BREAK), ("break", BREAK)])
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [asked for _, asked, _ in site.asked] == ["", f"bytes={BREAK}-", f"bytes={2 * BREAK}-"]
    # Each byte once.
    assert site.sent() == [BREAK, BREAK, REST - BREAK]
    assert pauses == [1, 1]
    assert names(tmp_path) == ["a.bin"]


def test_of_a_chunk_that_broke_all_is_fetched_again(site, tmp_path, pauses):
    site.tricks.append(("break", BREAK + 1000))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert site.sent() == [BREAK + 1000, REST]


def test_a_later_run_goes_on_where_an_earlier_one_stopped(site, tmp_path, pauses, monkeypatch):
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    site.tricks.append(("break", BREAK))
    with pytest.raises(ConnectionError, match=r"a\.bin: the connection broke .*1\.0 MB are kept"):
        get(site, tmp_path / "a.bin", sha256=SHA256)
    assert names(tmp_path) == ["a.bin.part", "a.bin.part.json"]
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.sent() == [BREAK, REST]


def test_a_run_that_stopped_before_the_check_asks_for_nothing(site, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    state = {"url": f"{site.url}/a.bin", "validator": '"1"', "total_bytes": len(CONTENT)}
    (tmp_path / "a.bin.part.json").write_text(json.dumps(state))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert site.asked == []
    assert names(tmp_path) == ["a.bin"]


def test_a_file_that_changed_between_attempts_is_not_glued_together(site, tmp_path, monkeypatch):
    site.tricks.append(("break", BREAK))
    new = CONTENT[::-1]

    def change(_):
        site.files["/a.bin"] = new

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=change))
    get(site, tmp_path / "a.bin", sha256=hashlib.sha256(new).hexdigest())
    assert site.sent() == [BREAK, len(CONTENT)]
    assert [asked for _, asked, _ in site.asked] == ["", f"bytes={BREAK}-"]


def test_bytes_of_another_address_are_not_gone_on_with(site, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(b"x" * 1000)
    state = {"url": f"{site.url}/b.bin", "validator": '"1"', "total_bytes": None}
    (tmp_path / "a.bin.part.json").write_text(json.dumps(state))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert site.sent() == [len(CONTENT)]


@pytest.mark.parametrize("tag", ["", 'W/"{hash}"'])
def test_without_a_name_of_the_version_it_starts_anew(site, tmp_path, pauses, tag):
    site.tag = tag
    site.tricks.append(("break", BREAK))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert [asked for _, asked, _ in site.asked] == ["", ""]


def test_a_date_names_the_version_where_there_is_no_tag(site, tmp_path, pauses):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    site.tag = 'W/"{hash}"'
    site.date = date
    site.tricks.append(("break", BREAK))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert site.sent() == [BREAK, REST]


def test_a_server_without_range_starts_anew(site, tmp_path, pauses):
    site.ranges = False
    site.tricks.append(("break", BREAK))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.sent() == [BREAK, len(CONTENT)]


def test_a_server_that_always_breaks_at_the_same_byte_is_given_up(site, tmp_path, pauses):
    site.ranges = False
    site.tricks.extend([("break", BREAK)] * 20)
    with pytest.raises(ConnectionError, match="6 times in a row; check the connection"):
        get(site, tmp_path / "a.bin", sha256=SHA256)
    # The first one gained its bytes, six more gained none.
    assert len(site.asked) == 6
    assert pauses == [1, 2, 4, 8, 16]


def test_a_server_with_fewer_bytes_than_are_here_is_asked_for_all(site, tmp_path, pauses):
    (tmp_path / "a.bin.part").write_bytes(CONTENT + b"more")
    tag = site.tag.format(hash=SHA256[:8])
    state = {"url": f"{site.url}/a.bin", "validator": tag, "total_bytes": None}
    (tmp_path / "a.bin.part.json").write_text(json.dumps(state))
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert [asked for _, asked, _ in site.asked] == ["bytes=3000004-", ""]


def test_other_bytes_than_asked_for_are_thrown_away(site, tmp_path, pauses):
    headers = {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"}
    site.tricks.extend([("break", BREAK), ("headers", headers)])
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert [asked for _, asked, _ in site.asked] == ["", f"bytes={BREAK}-", ""]


# -- what servers say ------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_and_as_late_as_it_wants(site, tmp_path, pauses):
    site.tricks.extend([503, 502, 429])
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert pauses == [1, 2, 4]
    assert site.sent() == [0, 0, 0, len(CONTENT)]
    site.tricks.append(("hang", 0))
    (tmp_path / "a.bin").unlink()
    response = requests.Response()
    response.status_code, response.url, response.reason = 503, site.url, "Busy"
    for asked_s, pause_s in [("20", 20), ("999999", 300), ("tomorrow", 0)]:
        response.headers["Retry-After"] = asked_s
        with pytest.raises(module._Broken, match="responded 503 Busy") as broken:
            module._check_answer(response, site.url)
        assert broken.value.pause_s == pause_s


def test_an_absent_file_is_no_matter_of_patience(site, tmp_path, pauses):
    with pytest.raises(
        ConnectionError, match=r"/b\.bin: the server responded 404 .*was the file moved"
    ):
        get(site, tmp_path / "b.bin", "/b.bin")
    assert (pauses, names(tmp_path)) == ([], [])


def test_a_server_that_is_silent_is_left(site, tmp_path, pauses, monkeypatch):
    monkeypatch.setattr(module, "READ_S", 0.2)
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    # Far longer than any test: it is left, or this test never ends.
    site.tricks.extend([("hang", 3600), ("hang", 3600)])
    with pytest.raises(ConnectionError, match=r"connection broke .*timed out"):
        get(site, tmp_path / "a.bin")
    assert pauses == [1]


def test_a_host_that_is_not_there_is_given_up_in_a_sentence(site, tmp_path, pauses):
    site.url = "http://127.0.0.1:9"  # the port of discard, which nobody serves
    with pytest.raises(ConnectionError, match=r"connection broke .*refused.*6 times in a row"):
        get(site, tmp_path / "a.bin")
    assert len(pauses) == 5


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/a.bin"])
def test_a_redirect_out_of_the_web_is_refused(site, tmp_path, address):
    site.tricks.append(("to", address))
    with pytest.raises(ConnectionError, match="No connection adapters"):
        get(site, tmp_path / "a.bin")
    assert names(tmp_path) == []


def test_a_redirect_is_followed_but_not_to_a_less_safe_place(site, tmp_path):
    site.files["/b.bin"] = b"b"
    site.tricks.append(("to", f"{site.url}/b.bin"))
    get(site, tmp_path / "a.bin", size_bytes=1)
    assert (tmp_path / "a.bin").read_bytes() == b"b"
    response = requests.Response()
    response.status_code, response.url = 200, "http://example.org/a"
    with pytest.raises(ConnectionError, match=r"leads to http://example\.org/a, which is less"):
        module._check_answer(response, "https://example.org/a")


def test_no_file_of_this_machine_is_fetched(tmp_path):
    with pytest.raises(ConnectionError, match="No connection adapters"):
        download(requests.Session(), "file:///etc/hostname", tmp_path / "a")


def test_bytes_that_were_compressed_on_the_way_are_refused(site, tmp_path):
    site.tricks.append(("headers", {"Content-Encoding": "gzip"}))
    with pytest.raises(ConnectionError, match="sends gzip, expected the plain file"):
        get(site, tmp_path / "a.bin")


# -- checks ----------------------------------------------------------------------------------


def test_a_wrong_checksum_is_told_and_the_file_kept_aside(site, tmp_path):
    wrong = "0" * 64
    with pytest.raises(ValueError, match="not the expected file") as error:
        get(site, tmp_path / "a.bin", sha256=wrong)
    for said in (str(tmp_path / "a.bin"), f"{site.url}/a.bin", SHA256, wrong, "a.bin.bad"):
        assert said in str(error.value)
    assert "enter its size and checksum in resources/checksums.tsv" in str(error.value)
    assert names(tmp_path) == ["a.bin.bad"]
    assert (tmp_path / "a.bin.bad").read_bytes() == CONTENT


def test_the_first_digits_of_a_checksum_are_checked(site, tmp_path):
    get(site, tmp_path / "a.bin", sha256=SHA256[:8])
    with pytest.raises(ValueError, match=f"sha256 is {SHA256} instead of 00000000"):
        get(site, tmp_path / "b.bin", sha256="00000000")


def test_without_a_checksum_the_log_says_what_came(site, tmp_path, caplog):
    get(site, tmp_path / "a.bin", size_bytes=len(CONTENT))
    assert f"the fetched file has sha256 {SHA256}" in caplog.text


def test_a_wrong_size_is_told_before_it_is_fetched(site, tmp_path):
    with pytest.raises(ValueError, match="server has 3000000 bytes, expected are 3000001"):
        get(site, tmp_path / "a.bin", size_bytes=3_000_001)
    assert names(tmp_path) == []


def test_a_body_without_end_is_left(site, tmp_path):
    # Without a length nothing but the bytes tells how many there are.
    site.files["/a.bin"] = b""
    chunks = b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
    site.tricks.append(("headers", {"Transfer-Encoding": "chunked", "Content-Length": ""}))
    site.files["/a.bin"] = chunks
    with pytest.raises(ValueError, match=r"it has \d+ bytes instead of 1000"):
        get(site, tmp_path / "a.bin", size_bytes=1000)
    assert names(tmp_path) == ["a.bin.bad"]


def test_a_wrong_file_under_the_final_name_is_put_aside_and_fetched(site, tmp_path, caplog):
    (tmp_path / "a.bin").write_bytes(b"old")
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert (tmp_path / "a.bin.bad").read_bytes() == b"old"
    assert "fetching it again, the old one is kept as a.bin.bad" in caplog.text


# -- full disks ------------------------------------------------------------------------------


def test_a_full_disk_leaves_what_came_and_says_what_is_missing(site, tmp_path, monkeypatch):
    room = 1_200_000

    class SmallDisk(io.FileIO):
        def write(self, content):
            left = room - self.tell()
            if left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content[:left])  # as disks do: what fits is taken

    def small_disk(path, mode, buffering):
        assert buffering == 0
        return SmallDisk(path, mode)

    monkeypatch.setattr(module, "open", small_disk, raising=False)
    with pytest.raises(OSError, match=r"a\.bin\.part: the disk is full, 1\.8 MB are") as error:
        get(site, tmp_path / "a.bin", sha256=SHA256)
    assert error.value.errno == errno.ENOSPC
    assert names(tmp_path) == ["a.bin.part", "a.bin.part.json"]
    monkeypatch.undo()
    get(site, tmp_path / "a.bin", sha256=SHA256)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [asked for _, asked, _ in site.asked] == ["", "bytes=1200000-"]


def test_a_disk_that_is_too_small_is_told_before_it_is_full(site, tmp_path, monkeypatch):
    free = checks.shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: free)
    with pytest.raises(OSError, match=r"a\.bin\.part needs 3\.0 MB .*2\.0 MB are missing"):
        get(site, tmp_path / "a.bin")
    assert (names(tmp_path), len(site.asked)) == ([], 1)


# -- progress --------------------------------------------------------------------------------


def test_progress_is_told_by_time_and_by_tenths(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    now = iter([0, 1, 6, 7, 37])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    counted = Progress("a", 1000)
    counted.add(500)  # half, but within a second
    counted.add(100)
    counted.add(10)
    counted.add(10)  # little, but 31 s later
    assert caplog.messages == ["a: 60% of 1.0 kB, 100 bytes/s", "a: 62% of 1.0 kB, 1 bytes/s"]


def test_progress_without_an_end_tells_what_came(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    now = iter([0, 40])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    Progress("a", None).add(80_000_000)
    assert caplog.messages == ["a: 80.0 MB, 2.0 MB/s"]


def test_bytes_are_readable():
    sizes = [0, 999, 1000, 32_598_464, 74e9]
    assert [readable(n) for n in sizes] == ["0 bytes", "999 bytes", "1.0 kB", "32.6 MB", "74.0 GB"]
