"""Long-axis views by the places of their planes, in hearts of many people."""

from itertools import permutations

import numpy as np
import pytest

from cmrseg.dicom.series import LONG_AXIS
from cmrseg.layouts.ukbb_views import same_view, views_of
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.scanner import Plane
from cmrseg.phantom.views import long_axis_views
from cmrseg.vectors import unit
from ukbb_zips import planes

VIEWS = ["la_2ch", "la_3ch", "la_4ch"]
LIKE = Plane((0, 0, 0), (1, 0, 0), (0, 1, 0), 1.0, 1.0, 10, 10, 8.0)


def normals(seed):
    return [planes(seed)[view][0].normal for view in VIEWS]


def test_the_views_of_hundred_hearts_are_found_in_any_order_and_from_both_sides():
    for row in draw_subjects(100, seed=5).to_dict("records"):
        found = long_axis_views(draw_parameters(row, 10), LIKE)
        normal_of = {f"la_{view}": plane.normal for view, plane in found.items()}
        for order in permutations(VIEWS):
            assert views_of([normal_of[view] for view in order]) == list(order)
        assert views_of([-normal_of[view] for view in VIEWS]) == VIEWS


def test_two_views_are_found_without_the_third():
    for pair in permutations(range(3), 2):
        found = views_of([normals(1)[n] for n in pair])
        assert found == [VIEWS[n] for n in pair]


@pytest.mark.parametrize(
    "planes_of",
    [
        # Across the heart.
        [LONG_AXIS, LONG_AXIS, LONG_AXIS],
        # One plane three times.
        [unit(np.cross(LONG_AXIS, (1, 0, 0)))] * 3,
        [],
        [LONG_AXIS] * 4,
    ],
    ids=["short axes", "one view", "none", "too many"],
)
def test_what_is_unclear_is_not_guessed(planes_of):
    assert views_of(planes_of) is None


def turned(angle_deg):
    """Normal of a plane through the usual long axis, turned from the feet to the right."""
    feet = unit(np.array([0, 0, -1]) + LONG_AXIS[2] * LONG_AXIS)
    right = np.cross(feet, LONG_AXIS)
    return np.cos(np.radians(angle_deg)) * feet + np.sin(np.radians(angle_deg)) * right


def test_a_plane_between_two_views_is_none_of_them():
    assert [views_of([turned(angle)]) for angle in (80, 28, -27)] == [[view] for view in VIEWS]
    # Half-way between 80 and 28, 28 and -27, -27 and -100 degrees.
    assert [views_of([turned(angle)]) for angle in (54, 0.5, -63.5)] == [None] * 3


def test_planes_a_little_apart_are_one_view():
    two, three, _ = normals(1)
    tilted = unit(two + 0.1 * three)
    assert same_view(two, tilted)
    assert same_view(two, -tilted)
    assert not same_view(two, three)
