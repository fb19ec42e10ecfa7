"""End-systole, peaks and rates of strain curves, worked out by hand."""

import math

import numpy as np
import pytest

from cmrseg.measure.strain_times import cavity_area_mm2, extreme_frame, peak_of, rates_of
from cmrseg.ring import by_spoke
from tag_rings import beating, example_points

AROUND = np.array([0, -0.04, -0.16, -0.20, -0.18, -0.08, -0.06, -0.05, -0.01])


def test_the_cavity_is_a_polygon_of_24_corners():
    area = cavity_area_mm2(beating([1, 0.5]), (2.0, 1.5))
    # 24 triangles with two sides of 10 px and 15 degrees between them.
    whole = 24 / 2 * 100 * math.sin(math.radians(15)) * 3
    np.testing.assert_allclose(area, np.tile([[whole], [whole / 4]], 3))


def test_the_cavity_of_the_published_example_is_smallest_at_its_end_systole(data):
    area = cavity_area_mm2(example_points(data), (1, 1))[:, 0]
    assert area[0] == pytest.approx(185.27, abs=0.01)
    assert extreme_frame(area, largest=False) == 7


def test_the_area_of_a_ring_with_a_gap_is_unknown():
    points = beating([1, 0.9])
    by_spoke(points)[1, 2, 7, 0] = np.nan
    assert np.isnan(cavity_area_mm2(points, (1, 1))).tolist() == [[False] * 3, [False, False, True]]


def test_an_extreme_is_the_first_of_equals_and_unknown_beside_a_gap():
    assert extreme_frame(np.array([0, -2, -2, 1]), largest=False) == 1
    assert extreme_frame(np.array([0, -2, -2, 1]), largest=True) == 3
    assert extreme_frame(np.array([0, -2, np.nan, 1]), largest=False) is None
    assert extreme_frame(np.array([0, np.nan, -2, 1]), largest=False) is None
    assert extreme_frame(np.array([0, -2, -1, np.nan]), largest=False) == 1
    assert extreme_frame(np.full(4, np.nan), largest=False) is None


def test_the_peak_is_the_shortest_around_and_the_longest_across():
    assert peak_of(AROUND, "circumferential") == (-0.20, 3)
    assert peak_of(-AROUND, "radial") == (0.20, 3)
    assert np.isnan(peak_of(np.full(5, np.nan), "radial")).all()


def test_rates_are_of_systole_and_of_early_diastole():
    # Around frame 1 it falls by 0.16 in 2 frames of 50 ms; around frame 5 it rises by 0.12.
    rates = rates_of(AROUND, "circumferential", 3, 0.05)
    assert rates.systolic == pytest.approx(-1.6)
    assert rates.early_diastolic == pytest.approx(1.2)
    rates = rates_of(-AROUND, "radial", 3, 0.05)
    assert rates.systolic == pytest.approx(1.6)
    assert rates.early_diastolic == pytest.approx(-1.2)


def test_late_filling_is_no_early_diastole():
    curve = np.array([0, -0.1, -0.2, -0.15, -0.12, -0.11, -0.11, -0.02, 0])
    rates = rates_of(curve, "circumferential", 2, 0.1)
    # The atria stretch the wall by 0.55 per second around frame 7.
    assert rates.early_diastolic == pytest.approx(0.4)


def test_rates_are_unknown_without_time_and_beside_gaps():
    assert np.isnan(rates_of(AROUND, "radial", 3, math.nan)).all()
    assert np.isnan(rates_of(AROUND[:1], "radial", 0, 0.05)).all()
    gap = AROUND.copy()
    gap[5] = np.nan
    rates = rates_of(gap, "circumferential", 3, 0.05)
    assert rates.systolic == pytest.approx(-1.6)
    assert np.isnan(rates.early_diastolic)
    # There is no diastole behind the last frame.
    assert np.isnan(rates_of(AROUND[:4], "circumferential", 3, 0.05).early_diastolic)
