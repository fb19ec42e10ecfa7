"""Islands: the published check volume, the rules by hand, and that nothing goes unsaid."""

import time

import numpy as np
import pytest

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.islands import RULES, Removed, remove_islands

LV, MYO = int(Tissue.LV), int(Tissue.MYO)


@pytest.fixture
def check_volume():
    """(1, 6, 64, 64) with four pieces of myocardium and cavity in one slice."""
    labels = np.zeros((1, 6, 64, 64), np.uint8)
    labels[0, 1:5, 20:30, 20:30] = MYO
    labels[0, 2, 20:30, 45:55] = MYO
    labels[0, 3:5, 55:62, 55:62] = MYO
    labels[0, 1:3, 36:44, 36:44] = MYO
    labels[0, 2, 23:27, 23:27] = LV
    return labels


def ring(frames=1, slices=4):
    y, x = np.mgrid[:48, :48]
    distance = np.hypot(y - 24, x - 24)
    plane = np.select([distance < 6, distance < 10], [LV, MYO]).astype(np.uint8)
    return np.tile(plane, (frames, slices, 1, 1))


def test_published_rule_keeps_what_it_should_of_the_check_volume(check_volume):
    before = check_volume.copy()
    kept, removed = remove_islands(check_volume, "code")
    assert (check_volume == MYO).sum() == 710
    assert (kept == MYO).sum(axis=(0, 2, 3)).tolist() == [0, 164, 148, 100, 100, 0]
    assert not (kept == LV).any()
    assert removed == [
        Removed(0, LV, 16, (2,), erased=True),
        Removed(0, MYO, 198, (2, 3, 4), erased=False),
    ]
    assert (check_volume == before).all()


def test_largest_rule_keeps_one_piece_of_each_tissue(check_volume):
    kept, removed = remove_islands(check_volume, "largest")
    assert (kept == MYO).sum(axis=(0, 2, 3)).tolist() == [0, 100, 84, 100, 100, 0]
    assert (kept == LV).sum() == 16
    assert removed == [Removed(0, MYO, 326, (1, 2, 3, 4), erased=False)]


@pytest.mark.parametrize("rule", RULES)
def test_labels_without_islands_stay_as_they_are(rule):
    labels = ring(3)
    kept, removed = remove_islands(labels, rule)
    assert (kept == labels).all()
    assert removed == []
    nothing = np.zeros((2, 3, 8, 8), np.uint8)
    assert not remove_islands(nothing, rule)[0].any()


@pytest.mark.parametrize("rule", RULES)
def test_removing_twice_removes_nothing_more(rule, check_volume):
    once, _ = remove_islands(check_volume, rule)
    twice, removed = remove_islands(once, rule)
    assert (twice == once).all()
    assert removed == []


@pytest.mark.parametrize("rule", RULES)
def test_frames_are_looked_at_one_by_one(rule):
    labels = ring(3)
    labels[1, :3, 40:46, 40:46] = MYO
    kept, removed = remove_islands(labels, rule)
    alone = [remove_islands(labels[[t]], rule) for t in range(3)]
    assert (kept == np.concatenate([part for part, _ in alone])).all()
    # 22 pixels away and in 3 slices: the published rule keeps it.
    assert removed == ([] if rule == "code" else [Removed(1, MYO, 108, (0, 1, 2), erased=False)])


def test_neighbours_share_a_face_not_a_corner():
    labels = np.zeros((1, 2, 16, 16), np.uint8)
    labels[0, :, :6, :6], labels[0, :, 6:10, 6:10] = LV, LV
    kept, removed = remove_islands(labels, "largest")
    assert (kept == LV).sum() == 72
    assert removed == [Removed(0, LV, 32, (0, 1), erased=False)]


def test_small_far_and_flat_pieces_go_by_the_published_rule():
    labels = np.zeros((1, 3, 16, 80), np.uint8)
    labels[0, :, 4:8, 4:8] = LV  # 48 voxels, centre at x 5.5
    labels[0, :2, 0, 12:16] = LV  # 8 voxels: too few
    labels[0, :2, 4:8, 43:48] = LV  # centre at x 45, 39.5 pixels and half a slice away
    labels[0, :2, 10:14, 45:50] = LV  # 41.5 pixels away in x
    labels[0, 1, 10:14, 10:20] = LV  # in one slice
    kept, (entry,) = remove_islands(labels, "code")
    assert (kept == LV).sum() == 48 + 40
    assert (entry.voxels, entry.slices) == (8 + 40 + 40, (0, 1))


@pytest.mark.parametrize(
    ("shift", "stays"),
    [
        ((0, 0, 40), True),
        ((0, 0, 41), False),
        ((0, 40, 0), True),
        ((0, 41, 0), False),
        # 3, 4, 5 times 8: slices count like pixels.
        ((0, 24, 32), True),
        ((0, 24, 33), False),
        ((24, 0, 32), True),
        ((24, 1, 32), False),
        ((25, 0, 32), False),
    ],
)
def test_a_centre_is_near_at_40_and_far_beyond(shift, stays):
    labels = np.zeros((1, 27, 44, 44), np.uint8)
    labels[0, :2, :3, :3] = LV
    z, y, x = shift
    labels[0, z : z + 2, y : y + 3, x : x + 3] = LV
    kept, removed = remove_islands(labels, "code")
    assert (kept == LV).sum() == (36 if stays else 18)
    assert (kept[0, :2, :3, :3] == LV).all()
    assert removed == ([] if stays else [Removed(0, LV, 18, (z, z + 1), erased=False)])


@pytest.mark.parametrize(
    ("in_slices", "stays"),
    [((5, 5), True), ((5, 4), False), ((9, 1), True), ((10,), False), ((11,), False)],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_piece_is_one_from_10_voxels_in_2_slices(in_slices, stays, alone):
    labels = np.zeros((1, 4, 8, 32), np.uint8)
    labels[0, :, 5:, :4] = 0 if alone else MYO
    for z, voxels in enumerate(in_slices):
        labels[0, z, 0, 12 : 12 + voxels] = MYO
    kept, removed = remove_islands(labels, "code")
    found = (labels == MYO) & (np.arange(8)[:, None] == 0)
    assert (kept == MYO)[found].all() == stays
    lost = Removed(0, MYO, sum(in_slices), tuple(range(len(in_slices))), erased=alone)
    assert removed == ([] if stays else [lost])


def test_a_cine_of_one_slice_keeps_its_heart():
    labels = ring(frames=2, slices=1)
    labels[1, 0, 2:4, 2:5] = LV  # 6 voxels
    kept, removed = remove_islands(labels, "code")
    assert (kept == ring(frames=2, slices=1)).all()
    assert removed == [Removed(1, LV, 6, (0,), erased=False)]


def test_the_first_of_two_pieces_with_as_many_slices_is_the_main_one():
    labels = np.zeros((1, 2, 60, 16), np.uint8)
    # The first along y, though the other comes first along z.
    labels[0, :, 2:6, 2:6] = LV
    labels[0, :, 50:58, 2:6] = LV
    kept, _ = remove_islands(labels, "code")
    assert kept[0, 0, 3, 3] == LV
    assert kept[0, 0, 52, 3] == 0


def test_pixels_that_nobody_labelled_are_no_tissue(check_volume):
    check_volume[0, 0] = UNLABELLED
    kept, removed = remove_islands(check_volume, "code")
    assert (kept[0, 0] == UNLABELLED).all()
    assert {entry.tissue for entry in removed} == {LV, MYO}


def test_a_cine_of_22_frames_takes_less_than_two_seconds():
    y, x = np.mgrid[:256, :256]
    distance = np.hypot(y - 128, x - 128)
    plane = np.select([distance < 30, distance < 45], [LV, MYO]).astype(np.uint8)
    labels = np.tile(plane, (22, 9, 1, 1))
    labels[:, 4, 10:13, 10:13] = MYO
    started = time.process_time()
    _, removed = remove_islands(labels, "code")
    # Ten times what an idle processor takes.
    assert time.process_time() - started < 2
    assert len(removed) == 22


def test_other_rules_and_shapes_are_refused():
    with pytest.raises(ValueError, match="islands 'biggest' is no rule, expected one of code, lar"):
        remove_islands(ring(), "biggest")
    with pytest.raises(ValueError, match=r"labels must be \(t, z, y, x\), got shape \(4, 48, 48\)"):
        remove_islands(ring()[0], "code")
