"""Labels of two frames carried to all, by the registration of a digital aorta, file by file."""

import logging

import numpy as np
import pytest

from cmrseg.annotations.propagated import motion, propagate_shard, propagated
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from moving_texture import texture
from phantom_aorta import digital_aorta

DRAWN = [1, 5]


@pytest.fixture(scope="module")
def aorta():
    """A cine, and its labels of all frames."""
    return digital_aorta()


def some(labels, frames=DRAWN):
    told = np.full_like(labels, UNLABELLED)
    told[frames] = labels[frames]
    return told


def dice(one, other, tissue):
    """Of each frame."""
    both, either = (one == tissue) & (other == tissue), (one == tissue).sum((1, 2, 3))
    return 2 * both.sum((1, 2, 3)) / (either + (other == tissue).sum((1, 2, 3)))


def test_labels_of_two_frames_follow_a_digital_aorta(aorta):
    cine, labels = aorta
    found = propagated(some(labels), cine)
    assert (found[DRAWN] == labels[DRAWN]).all()
    assert (found != UNLABELLED).all()
    for tissue in (Tissue.AAO, Tissue.DAO):
        followed = dice(found, labels, tissue)
        assert followed.mean() > 0.97
        assert followed.min() > 0.91


def test_a_vessel_grows_and_shrinks_as_its_image_does(aorta):
    cine, labels = aorta
    true, found, still = (
        (each == Tissue.AAO).sum(axis=(1, 2, 3))
        for each in (labels, propagated(some(labels, [0]), cine), labels[[0] * len(labels)])
    )
    assert np.corrcoef(true, found)[0, 1] > 0.8
    assert np.abs(found - true).sum() < 0.6 * np.abs(still - true).sum()


@pytest.mark.parametrize("spacing_mm", [(1.8, 1.8), (1.2, 2.4), (1.0, 1.0)])
def test_pixels_of_any_size_are_followed(spacing_mm):
    # 40 x 60 mm that move by 2 mm along y and 1 mm back along x.
    size = [round(length / pixel) for length, pixel in zip((64, 60), spacing_mm, strict=True)]
    y, x = np.indices(size) * np.array(spacing_mm)[:, None, None] / 1.8
    target = texture(np.stack([x, y], axis=-1))
    source = texture(np.stack([x + 1 / 1.8, y - 2 / 1.8], axis=-1))
    places = motion(spacing_mm)(target, source)
    moved_mm = (places - np.indices(size)) * np.array(spacing_mm)[:, None, None]
    inside = (slice(None), *(slice(n // 4, -n // 4) for n in size))
    np.testing.assert_allclose(moved_mm[inside].mean(axis=(1, 2)), (2, -1), atol=0.1)


def test_brightness_does_not_matter(aorta):
    cine, labels = aorta
    brighter = cine.like(3 * cine.voxels + 100)
    assert (propagated(some(labels), brighter) == propagated(some(labels), cine)).all()


def test_a_slice_of_one_brightness_keeps_its_labels_in_place(aorta):
    cine, labels = aorta
    found = propagated(some(labels), cine.like(np.ones_like(cine.voxels)))
    assert (found[0] == labels[1]).all()


def test_a_shard_has_the_labels_of_those_who_were_labelled(tmp_path, aorta, caplog):
    cine, labels = aorta
    for subject in "12":
        write(tmp_path / "images" / subject, cine)
    write(tmp_path / "drawn/2", cine.like(some(labels)))
    (tmp_path / "labels").mkdir()
    with caplog.at_level(logging.INFO):
        propagate_shard(tmp_path / "images", tmp_path / "drawn", tmp_path / "labels", "ao")
    assert [path.name for path in (tmp_path / "labels").iterdir()] == ["2"]
    saved = Cine.load(tmp_path / "labels/2/ao.nii.gz")
    assert saved.voxels.dtype == np.uint8
    assert (saved.voxels == propagated(some(labels), cine)).all()
    assert (saved.affine == cine.affine).all()
    assert "subject 2: labels of 2 frames carried to 20" in caplog.text


def test_what_cannot_be_carried_is_refused_by_subject(tmp_path, aorta):
    cine, labels = aorta
    broken = cine.voxels.astype(np.float32)
    broken[3, 0, 5, 5] = np.nan
    (tmp_path / "labels").mkdir()
    write(tmp_path / "drawn/7", cine.like(some(labels)))
    write(tmp_path / "images/7", cine.like(broken))
    with pytest.raises(ValueError, match="subject 7: the cine has values that are not finite"):
        propagate_shard(tmp_path / "images", tmp_path / "drawn", tmp_path / "labels", "ao")
    write(tmp_path / "images/7", cine)
    write(tmp_path / "drawn/7", cine.like(np.full_like(labels, UNLABELLED)))
    with pytest.raises(ValueError, match="subject 7: no label in 20 frames; label one frame"):
        propagate_shard(tmp_path / "images", tmp_path / "drawn", tmp_path / "labels", "ao")


def write(folder, cine):
    folder.mkdir(parents=True, exist_ok=True)
    cine.save(folder / "ao.nii.gz")
