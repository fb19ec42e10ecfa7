"""The registry of segments."""

import numpy as np
import pytest

from cmrseg.measure.aha_segments import (
    LEVELS,
    LONG_AXIS_ROWS,
    LONG_AXIS_SEGMENTS,
    SEGMENTS,
    SHORT_AXIS_ROWS,
    long_axis_segments,
    segments_at,
)


def test_names_are_those_of_the_heart_association():
    names = {segment.number: segment.name for segment in SEGMENTS}
    assert list(names) == list(range(1, 17))
    assert [names[n] for n in (1, 2, 3, 4, 5, 6)] == [
        "basal anterior",
        "basal anteroseptal",
        "basal inferoseptal",
        "basal inferior",
        "basal inferolateral",
        "basal anterolateral",
    ]
    assert [names[n] for n in (8, 11)] == ["mid anteroseptal", "mid inferolateral"]
    assert [names[n] for n in (13, 14, 15, 16)] == [
        "apical anterior",
        "apical septal",
        "apical inferior",
        "apical lateral",
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_segments_of_a_level_follow_each_other_around_the_circle(level):
    ring = [segment for segment in SEGMENTS if segment.level == level]
    width = 360 / len(ring)
    assert [segment.end_deg - segment.start_deg for segment in ring] == [width] * len(ring)
    for segment, following in zip(ring, ring[1:] + ring[:1], strict=True):
        assert segment.end_deg % 360 == following.start_deg % 360
        assert -180 <= segment.start_deg < 180


def test_ranges_of_angles_are_those_of_the_drawing():
    ranges = {segment.number: (segment.start_deg, segment.end_deg) for segment in SEGMENTS}
    assert [ranges[n] for n in (1, 4, 6, 9)] == [(-30, 30), (150, 210), (-90, -30), (90, 150)]
    assert [ranges[n] for n in (13, 14, 15, 16)] == [(-45, 45), (45, 135), (135, 225), (-135, -45)]


def test_a_segment_has_its_first_angle_and_not_its_last():
    edges = [-180, -150, -90, -30, 30, 90, 150, 180]
    assert segments_at(np.array(edges), "basal").tolist() == [4, 5, 6, 1, 2, 3, 4, 4]
    below = np.nextafter(np.array(edges[1:], float), -200)
    assert segments_at(below, "mid").tolist() == [10, 11, 12, 7, 8, 9, 10]
    assert segments_at(np.array([-135.0, -45, 45, 135]), "apical").tolist() == [16, 13, 14, 15]


def test_long_axis_segments_are_septal_and_lateral_from_base_to_apex():
    assert [segment.name for segment in LONG_AXIS_SEGMENTS] == [
        "basal septal",
        "basal lateral",
        "mid septal",
        "mid lateral",
        "apical septal",
        "apical lateral",
    ]
    septal = np.array([segment.septal for segment in LONG_AXIS_SEGMENTS])
    level = np.array([LEVELS.index(segment.level) for segment in LONG_AXIS_SEGMENTS])
    assert long_axis_segments(septal, level).tolist() == [1, 2, 3, 4, 5, 6]


def test_tables_have_a_row_for_each_segment_and_one_for_all():
    assert (*map(str, range(1, 17)), "global") == SHORT_AXIS_ROWS
    assert LONG_AXIS_ROWS == ("1", "2", "3", "4", "5", "6", "global")
