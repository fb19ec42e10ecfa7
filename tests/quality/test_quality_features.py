"""What is told about label maps without a truth: values of small pictures worked out by hand."""

import math

import numpy as np
import pytest

from cmrseg.quality.agreement import agreement
from cmrseg.quality.curves import curve_values
from cmrseg.quality.features import features
from cmrseg.quality.grey import grey_values
from cmrseg.quality.neighbours import neighbours
from cmrseg.quality.planes import Planes, areas, planes_of
from cmrseg.quality.topology import hole_pixels, topology

LV, MYO, RV = 1, 2, 3


def ring():
    """One picture: a cavity of 2 x 2 pixels in a wall one pixel thick."""
    labels = np.zeros((1, 1, 8, 8), np.uint8)
    labels[..., 2:6, 2:6] = MYO
    labels[..., 3:5, 3:5] = LV
    return labels


def stack(frames=4, slices=3):
    return np.tile(ring(), (frames, slices, 1, 1))


def image_of(labels):
    """Blood 500, muscle 100, all else 50."""
    return np.choose(labels, [50.0, 500.0, 100.0, 500.0])


def test_a_closed_cavity_in_one_piece_has_no_fault():
    found = topology(ring())
    # The outline of a square of 4 pixels is 16, that of a circle of 16 pixels 4/pi sqrt(64 pi).
    ragged = 16 / (4 / math.pi * math.sqrt(4 * math.pi * 16))
    expected = {"cavity_open": 0, "wall_apart": 0, "holes": 0, "ragged": ragged}
    assert {name: float(found[name][0, 0]) for name in expected} == pytest.approx(expected)
    assert np.isnan(found["rv_apart"]).all()
    assert np.isnan(found["rv_ragged"]).all()


def test_a_cavity_without_a_side_of_its_wall_is_open_by_a_quarter():
    labels = ring()
    labels[..., 2, 2:6] = 0
    # The cavity touches 8 pixels; the two above are no longer wall.
    assert topology(labels)["cavity_open"][0, 0] == 0.25


def test_a_right_ventricle_beside_the_cavity_does_not_close_it():
    labels = ring()
    labels[..., 2, 2:6] = RV
    assert topology(labels)["cavity_open"][0, 0] == 0.25


def test_pieces_apart_are_counted_by_picture():
    labels = np.concatenate([ring(), ring()], axis=1)
    labels[0, 1, 0, 0:2] = MYO  # two pixels that touch nothing, beside 16
    found = topology(labels)["wall_apart"]
    assert found[0].tolist() == pytest.approx([0, 2 / 18])


def test_a_hole_is_background_inside_and_the_outside_is_none():
    labels = ring()
    labels[..., 3:5, 3:5] = 0
    assert hole_pixels(labels == 0)[0, 0] == 4
    assert topology(labels)["holes"][0, 0] == 4 / 12
    labels[..., :] = 0
    assert hole_pixels(labels == 0)[0, 0] == 0


def test_a_heart_at_rest_agrees_with_its_neighbours():
    found = neighbours(stack(), 2.0)
    for name in ("time_overlap", "slice_overlap"):
        assert (found[name] == 1).all()
    for name in ("time_jump_lv", "time_jump_my", "slice_shift_mm"):
        assert (found[name] == 0).all()
    assert found["end_distance"].tolist() == [[0, 1, 0]] * 4
    assert np.isnan(found["time_overlap_rv"]).all()


def test_a_frame_without_cavity_jumps_and_so_do_its_neighbours():
    labels = stack()
    labels[1, 1][labels[1, 1] == LV] = MYO
    found = neighbours(labels, 2.0)
    assert found["time_jump_lv"][:, 1].tolist() == [0.5, 1, 0.5, 0]
    # Of the wall 12 of 12 + 16 pixels agree, of the cavity none of 4.
    assert found["time_overlap"][:, 1] == pytest.approx([(24 / 28) / 2] * 3 + [1])


def test_a_shifted_slice_is_as_far_from_its_neighbours_in_mm():
    labels = stack(frames=1)
    labels[:, 1] = np.roll(labels[:, 1], (0, 2), axis=(1, 2))
    found = neighbours(labels, 1.5)
    assert found["slice_shift_mm"].tolist() == [[3, 3, 3]]
    assert np.isnan(found["time_overlap"]).all()


def test_grey_values_are_on_a_scale_from_muscle_to_blood():
    labels = ring()
    image = image_of(labels)
    image[0, 0, 3, 3] = 100  # one of four pixels of the cavity is as dark as muscle
    pictures, subject = grey_values(Planes(labels, image.astype(np.float32), 2.0))
    assert pictures["lv_grey"][0, 0] == pytest.approx(1)
    assert pictures["lv_dark"][0, 0] == 0.25
    assert pictures["my_bright"][0, 0] == 0
    assert subject["contrast"] == pytest.approx((400 - 100) / 500)
    assert subject["noise"] == 0
    # Six of the eight neighbours are a step of 400 of 300, two none.
    assert pictures["edge"][0, 0] == pytest.approx(6 / 8 * 400 / 300)


def test_grey_values_without_muscle_are_unknown():
    labels = np.where(ring() == MYO, 0, ring()).astype(np.uint8)
    pictures, subject = grey_values(Planes(labels, image_of(ring()).astype(np.float32), 2.0))
    assert np.isnan(pictures["lv_grey"]).all()
    assert math.isnan(subject["contrast"])
    assert math.isnan(subject["noise"])


def test_curves_of_a_heart_that_beats_as_a_triangle():
    voxels = np.zeros((4, 1, 4))
    voxels[:, 0, LV] = [100, 80, 60, 80]
    voxels[:, 0, MYO] = 50
    voxels[:, 0, RV] = [90, 80, 70, 80]
    found = curve_values(voxels)
    assert found["roughness_lv"] == pytest.approx((20 + 0 + 20 + 0) / 4 / 100)
    assert found["roughness_my"] == found["muscle_change"] == 0
    assert found["stroke_ratio"] == pytest.approx(math.log(20 / 40))
    # The step to the first frame is as large as the others.
    assert found["opening"] == 0
    assert (found["missed_frames"], found["slices"]) == (0, 1)


def test_two_frames_have_no_curve():
    found = curve_values(np.ones((2, 1, 4)))
    assert math.isnan(found["roughness_lv"])
    assert math.isnan(found["opening"])


def test_members_that_are_equal_agree_and_halves_agree_by_half():
    labels = ring()
    other = labels.copy()
    assert agreement([labels, other])[1] == 1
    other[..., 3, 3:5] = 0  # Dice of the cavity 4/6, of the wall 1
    pictures, subject = agreement([labels, other])
    assert subject == pytest.approx((2 / 3 + 1) / 2) == pictures[0, 0]


def test_one_member_agrees_with_nobody():
    with pytest.raises(ValueError, match="1 member, expected at least 2"):
        agreement([ring()])


def test_features_are_of_pictures_that_are_labelled_or_lie_between():
    labels = np.zeros((1, 5, 8, 8), np.uint8)
    labels[:, 1], labels[:, 3] = ring()[0, 0], ring()[0, 0]
    pictures, row = features(labels, image_of(labels), (10, 2, 2), "a", [labels, labels])
    assert pictures["slice"].tolist() == [1, 2, 3]
    assert pictures["pixels"].tolist() == [16, 0, 16]
    assert row["agreement"] == 1
    assert row["slices"] == 2


def test_a_subject_without_labels_has_no_pictures():
    labels = np.zeros((1, 2, 8, 8), np.uint8)
    pictures, row = features(labels, image_of(labels), (10, 2, 2), "a")
    assert (len(pictures), row) == (0, {"subject": "a", "missed_frames": 1.0})


def test_the_same_labels_elsewhere_in_a_larger_picture_have_the_same_features():
    labels = stack()
    wide = np.pad(labels, ((0, 0), (0, 0), (9, 4), (5, 11)))
    small, row = features(labels, image_of(labels), (10, 2, 2), "a")
    large, other = features(wide, image_of(wide), (10, 2, 2), "a")
    assert small.equals(large)
    assert row == pytest.approx(other, nan_ok=True)


def test_unlabelled_pixels_are_no_heart():
    labels = ring()
    labels[..., 0, 0] = 255
    assert areas(planes_of(labels, image_of(ring()), (10, 2, 2)).labels)[0, 0, 1:].tolist() == [
        4,
        12,
        0,
    ]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((1, 1, 8, 9)), "subject a: labels .* and image .* must have one shape"),
        (np.full((1, 1, 8, 8), np.nan), "subject a: the image has values that are not finite"),
    ],
)
def test_images_that_cannot_be_compared_are_refused_by_name(image, message):
    with pytest.raises(ValueError, match=message):
        features(ring(), image, (10, 2, 2), "a")


def test_planes_of_nothing_are_refused():
    with pytest.raises(ValueError, match="nothing is labelled"):
        planes_of(np.zeros((1, 1, 8, 8), np.uint8), np.zeros((1, 1, 8, 8)), (10, 2, 2))
