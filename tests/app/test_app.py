"""The app: a page on this machine to try a model. What it makes of images."""

import io
import re
import zipfile

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.checks import species
from app_server import (
    AFFINE,
    cine_of,
    heart,
    mouse,
    nifti,
    packed,
)
from cmrseg.cine import Cine
from cmrseg.contours.raster import rasterise
from cmrseg.labels import Tissue
from cmrseg.measure.volumes import volume_curves
from dicom_builder import write_study

SPACING = np.linalg.norm(AFFINE[:3, :3], axis=0)[::-1]


def measure(content: dict, key: str) -> float:
    return next(row["value"] for row in content["rows"] if row["key"] == key)


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


def test_what_is_unusual_about_labels_is_said_with_the_result(visitor, network, tmp_path):
    # The heart of these tests keeps its outline while its cavity shrinks.
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    _, content = visitor.talk("GET", "/measures")
    assert content["look"] == "muscle volume changes over the beat"


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
    assert table["unit"]["end-systolic frame"] == "of 5, set manually"
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
        *("frame", "time_ms", "lv_ml", "myocardium_ml", "myocardium_g", "rv_ml", "edited")
    ]
    assert table["frame"].tolist() == [1, 2, 3, 4, 5]
    assert table["edited"].tolist() == [0] * 5
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
    assert notes == [
        *(["Rows from bottom to top: rows reversed"] if mirrored else []),
        "Slices from base to apex: slices reversed",
        *(["Rows < columns: rotated"] if wide else []),
    ]
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


def test_a_file_in_another_order_of_axes_gets_its_labels_in_that_order(visitor, network, tmp_path):
    """The heart lies as in the usual file, so that its volumes are the same."""
    usual = nib.load(nifti(tmp_path))
    reordered = nib.as_closest_canonical(usual)
    assert reordered.shape[:3] != usual.shape[:3]
    nib.save(reordered, tmp_path / "ras.nii.gz")
    state = visitor.upload(tmp_path / "ras.nii.gz")
    assert state["image"]["notes"] == ["Axes in another order: axes reordered"]
    visitor.label(visitor.model)
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    out = nib.load(tmp_path / "out.nii.gz")
    assert out.shape == reordered.shape
    np.testing.assert_allclose(out.affine, reordered.affine, atol=1e-5)
    back = out.as_reoriented(
        nib.orientations.ornt_transform(
            nib.io_orientation(out.affine), nib.io_orientation(usual.affine)
        )
    )
    assert (heart() == np.asarray(back.dataobj).T).all()
    volumes = visitor.talk("GET", "/measures")[1]["curves"]["lv_ml"]
    assert volumes == pytest.approx(
        ((heart() == Tissue.LV).sum(axis=(1, 2, 3)) * np.prod(SPACING) / 1000).tolist()
    )
    status, answer = visitor.ask("GET", f"{visitor.base}/download/contours")[:2]
    assert status == 409
    assert b"The slices of this file do not run along its third axis" in answer


def test_an_hdf5_file_is_measured_with_the_distances_that_somebody_gives(
    visitor, network, tmp_path
):
    path, labels = mouse(tmp_path)
    state = visitor.upload(path)
    assert state["fault"] == ""
    assert state["image"]["spacing_fault"] == "The file does not contain its voxel size."
    assert state["image"]["interval_s"] is None
    refused = visitor.label(visitor.model)
    assert refused["fault"] == ("The file does not contain its voxel size. Enter the voxel size.")
    refused = visitor.label(visitor.model, in_plane_mm=0.8, between_mm=1)
    assert "mouse: 0.05 to 0.3 mm in plane, slice spacing 0.3 to 2 mm" in refused["fault"]
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
    assert any("voxel size of a mouse" in text for text in content["warnings"])
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
    assert visitor.label(visitor.model)["fault"].endswith("Enter the voxel size.")
    assert visitor.label(visitor.model, in_plane_mm=1.5, between_mm=8)["fault"] == ""
    volumes = visitor.talk("GET", "/measures")[1]["curves"]["lv_ml"]
    assert volumes[0] == pytest.approx((heart()[0] == Tissue.LV).sum() * 0.018)
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    assert Cine.load(tmp_path / "out.nii.gz").spacing_mm == (1, 1, 1)


def test_a_zip_may_hold_a_nifti_or_an_hdf5_file_in_folders(visitor, tmp_path):
    content = nifti(tmp_path).read_bytes()
    added = {"__MACOSX/a/b/._sa.nii.gz": b"x", "a/.DS_Store": b""}
    for name, data in (
        ("a/b/sa.nii.gz", content),
        ("A/A HEART (1).NII.GZ", content),
        ("Mouse7/Mouse7.h5", mouse(tmp_path)[0].read_bytes()),
        ("Mouse7/MOUSE7.HDF5", mouse(tmp_path)[0].read_bytes()),
    ):
        state = visitor.upload(packed(tmp_path / "c.zip", {name: data} | added))
        assert (state["fault"], state["image"]["shape"]) == ("", [5, 4, 40, 36])


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


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.float64])
def test_images_are_taken_away_with_the_numbers_of_their_file(visitor, network, tmp_path, dtype):
    cine = cine_of(heart())
    cine.like(cine.voxels.astype(dtype)).save(tmp_path / "wide.nii.gz")
    assert visitor.upload(tmp_path / "wide.nii.gz")["fault"] == ""
    assert visitor.label(visitor.model)["fault"] == ""
    status, content = visitor.ask("GET", f"{visitor.base}/download/image")
    (tmp_path / "out.nii.gz").write_bytes(content)
    assert status == 200
    voxels = Cine.load(tmp_path / "out.nii.gz").voxels
    assert voxels.dtype == dtype
    assert (voxels == cine.voxels).all()


def test_an_unknown_sample_is_refused(visitor):
    assert visitor.talk("POST", "/sample", {"sample": "unicorn"})[0] == 404
