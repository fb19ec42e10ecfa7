"""What lies at a path that somebody names."""

import json

import numpy as np
import pytest
import torch

from cmrseg.apply import apply_model
from cmrseg.cine import Cine
from cmrseg.inputs import Found, find_images
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network


@pytest.mark.parametrize(
    ("files", "asked", "layout", "study"),
    [
        (["case/1.dcm"], "case", "folder", "case"),
        (["case/sa.nii.gz", "case/la.nii.gz"], "case", "nifti", "case"),
        (["case/cine.nii"], "case", "nifti", "cine"),
        (["case/cine.nii.gz"], "case/cine.nii.gz", "nifti", "cine"),
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
        ("two/notes.txt", "a file must be NIfTI; give the folder of the DICOM files"),
    ],
)
def test_what_is_no_one_s_images_is_refused(tmp_path, name, sentence):
    (tmp_path / "two").mkdir()
    for file in ("a.nii", "b.nii.gz", "notes.txt"):
        (tmp_path / "two" / file).touch()
    with pytest.raises(ValueError, match=sentence):
        find_images(tmp_path / name)


def test_a_wide_cine_is_turned_as_the_import_turns_it(tmp_path):
    settings = {"network": "fcn", "encoder": "", "width": 2, "classes": 4}
    network = build_network(settings, torch.Generator().manual_seed(0))
    save_weights(network.state_dict(), tmp_path / "model/weights.safetensors")
    settings |= {"preparation": "fcn", "intensity": "linear", "size_px": 32}
    (tmp_path / "model/record.json").write_text(json.dumps({"settings": settings}))
    rng = np.random.default_rng(0)
    cine = Cine(rng.random((2, 3, 16, 32), np.float32), np.diag([2.0, 2, 8, 1]), 0.4)
    cine.save(tmp_path / "wide.nii.gz")
    applied = apply_model(tmp_path / "wide.nii.gz", tmp_path / "model", "x")
    assert applied.labels.voxels.shape == (2, 3, 32, 16)
    assert applied.audit["problem"].tolist() == ["rows < columns"]
    assert applied.volumes["subject"].tolist() == ["x"]
