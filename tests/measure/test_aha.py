"""Axes of hearts by hand, turned, as the original has them; levels of slices; segments."""

import numpy as np
import pytest

from annular_heart import AFFINE, CENTRE, Reference, annulus, reversed_along, turned
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.aha import (
    AhaAxes,
    aha_axes,
    middle_of_septum,
    segment_of,
    slice_levels,
    strain_slices,
    thirds,
)
from cmrseg.measure.contour import outer_border
from cmrseg.measure.pieces import slice_masks

DIRECTIONS = ("lv_to_sep", "apex_to_base", "inf_to_ant")
UPRIGHT = AhaAxes(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), 0)


@pytest.fixture(scope="module")
def reference(data):
    return Reference.of(data)


def directions(axes: AhaAxes) -> np.ndarray:
    return np.array([getattr(axes, name) for name in DIRECTIONS])


@pytest.mark.parametrize("subject", ["1", "2"])
def test_axes_and_levels_are_those_of_the_original(reference, subject):
    expected = reference.notes["aha"][subject]
    labels = reference.short_axis(subject)
    axes = aha_axes(labels, "compat")
    assert axes.mid_slice == expected["mid_slice"]
    for name in DIRECTIONS:
        assert getattr(axes, name) == pytest.approx(expected["axis"][name], abs=1e-12)
    for found, key in ((slice_levels(labels), "part"), (strain_slices(labels), "part_three")):
        assert found == {int(z): level for z, level in expected[key].items()}


@pytest.mark.parametrize("subject", ["1", "2"])
def test_the_corrected_septum_is_within_a_pixel_of_the_original_s(reference, subject):
    labels = reference.short_axis(subject)
    compat, corrected = (aha_axes(labels, mode).lv_to_sep for mode in ("compat", "corrected"))
    # A pixel of the epicardium is about 3.5 degrees.
    assert np.degrees(np.arccos(min(compat @ corrected, 1))) < 3.5


def test_axes_of_a_symmetric_heart_are_those_by_hand():
    # The RV lies at smaller x. Up is towards the base: anterior = up x septal = z x -x = -y.
    axes = aha_axes(annulus())
    assert directions(axes) == pytest.approx(np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]))
    assert axes.mid_slice == 4  # of 0 to 7: 3.5, and halves go to the even number


@pytest.mark.parametrize(("axis", "degrees"), [(0, 40), (1, -30), (2, 130)])
def test_axes_turn_with_the_patient(axis, degrees):
    straight = aha_axes(annulus(rv_deg=200))
    there = aha_axes(annulus(rv_deg=200, affine=turned(AFFINE, axis, degrees)))
    rotation = turned(np.eye(4), axis, degrees)[:3, :3]
    assert directions(there) == pytest.approx(directions(straight) @ rotation.T)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("rv_deg", [0, 75, 160, 200, 290])
def test_axes_do_not_depend_on_which_way_the_array_runs(rv_deg, axis):
    labels = annulus(rv_deg=rv_deg, slices=7)
    other = reversed_along(labels, axis)
    assert directions(aha_axes(other)) == pytest.approx(directions(aha_axes(labels)))


def test_levels_do_not_depend_on_which_way_the_stack_runs():
    labels = annulus(slices=8)
    there = {7 - z: level for z, level in slice_levels(reversed_along(labels, 2)).items()}
    assert there == slice_levels(labels)
    three = {7 - z: level for z, level in strain_slices(reversed_along(labels, 2)).items()}
    # Places 1.75, 3.5 and 5.25 of 0 to 7.
    assert three == strain_slices(labels) == {2: "basal", 4: "mid", 5: "apical"}


def test_axes_are_at_right_angles_in_a_sheared_stack():
    affine = AFFINE.copy()
    affine[0, 2] = 3  # each slice lies 3 mm beside the one above
    labels = annulus(affine=affine)
    assert directions(aha_axes(labels)) == pytest.approx(directions(aha_axes(annulus())))
    skew = directions(aha_axes(labels, "compat"))
    assert abs(skew[0] @ skew[1]) > 0.3
    assert np.linalg.norm(skew[2]) < 0.95


def test_the_middle_of_the_septum_does_not_depend_on_where_the_border_starts():
    masks = slice_masks(annulus(rv_deg=180).voxels[0, 0].T)
    border = outer_border(masks.epi)
    # The first pixel has the smallest x, and the RV lies there: the original's list of septal
    # pixels begins and ends in the middle, and it takes the end of the septum for it.
    assert border[0, 0] == CENTRE - 18
    compat = middle_of_septum(border, masks.rv, "compat")
    assert abs(compat[1] - CENTRE) > 5
    for start in range(0, len(border), 5):
        middle = middle_of_septum(np.roll(border, start, axis=0), masks.rv)
        assert middle.tolist() == [CENTRE - 18, CENTRE]


def test_a_gap_in_the_septum_does_not_move_its_middle():
    masks = slice_masks(annulus(rv_deg=180).voxels[0, 0].T)
    border = outer_border(masks.epi)
    rv = masks.rv.copy()
    rv[:, [CENTRE - 2, CENTRE + 2]] = False
    assert middle_of_septum(border, rv).tolist() == [CENTRE - 18, CENTRE]


def test_an_rv_apart_from_the_wall_is_brought_to_it():
    masks = slice_masks(annulus(rv_deg=90).voxels[0, 0].T)
    away = np.roll(masks.rv, 5, axis=1)
    away[:, :5] = False
    middle = middle_of_septum(outer_border(masks.epi), away)
    assert middle.tolist() == [CENTRE, CENTRE + 18]


@pytest.mark.parametrize(
    ("angle_deg", "basal", "apical"),
    [
        (0, 1, 13),
        (29, 1, 13),
        (31, 2, 13),
        (89, 2, 14),
        (91, 3, 14),
        (149, 3, 15),
        (151, 4, 15),
        (180, 4, 15),
        (-151, 4, 15),
        (-149, 5, 15),
        (-91, 5, 16),
        (-89, 6, 16),
        (-31, 6, 13),
        (-29, 1, 13),
    ],
)
def test_segments_of_points_are_those_of_the_drawing(angle_deg, basal, apical):
    # Anterior is +y here and the septum at +x: 0 degrees is +y, 90 is +x.
    angle = np.deg2rad(angle_deg)
    point = np.array([[5 + 20 * np.sin(angle), 7 + 20 * np.cos(angle), 9]])
    centre = np.array([5.0, 7, 9])
    assert segment_of(point, centre, "basal", UPRIGHT).tolist() == [basal]
    assert segment_of(point, centre, "mid", UPRIGHT).tolist() == [basal + 6]
    assert segment_of(point, centre, "apical", UPRIGHT).tolist() == [apical]


def test_the_way_along_the_heart_does_not_change_a_segment():
    points = np.array([[3.0, 20, -50], [3, 20, 50]])
    assert segment_of(points, np.zeros(3), "basal", UPRIGHT).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("count", "basal", "mid", "apical"), [(3, 1, 1, 1), (7, 3, 2, 2), (8, 3, 3, 2), (9, 3, 3, 3)]
)
def test_levels_are_thirds_rounded_in_favour_of_the_base(count, basal, mid, apical):
    assert thirds(count) == ["basal"] * basal + ["mid"] * mid + ["apical"] * apical


def test_slices_with_nine_pixels_of_wall_have_no_level():
    labels = annulus(slices=6)
    plane = labels.voxels[0, 0]
    plane[plane == Tissue.MYO] = Tissue.BACKGROUND
    plane[0, :9] = Tissue.MYO
    assert list(slice_levels(labels)) == [1, 2, 3, 4, 5]


def test_hearts_without_what_is_needed_are_refused_by_name():
    labels = annulus()
    middle = labels.voxels[0, 4]
    middle[middle == Tissue.RV] = 0
    with pytest.raises(ValueError, match=r"slice 5 \(from 1\), the middle one, has no RV cavity"):
        aha_axes(labels)
    hollow = annulus(slices=7)
    hollow.voxels[0, 3] = 0
    with pytest.raises(ValueError, match="has no LV cavity: it is needed to find the centre"):
        aha_axes(hollow)
    with pytest.raises(ValueError, match="no voxel is LV cavity, expected some"):
        aha_axes(labels.like(np.zeros_like(labels.voxels)))
    cine = Cine(np.repeat(labels.voxels, 3, axis=0), labels.affine)
    with pytest.raises(ValueError, match="labels have 3 frames, expected the one of end-diastole"):
        aha_axes(cine)
    for of_slices in (slice_levels, strain_slices):
        with pytest.raises(ValueError, match="2 slices have 10 pixels of cavity and of wall"):
            of_slices(annulus(slices=2))
