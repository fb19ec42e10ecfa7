"""Label volumes given with the raw data: pairs on the image's grid, and volumes on any grid."""

import logging

import numpy as np
import pytest

from carried import ROWS, SETTINGS, carrier
from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.ready_made import import_studies
from dicom_builder import write_study


@pytest.fixture
def carry(tmp_path):
    return carrier(tmp_path)


def write_volumes(folder, labels):
    folder.mkdir(parents=True)
    for frame in ("ED", "ES"):
        voxels = np.ones((1, 2, 4, 5), np.float32)
        Cine(voxels, np.eye(4)).save(folder / f"sa_{frame}.nii.gz")
        Cine(labels, np.eye(4)).save(folder / f"label_sa_{frame}.nii.gz")


def test_label_volumes_are_carried(tmp_path, carry):
    labels = (np.arange(40).reshape(1, 2, 4, 5) % 4).astype(np.float32)
    write_volumes(tmp_path / "raw/7", labels)
    assert (carry("nifti", import_studies, "ukbb", read=read_pair) == labels).all()


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
        carry("nifti", import_studies, "ukbb", read=read_pair)


def test_label_volumes_of_another_size_are_refused_by_subject(tmp_path, carry):
    write_volumes(tmp_path / "raw/7", np.zeros((1, 2, 4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"subject 7: labels of truth: .*differ"):
        carry("nifti", import_studies, "ukbb", read=read_pair)


# -- volumes on any grid ---------------------------------------------------------------------


GRID_MM = np.array([[-1.5, 0, 0, 20], [0, 0, -2, 30], [0, -1.5, 0, 50], [0, 0, 0, 1.0]])
SHAPE = (3, 4, 12, 10)
HEART = np.zeros(SHAPE, np.uint8)
HEART[:, 1:3, 4:9, 3:8] = 2
HEART[:, 1:3, 5:8, 4:7] = 1
HEART[1, 2, 6, 5] = 3


@pytest.fixture
def volumes(tmp_path, carry):
    """Carry label volumes, given by file name, to a cine of SHAPE on GRID_MM."""
    raw = tmp_path / "raw"
    raw.mkdir()
    Cine(np.ones(SHAPE, np.float32), GRID_MM, 0.3).save(raw / "7.nii.gz")

    def run(**files):
        for name, (voxels, affine) in files.items():
            Cine(voxels, affine).save(raw / "annotations/truth" / f"{name.lstrip('_')}.nii.gz")
        return carry("nifti", import_studies, "nifti", read=read_whole)

    return run


def reversed_axis(voxels, affine, axis):
    """The same volume stored the other way along x (0), y (1) or z (2)."""
    affine = affine.copy()
    affine[:3, 3] += affine[:3, axis] * (voxels.shape[3 - axis] - 1)
    affine[:3, axis] *= -1
    return np.flip(voxels, 3 - axis), affine


@pytest.mark.parametrize("axes", [(), (1,), (0, 1), (1, 2), (0, 1, 2)])
def test_labels_of_any_storage_order_come_to_their_place(volumes, axes):
    stored = (HEART, GRID_MM)
    for axis in axes:
        stored = reversed_axis(*stored, axis)
    assert (volumes(_7=stored) == HEART).all()


def test_labels_with_exchanged_axes_come_to_their_place(volumes):
    assert (volumes(_7=(HEART.swapaxes(2, 3), GRID_MM[:, [1, 0, 2, 3]])) == HEART).all()


def test_labels_on_a_part_of_the_image_leave_the_rest_unlabelled(volumes):
    affine = GRID_MM.copy()
    affine[:3, 3] += GRID_MM[:3, 2] + 2 * GRID_MM[:3, 1]
    placed = volumes(_7=(HEART[:, 1:3, 2:], affine))
    assert (placed[:, 1:3, 2:] == HEART[:, 1:3, 2:]).all()
    assert (placed[:, [0, 3]] == 255).all()
    assert (placed[:, :, :2] == 255).all()


def test_labels_of_half_the_resolution_cover_the_pixels_below_them(volumes):
    coarse = np.zeros((3, 4, 6, 5), np.uint8)
    coarse[:, 1, 2, 3] = 1
    affine = GRID_MM.copy()
    affine[:3, :2] *= 2
    affine[:3, 3] += (GRID_MM[:3, 0] + GRID_MM[:3, 1]) / 2
    placed = volumes(_7=(coarse, affine))
    assert np.argwhere(placed[0] == 1).tolist() == [[1, 4, 6], [1, 4, 7], [1, 5, 6], [1, 5, 7]]


def test_single_frames_are_labelled_and_the_others_are_not(volumes):
    flipped = reversed_axis(HEART[1:2], GRID_MM, 1)
    placed = volumes(_7_frame001=flipped, _7_frame2=(HEART[2:3], GRID_MM))
    assert (placed[1:] == HEART[1:]).all()
    assert (placed[0] == 255).all()


def test_a_single_frame_stands_before_the_volume_of_all(volumes):
    other = np.where(HEART[:1] == 2, 1, HEART[:1]).astype(np.uint8)
    placed = volumes(_7=(HEART, GRID_MM), _7_frame000=(other, GRID_MM))
    assert (placed == np.concatenate([other, HEART[1:]])).all()


def test_a_frame_without_any_tissue_is_one_that_nobody_labelled(volumes):
    sparse = HEART.copy()
    sparse[1] = 0
    placed = volumes(_7=(sparse, GRID_MM))
    assert (placed[1] == 255).all()
    assert (placed[[0, 2]] == HEART[[0, 2]]).all()


def test_labels_that_leave_the_image_are_logged(volumes, caplog):
    affine = GRID_MM.copy()
    affine[:3, 3] += 5 * GRID_MM[:3, 0]
    with caplog.at_level(logging.WARNING):
        volumes(_7=(HEART, affine))
    # Columns 3 to 7 come to 8 to 12, of which the image has two of five.
    assert "subject 7: 7.nii.gz: labels outside the image: 60% of the labels" in caplog.text


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"_7": (HEART[:2], GRID_MM)}, r"7.nii.gz: 2 frames, the image has 3; name the labels of"),
        (
            {"_7_frame003": (HEART[:1], GRID_MM)},
            "7_frame003.nii.gz: the image has frames 0 to 2",
        ),
        ({"_7_frame000": (HEART, GRID_MM)}, "7_frame000.nii.gz: 3 frames, expected 1; name"),
        (
            {"_7_frame0": (HEART[:1], GRID_MM), "_7_frame00": (HEART[:1], GRID_MM)},
            "are both for one frame",
        ),
        ({"_7": (HEART * 2, GRID_MM)}, r"7.nii.gz: label values \[4, 6\]"),
        (
            {"_7": (HEART, GRID_MM + np.array([0, 0, 0, 90]))},
            "7.nii.gz: the labels do not overlap the image",
        ),
        (
            {"_7": (HEART * 0, GRID_MM)},
            "7: no labelled tissue within the image in any frame; save the labels with",
        ),
    ],
)
def test_volumes_that_cannot_be_the_labels_are_refused_by_subject_and_file(volumes, files, message):
    files = {
        name: (voxels, np.vstack([affine[:3], [0, 0, 0, 1]]))
        for name, (voxels, affine) in files.items()
    }
    with pytest.raises(ValueError, match=f"subject 7: labels of truth: .*{message}"):
        volumes(**files)


def test_two_volumes_of_one_name_are_refused(volumes, tmp_path):
    folder = tmp_path / "raw/annotations/truth"
    folder.mkdir(parents=True)
    (folder / "7.nii").touch()
    with pytest.raises(ValueError, match=r"7.nii.gz and 7.nii both exist"):
        volumes(_7=(HEART, GRID_MM))


def test_labels_drawn_on_a_converted_series_fit_the_imported_one(tmp_path, carry):
    """A converter stores rows from bottom to top and slices the other way round."""
    write_study(tmp_path / "raw/7", slices=4)
    settings = {"settings": {**SETTINGS, "layout": "folder"}}
    import_shard(ROWS, tmp_path / "raw", tmp_path / "images", **settings)
    affine = Cine.load(tmp_path / "images/7/sa.nii.gz").affine
    stored = reversed_axis(*reversed_axis(HEART, affine, 1), 2)
    Cine(*stored).save(tmp_path / "raw/annotations/truth/7.nii.gz")
    assert (carry("nifti", import_shard, "folder", **settings) == HEART).all()


def test_volumes_fit_images_of_mode_compat_on_their_own_grid_only(tmp_path, carry):
    write_study(tmp_path / "raw/7", slices=4)
    settings = {"settings": {**SETTINGS, "mode": "compat", "layout": "folder"}}
    import_shard(ROWS, tmp_path / "raw", tmp_path / "images", **settings)
    affine = Cine.load(tmp_path / "images/7/sa.nii.gz").affine
    file = tmp_path / "raw/annotations/truth/7.nii.gz"
    Cine(*reversed_axis(HEART, affine, 1)).save(file)
    with pytest.raises(ValueError, match=r"7.nii.gz: .* mode compat does not keep the position"):
        carry("nifti", import_shard, "folder", **settings)
    Cine(HEART, affine).save(file)
    assert (carry("nifti", import_shard, "folder", **settings) == HEART).all()
