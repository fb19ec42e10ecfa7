"""Windows of training: which slices they hold, and with what labels."""

import numpy as np
import pandas as pd
import pytest
import torch

from aortas import DRAWN, FRAMES, SETTINGS, SIZE, aorta, aortic_slices
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.augment import apply_transforms, draw_transforms
from cmrseg.learn.batches import draw_batches
from cmrseg.learn.prepare import zscore
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.source import Source
from cmrseg.learn.windows import window_rows, with_labels_of_middle
from stopped_training import saved


def index(**frames):
    """An index of subjects with these numbers of frames, in two slices each."""
    rows = [
        (subject, z, t) for subject, count in frames.items() for t in range(count) for z in range(2)
    ]
    found = pd.DataFrame(rows, columns=["subject", "slice", "frame"])
    return found.assign(row=range(len(found)))


def test_a_window_is_of_one_slice_and_goes_around_the_beat():
    found = window_rows(index(a=3, b=5), 3)
    # Frames of slice 0 of a are rows 0, 2, 4, those of slice 1 of b are rows 7, 9, ..., 15.
    assert found[0].tolist() == [4, 0, 2]
    assert found[3].tolist() == [1, 3, 5]
    assert found[15].tolist() == [13, 15, 7]
    assert found.shape == (16, 3)


def test_cines_without_all_their_frames_and_short_ones_are_refused_by_subject():
    short = index(a=9, b=5)
    with pytest.raises(ValueError, match="subject b: a window of 9 frames is longer than a cycle"):
        window_rows(short, 9)
    gap = short[short["frame"] != 2].assign(row=range(24))
    with pytest.raises(ValueError, match="subject a, slice 1: 8 frames up to number 9 in the slic"):
        window_rows(gap, 3)


def test_frames_without_labels_have_those_of_the_middle_and_others_their_own():
    labels = torch.full((1, 5, 2, 2), UNLABELLED, dtype=torch.uint8)
    labels[0, 1] = 6
    labels[0, 2, 0] = 7
    labels[0, 4, 1, 1] = 0
    found = with_labels_of_middle(labels)
    assert (found[0, 0] == labels[0, 2]).all()
    assert (found[0, 1] == 6).all()
    assert (found[0, 2] == labels[0, 2]).all()
    assert (found[0, 3] == labels[0, 2]).all()
    # A frame that is labelled in part is what it is.
    assert found[0, 4].tolist() == [[UNLABELLED, UNLABELLED], [UNLABELLED, 0]]


def test_labels_of_windows_wait_for_no_value_of_a_device():
    # A tensor of the meta device has no values: looking at one is an error.
    labels = torch.zeros(2, 9, 4, 4, dtype=torch.uint8, device="meta")
    assert with_labels_of_middle(labels).shape == labels.shape


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    return aortic_slices(tmp_path_factory.mktemp("sparse"))


def test_all_frames_are_written_and_those_with_labels_are_learnt_from(sparse):
    assert len(sparse.index) == 4 * FRAMES
    assert sparse.images.dtype == np.float32
    assert sparse.index["drawn"].sum() == 4 * len(DRAWN)
    rows = sparse.select(["train"])
    assert rows["frame"].tolist() == 3 * list(DRAWN)
    assert rows["row"].tolist() == [12 * i + t for i in range(3) for t in DRAWN]
    unlabelled = sparse.index["drawn"] == 0
    assert (sparse.labels[unlabelled] == UNLABELLED).all()


def test_grey_values_are_scaled_over_the_whole_cropped_cine(sparse):
    image, _ = aorta(2)
    expected = zscore(image[:, 0])
    np.testing.assert_array_equal(sparse.images[2 * FRAMES : 3 * FRAMES], expected)
    assert abs(sparse.images[2 * FRAMES].mean()) < 0.2


def test_a_cine_that_is_smaller_is_padded_before_it_is_scaled(tmp_path):
    image, labels = aorta(0)
    small = saved(tmp_path, [(image[..., 8:], labels[..., 8:])], ["train"])
    make_slices(small, SETTINGS, tmp_path / "slices")
    padded = np.zeros_like(image[:, 0])
    padded[..., 4:28] = image[:, 0, :, 8:]
    np.testing.assert_array_equal(Slices.load(tmp_path / "slices").images, zscore(padded))


def test_a_batch_has_the_frames_around_each_labelled_one(sparse):
    images, labels = Source(sparse, "cpu", 9).read(np.array([1, 7]))
    assert images.shape == labels.shape == (2, 9, SIZE, SIZE)
    frames = [[9, 10, 11, 0, 1, 2, 3, 4, 5], [3, 4, 5, 6, 7, 8, 9, 10, 11]]
    frames[0] = [(1 + k) % FRAMES for k in range(-4, 5)]
    np.testing.assert_array_equal(images.numpy(), sparse.images[np.array(frames)])
    # Frame 7 is in no window around frame 1: all frames have the labels of the middle.
    assert (labels[0] == torch.from_numpy(np.array(sparse.labels[1]))).all()
    assert (labels[1] == torch.from_numpy(np.array(sparse.labels[7]))).all()
    assert set(labels.unique().tolist()) == {0, Tissue.AAO, Tissue.DAO}


def test_arrays_kept_on_the_device_give_the_same_windows(sparse):
    source = Source(sparse, "cpu", 9)
    read = source.read(np.array([1, 13]))
    source.keep()
    kept = source.read(np.array([1, 13]))
    assert all(torch.equal(a, b) for a, b in zip(read, kept, strict=True))


def test_frames_have_labels_of_their_own_where_there_are_some(tmp_path):
    near = aortic_slices(tmp_path, drawn=(1, 3), subjects=2)
    _, labels = Source(near, "cpu", 9).read(np.array([1, 3]))
    one, three = (torch.from_numpy(np.array(near.labels[row])) for row in (1, 3))
    assert not torch.equal(one, three)
    # Places of the frames 1 and 3 in both windows.
    for window, places in ((0, (4, 6)), (1, (2, 4))):
        for place, own in zip(places, (one, three), strict=True):
            assert torch.equal(labels[window, place], own)
    assert torch.equal(labels[0, 0], one)
    assert torch.equal(labels[1, 0], three)


def test_a_slice_without_any_label_is_left_out(tmp_path):
    image, labels = (np.concatenate([part, part], axis=1) for part in aorta(0))
    labels[:, 1] = UNLABELLED
    paths = [tmp_path / name for name in ("image.nii.gz", "labels.nii.gz")]
    for voxels, path in zip((image, labels), paths, strict=True):
        Cine(voxels, np.eye(4)).save(path)
    make_slices([("0", "train", paths[:1], paths[1])], SETTINGS, tmp_path / "slices")
    assert set(Slices.load(tmp_path / "slices").index["slice"]) == {0}


def test_a_batch_is_of_subjects_with_all_their_labelled_frames(sparse):
    rows = sparse.select(["train"])
    batches = draw_batches(np.random.default_rng(0), rows, SETTINGS)
    assert len(batches) == 3
    for batch in batches:
        assert (batch % FRAMES).tolist() == list(DRAWN)
        assert len(set(batch // FRAMES)) == 1
    two = draw_batches(np.random.default_rng(0), rows, SETTINGS | {"batch": 2})
    assert [len(batch) for batch in two] == [4]


def test_of_a_subject_with_labels_in_many_frames_a_batch_has_two(sparse):
    rows = sparse.index[sparse.index["split"] == "train"]
    rng = np.random.default_rng(0)
    batches = [b for _ in range(20) for b in draw_batches(rng, rows, SETTINGS)]
    assert {len(batch) for batch in batches} == {2}
    assert all(batch[0] < batch[1] for batch in batches)
    assert all(len(set(batch // FRAMES)) == 1 for batch in batches)
    assert set(np.concatenate(batches) % FRAMES) == set(range(FRAMES))


def test_all_frames_of_a_window_change_alike(sparse):
    frame, labels = sparse.images[1], sparse.labels[1]
    windows = torch.from_numpy(np.tile(frame, (2, 9, 1, 1)))
    told = torch.from_numpy(np.tile(labels, (2, 9, 1, 1)))
    transforms = draw_transforms(np.random.default_rng(1), 2, "aorta", SIZE)
    moved, moved_labels = apply_transforms(windows, told, transforms)
    assert moved.shape == moved_labels.shape == (2, 9, SIZE, SIZE)
    assert (moved == moved[:, :1]).all()
    assert (moved_labels == moved_labels[:, :1]).all()
    assert not torch.equal(moved[0, 0], moved[1, 0])
    alone, alone_labels = apply_transforms(windows[:, 0], told[:, 0], transforms)
    assert torch.equal(alone, moved[:, 4])
    assert torch.equal(alone_labels, moved_labels[:, 4])
