"""Levels of tagged slices and segments of their links, by labels and by the insertion of the RV."""

import numpy as np
import pytest

from annular_heart import annulus
from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, aha_axes
from cmrseg.measure.aha_segments import SEGMENTS
from cmrseg.measure.ring_segments import (
    axes_of_insertion,
    levels_by_labels,
    levels_in_order,
    link_segments,
)
from tag_rings import CENTRE_PX, ring, tagged

LEVELS = {0: "basal", 1: "mid", 2: "apical"}


def test_slices_in_order_are_thirds_from_base_to_apex():
    assert levels_in_order(range(3)).of_slice == LEVELS
    assert levels_in_order(range(1)).of_slice == {0: "mid"}
    assert levels_in_order(range(2)).of_slice == {0: "basal", 1: "apical"}
    assert list(levels_in_order(range(5)).of_slice.values()) == [
        *("basal", "basal", "mid", "mid", "apical")
    ]
    assert levels_in_order(range(3)).source == "order of slices"


def at_heights(*heights_mm: float) -> np.ndarray:
    """The affine of parallel slices at two heights or more in equal steps; z is up."""
    affine = tagged(1).affine.copy()
    step = heights_mm[1] - heights_mm[0] if len(heights_mm) > 1 else 1.0
    affine[2] = (0, 0, step, heights_mm[0])
    return affine


def test_labels_put_slices_in_order_whichever_way_they_are_stored():
    labels = annulus()
    up = aha_axes(labels).apex_to_base
    assert up[2] == pytest.approx(1)
    found = levels_by_labels(range(3), at_heights(10, 20, 30), labels)
    assert found.of_slice == {0: "apical", 1: "mid", 2: "basal"}
    assert found.source == "short-axis labels"
    found = levels_by_labels(range(3), at_heights(30, 20, 10), labels)
    assert found.of_slice == LEVELS


def test_few_slices_have_the_level_of_the_nearest_short_axis_slice():
    labels = annulus(slices=9)
    heights_mm = labels.affine[2, 2] * np.arange(9) + labels.affine[2, 3]
    basal, mid, apical = sorted(heights_mm)[::-1][1], np.median(heights_mm), min(heights_mm)
    for height, level in ((basal, "basal"), (mid, "mid"), (apical - 3, "apical")):
        assert levels_by_labels([0], at_heights(height), labels).of_slice == {0: level}


# The picture's x runs to the patient's left in `tagged`, so that right is -x in RAS.
def placed(angle_deg: float) -> np.ndarray:
    """A place in RAS at an angle of the displayed picture of slice 1, clockwise from the right."""
    affine = tagged(1).affine
    x, y = (CENTRE_PX + 30 * f(np.deg2rad(angle_deg)) for f in (np.cos, np.sin))
    return affine[:3] @ [x, y, 1, 1]


@pytest.fixture
def axes() -> AhaAxes:
    """Of a heart whose septum begins at the upper left of the picture."""
    centre = tagged(1).affine[:3] @ [CENTRE_PX, CENTRE_PX, 1, 1]
    return axes_of_insertion(placed(225), centre, tagged(1).affine, 1)


def test_the_septum_lies_sixty_degrees_from_the_insertion(axes):
    centre = tagged(1).affine[:3] @ [CENTRE_PX, CENTRE_PX, 1, 1]
    septal = (placed(225 - 60) - centre) / np.linalg.norm(placed(225 - 60) - centre)
    np.testing.assert_allclose(axes.lv_to_sep, septal, atol=1e-12)
    anterior = (placed(225 + 30) - centre) / np.linalg.norm(placed(225 + 30) - centre)
    np.testing.assert_allclose(axes.inf_to_ant, anterior, atol=1e-12)
    np.testing.assert_allclose(axes.apex_to_base, [0, 0, 1])


def test_links_lie_in_the_segments_of_the_picture(axes):
    points = np.stack([ring(np.linspace(10, 22, 7))] * 3)
    found = link_segments(points, tagged(1).affine, axes, LEVELS)
    names = {segment.number: segment.name for segment in SEGMENTS}
    # Spoke 0 is at 143.5 degrees: 21.5 degrees before the middle of the septum, which is at 165.
    assert names[found["radial"][1, 0]] == "mid inferoseptal"
    assert names[found["radial"][1, 4]] == "mid anteroseptal"  # 203.5
    assert names[found["radial"][1, 7]] == "mid anterior"  # 248.5
    assert names[found["radial"][1, 11]] == "mid anterolateral"  # 308.5
    assert names[found["radial"][1, 16]] == "mid inferolateral"  # 23.5
    assert names[found["radial"][1, 20]] == "mid inferior"  # 83.5
    # Spoke 6 is at 233.5 and spoke 5 at 218.5; their link is at 226, behind the insertion at 225.
    assert names[found["circumferential"][1, 5]] == "mid anterior"
    assert names[found["radial"][1, 5]] == "mid anteroseptal"
    for z, count in ((0, 4), (1, 4), (2, 6)):
        numbers, counts = np.unique(found["circumferential"][z], return_counts=True)
        assert set(counts) == {count}
        assert numbers.tolist() == [s.number for s in SEGMENTS if s.level == LEVELS[z]]


def test_labels_and_the_insertion_say_the_same():
    labels = annulus(rv_deg=180.0, affine=tagged(1, 8).affine)
    by_labels = aha_axes(labels)
    centre = labels.affine[:3] @ [32, 32, 4, 1]
    # The right ventricle is on the left of the picture: its insertion is 60 degrees above that.
    insertion = labels.affine[:3] @ [
        *(32 + 18 * np.array([np.cos(np.deg2rad(240)), np.sin(np.deg2rad(240))])),
        *(4, 1),
    ]
    by_point = axes_of_insertion(insertion, centre, labels.affine, 4)
    np.testing.assert_allclose(by_point.lv_to_sep, by_labels.lv_to_sep, atol=0.03)
    np.testing.assert_allclose(by_point.inf_to_ant, by_labels.inf_to_ant, atol=0.03)


def test_links_of_lost_landmarks_and_other_slices_have_no_segment(axes):
    points = np.stack([ring(np.linspace(10, 22, 7))] * 3)
    points[1, 3] = np.nan  # the mid-wall of spoke 0
    points[2, :, 0] = np.nan
    found = link_segments(points, tagged(1).affine, axes, {1: "mid", 2: "apical"})
    assert (found["radial"][1] == 0).nonzero()[0].tolist() == [0]
    assert (found["circumferential"][1] == 0).nonzero()[0].tolist() == [0, 23]
    assert not found["radial"][[0, 2]].any()


def test_an_insertion_in_the_middle_of_the_cavity_is_refused():
    with pytest.raises(ValueError, match="in the middle of the cavity; expected a place on the"):
        axes_of_insertion(np.zeros(3), np.array([0, 0, 5.0]), tagged(1).affine, 0)


def test_labels_of_several_frames_are_refused():
    labels = annulus()
    beat = Cine(np.concatenate([labels.voxels] * 2), labels.affine)
    with pytest.raises(ValueError, match="labels have 2 frames, expected the one of end-diastole"):
        levels_by_labels([0], at_heights(0), beat)
