"""What lies at a path that somebody names."""

import json

import numpy as np
import pytest
import torch

from cmrseg.apply import apply_model
from cmrseg.calibrate.model_file import (
    FILE,
    MeasureErrors,
    ModelCalibration,
    write_calibration,
)
from cmrseg.cine import Cine
from cmrseg.files import sha256
from cmrseg.layouts.inputs import Found, find_images
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from hdf5_builder import SHAPE, write
from networks import network_of


@pytest.mark.parametrize(
    ("files", "asked", "layout", "study"),
    [
        (["case/1.dcm"], "case", "folder", "case"),
        (["case/sa.nii.gz", "case/la.nii.gz"], "case", "nifti", "case"),
        (["case/cine.nii"], "case", "nifti", "cine"),
        (["case/cine.nii.gz"], "case/cine.nii.gz", "nifti", "cine"),
        (["case/cine.h5"], "case/cine.h5", "hdf5", "cine"),
        (["case/cine.hdf5"], "case/cine.hdf5", "hdf5", "cine"),
    ],
)
def test_images_are_found(tmp_path, files, asked, layout, study):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_images(tmp_path / asked)
    raw = tmp_path / "case" if study == "cine" else tmp_path
    assert found == Found(layout, raw, study)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("absent", "absent: does not exist; give a folder or a NIfTI file"),
        ("two", "two: has 2 NIfTI files; name the short-axis cine"),
        ("two/notes.txt", "a file must be NIfTI or HDF5; give the folder of the DICOM files"),
    ],
)
def test_what_is_no_one_s_images_is_refused(tmp_path, name, sentence):
    (tmp_path / "two").mkdir()
    for file in ("a.nii", "b.nii.gz", "notes.txt"):
        (tmp_path / "two" / file).touch()
    with pytest.raises(ValueError, match=sentence):
        find_images(tmp_path / name)


@pytest.fixture
def model(tmp_path):
    """The folder of a network that learnt nothing."""
    settings = network_of("fcn", 2)
    network = build_network(settings, torch.Generator().manual_seed(0))
    save_weights(network.state_dict(), tmp_path / "model/weights.safetensors")
    settings |= {"preparation": "fcn", "intensity": "linear", "size_px": 32}
    (tmp_path / "model/record.json").write_text(json.dumps({"settings": settings}))
    return tmp_path / "model"


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["119_C0.nii.gz", "119_DE.nii.gz", "119_T2.nii.gz"], "c0,de,t2"),
        (["Case3001_bSSFP.nii.gz", "Case3001_LGE.nii", "Case3001_t2.nii"], "c0,de,t2"),
        (["c0.nii.gz", "de.nii.gz", "t2.nii.gz", "119_gd.nii.gz", "C0_label.nii.gz"], "c0,de,t2"),
        (["sa.nii.gz", "la_4ch.nii.gz"], "la_4ch"),
        (["p_sa.nii.gz", "p_la_4ch.nii.gz"], "la_4ch"),
    ],
)
def test_files_that_are_named_after_the_sequences_of_a_model_are_found(tmp_path, names, wanted):
    touch(tmp_path / "case", *names)
    assert find_images(tmp_path / "case", wanted) == Found("nifti", tmp_path, "case")


def test_a_lone_file_is_the_view_that_a_model_labels(tmp_path):
    touch(tmp_path / "case", "cine.nii.gz")
    found = Found("nifti", tmp_path / "case", "cine")
    assert find_images(tmp_path / "case", "la_2ch") == found
    assert find_images(tmp_path / "case/cine.nii.gz", "la_2ch") == found


@pytest.mark.parametrize(
    ("names", "wanted", "sentence"),
    [
        (["a_C0.nii.gz", "a_DE.nii.gz"], "c0,de,t2", r"has no T2-weighted images \(t2\); give a"),
        (["a_C0.nii.gz", "b_DE.nii.gz"], "c0,de", "names of two patients, 'a' and 'b'; put the"),
        (["a_DE.nii.gz", "a_LGE.nii.gz", "C0.nii"], "c0,de", "a_DE.nii.gz and a_LGE.nii.gz are"),
        (["a.nii", "b.nii"], "la_4ch", "has 2 NIfTI files; name the file of 4-chamber cines"),
        (
            ["1.dcm"],
            "c0",
            r"DICOM files is read as a short-axis cine, .* end-diastolic cine images",
        ),
        (["1.dcm"], "ao", r"DICOM files is read as a short-axis cine, .* aortic cines \(ao\)"),
    ],
)
def test_images_that_are_not_those_of_a_model_are_refused(tmp_path, names, wanted, sentence):
    touch(tmp_path / "case", *names)
    with pytest.raises(ValueError, match=sentence):
        find_images(tmp_path / "case", wanted)


def test_tagged_cines_are_found_in_dicom_and_hdf5_files(tmp_path):
    touch(tmp_path / "case", "1.dcm")
    assert find_images(tmp_path / "case", "tag") == Found("folder", tmp_path, "case")
    touch(tmp_path, "trial.h5")
    assert find_images(tmp_path / "trial.h5", "tag") == Found("tagging", tmp_path, "trial")
    touch(tmp_path / "both", "sa.nii.gz", "tag.nii.gz")
    assert find_images(tmp_path / "both", "tag") == Found("nifti", tmp_path, "both")


def test_several_sequences_are_files_of_a_folder(tmp_path):
    touch(tmp_path / "case", "a_C0.nii.gz")
    with pytest.raises(ValueError, match=r"is no folder; give a folder with one file for each seq"):
        find_images(tmp_path / "case/a_C0.nii.gz", "c0,de")
    (tmp_path / "a.h5").touch()
    with pytest.raises(ValueError, match=r"an HDF5 file is read as a short-axis cine, and the mod"):
        find_images(tmp_path / "a.h5", "la_4ch")


def test_a_wide_cine_is_turned_as_the_import_turns_it(tmp_path, model):
    rng = np.random.default_rng(0)
    cine = Cine(rng.random((2, 3, 16, 32), np.float32), np.diag([2.0, 2, 8, 1]), 0.4)
    cine.save(tmp_path / "wide.nii.gz")
    applied = apply_model(tmp_path / "wide.nii.gz", model, "x")
    assert applied.labels.voxels.shape == (2, 3, 32, 16)
    assert applied.audit["problem"].tolist() == ["rows < columns"]
    assert applied.volumes["subject"].tolist() == ["x"]


def test_an_hdf5_file_needs_to_be_told_how_large_its_voxels_are(tmp_path, model):
    path = write(tmp_path / "Mouse7.h5")
    with pytest.raises(ValueError, match=r"Mouse7: an HDF5 file does not say .*; give spacing_mm="):
        apply_model(path, model)
    applied = apply_model(path, model, spacing_mm=(1.0, 0.1, 0.2), frame_interval_ms=5)
    rows, columns, slices, frames = SHAPE
    assert applied.labels.voxels.shape == (frames, slices, rows, columns)
    assert applied.image.spacing_mm == pytest.approx((1.0, 0.1, 0.2))
    assert applied.volumes["heart_rate_bpm"].item() == pytest.approx(3000)
    unknown = apply_model(path, model, spacing_mm=(1.0, 0.1, 0.2))
    assert np.isnan(unknown.volumes["heart_rate_bpm"].item())


def test_spacings_are_not_given_to_files_that_have_their_own(tmp_path, model):
    Cine(np.ones((1, 2, 16, 16), np.float32), np.eye(4)).save(tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match="a: has its own spacing and frame interval; leave out"):
        apply_model(tmp_path / "a.nii.gz", model, spacing_mm=(1.0, 0.1, 0.1))


def test_a_calibrated_model_gives_intervals_with_its_volumes(tmp_path, model):
    rng = np.random.default_rng(0)
    cine = Cine(rng.random((2, 3, 32, 16), np.float32), np.diag([2.0, 2, 8, 1]), 0.4)
    cine.save(tmp_path / "cine.nii.gz")
    assert apply_model(tmp_path / "cine.nii.gz", model, "x").intervals is None
    ef = MeasureErrors(None, tuple(np.linspace(-0.1, 0.1, 21)), -9.0, 9.0, 0.9, 0.2)
    weights = sha256(model / "weights.safetensors")
    found = ModelCalibration("clinic", ("test",), 21, 21, 0.9, "max", weights, {"ef": ef})
    write_calibration(found, model / FILE)
    row = apply_model(tmp_path / "cine.nii.gz", model, "x").intervals.iloc[0]
    assert row["subject"] == "x"
    assert "calibrated on 21 subjects of clinic" in row["origin"]
    other = apply_model(tmp_path / "cine.nii.gz", model, "x", ed="first").intervals.iloc[0]
    assert other["origin"] == "no intervals: calibrated with end-diastole max, not first"
