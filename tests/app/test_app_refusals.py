"""What the app refuses: files, requests and messages."""

import os
import pickle
import re
import socket
import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app.session import PREFIX
from app_server import (
    Visitor,
    cine_of,
    heart,
    mouse,
    nifti,
    packed,
)

# A name whose first character turns round how the others are shown.
LONG = "\u202e" + 1000 * "long"


def damaged(folder: Path, kind: str) -> Path:
    """A file that is not what its name says, or worse."""
    good = nifti(folder, name="good.nii.gz").read_bytes()
    link = zipfile.ZipInfo("passwd.nii.gz")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zips = {
        "escape.zip": {"../../evil.nii.gz": good},
        "absolute.zip": {"/tmp/evil.nii.gz": good},
        "long.zip": {f"/{LONG}": good},
        "link.zip": {link: b"/etc/passwd"},
        "bomb.zip": {"a.nii": bytes(20_000_000)},
        "two.zip": {"a.nii.gz": good, "b.nii.gz": good},
        "empty.zip": {},
        "pickle.zip": {"model.pkl": pickle.dumps(os.getcwd), "a.npy": b"\x93NUMPY"},
        "nested.zip": {"inner.zip": b"PK\x05\x06" + bytes(18)},
    }
    path = folder / kind
    if kind in zips:
        return packed(path, zips[kind])
    if kind == "infinite.nii.gz":
        cine = cine_of(heart())
        voxels = cine.voxels.astype(np.float32)
        voxels[0, 0, 0, 0] = np.nan
        cine.like(voxels).save(path)
        return path
    contents = {
        "noise.nii": bytes(range(256)) * 8,
        "noise.nii.gz": b"no gzip at all",
        "cut.nii.gz": good[: len(good) // 2],
        "noise.zip": b"no zip at all",
        "noise.h5": b"no HDF5 at all",
    }
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("noise.nii", "not a readable NIfTI"),
        ("noise.nii.gz", "not a readable NIfTI"),
        ("cut.nii.gz", "not a readable NIfTI"),
        ("infinite.nii.gz", "1 voxels are not finite"),
        ("noise.zip", "not a zip file, or truncated"),
        ("noise.h5", "not a readable HDF5 file"),
        ("escape.zip", "leads out of its folder; refused"),
        ("absolute.zip", "has an absolute path; refused"),
        ("long.zip", f"member '/\\u202e{'long' * 12}...ng{'long' * 12}' has an absolute path"),
        ("link.zip", "is a link; refused"),
        ("bomb.zip", "refused"),
        ("two.zip", "contains 2 NIfTI or HDF5 files; include only the short-axis cine"),
        ("empty.zip", "contains no files"),
        ("pickle.zip", "No images: no MR image among the files of pickle; the first, a.npy: no"),
        ("nested.zip", "No images: no image file in nested."),
    ],
)
def test_a_wrong_or_damaged_file_gets_a_sentence(app, visitor, tmp_path, kind, sentence):
    state = visitor.upload(damaged(tmp_path, kind))
    assert sentence in state["fault"]
    assert state["image"] is None
    for word in ("Traceback", str(tmp_path), PREFIX, "received/", "unpacked/"):
        assert word not in state["fault"]
    (session,) = app[1].all()
    assert list(session.folder.iterdir()) == []
    # and the page goes on
    assert visitor.upload(nifti(tmp_path))["fault"] == ""


@pytest.mark.parametrize("name", ["notes.txt", "cine.pkl", "", "a.nii.gz.exe", "../../etc/passwd"])
def test_other_files_are_refused_by_their_names(visitor, name):
    status, answer = visitor.talk("PUT", f"/images?name={name}", b"x")
    assert status == 415
    assert (
        "choose a NIfTI (.nii.gz, .nii) or HDF5 file (.h5, .hdf5), or a .zip of DICOM"
        in answer["fault"]
    )
    assert visitor.talk("GET", "/state")[1]["busy"] is False


def test_an_empty_file_is_refused(visitor):
    status, answer = visitor.talk("PUT", "/images?name=a.nii", b"")
    assert (status, answer["fault"]) == (400, "The file is empty.")


def raw(port: int, text: str, then: bytes = b"") -> bytes:
    """What the server answers to bytes as they are, until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode() + then)
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


def head(visitor: Visitor, path: str, more: str, verb: str = "PUT") -> str:
    host = f"127.0.0.1:{visitor.port}"
    return (
        f"{verb} {visitor.base}{path} HTTP/1.1\nHost: {host}\nOrigin: http://{host}\n"
        f"Cookie: {visitor.cookie}\n{more}\n\n"
    )


def test_too_large_an_upload_is_refused_before_it_is_sent(app, visitor):
    answer = raw(app[0], head(visitor, "/images?name=a.nii", "Content-Length: 3000001"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 3.0 MB, the limit" in answer
    assert b"connection: close" in answer.lower()


def test_an_upload_that_does_not_say_its_size_ends_at_the_limit(app, visitor):
    chunks = (b"100000\r\n" + bytes(2**20) + b"\r\n") * 4 + b"0\r\n\r\n"
    text = head(visitor, "/images?name=a.nii", "Transfer-Encoding: chunked")
    assert b"413" in raw(app[0], text, chunks)[:20]
    assert visitor.settled()["image"] is None
    (session,) = app[1].all()
    assert list(session.folder.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(app, visitor):
    with socket.create_connection(("127.0.0.1", app[0])) as connection:
        text = head(visitor, "/images?name=a.nii", "Content-Length: 2000000")
        connection.sendall(text.replace("\n", "\r\n").encode() + bytes(100_000))
        while not visitor.talk("GET", "/state")[1]["busy"]:
            time.sleep(0.01)
        assert visitor.talk("PUT", "/images?name=b.nii", b"x")[0] == 409
    assert visitor.settled()["image"] is None
    (session,) = app[1].all()
    assert list(session.folder.iterdir()) == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "", "[::1]"])
def test_other_names_of_this_machine_are_refused(app, host):
    visitor = Visitor(app[0])
    for verb, path in (("GET", "/"), ("POST", "/api/open")):
        status, content = visitor.ask(verb, path, {}, Host=host.format(port=app[0]))
        assert status == 403
        assert b"Open this app only at the address printed in the terminal" in content
    assert "set-cookie" not in visitor.headers


@pytest.mark.parametrize("host", ["localhost", "[::1]", "LOCALHOST"])
def test_names_of_loopback_are_answered(app, host):
    assert Visitor(app[0]).ask("GET", "/", Host=f"{host}:{app[0]}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    ],
)
def test_pages_of_other_sites_are_refused(app, visitor, headers):
    headers = {name: value.format(port=app[0]) for name, value in headers.items()}
    for path in ("/api/open", f"{visitor.base}/close", f"{visitor.base}/label"):
        status, content = visitor.ask("POST", path, {}, **headers)
        assert (status, b"Pages of other sites" in content) == (403, True)
    assert len(app[1]) == 1


def test_a_post_that_says_nothing_of_its_page_is_refused(app, visitor):
    text = head(visitor, "/close", "Content-Length: 0", "POST")
    assert raw(app[0], re.sub(r"Origin: .*\n", "", text)).startswith(b"HTTP/1.1 403 ")
    assert len(app[1]) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"not json", "The request is not valid."),
        (b"[" * 9000, "The request is not valid."),
        (b"[1]", "The request is not valid."),
        (b'{"x": "' + bytes(20_000) + b'"}', "The request is too long."),
        (
            {"model": "../../resources/models/x"},
            "This model no longer exists; reload the page.",
        ),
        ({"model": ["a"]}, "This model no longer exists; reload the page."),
    ],
)
def test_messages_that_make_no_sense_are_refused(visitor, body, sentence):
    status, answer = visitor.talk("POST", "/label", body)
    assert 400 <= status < 500
    assert answer["fault"] == sentence


@pytest.mark.parametrize("value", [0, -1, True, "0.1", 1e9, [1]])
def test_distances_that_are_none_are_refused(visitor, tmp_path, value):
    visitor.upload(mouse(tmp_path)[0])
    body = {"model": visitor.model, "in_plane_mm": value, "between_mm": 1}
    status, answer = visitor.talk("POST", "/label", body)
    assert (status, answer["fault"]) == (400, "Spacings and times must be positive numbers.")


def test_nothing_is_labelled_or_taken_away_before_there_are_images(visitor):
    assert visitor.label(visitor.model)["fault"] == "There are no images yet; choose images first."
    for path in ("/measures", "/download/labels"):
        status, answer = visitor.talk("GET", path)
        assert (status, answer["fault"]) == (
            409,
            "There is no segmentation yet; segment the images first.",
        )
    for path in ("/voxels/image", "/voxels/cine.npy", "/voxels/..%2F..%2Fetc%2Fpasswd"):
        assert visitor.ask("GET", visitor.base + path)[0] == 404


def test_a_cine_that_is_too_large_is_refused_before_it_is_read(visitor, tmp_path, monkeypatch):
    monkeypatch.setattr("app.kept.MOST_VOXELS", 1000)
    monkeypatch.setattr("app.intake.read_images", lambda *a, **k: pytest.fail("was read"))
    for path in (nifti(tmp_path), mouse(tmp_path)[0]):
        assert "million voxels are more than" in visitor.upload(path)["fault"]


def test_what_nobody_foresaw_gets_a_sentence_too(visitor, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("app.intake.read_images", lambda *a, **k: {}["secret of line 7"])
    fault = visitor.upload(nifti(tmp_path))["fault"]
    assert fault == "Unexpected error; see the terminal for details."
    assert "secret of line 7" in caplog.text
