"""The app: a page on this machine to try a model. What it makes, what it refuses, what it keeps."""

import http.client
import io
import json
import os
import pickle
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from app import work
from app.__main__ import listening, options_of
from app.checks import model_warnings, result_warnings, spacing_fault, species
from app.models import find_models
from app.server import STATIC
from app.session import PREFIX, Sessions, remove_left
from app_server import (
    AFFINE,
    PREPARATION,
    SETTINGS,
    ByBrightness,
    Visitor,
    cine_of,
    heart,
    model_folder,
    served,
)
from cmrseg.cine import Cine
from cmrseg.contours.raster import rasterise
from cmrseg.labels import Tissue
from cmrseg.learn.predict import BATCH
from cmrseg.measure.volumes import volume_curves
from dicom_builder import write_study
from hdf5_builder import write as write_hdf5
from tiny_study import ROOT

SPACING = np.linalg.norm(AFFINE[:3, :3], axis=0)[::-1]


@pytest.fixture
def network(monkeypatch):
    """The network of every model: it labels by brightness."""
    made = ByBrightness()
    monkeypatch.setattr(work, "load_model", lambda folder: (made, SETTINGS | PREPARATION))
    return made


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project's folder with one model; temporary folders are beside it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    model_folder(tmp_path / "root/results/demo/models/fcn")
    return tmp_path / "root"


@pytest.fixture
def app(root):
    with served(root, most_bytes=3_000_000, sessions=3) as (port, sessions):
        yield port, sessions


@pytest.fixture
def visitor(app):
    """Somebody whose page is open, with the name of the model."""
    visitor = Visitor(app[0])
    visitor.model = visitor.open()["models"][0]["id"]
    return visitor


def packed(path: Path, **members: bytes | str) -> Path:
    """A zip with members by their names (`__` is a slash)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return path


def nifti(folder: Path, labels=None, name="cine.nii.gz", **changes) -> Path:
    cine_of(heart() if labels is None else labels, **changes).save(folder / name)
    return folder / name


def measure(content: dict, key: str) -> float:
    return next(row["value"] for row in content["rows"] if row["key"] == key)


# -- what it makes ---------------------------------------------------------------------------


def test_a_cine_is_labelled_measured_and_taken_away(visitor, network, tmp_path):
    labels = heart()
    state = visitor.upload(nifti(tmp_path), "my heart (1).nii.gz")
    assert state["fault"] == ""
    assert state["image"]["name"] == "my_heart_1_.nii.gz"
    assert state["image"]["shape"] == [5, 4, 40, 36]
    assert state["image"]["spacing_mm"] == pytest.approx(SPACING)
    assert state["image"]["spacing_fault"] == ""
    assert state["image"]["interval_s"] == pytest.approx(0.16)
    state = visitor.label(visitor.model)
    assert state["fault"] == ""
    shown = np.frombuffer(visitor.ask("GET", f"{visitor.base}/voxels/labels")[1], np.uint8)
    assert (shown.reshape(labels.shape) == labels).all()
    pixels = np.frombuffer(visitor.ask("GET", f"{visitor.base}/voxels/image")[1], np.uint8)
    assert pixels.shape == (labels.size,)
    assert pixels.max() == 255
    curves = volume_curves(labels, tuple(SPACING), "x")
    _, content = visitor.talk("GET", "/measures")
    assert content["unit"] == "ml"
    assert (content["ed"], content["es"]) == (0, 2)
    assert content["curves"]["lv_ml"] == pytest.approx(curves["lv_ml"].tolist())
    edv, esv = curves["lv_ml"][0], curves["lv_ml"][2]
    assert measure(content, "ef") == pytest.approx(100 * (1 - esv / edv))
    assert measure(content, "mass_g") == pytest.approx(1.05 * curves["my_ml"][0])
    assert measure(content, "heart_rate_bpm") == pytest.approx(75)


def test_measures_follow_the_frames_that_somebody_chooses(visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    _, content = visitor.talk("GET", "/measures?ed=2&es=4")
    volumes = content["curves"]["lv_ml"]
    assert measure(content, "edv_ml") == pytest.approx(volumes[1])
    assert measure(content, "esv_ml") == pytest.approx(volumes[3])
    assert content["found"] == {"ed": 0, "es": 2}
    _, swapped = visitor.talk("GET", "/measures?ed=3&es=1")
    assert "The cavity is larger at end-systole than at end-diastole." in swapped["warnings"]
    text = visitor.ask("GET", f"{visitor.base}/download/measures?ed=2&es=4")[1].decode("utf-8-sig")
    table = pd.read_csv(io.StringIO(text), index_col="measure")
    assert float(table["value"]["LV end-systolic volume"]) == pytest.approx(volumes[3], rel=1e-5)
    assert table["value"]["end-systolic frame"] == "4"
    assert table["unit"]["end-systolic frame"] == "of 5, chosen by hand"
    assert table["value"]["use"] == "Research use, not a medical device"
    for frames in ("ed=0", "ed=6", "es=-1", "ed=x", "ed=1e9999999", "es=²"):
        status, answer = visitor.talk("GET", f"/measures?{frames.replace('²', '%C2%B2')}")
        assert status == 400
        assert answer["fault"] in ("Frames must be 1 to 5.", "A frame must be a number.")


def test_every_frame_has_a_row(visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    text = visitor.ask("GET", f"{visitor.base}/download/frames")[1].decode()
    table = pd.read_csv(io.StringIO(text))
    assert table.columns.tolist() == [
        *("frame", "time_ms", "lv_ml", "myocardium_ml", "myocardium_g", "rv_ml")
    ]
    assert table["frame"].tolist() == [1, 2, 3, 4, 5]
    assert table["time_ms"].tolist() == pytest.approx([0, 160, 320, 480, 640])
    assert table["myocardium_g"].tolist() == pytest.approx(
        (1.05 * table["myocardium_ml"]).tolist(), rel=1e-5
    )
    assert 'filename="cine_frames.csv"' in visitor.headers["content-disposition"]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_labels_and_contours_lie_as_the_file_does(visitor, network, tmp_path, wide, mirrored):
    labels = heart().transpose(0, 1, 3, 2) if wide else heart()
    path = nifti(tmp_path, labels, affine=AFFINE * [1, -1 if mirrored else 1, 1, 1])
    notes = visitor.upload(path)["image"]["notes"]
    # as in that file, the base comes first: the reader turns what is not seen from the apex
    assert len(notes) == (mirrored != (np.linalg.det(AFFINE) > 0)) + wide or len(notes) <= 2
    visitor.label(visitor.model)
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    out, given = nib.load(tmp_path / "out.nii.gz"), nib.load(path)
    assert out.shape == given.shape
    np.testing.assert_allclose(out.affine, given.affine, atol=1e-6)
    assert out.get_data_dtype() == np.uint8
    assert (labels == np.asarray(out.dataobj).T).all()
    with zipfile.ZipFile(
        io.BytesIO(visitor.ask("GET", f"{visitor.base}/download/contours")[1])
    ) as z:
        points = pd.read_csv(z.open("contours.csv"))
        assert b"[XYCONTOUR]" in z.read("contours.con")
    one = points[(points["slice"] == 2) & (points["frame"] == 3)]
    assert set(one["contour"]) == {"endocardium", "epicardium", "rv"}
    inner, outer = (
        one[one["contour"] == name][["x_px", "y_px"]].to_numpy()
        for name in ("endocardium", "epicardium")
    )
    drawn, _ = rasterise(inner, outer, labels.shape[2:])
    assert (drawn == np.where(labels[2, 1] == Tissue.RV, 0, labels[2, 1])).all()
    row = one.iloc[0]
    place = given.affine @ [row["x_px"], row["y_px"], 1, 1]
    assert row[["x_mm", "y_mm", "z_mm"]].tolist() == pytest.approx(place[:3], rel=1e-4, abs=1e-3)


def mouse(folder: Path) -> tuple[Path, np.ndarray]:
    """An HDF5 file (row, column, slice, frame) of a small heart, and its labels."""
    labels = heart()
    images = cine_of(labels).voxels.transpose(2, 3, 1, 0).astype(np.uint16)
    return write_hdf5(folder / "Mouse7.h5", Images=images), labels


def test_an_hdf5_file_is_measured_with_the_distances_that_somebody_gives(
    visitor, network, tmp_path
):
    path, labels = mouse(tmp_path)
    state = visitor.upload(path)
    assert state["fault"] == ""
    assert state["image"]["spacing_fault"] == "The file does not say how far voxels are apart."
    assert state["image"]["interval_s"] is None
    refused = visitor.label(visitor.model)
    assert refused["fault"] == (
        "The file does not say how far voxels are apart. Give the distances below."
    )
    refused = visitor.label(visitor.model, in_plane_mm=0.8, between_mm=1)
    assert "mouse: 0.05 to 0.3 mm in the plane, slices 0.3 to 2 mm apart" in refused["fault"]
    refused = visitor.label(visitor.model, in_plane_mm=0.1, between_mm=1, interval_ms=500)
    assert "5 frames of 500 ms are a beat of 2.5 s, expected 0.06 to 0.35 s" in refused["fault"]
    assert refused["result"] is None
    state = visitor.label(visitor.model, in_plane_mm=0.1, between_mm=1, interval_ms=24)
    assert state["fault"] == ""
    _, content = visitor.talk("GET", "/measures")
    assert content["unit"] == "µL"
    edv = (labels[0] == Tissue.LV).sum() * 0.01
    assert measure(content, "edv_ml") == pytest.approx(edv)
    assert measure(content, "heart_rate_bpm") == pytest.approx(500)
    units = {row["key"]: row["unit"] for row in content["rows"]}
    assert (units["mass_g"], units["co_l_min"]) == ("mg", "ml/min")
    assert any("voxels of a mouse" in text for text in content["warnings"])
    text = visitor.ask("GET", f"{visitor.base}/download/frames")[1].decode()
    assert "lv_uL" in text.splitlines()[0]
    assert "myocardium_mg" in text.splitlines()[0]
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    out = Cine.load(tmp_path / "out.nii.gz")
    assert out.spacing_mm == pytest.approx((1, 0.1, 0.1))
    assert (out.voxels == labels).all()


def test_spacings_of_nobody_s_heart_are_asked_for_and_the_file_s_place_is_kept(
    visitor, network, tmp_path
):
    path = nifti(tmp_path, affine=np.diag([1.0, 1.0, 1.0, 1.0]))
    state = visitor.upload(path)
    assert state["image"]["spacing_fault"].startswith(
        "1 x 1 mm in the plane with slices 1 mm apart are implausible for a heart (human: 0.4 to"
    )
    assert visitor.label(visitor.model)["fault"].endswith("Give the distances below.")
    assert visitor.label(visitor.model, in_plane_mm=1.5, between_mm=8)["fault"] == ""
    volumes = visitor.talk("GET", "/measures")[1]["curves"]["lv_ml"]
    assert volumes[0] == pytest.approx((heart()[0] == Tissue.LV).sum() * 0.018)
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    assert Cine.load(tmp_path / "out.nii.gz").spacing_mm == (1, 1, 1)


def test_a_zip_may_hold_a_nifti_or_an_hdf5_file_in_folders(visitor, tmp_path):
    content = nifti(tmp_path).read_bytes()
    members = {"a__b__sa.nii.gz": content, "__MACOSX__a__b__._sa.nii.gz": b"x", "a__.DS_Store": b""}
    members = {name.replace("__MACOSX", "__MACOSX/"): c for name, c in members.items()}
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        for name, data in (
            ("a/b/sa.nii.gz", content),
            ("__MACOSX/a/b/._sa.nii.gz", b"x"),
            ("a/.DS_Store", b""),
        ):
            archive.writestr(name, data)
    assert visitor.upload(tmp_path / "c.zip")["image"]["shape"] == [5, 4, 40, 36]
    path = packed(tmp_path / "h.zip", Mouse7__Mouse7__h5=b"")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(mouse(tmp_path)[0], "Mouse7/Mouse7.h5")
    assert visitor.upload(path)["image"]["shape"] == [5, 4, 40, 36]


def test_a_zip_of_dicom_files_is_imported_and_its_repairs_are_told(visitor, network, tmp_path):
    write_study(tmp_path / "dicom", slices=3, rows=24, columns=24)
    (tmp_path / "dicom/notes.txt").write_text("no image")
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for file in sorted((tmp_path / "dicom").rglob("*")):
            archive.write(file, file.relative_to(tmp_path))
    state = visitor.upload(tmp_path / "study.zip")
    assert state["fault"] == ""
    assert state["image"]["shape"] == [3, 3, 24, 24]
    assert "Not a DICOM file: file ignored" in state["image"]["notes"]
    if state["image"]["spacing_fault"]:
        visitor.label(visitor.model, in_plane_mm=1.5, between_mm=8)
    else:
        assert visitor.label(visitor.model)["fault"] == ""
    status, content = visitor.ask("GET", f"{visitor.base}/download/image")
    assert status == 200
    (tmp_path / "out.nii.gz").write_bytes(content)
    assert Cine.load(tmp_path / "out.nii.gz").voxels.shape == (3, 3, 24, 24)


@pytest.mark.parametrize(
    ("sample", "kind", "unit"),
    [("healthy", "human", "ml"), ("dilated", "human", "ml"), ("mouse", "mouse", "µL")],
)
def test_a_digital_heart_is_made_on_the_spot_with_its_truth(visitor, sample, kind, unit):
    status, _ = visitor.talk("POST", "/sample", {"sample": sample})
    assert status == 202
    state = visitor.settled()
    assert state["fault"] == ""
    assert state["image"]["spacing_fault"] == ""
    assert species(state["image"]["spacing_mm"]) == kind
    truth = rf"true EDV is \d+ {unit}, ESV \d+ {unit}, EF \d+%"
    assert re.search(truth, state["image"]["notes"][0])


def test_an_unknown_sample_is_refused(visitor):
    assert visitor.talk("POST", "/sample", {"sample": "unicorn"})[0] == 404


# -- what it refuses -------------------------------------------------------------------------


def damaged(folder: Path, kind: str) -> Path:
    """A file that is not what its name says, or worse."""
    good = nifti(folder, name="good.nii.gz").read_bytes()
    link = zipfile.ZipInfo("passwd.nii.gz")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zips = {
        "escape.zip": [("../../evil.nii.gz", good)],
        "absolute.zip": [("/tmp/evil.nii.gz", good)],
        "link.zip": [(link, b"/etc/passwd")],
        "bomb.zip": [("a.nii", bytes(20_000_000))],
        "two.zip": [("a.nii.gz", good), ("b.nii.gz", good)],
        "empty.zip": [],
        "pickle.zip": [("model.pkl", pickle.dumps(os.getcwd)), ("a.npy", b"\x93NUMPY")],
        "nested.zip": [("inner.zip", b"PK\x05\x06" + bytes(18))],
    }
    path = folder / kind
    if kind in zips:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in zips[kind]:
                archive.writestr(name, content)
        return path
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
        ("noise.zip", "no zip file, or cut short"),
        ("noise.h5", "not a readable HDF5 file"),
        ("escape.zip", "leads out of its folder; refused"),
        ("absolute.zip", "has an absolute path; refused"),
        ("link.zip", "is a link; refused"),
        ("bomb.zip", "refused"),
        ("two.zip", "holds 2 NIfTI or HDF5 files; pack the short-axis cine alone"),
        ("empty.zip", "holds no file"),
        ("pickle.zip", "No images: no image file in the_zip."),
        ("nested.zip", "No images: no image file in the_zip."),
    ],
)
def test_a_wrong_or_damaged_file_gets_a_sentence(app, visitor, tmp_path, kind, sentence):
    state = visitor.upload(damaged(tmp_path, kind))
    assert sentence in state["fault"]
    assert state["image"] is None
    for word in ("Traceback", str(tmp_path), "/tmp/" + PREFIX, "the_zip/"):
        assert word not in state["fault"]
    (session,) = app[1].all()
    assert list(session.folder.iterdir()) == []
    # and the page goes on
    assert visitor.upload(nifti(tmp_path))["fault"] == ""


@pytest.mark.parametrize("name", ["notes.txt", "cine.pkl", "", "a.nii.gz.exe", "../../etc/passwd"])
def test_other_files_are_refused_by_their_names(visitor, name):
    status, answer = visitor.talk("PUT", f"/images?name={name}", b"x")
    assert status == 415
    assert "choose a NIfTI (.nii, .nii.gz) or HDF5 file (.h5, .hdf5), or a zip" in answer["fault"]
    assert visitor.talk("GET", "/state")[1]["busy"] is False


def test_an_empty_file_is_refused(visitor):
    status, answer = visitor.talk("PUT", "/images?name=a.nii", b"")
    assert (status, answer["fault"]) == (400, "The file is empty.")


def raw(port: int, text: str, then: bytes = b"") -> bytes:
    """What the server answers to bytes as they are, until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
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
    assert b"larger than 3.0 MB, which is the limit" in answer
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
        assert b"answers to the address that it printed alone" in content
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
        assert (status, b"Another site" in content) == (403, True)
    assert len(app[1]) == 1


def test_a_post_that_says_nothing_of_its_page_is_refused(app, visitor):
    text = head(visitor, "/close", "Content-Length: 0", "POST")
    assert raw(app[0], re.sub(r"Origin: .*\n", "", text)).startswith(b"HTTP/1.1 403 ")
    assert len(app[1]) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"not json", "The message is not understood."),
        (b"[" * 9000, "The message is not understood."),
        (b"[1]", "The message is not understood."),
        (b'{"x": "' + bytes(20_000) + b'"}', "The message is too long."),
        (
            {"model": "../../resources/models/x"},
            "There is no such model any more; reload the page.",
        ),
        ({"model": ["a"]}, "There is no such model any more; reload the page."),
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
    assert (status, answer["fault"]) == (400, "Distances and times must be positive numbers.")


def test_nothing_is_labelled_or_taken_away_before_there_are_images(visitor):
    assert visitor.label(visitor.model)["fault"] == "There are no images yet; choose some first."
    for path in ("/measures", "/download/labels"):
        status, answer = visitor.talk("GET", path)
        assert (status, answer["fault"]) == (
            409,
            "There are no labels yet; label the images first.",
        )
    for path in ("/voxels/image", "/voxels/cine.npy", "/voxels/..%2F..%2Fetc%2Fpasswd"):
        assert visitor.ask("GET", visitor.base + path)[0] == 404


def test_a_cine_that_is_too_large_is_refused_before_it_is_read(visitor, tmp_path, monkeypatch):
    monkeypatch.setattr("app.intake.MOST_VOXELS", 1000)
    monkeypatch.setattr("app.intake.import_images", lambda *a, **k: pytest.fail("was read"))
    for path in (nifti(tmp_path), mouse(tmp_path)[0]):
        assert "million voxels are more than" in visitor.upload(path)["fault"]


def test_what_nobody_foresaw_gets_a_sentence_too(visitor, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("app.intake.import_images", lambda *a, **k: {}["secret of line 7"])
    fault = visitor.upload(nifti(tmp_path))["fault"]
    assert fault == "Something went wrong that nobody foresaw; the terminal shows what."
    assert "secret of line 7" in caplog.text


# -- what it keeps, and for whom -------------------------------------------------------------


def test_sessions_are_for_the_browser_that_opened_them(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    other = Visitor(app[0])
    other.open()
    assert other.base != visitor.base
    assert other.cookie != visitor.cookie
    stranger = Visitor(app[0])
    paths = ("/state", "/measures", "/voxels/image", "/voxels/labels", "/download/labels")
    for who in (other, stranger):
        for path in paths:
            status, content = who.ask("GET", visitor.base + path)
            assert status == 404
            assert b"session has ended" in content
        for verb, path in (("POST", "/close"), ("POST", "/label"), ("PUT", "/images?name=a.nii")):
            assert who.ask(verb, visitor.base + path, {"model": visitor.model})[0] == 404
    assert visitor.ask("GET", other.base + "/state")[0] == 404
    assert visitor.ask("GET", visitor.base + "/download/labels")[0] == 200
    assert other.talk("GET", "/state")[1]["image"] is None


def test_the_cookie_is_for_this_page_alone_and_tells_nothing(app, visitor):
    text = visitor.ask("POST", "/api/open", {}) and visitor.headers["set-cookie"]
    assert "httponly" in text.lower()
    assert "samesite=strict" in text.lower()
    assert re.fullmatch(rf"cmrseg_{app[0]}=[\w-]{{43}}", visitor.cookie)
    assert visitor.cookie.split("=")[1] not in visitor.base


@pytest.mark.parametrize("value", ["ä" * 43, "short", "a b" * 20])
def test_a_cookie_that_is_none_of_its_own_is_replaced(app, visitor, value):
    status, _ = visitor.ask(
        "POST", "/api/open", {}, Cookie=f"cmrseg_{app[0]}={value}".encode().decode("latin-1")
    )
    assert status == 200
    assert re.fullmatch(
        rf"cmrseg_{app[0]}=[\w-]{{43}}", visitor.headers["set-cookie"].split(";")[0]
    )
    state = visitor.base + "/state"
    assert visitor.ask("GET", state, Cookie=f"cmrseg_{app[0]}=\xe4\xf6")[0] == 404


def test_a_second_page_of_a_browser_has_a_session_of_its_own(app, visitor, tmp_path):
    visitor.upload(nifti(tmp_path))
    second = Visitor(app[0])
    second.cookie = visitor.cookie
    second.open()
    assert second.cookie == visitor.cookie
    assert second.talk("GET", "/state")[1]["image"] is None
    assert second.talk("POST", "/close", {})[0] == 200
    assert visitor.talk("GET", "/state")[1]["image"] is not None


def test_an_upload_is_deleted_when_it_is_read_and_all_when_the_page_is_closed(
    app, visitor, network, tmp_path
):
    visitor.upload(nifti(tmp_path))
    (session,) = app[1].all()
    assert sorted(p.name for p in session.folder.iterdir()) == ["cine.npy", "image.u8"]
    assert stat.S_IMODE(session.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(app[1].root.stat().st_mode) == 0o700
    visitor.label(visitor.model)
    for what in ("labels", "contours", "image"):
        visitor.ask("GET", f"{visitor.base}/download/{what}")
    left = sorted(p.name for p in session.folder.iterdir())
    assert left == ["cine.npy", "image.u8", "labels.u8"]
    assert visitor.talk("POST", "/close", {})[0] == 200
    assert not session.folder.exists()
    assert visitor.ask("GET", visitor.base + "/state")[0] == 404


def test_another_upload_replaces_the_one_before(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    state = visitor.upload(nifti(tmp_path, heart(slices=3), "b.nii.gz"))
    assert state["image"]["name"] == "b.nii.gz"
    assert state["result"] is None
    assert visitor.ask("GET", visitor.base + "/voxels/labels")[0] == 404
    assert "image" in visitor.upload(damaged(tmp_path, "noise.nii"))
    assert visitor.settled()["image"] is None


def test_closing_the_page_ends_the_work_for_it(app, visitor, monkeypatch, tmp_path):
    gate, frames = threading.Event(), 20 * torch.get_num_threads()
    slow = ByBrightness(gate)
    monkeypatch.setattr(work, "load_model", lambda folder: (slow, SETTINGS | PREPARATION))
    visitor.upload(nifti(tmp_path, heart(frames=frames)))
    assert visitor.talk("POST", "/label", {"model": visitor.model})[0] == 202
    slow.begun.wait(30)
    assert visitor.talk("POST", "/label", {"model": visitor.model})[0] == 409
    assert visitor.talk("POST", "/sample", {"sample": "healthy"})[0] == 409
    (session,) = app[1].all()
    visitor.talk("POST", "/close", {})
    gate.set()
    end = time.monotonic() + 20
    while session.folder.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not session.folder.exists()
    # Some batches had been handed to the threads.
    assert slow.batches < frames * 4 / BATCH / 2


def test_work_tells_how_far_it_is(visitor, monkeypatch, tmp_path):
    gate = threading.Event()
    slow = ByBrightness(gate)
    monkeypatch.setattr(work, "load_model", lambda folder: (slow, SETTINGS | PREPARATION))
    visitor.upload(nifti(tmp_path, heart(frames=4)))
    visitor.talk("POST", "/label", {"model": visitor.model})
    slow.begun.wait(30)
    state = visitor.talk("GET", "/state")[1]
    assert (state["busy"], state["doing"], state["part"]) == (True, "Labelling", 0)
    gate.set()
    assert visitor.settled()["doing"] == ""


def test_pages_are_as_many_as_the_machine_shall_bear(app):
    visitors = [Visitor(app[0]) for _ in range(4)]
    found = [visitor.open() for visitor in visitors]
    assert [bool(answer.get("session")) for answer in found] == [True, True, True, False]
    assert found[-1]["fault"].startswith("3 pages are open, which is the limit")
    visitors[0].talk("POST", "/close", {})
    assert visitors[3].open()["session"]


def test_what_nobody_uses_is_deleted(root, tmp_path):
    with served(root, idle_s=0.3) as (port, sessions):
        visitor = Visitor(port)
        visitor.open()
        visitor.upload(nifti(tmp_path))
        (session,) = sessions.all()
        end = time.monotonic() + 20
        while session.folder.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert not session.folder.exists()
        assert len(sessions) == 0


def test_nothing_is_left_at_the_end(root, tmp_path):
    with served(root) as (port, sessions):
        visitor = Visitor(port)
        visitor.open()
        visitor.upload(nifti(tmp_path))
        assert list((tmp_path / "tmp").iterdir()) == [sessions.root]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_app_left_is_deleted_and_nothing_else(root, tmp_path):
    place = tmp_path / "tmp"
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    dead = place / f"{PREFIX}{int(gone.stdout)}-abc"
    kept = [place / f"{PREFIX}{os.getpid()}-abc", place / "cmrseg-other", place / f"{PREFIX}x-1"]
    for folder in (dead, *kept):
        folder.mkdir()
    (place / f"{PREFIX}1-link").symlink_to(tmp_path)
    remove_left()
    assert not dead.exists()
    assert all(folder.exists() for folder in kept)
    assert tmp_path.is_dir()


# -- the page and its start ------------------------------------------------------------------


def test_every_answer_keeps_the_page_to_itself(app, visitor):
    for path in ("/", "/app.js", "/app.css", "/icon.svg", f"{visitor.base}/state", "/nothing"):
        status, _ = visitor.ask("GET", path)
        assert status == (404 if path == "/nothing" else 200)
        assert visitor.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert visitor.headers["x-content-type-options"] == "nosniff"
        assert visitor.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in visitor.headers


def test_the_page_names_no_other_host_and_says_what_it_is_not_for():
    for file in STATIC.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(", text), file.name
    page = (STATIC / "index.html").read_text("utf-8")
    assert "Research use, not a medical device" in page
    assert not re.findall(r"<script>|<style|\son\w+=|\sstyle=", page)


def test_models_are_found_where_studies_and_downloads_have_them(tmp_path):
    for place in ("results/a/models/one", "resources/models/two", "more/three", "single"):
        model_folder(tmp_path / place)
    (tmp_path / "results/a/models/half").mkdir()
    model_folder(tmp_path / "more/lstm", network="unet_lstm")
    model_folder(tmp_path / "more/odd", width=None)
    (tmp_path / "more/odd/record.json").write_text("no record")
    models = {m.name: m for m in find_models(tmp_path, [tmp_path / "more", tmp_path / "single"])}
    assert set(models) == {"one (a)", "two (resources)", "three", "lstm", "odd", "single"}
    assert models["lstm"].fault == "network unet_lstm cannot be used here"
    assert models["odd"].fault == "its record.json is not that of a model"
    assert models["one (a)"].network == "fcn, 4 classes, 32 pixels"
    assert models["one (a)"].facts["cohort"] == "biobank"
    assert models["one (a)"].trained_mm is None


def test_a_model_s_spacing_is_its_record_s_or_that_of_its_study_s_images(tmp_path):
    folder = model_folder(tmp_path / "results/a/models/one")
    path = tmp_path / "results/a/cohorts/biobank/images/0000/7/sa.nii.gz"
    cine_of(heart(), np.diag([1.5, 1.25, 8, 1])).save(path)
    (folder / "README.md").write_text("| cohort | biobank, a digital heart |\n")
    (model,) = find_models(tmp_path)
    assert model.trained_mm == pytest.approx((8, 1.25, 1.5))
    assert model.facts == {"cohort": "biobank, a digital heart"}
    model_folder(folder, spacing_mm=[1, 0.1, 0.1])
    assert find_models(tmp_path)[0].trained_mm == (1, 0.1, 0.1)
    for spacing_mm in (["a", 1, 1], [None, 1, 1], [0, 1, 1], [float("nan"), 1, 1]):
        model_folder(folder, spacing_mm=spacing_mm)
        assert find_models(tmp_path)[0].trained_mm is None
    model_folder(folder)
    path.write_bytes(b"no image")
    assert find_models(tmp_path)[0].trained_mm is None
    assert len(find_models(tmp_path, [tmp_path / "gone"])) == 1


def test_without_a_model_the_page_says_how_to_get_one(tmp_path):
    with served(tmp_path) as (port, _):
        found = Visitor(port).open()
    assert found["models"] == []
    assert "Run the demo (make demo)" in found["no_models"]


def test_a_model_of_digital_hearts_is_not_for_real_images(visitor, network, root, tmp_path):
    card = root / "results/demo/models/fcn/README.md"
    card.write_text("| cohort | biobank, a digital heart |\n")
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    sentence = "The model learnt from digital hearts; it is not meant for real images."
    assert sentence in visitor.talk("GET", "/measures")[1]["warnings"]


@pytest.mark.parametrize(
    ("spacing_mm", "kind"),
    [
        ((8, 1.4, 1.4), "human"),
        ((10, 2.4, 2.4), "human"),
        ((14, 0.625, 0.625), "human"),
        ((1, 0.1, 0.1), "mouse"),
        ((0.3, 0.05, 0.3), "mouse"),
        ((1, 1, 1), None),
        ((1, 0.04, 0.1), None),
        ((2.1, 0.1, 0.1), None),
        ((8, 0.1, 0.1), None),
    ],
)
def test_voxels_tell_whose_heart_it_is(spacing_mm, kind):
    assert species(spacing_mm) == kind
    assert bool(spacing_fault(spacing_mm)) == (kind is None)


@pytest.mark.parametrize(
    ("spacing_mm", "trained_mm", "words"),
    [
        ((8, 1.4, 1.4), (1, 0.1, 0.1), "voxels of a human, and the model learnt from those of a m"),
        ((1, 0.1, 0.1), (8, 1.4, 1.4), "voxels of a mouse, and the model learnt from those of a h"),
        ((1, 0.1, 0.1), None, "does not say what it learnt from"),
        ((8, 0.5, 0.5), (8, 2.4, 2.4), "pixels of 2.4 mm, these have 0.5 mm"),
        ((8, 1.4, 1.4), (10, 2.4, 2.4), None),
        ((8, 1.4, 1.4), None, None),
    ],
)
def test_a_model_of_another_animal_is_warned_of(spacing_mm, trained_mm, words):
    found = model_warnings(spacing_mm, trained_mm)
    assert (words in found[0]) if words else found == []


def test_a_single_frame_has_no_systole(visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path, heart(frames=1)))
    visitor.label(visitor.model)
    content = visitor.talk("GET", "/measures")[1]
    assert {row["key"] for row in content["rows"]} >= {"edv_ml", "mass_g"}
    assert not {row["key"] for row in content["rows"]} & {"esv_ml", "sv_ml", "ef"}
    assert (
        "There is one frame: end-systole and ejection fraction are unknown."
        in (content["warnings"])
    )


def test_one_frame_for_both_phases_and_few_slices_are_told():
    labels = heart()[:, 1:3]
    curves = volume_curves(labels, (8, 3, 3), "x")
    found = result_warnings(labels, curves, 1, 1, None)
    assert found == [
        "End-diastole and end-systole are the same frame.",
        "One or two slices do not cover a heart: volumes are of these alone.",
    ]


def test_who_reads_labels_keeps_them_while_others_are_made(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    (session,) = app[1].all()
    before = np.memmap(session.folder / "labels.u8", np.uint8, "r")
    first = before.copy()
    network.forward = lambda images: torch.zeros(len(images), 4, *images.shape[2:])
    visitor.label(visitor.model)
    assert (before == first).all()
    assert not (np.fromfile(session.folder / "labels.u8", np.uint8) == first).all()


def test_results_that_ask_for_a_look_are_told():
    labels = heart(frames=21)
    curves = volume_curves(labels, (8, 3, 3), "x")
    assert result_warnings(labels, curves, 0, 10, "human") == []
    jump = labels.copy()
    jump[4] = 0
    curves = volume_curves(jump, (8, 3, 3), "x")
    (found,) = result_warnings(jump, curves, 0, 4, "human")
    assert re.match(
        r"The cavity's volume jumps by \d+% of its largest one between frames 4 and 5", found
    )
    open_end = labels[:, 1:]
    curves = volume_curves(open_end, (8, 3, 3), "x")
    (found,) = result_warnings(open_end, curves, 0, 10, "human")
    assert found.startswith("The first slice still cuts the cavity")
    curves = volume_curves(labels, (0.5, 0.1, 0.1), "x")
    (found,) = result_warnings(labels, curves, 0, 10, "human")
    assert found.endswith("is implausible for a human.")
    nothing = np.zeros_like(labels)
    curves = volume_curves(nothing, (8, 1.5, 1.5), "x")
    found = result_warnings(nothing, curves, 0, 0, "human")
    assert found == [
        f"No {name} was found in any image." for name in ("LV cavity", "LV myocardium")
    ]


def test_the_app_listens_at_loopback_alone():
    with listening(0) as sock:
        sock.listen()
        assert sock.getsockname()[0] == "127.0.0.1"
        with pytest.raises(SystemExit, match=r"cannot be used .*; name another: --port"):
            listening(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--models", "nowhere"], "--models nowhere: no such folder"),
        (["--port", "70000"], "--port 70000: expected 0 to 65535"),
        (["--limit-gb", "0"], "--limit-gb: expected more than 0"),
        (["--idle-min", "nan"], "--idle-min: expected more than 0"),
        (["--device", "tpu"], "invalid choice"),
    ],
)
def test_what_the_command_line_may_not_say_is_refused(words, sentence, capsys):
    with pytest.raises(SystemExit):
        options_of(words)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_command_prints_its_address_and_leaves_nothing(tmp_path, ending):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.fullmatch(
            r"The page is at http://127\.0\.0\.1:(\d+) \(end with Ctrl-C\)\n", line
        )
        visitor = Visitor(int(found[1]))
        assert visitor.open()["session"]
        assert any(path.name.startswith(PREFIX) for path in tmp_path.iterdir())
        # An upload that goes on does not keep it.
        upload = http.client.HTTPConnection("127.0.0.1", int(found[1]))
        upload.putrequest("PUT", f"{visitor.base}/images?name=a.nii.gz")
        for name, value in (
            ("Origin", f"http://127.0.0.1:{found[1]}"),
            ("Cookie", visitor.cookie),
            ("Content-Length", "50000000"),
        ):
            upload.putheader(name, value)
        upload.endheaders(b"a" * 1000)
        while not visitor.talk("GET", "/state")[1]["busy"]:
            time.sleep(0.02)
    finally:
        process.send_signal(getattr(signal, ending))
        process.wait(15)
        upload.close()
        process.stdout.close()
    assert not any(path.name.startswith(PREFIX) for path in tmp_path.iterdir())


def test_a_session_s_name_cannot_be_guessed(root):
    sessions = Sessions(3, 60)
    try:
        names = {sessions.open("x").name for _ in range(3)}
        assert len(names) == 3
        assert all(len(name) >= 32 for name in names)
    finally:
        sessions.end()
    assert json.dumps(sorted(names))
