"""Label images given with the raw data: what is carried, and what is refused by name."""

import numpy as np
import pytest
from PIL import Image

from carried import SETTINGS, carrier
from cmrseg.dicom.study import import_shard
from dicom_builder import write_study

PICTURE = "annotations/truth/train/train/7/study/sax_5/IM-0005-0001.png"


@pytest.fixture
def carry(tmp_path):
    return carrier(tmp_path)


@pytest.fixture
def masks(tmp_path, carry):
    """Carry one label image of the first file, given as an array."""
    write_study(tmp_path / "raw/train/train/7/study", slices=2)

    def run(label):
        path = tmp_path / "raw" / PICTURE
        path.parent.mkdir(parents=True)
        Image.fromarray(label).save(path)
        return carry("masks", import_shard, "kaggle", settings={**SETTINGS, "layout": "kaggle"})

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


# -- published pictures of single frames -----------------------------------------------------


@pytest.fixture
def frames(tmp_path, carry):
    """Carry pictures, by frame and slice, to a DICOM study of 3 frames, 2 slices, 12 x 10."""
    write_study(tmp_path / "raw/train/train/7/study", slices=2)
    folder = tmp_path / "raw/annotations/truth/7"
    folder.mkdir(parents=True)

    def run(pictures, mode="compat"):
        for (t, z), picture in pictures.items():
            Image.fromarray(picture).save(folder / f"7-frame{t:03d}-slice{z:03d}.png")
        settings = {"mode": mode, "max_size_px": 256, "layout": "kaggle"}
        return carry("frames", import_shard, "kaggle", settings=settings)

    return run


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_published_pictures_are_turned_to_the_image_s_rows(frames, kind):
    picture = (np.arange(120).reshape(12, 10) % 4).astype(kind)
    placed = frames({(2, 1): picture})
    assert (placed[2, 1] == picture[::-1]).all()
    assert (placed[:2] == 255).all()
    assert (placed[2, 0] == 255).all()


@pytest.mark.parametrize(
    ("pictures", "mode", "message"),
    [
        (
            {(0, 0): np.zeros((12, 10), np.uint8)},
            "corrected",
            "7: .*import the cohort in mode compat",
        ),
        (
            {(0, 0): np.zeros((10, 12), np.uint8)},
            "compat",
            r"slice000.png: 12 x 10 pixels \(X x Y\)",
        ),
        (
            {(3, 0): np.zeros((12, 10), np.uint8)},
            "compat",
            "frame003-slice000.png: the image has the frames 0 to 2",
        ),
        (
            {(0, 2): np.zeros((12, 10), np.uint8)},
            "compat",
            "frame000-slice002.png: .* the slices 0 to 1; names of files",
        ),
        (
            {(0, 0): np.full((12, 10), 300, np.uint16)},
            "compat",
            r"slice000.png: label values \[300",
        ),
        ({}, "compat", "no file 7-frame<fff>-slice<sss>.png"),
    ],
)
def test_pictures_that_cannot_be_the_labels_are_refused(frames, pictures, mode, message):
    with pytest.raises(ValueError, match=f"subject 7: labels of truth: .*{message}"):
        frames(pictures, mode)
