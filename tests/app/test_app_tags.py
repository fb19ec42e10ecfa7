"""The app: a model of landmarks on tagged cines, their strain and downloads."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tagging_builder as built
from app_page import CONTRAST, FAULT, IMAGES, NAMELESS, RESULT, opened_app
from app_server import Visitor, root_of_one_model
from browser import program
from cmrseg.apply_tags import track_model
from cmrseg.boxes import box_of
from cmrseg.cine import Cine
from tag_networks import write_networks
from tagged_dicom import FRAMES, SIZE, heart, write_cine, write_tagged

AFFINE = np.diag([1.4, 1.4, 15.0, 1.0])


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = root_of_one_model(tmp_path, monkeypatch)
    write_networks(found / "results/tags/models")
    return found


page = pytest.fixture(opened_app)


@pytest.fixture
def visitor(app):
    found = Visitor(app[0])
    found.models = {model["name"].split(" ")[0]: model for model in found.open()["models"]}
    return found


def upload(visitor, path, sequence="tag"):
    where = f"/images?name={path.name}&sequence={sequence}"
    status, answer = visitor.talk("PUT", where, path.read_bytes())
    return visitor.settled() if status == 202 else answer


def follow(visitor):
    return visitor.label(visitor.models["ring"]["id"])


def nifti(folder, voxels=None):
    found = built.images(2).swapaxes(0, 1).astype(np.float32) if voxels is None else voxels
    Cine(found, AFFINE, 0.04).save(folder / "heart.nii.gz")
    return folder / "heart.nii.gz"


def untagged():
    frames = [[heart(SIZE, SIZE, z, t) for z in range(3)] for t in range(FRAMES)]
    return np.array(frames, np.float32)


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def download(visitor, what):
    status, content = visitor.ask("GET", f"{visitor.base}/download/{what}")
    assert status == 200, content
    return content


def table(content):
    return pd.read_csv(io.BytesIO(content), sep="\t")


def test_landmarks_and_their_strain_are_shown_and_downloaded(visitor, root, tmp_path):
    ring = visitor.models["ring"]
    assert (ring["fault"], ring["tracks"]) == ("", True)
    assert ring["images"].startswith("a tagged short-axis cine: a NIfTI (.nii.gz, .nii) or HDF5")
    assert visitor.models["box"]["fault"] == "it finds the heart for a model of landmarks"
    path = nifti(tmp_path)
    assert upload(visitor, path)["fault"] == ""
    state = follow(visitor)
    assert (state["fault"], state["result"]["kind"]) == ("", "points")
    expected = track_model(path, root / "results/tags/models/ring")
    status, shown = visitor.ask("GET", f"{visitor.base}/voxels/points")
    found = np.frombuffer(shown, "<f4").reshape(4, 2, 168, 2)
    np.testing.assert_allclose(found, expected.points, rtol=1e-6)
    content = visitor.talk("GET", "/measures")[1]
    assert [one["level"] for one in content["slices"]] == ["basal", "apical"]
    ours = expected.strain.set_index(["direction", "layer", "place"])
    for place, one in zip(("basal", "apical"), content["slices"], strict=True):
        said = one["values"]["circumferential_midwall"]
        row = ours.loc[("circumferential", "midwall", place)]
        assert (said["es"], said["peak"]) == pytest.approx((row["es_percent"], row["peak_percent"]))
        assert len(one["curves"]["radial_wall"]) == 4
    # A ring of random weights hardly moves.
    assert "Slice 1: a peak Ecc of" in content["warnings"][0]
    strain = table(download(visitor, "strain"))
    assert strain["es_percent"].to_numpy() == pytest.approx(expected.strain["es_percent"], rel=1e-4)
    # Tables of the page count from 1.
    assert (strain["es_frame"] == expected.strain["es_frame"] + 1).all()
    points = table(download(visitor, "points"))
    assert (points["frame"].min(), points["slice"].max(), len(points)) == (1, 2, 4 * 2 * 168)
    curves = table(download(visitor, "curves"))
    assert set(curves["slices"]) == {"1", "2", "1,2"}
    with Image.open(io.BytesIO(download(visitor, "film?slice=2"))) as film:
        assert film.n_frames == 4
    with h5py.File(io.BytesIO(download(visitor, "results"))) as file:
        assert file["landmark_predictions"].shape == (2, 4, 2, 168)
    assert download(visitor, "image")[:2] == b"\x1f\x8b"
    for what, sentence in (("film?slice=3", b"must be 1 to 2"), ("labels", b"does not exist")):
        status, said = visitor.ask("GET", f"{visitor.base}/download/{what}")
        assert status >= 400
        assert sentence in said


def test_tagged_series_and_published_files_are_read_for_such_a_model(visitor, tmp_path):
    write_tagged(tmp_path / "scan")
    write_cine(tmp_path / "scan")
    scan = zipped(tmp_path / "scan")
    state = upload(visitor, scan)
    assert state["image"]["shape"] == [FRAMES, 3, SIZE, SIZE]
    assert state["image"]["series"] == "#20, #21, #22"
    assert visitor.talk("GET", "/series")[1]["cine"] == "tagged cine"
    assert follow(visitor)["result"]["kind"] == "points"
    # For another model the file holds the cine without tags.
    assert upload(visitor, scan, "sa")["image"]["series"] == "#5, #6, #7, #8"
    fault = follow(visitor)["fault"]
    assert "scan.zip: read as short-axis cines. The model ring (tags) is for tagged" in fault
    state = upload(visitor, built.write(tmp_path / "one.h5"))
    assert state["image"]["shape"] == [4, 1, 64, 64]
    assert state["image"]["notes"][-1].startswith("The file does not say the slice distance")
    assert follow(visitor)["result"]["kind"] == "points"


def test_cines_without_tags_are_refused_in_a_sentence(visitor, tmp_path):
    upload(visitor, nifti(tmp_path, untagged()))
    fault = follow(visitor)["fault"]
    assert fault == (
        "heart.nii.gz: no slice shows the lines of tags; give the tagged cine, or use a model of "
        "other images."
    )
    write_cine(tmp_path / "scan")
    fault = upload(visitor, zipped(tmp_path / "scan"))["fault"]
    assert fault.startswith("No series of these files shows the lines of tags; choose the tagged")


def test_results_of_a_model_that_finds_the_heart_itself_have_the_box_of_its_landmarks(
    visitor, tmp_path, monkeypatch
):
    upload(visitor, nifti(tmp_path))
    monkeypatch.setattr("app.work.coarse_labels", lambda *a: None)
    placed = np.stack([built.beat(), built.beat()], axis=1)
    monkeypatch.setattr("app.work.track_cine", lambda *a: placed)
    assert follow(visitor)["fault"] == ""
    with h5py.File(io.BytesIO(download(visitor, "results"))) as file:
        boxes = file["bbox_predictions"][:]
    for z, (x1, y1, x2, y2) in enumerate(boxes):
        (top, left), (bottom, right) = box_of(placed[0, z], (64, 64))
        assert (x1, y1, x2, y2) == pytest.approx((left, top, right, bottom), abs=1e-3)


def test_without_a_heart_and_without_a_box_model_it_says_so(visitor, root, tmp_path, monkeypatch):
    upload(visitor, nifti(tmp_path))
    nowhere = np.full((4, 2, 168, 2), np.nan)
    monkeypatch.setattr("app.work.track_cine", lambda *a: nowhere)
    assert follow(visitor)["fault"] == "The model ring (tags) found no heart in these images."
    (root / "results/tags/models/box").rename(root / "elsewhere")
    assert "needs its coarse model box, which finds the heart first" in follow(visitor)["fault"]


@pytest.mark.skipif(program() is None, reason="no browser; install chromium")
def test_the_page_draws_landmarks_curves_and_tables(page, tmp_path, monkeypatch):
    beat = np.stack([built.beat(), built.beat()], axis=1)
    monkeypatch.setattr("app.work.track_cine", lambda *a: beat)
    page.run(
        "model.value = setup.models.find((m) => m.name.startsWith('ring')).id;"
        "model.dispatchEvent(new Event('change'))"
    )
    assert page.run("label.textContent") == "Follow the heart"
    page.choose_file("#file", nifti(tmp_path))
    page.wait(f"({IMAGES}) || {FAULT}")
    page.click("#label")
    page.wait(f"({RESULT}) || {FAULT}")
    assert page.run(FAULT) == ""
    # All radii shrink by a fifth: lines around and across the wall become 0.8 times as long.
    rows = page.run("[...strainOfSlice.tBodies[0].rows].map((e) => e.innerText.trim())")
    assert rows[0].split("\t") == ["Ecc subendocardium", "−18.0", "−18.0", "3"]
    assert page.run("strainOfAll.tBodies[0].rows.length") == 3
    assert page.run("caption.textContent") == "Slice 2 of 2, frame 3 of 4 (end-systole)"
    page.run("go(t, 0)")
    assert page.run("strainOfSlice.caption.textContent") == "Slice 1 (basal): Green strain, %"
    assert page.run("document.querySelectorAll('#curve circle').length") == 5 * 4
    for hidden in ("measures", "phases", "downloads", "eye", "legend"):
        assert page.run(f"!document.getElementById('{hidden}').offsetParent"), hidden
    assert page.run(CONTRAST) == []
    assert page.run(NAMELESS) == []
    page.size(390, 844, True)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
