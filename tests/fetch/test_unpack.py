import errno
import stat
import struct
import zipfile
from types import SimpleNamespace

import pytest

import cmrseg.fetch.unpack as module
from cmrseg.fetch import checks
from cmrseg.fetch.unpack import unpack, unpack_nested

MOST_BYTES = 10**6


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    """A zip file of (name or ZipInfo, content) pairs."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(tmp_path, match, most_bytes=MOST_BYTES):
    """A zip file at a.zip is refused, and nothing of it is left or written elsewhere."""
    before = tree(tmp_path)
    with pytest.raises(ValueError, match=match):
        unpack(tmp_path / "a.zip", tmp_path / "out/a", most_bytes)
    assert not (tmp_path / "out/a").exists()
    assert tree(tmp_path) == before


def test_an_archive_s_files_come_out_as_they_went_in(tmp_path):
    members = {"a.txt": b"a" * 1000, "b/c/d.txt": b"d", "b/e.txt": b"", "./f.txt": b"f"}
    zipped(tmp_path / "a.zip", [("b/", b""), ("empty/", b""), *members.items()])
    assert unpack(tmp_path / "a.zip", tmp_path / "out", MOST_BYTES) == 1002
    members["f.txt"] = members.pop("./f.txt")
    assert tree(tmp_path / "out") == members
    assert not (tmp_path / "out/empty").exists()


def test_permissions_are_not_taken_from_the_archive(tmp_path):
    member = zipfile.ZipInfo("run.sh")
    member.external_attr = (stat.S_IFREG | 0o6777) << 16
    zipped(tmp_path / "a.zip", [(member, b"#!/bin/sh")])
    unpack(tmp_path / "a.zip", tmp_path / "out", MOST_BYTES)
    assert (tmp_path / "out/run.sh").stat().st_mode & 0o7111 == 0


# -- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/cmrseg", "has an absolute path"),
        ("C:/cmrseg", "has an absolute path"),
        ("../out.txt", "leads out of its folder"),
        ("a/../../out.txt", "leads out of its folder"),
        ("a\\..\\out.txt", "has a name that is none"),
        (".", "has a name that is none"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name, why):
    zipped(tmp_path / "a.zip", [("good.txt", b"good"), (name, b"bad")])
    refused(tmp_path, rf"a\.zip: member '.*' {why}; refused")


def test_a_name_that_goes_on_behind_a_zero_is_refused(tmp_path):
    zipped(tmp_path / "a.zip", [("good.txtX/../x", b"bad")])
    content = (tmp_path / "a.zip").read_bytes().replace(b"txtX/../x", b"txt\0/aa/x")
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, r"good\.txt.*has a name that is none")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (stat.S_IFLNK, "is a link"),
        (stat.S_IFCHR, "is a device"),
        (stat.S_IFBLK, "is a device"),
        (stat.S_IFIFO, "is a pipe"),
        (stat.S_IFSOCK, "is a socket"),
        (0o150000, "is no file"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path, kind, why):
    member = zipfile.ZipInfo("link")
    member.external_attr = (kind | 0o777) << 16
    zipped(tmp_path / "a.zip", [(member, b"/etc/passwd")])
    refused(tmp_path, rf"member 'link' {why}; refused")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["a/b.txt", "a/./b.txt", "./a/b.txt"])
def test_a_name_that_is_there_twice_is_refused(tmp_path, twin):
    zipped(tmp_path / "a.zip", [("a/b.txt", b"1"), (twin, b"2")])
    refused(tmp_path, r"b\.txt' is there twice; refused")


@pytest.mark.parametrize("members", [["a", "a/b"], ["a/b", "a"], ["a", "a/"]])
def test_a_file_that_is_a_folder_too_is_refused(tmp_path, members):
    zipped(tmp_path / "a.zip", [(name, b"") for name in members])
    refused(tmp_path, "member 'a' is a file and a folder; refused")


def test_encrypted_files_are_refused(tmp_path):
    zipped(tmp_path / "a.zip", [("a.txt", b"a")])
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # general purpose flags of the directory
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, r"member 'a\.txt' is encrypted; refused")


# -- damage ----------------------------------------------------------------------------------


def test_a_member_whose_bytes_changed_is_named(tmp_path):
    stored = zipfile.ZIP_STORED
    zipped(tmp_path / "a.zip", [("a.txt", b"aaaa"), ("b.txt", b"bbbb")], stored)
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"bbbb", b"bbbc"))
    refused(tmp_path, r"a\.zip: member 'b\.txt' is damaged \(Bad CRC-32.*fetch it again")


def test_a_member_that_cannot_be_inflated_is_named(tmp_path):
    zipped(tmp_path / "a.zip", [("a.txt", bytes(range(256)) * 4)])
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[30 + len("a.txt")] = 0xFF  # first byte of the packed content: a block of no known kind
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, r"member 'a\.txt' is damaged")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_file_that_is_no_zip_file_is_named(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, r"a\.zip: not a zip file, or truncated")


def test_an_archive_that_was_cut_short_is_named(tmp_path):
    zipped(tmp_path / "a.zip", [("a.txt", b"a" * 100)])
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    refused(tmp_path, r"a\.zip: not a zip file, or truncated")


# -- bombs -----------------------------------------------------------------------------------


def test_more_than_what_is_expected_is_refused(tmp_path):
    zipped(tmp_path / "a.zip", [("a", b"12345"), ("b", b"67890")], zipfile.ZIP_STORED)
    assert unpack(tmp_path / "a.zip", tmp_path / "ten", 10) == 10
    refused(tmp_path, "holds 10 bytes, at most 9 bytes are expected", most_bytes=9)


def test_an_archive_that_grows_too_much_is_refused(tmp_path):
    zipped(tmp_path / "a.zip", [("zeros", bytes(500_000))])
    refused(tmp_path, r"bytes would become 500\.0 kB, more than 200 times as much")


def test_a_member_that_is_longer_than_it_says_is_refused(tmp_path):
    zipped(tmp_path / "a.zip", [("a.txt", b"a" * 1000)])
    content = (tmp_path / "a.zip").read_bytes().replace(struct.pack("<I", 1000), b"\x05\0\0\0")
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, r"member 'a\.txt' is damaged \(Bad CRC-32")


# -- disks -----------------------------------------------------------------------------------


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    zipped(tmp_path / "a.zip", [("a.txt", b"a" * 100)])
    free = SimpleNamespace(free=1000)
    monkeypatch.setattr(checks, "shutil", SimpleNamespace(disk_usage=lambda _: free))
    with pytest.raises(OSError, match=r"unpacking .*a\.zip needs 4\.2 kB .*3\.2 kB are missing"):
        unpack(tmp_path / "a.zip", tmp_path / "out", MOST_BYTES)
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    zipped(tmp_path / "a.zip", [("a.txt", b"a" * 100), ("b.txt", b"b" * 50)])
    copy = module.shutil.copyfileobj

    def full(packed, file, length):
        if file.name.endswith("b.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(packed, file, length)

    monkeypatch.setattr(module.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"b\.txt: the disk is full, 50 bytes of .* still") as error:
        unpack(tmp_path / "a.zip", tmp_path / "out", MOST_BYTES)
    assert error.value.errno == errno.ENOSPC
    assert not (tmp_path / "out").exists()


# -- zip files in zip files ------------------------------------------------------------------


def test_nested_archives_are_unpacked_beside_themselves(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    zipped(folder / "train.zip", [("train/1/a.dcm", b"1")])
    zipped(folder / "train.csv.zip", [("train.csv", b"Id")])
    zipped(folder / "flat.zip", [("1/a.dcm", b"2"), ("flat", b"3")])
    zipped(folder / "deep.zip", [("in.zip", b"stays as it is")])
    assert unpack_nested(folder, MOST_BYTES) == 1 + 2 + 2 + 14
    assert tree(folder) == {
        "train/train/1/a.dcm": b"1",
        "train.csv": b"Id",
        "flat/1/a.dcm": b"2",
        "flat/flat": b"3",
        "deep/in.zip": b"stays as it is",
    }


def test_nested_archives_share_what_may_come_out(tmp_path):
    for name in "ab":
        zipped(tmp_path / f"{name}.zip", [(name, b"12345")], zipfile.ZIP_STORED)
    with pytest.raises(ValueError, match=r"b\.zip: holds 5 bytes, at most 4 bytes are expected"):
        unpack_nested(tmp_path, 9)


def test_a_nested_archive_does_not_overwrite(tmp_path):
    zipped(tmp_path / "train.zip", [("a", b"1")])
    (tmp_path / "train").mkdir()
    with pytest.raises(FileExistsError, match=r"train\.zip: cannot be unpacked to .*train, which"):
        unpack_nested(tmp_path, MOST_BYTES)
