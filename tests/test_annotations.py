"""Labels given with the raw data: what is carried, and what is refused by name."""

import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.annotations import carry_shard
from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.study import import_shard
from cmrseg.nifti import import_shard as import_nifti
from dicom_builder import write_series, write_study

ROWS = pd.DataFrame([{"subject": "7", "study": "7", "series": "", "split": "train"}])
SETTINGS = {"mode": "corrected", "max_size_px": 256}
PICTURE = "annotations/truth/train/train/7/study/sax_5/IM-0005-0001.png"


@pytest.fixture
def carry(tmp_path):
    """Carry the labels of `raw`, which holds study 7, to `labels`."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()

    def run(kind, importer, **settings):
        importer(ROWS, tmp_path / "raw", tmp_path / "images", **settings)
        carry_shard(ROWS, "truth", kind, *(tmp_path / name for name in ("raw", "images", "labels")))
        return Cine.load(tmp_path / "labels/7/sa.nii.gz").voxels

    return run


@pytest.fixture
def masks(tmp_path, carry):
    """Carry one label image of the first file, given as an array."""
    write_study(tmp_path / "raw/train/train/7/study", slices=2)

    def run(label):
        path = tmp_path / "raw" / PICTURE
        path.parent.mkdir(parents=True)
        Image.fromarray(label).save(path)
        return carry("masks", import_shard, settings={**SETTINGS, "layout": "kaggle"})

    return run


def test_a_label_image_is_carried_and_all_else_is_unlabelled(masks):
    label = (np.arange(120).reshape(12, 10) % 4).astype(np.uint8)
    placed = masks(label)
    assert (placed[0, 0] == label).all()
    assert (placed[1:] == 255).all()


@pytest.mark.parametrize(("value", "kind"), [(257, np.uint16), (4, np.uint8), (254, np.uint8)])
def test_values_that_are_no_tissue_are_refused_before_they_become_bytes(masks, value, kind):
    with pytest.raises(
        ValueError,
        match=rf"subject 7: labels of truth: sax_5/IM-0005-0001.dcm: label values \[{value}\]",
    ):
        masks(np.full((12, 10), value, kind))


def test_a_label_image_of_another_size_is_refused_by_subject_and_file(masks):
    with pytest.raises(ValueError, match=r"subject 7: .*IM-0005-0001.dcm: label of shape \(10, 12"):
        masks(np.zeros((10, 12), np.uint8))


def write_volumes(folder, labels):
    folder.mkdir(parents=True)
    for frame in ("ED", "ES"):
        voxels = np.ones((1, 2, 4, 5), np.float32)
        Cine(voxels, np.eye(4)).save(folder / f"sa_{frame}.nii.gz")
        Cine(labels, np.eye(4)).save(folder / f"label_sa_{frame}.nii.gz")


def test_label_volumes_are_carried(tmp_path, carry):
    labels = (np.arange(40).reshape(1, 2, 4, 5) % 4).astype(np.float32)
    write_volumes(tmp_path / "raw/7", labels)
    assert (carry("nifti", import_nifti) == labels).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.9, r"subject 7: labels of truth: label_sa_ED.nii.gz: label values \[1.89"),
        (257, r"subject 7: .*label_sa_ED.nii.gz: label values \[257.0\], expected \[0, 1, 2, 3\]"),
        (np.nan, r"subject 7: .*label_sa_ED.nii.gz: 40 voxels are not finite"),
    ],
)
def test_label_volumes_with_other_values_are_refused(tmp_path, carry, value, message):
    write_volumes(tmp_path / "raw/7", np.full((1, 2, 4, 5), value, np.float32))
    with pytest.raises(ValueError, match=message):
        carry("nifti", import_nifti)


def test_label_volumes_of_another_size_are_refused_by_subject(tmp_path, carry):
    write_volumes(tmp_path / "raw/7", np.zeros((1, 2, 4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"subject 7: labels of truth: .*differ"):
        carry("nifti", import_nifti)


@pytest.fixture
def contours(tmp_path, carry):
    """Carry contours of these slices; the study has slices 0 to 3, of which 1 is removed."""
    for k, location_mm in enumerate((0, 8, 8, 16)):
        write_series(tmp_path / "raw/7" / str(k), k, location_mm=location_mm, name="{frame}.dcm")

    def run(*slices):
        triangle = np.array([[2.0, 2], [6, 2], [6, 6]])
        points = {(z, 0, ContourType.ENDOCARDIUM): triangle for z in slices}
        write_con(Contours("7", (12, 10), points), tmp_path / "raw/annotations/truth/7.con")
        return carry("qmass", import_shard, settings={**SETTINGS, "layout": "folder"})

    return run


def test_contours_of_a_removed_slice_are_logged(contours, caplog):
    with caplog.at_level(logging.WARNING):
        placed = contours(1, 2)
    assert (placed[0] == 1).any(axis=(1, 2)).tolist() == [False, True, False]
    assert "7.con: slice 1, frame 0: its image was left out by the cleaning" in caplog.text


def test_contours_of_another_study_are_refused_by_subject_and_file(contours):
    message = "subject 7: labels of truth: 7.con: contours of slice 9, frame 0 belong to no image"
    with pytest.raises(ValueError, match=message):
        contours(9)
