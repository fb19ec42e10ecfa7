"""Whether two files are the 2-chamber and the 4-chamber view."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.view_planes import view_doubts
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.population import draw_parameters, draw_subjects

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def plane(row, column, frames=1):
    """An empty label map in a plane of two directions (RAS)."""
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([row, column, np.cross(row, column)])
    return Cine(np.zeros((frames, 1, 20, 20), np.uint8), affine)


def planes(heart):
    """The two views and the short-axis affine of a digital heart."""
    axis, inferior, rv = (
        LPS_TO_RAS * v for v in (heart.axis, heart.towards_inferior, heart.towards_rv)
    )
    return plane(inferior, axis), plane(rv, axis), plane(inferior, rv).affine


def about_long_axis(degrees, long_axis=(-0.6, -0.6, 0.53)):
    """A plane with the long axis, so many degrees from horizontal; and the short-axis affine."""
    axis = np.array(long_axis) / np.linalg.norm(long_axis)
    level = np.cross(axis, [0, 0, 1])
    level = level / np.linalg.norm(level)
    rising = np.cross(level, axis)
    angle = np.radians(degrees)
    row = np.cos(angle) * level + np.sin(angle) * rising
    return plane(row, axis), plane(level, rising).affine


@pytest.fixture(scope="module")
def hearts():
    rows = draw_subjects(60, seed=5)
    return [planes(Heart(draw_parameters(row))) for _, row in rows.iterrows()]


def test_views_of_hearts_are_no_doubt(hearts):
    assert {view_doubts(two, four, sa) for two, four, sa in hearts} == {""}


def test_swapped_views_of_hearts_are_told_by_their_planes(hearts):
    for two, four, sa_affine in hearts:
        assert "they are likely to be swapped" in view_doubts(four, two, sa_affine)


def test_how_the_planes_are_turned_is_said():
    (two, sa_affine), (four, _) = about_long_axis(12), about_long_axis(78)
    assert view_doubts(two, four, sa_affine) == (
        "about the long axis, the 2-chamber view is 12 degrees from horizontal and the 4-chamber "
        "view 78, expected the 2-chamber view to be more upright; they are likely to be swapped"
    )
    assert view_doubts(four, two, sa_affine) == ""


def test_what_is_not_certain_is_no_doubt():
    (two, sa_affine), (four, _) = about_long_axis(45), about_long_axis(-64)
    assert view_doubts(two, four, sa_affine) == ""
    assert "swapped" in view_doubts(two, about_long_axis(-66)[0], sa_affine)


def test_planes_about_an_upright_heart_are_not_told_apart():
    steep = (-0.2, -0.2, 0.96)
    (two, sa_affine), (four, _) = about_long_axis(12, steep), about_long_axis(78, steep)
    assert view_doubts(two, four, sa_affine) == ""


def test_one_view_under_both_names_is_named():
    (two, sa_affine), (four, _) = about_long_axis(60), about_long_axis(41)
    assert view_doubts(two, four, sa_affine) == (
        "the 2-chamber and the 4-chamber view are 19 degrees apart, expected about 70 and at least "
        "20; one view may be there under both names"
    )
    assert view_doubts(two, about_long_axis(39)[0], sa_affine) == ""


@pytest.mark.parametrize("view", ["2-chamber", "4-chamber"])
def test_a_short_axis_under_the_name_of_a_view_is_named(view):
    long_axis, sa_affine = about_long_axis(60)
    short_axis = Cine(long_axis.voxels, sa_affine)
    two, four = (short_axis, None) if view == "2-chamber" else (long_axis, short_axis)
    assert view_doubts(two, four, sa_affine) == (
        f"the {view} view is 0 degrees from the short-axis plane, expected about 90 and at least "
        "45; check which series it is"
    )


def test_a_right_atrium_in_most_frames_of_the_2_chamber_view_is_named():
    two, sa_affine = about_long_axis(70)
    two = two.like(np.zeros((4, 1, 20, 20), np.uint8))
    two.voxels[:, 0, :5] = Tissue.LA
    two.voxels[1:3, 0, 10, :12] = Tissue.RA
    assert view_doubts(two, None, sa_affine) == ""
    two.voxels[3, 0, 10, :9] = Tissue.RA
    assert view_doubts(two, None, sa_affine) == ""
    two.voxels[3, 0, 10, :10] = Tissue.RA
    assert view_doubts(two, None, sa_affine) == (
        "frame 2 (from 1) of the 2-chamber view and 2 more have a right atrium, of 12 pixels, "
        "expected none; the 4-chamber view may be there under its name"
    )
    assert view_doubts(None, two, sa_affine) == ""


def test_without_views_there_is_no_doubt():
    assert view_doubts(None, None, about_long_axis(0)[1]) == ""


def test_an_affine_without_a_plane_is_refused():
    with pytest.raises(
        ValueError, match=r"the affine \[\[0.0.*\]\] has no plane; repair the header"
    ):
        view_doubts(None, None, np.zeros((4, 4)))
