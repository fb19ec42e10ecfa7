import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED
from cmrseg.learn.prepare import prepare_volume
from cmrseg.learn.slices import Slices, make_slices

SETTINGS = {
    "sequence": "sa",
    "preparation": "unet",
    "size_px": 16,
    "intensity": "linear",
    "tissues": "lv,my",
}


@pytest.fixture
def subject(tmp_path):
    """Writes a subject's image and labels, (2, 3, 20, 16); frame 1 has a label in slice 2 only."""

    def write(name, split="train", image=None, labels=None):
        rng = np.random.default_rng(len(name))
        image = rng.random((2, 3, 20, 16), np.float32) if image is None else image
        if labels is None:
            labels = np.zeros((2, 3, 20, 16), np.uint8)
            labels[:, :, 8:12, 6:10] = 1
            labels[:, :, 12:14, 6:10] = 2
            labels[:, :, 8:10, 2:4] = 3
            labels[1, :2] = UNLABELLED
        for what, voxels in (("image", image), ("labels", labels)):
            Cine(voxels, np.eye(4)).save(tmp_path / f"{name}_{what}.nii.gz")
        image, labels = (tmp_path / f"{name}_{what}.nii.gz" for what in ("image", "labels"))
        return name, split, [image], labels

    return write


def test_every_labelled_slice_has_a_row_an_image_and_labels(subject, tmp_path):
    images = [subject("071"), subject("71", "validate")]
    index = make_slices(images, SETTINGS, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    pixels = ["lv_pixels", "my_pixels"]
    places = ["row", "subject", "split", "slice", "frame", "volume"]
    assert list(index.columns) == [*places, *pixels, "whole"]
    pd.testing.assert_frame_equal(index, slices.index)
    assert index["row"].tolist() == list(range(8))
    assert index["subject"].tolist() == 4 * ["071"] + 4 * ["71"]
    assert index["frame"].tolist() == 2 * [0, 0, 0, 1]
    assert index["slice"].tolist() == 2 * [0, 1, 2, 2]
    assert index["volume"].tolist() == [0, 0, 0, 1, 2, 2, 2, 3]
    assert index["lv_pixels"].tolist() == 8 * [16]
    assert index["my_pixels"].tolist() == 8 * [8]
    pixels, _ = prepare_volume(Cine.load(images[1][2][0]).voxels[1], SETTINGS)
    assert (slices.images[7] == pixels[2]).all()
    assert slices.images.dtype == slices.labels.dtype == np.uint8


def test_tissues_that_the_network_does_not_know_become_background(subject, tmp_path):
    for tissues, expected in (("lv,my", {0, 1, 2}), ("lv,my,rv", {0, 1, 2, 3}), ("rv", {0, 3})):
        make_slices([subject("1")], SETTINGS | {"tissues": tissues}, tmp_path / "slices")
        assert set(np.unique(Slices.load(tmp_path / "slices").labels)) == expected


def test_labels_that_the_crop_removes_are_told(subject, tmp_path, caplog):
    labels = np.zeros((1, 3, 40, 40), np.uint8)
    labels[0, 0, 18:22, 18:22] = 1
    labels[0, 1, :4, :4] = 1
    labels[0, 2, 10:14, 18:22] = 1
    image = np.random.default_rng(0).random((1, 3, 40, 40), np.float32)
    settings = SETTINGS | {"preparation": "minmax"}
    index = make_slices([subject("1", "train", image, labels)], settings, tmp_path / "slices")
    assert index["lv_pixels"].tolist() == [16, 16, 16]
    targets = Slices.load(tmp_path / "slices").labels
    assert (targets == 1).sum(axis=(1, 2)).tolist() == [16, 0, 8]
    assert caplog.messages == [
        "subject 1: size_px 16 cuts off labels of 2 images; frame/slice from 1: 1/2, 1/3"
    ]


def test_pixels_that_nobody_labelled_stay_marked(subject, tmp_path):
    labels = np.zeros((2, 3, 20, 16), np.uint8)
    labels[..., :8] = UNLABELLED
    make_slices([subject("1", labels=labels)], SETTINGS, tmp_path / "slices")
    stored = Slices.load(tmp_path / "slices").labels
    assert set(np.unique(stored)) == {0, UNLABELLED}


def test_fcn_slices_are_scaled_by_all_slices_of_their_frame(subject, tmp_path):
    settings = SETTINGS | {"preparation": "fcn", "tissues": "lv,my,rv"}
    images = [subject("1")]
    make_slices(images, settings, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    pixels, _ = prepare_volume(Cine.load(images[0][2][0]).voxels[1], settings)
    assert slices.images.dtype == np.uint16
    assert (slices.images[3] == pixels[2]).all()
    batch, labels = slices.batch(np.array([3, 0]))
    assert batch.dtype == np.float32
    assert batch.max() == 1
    assert (labels == slices.labels[[3, 0]]).all()


def test_same_inputs_give_the_same_bytes(subject, tmp_path):
    images = [subject("1")]
    for name in ("a", "b"):
        make_slices(images, SETTINGS, tmp_path / name)
    assert Slices.load(tmp_path / "a").digest == Slices.load(tmp_path / "b").digest


@pytest.mark.parametrize("preparation", ["unet", "fcn"])
def test_arrays_are_the_bytes_that_numpy_saves(subject, tmp_path, preparation):
    settings = SETTINGS | {"preparation": preparation}
    make_slices([subject("1"), subject("22")], settings, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    for name, array in (("images", slices.images), ("labels", slices.labels)):
        np.save(tmp_path / f"{name}.npy", np.array(array))
        written = (tmp_path / "slices" / f"{name}.npy").read_bytes()
        assert written == (tmp_path / f"{name}.npy").read_bytes()


def test_selecting_a_split_without_slices_is_refused_by_name(subject, tmp_path):
    make_slices([subject("1")], SETTINGS, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    assert len(slices.select(["train"])) == 4
    with pytest.raises(ValueError, match="no slice of split validate; the splits are train"):
        slices.select(["validate"])


def test_labels_of_another_grid_are_refused_by_name(subject, tmp_path):
    wrong = subject("9", labels=np.zeros((2, 2, 20, 16), np.uint8))
    with pytest.raises(ValueError, match=r"subject 9: image .* \(2, 3, 20, 16\).*\(2, 2, 20, 16\)"):
        make_slices([wrong], SETTINGS, tmp_path / "slices")
    assert not (tmp_path / "slices").exists()


def test_labels_that_are_not_integers_are_refused_by_name(subject, tmp_path):
    wrong = subject("9", labels=np.zeros((2, 3, 20, 16), np.float32))
    with pytest.raises(ValueError, match=r"subject 9: labels in .* are float32"):
        make_slices([wrong], SETTINGS, tmp_path / "slices")


@pytest.mark.parametrize("value", [-1, 300, 9])
def test_labels_that_are_no_tissue_are_refused_by_name(subject, tmp_path, value):
    labels = np.zeros((2, 3, 20, 16), np.int16)
    labels[0, 0, 3, 3] = value
    with pytest.raises(ValueError, match=rf"subject 9: labels in .*9_labels.* values \[{value}\]"):
        make_slices([subject("9", labels=labels)], SETTINGS, tmp_path / "slices")


def test_images_that_are_not_finite_are_refused_by_name(subject, tmp_path):
    wrong = subject("9", image=np.full((2, 3, 20, 16), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"subject 9: image .* not finite"):
        make_slices([wrong], SETTINGS, tmp_path / "slices")


def test_no_label_at_all_and_repeated_subjects_are_refused(subject, tmp_path):
    empty = subject("9", labels=np.full((2, 3, 20, 16), UNLABELLED, np.uint8))
    with pytest.raises(ValueError, match="no labelled slice in 1 subjects"):
        make_slices([empty], SETTINGS, tmp_path / "slices")
    with pytest.raises(ValueError, match="a subject is listed twice"):
        make_slices([empty, empty], SETTINGS, tmp_path / "slices")


def test_arrays_and_index_of_different_length_are_refused(subject, tmp_path):
    make_slices([subject("1")], SETTINGS, tmp_path / "slices")
    np.save(tmp_path / "slices" / "labels.npy", np.zeros((2, 16, 16), np.uint8))
    with pytest.raises(ValueError, match="4 images, 2 labels and 4 index rows"):
        Slices.load(tmp_path / "slices")
