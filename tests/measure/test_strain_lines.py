"""Lines of the short axis: the original's, and those of an annulus."""

import numpy as np
import pytest

from annular_heart import CENTRE, Reference, annulus, reversed_along
from cmrseg.labels import Tissue
from cmrseg.measure.aha import aha_axes, slice_levels, strain_slices
from cmrseg.measure.strain_lines import Direction, MaterialLines, Surface, short_axis_lines


def lines_of(labels, mode="corrected") -> MaterialLines:
    return short_axis_lines(labels, aha_axes(labels, mode), strain_slices(labels))


@pytest.mark.parametrize("subject", ["1", "2"])
def test_points_and_lines_are_those_of_the_original(data, subject):
    reference = Reference.of(data)
    labels = reference.short_axis(subject)
    lines, first = lines_of(labels, "compat"), 0
    for z in sorted(strain_slices(labels)):
        key = f"sastrain_{subject}_z{z:02d}_"
        expected = {
            name.removeprefix(key): values
            for name, values in reference.arrays.items()
            if name.startswith(key)
        }
        points = lines.slice_index == z
        # The original's points went through a text of 6 digits.
        assert np.abs(lines.points_mm[points] - expected["points"]).max() < 6e-5
        assert np.array_equal(lines.surface[points], expected["point_Label"])
        assert np.array_equal(lines.segment[points], expected["point_Segment_ID"])
        here = lines.slice_index[lines.lines[:, 0]] == z
        assert np.array_equal(lines.lines[here] - first, expected["lines"])
        assert np.array_equal(lines.line_segment[here], expected["line_Segment_ID"])
        assert np.array_equal(lines.line_direction[here], expected["line_Direction_ID"])
        first += points.sum()
    assert first == len(lines.points_mm)


@pytest.fixture(scope="module")
def ring() -> MaterialLines:
    return lines_of(annulus(12, 18, rv_deg=200))


def test_lines_stay_in_their_slice(ring):
    assert (ring.slice_index[ring.lines[:, 0]] == ring.slice_index[ring.lines[:, 1]]).all()
    assert sorted(set(ring.slice_index.tolist())) == [2, 4, 5]
    assert set(ring.points_mm[ring.slice_index == 4, 2].round(9)) == {-32}


def test_circumferential_lines_close_each_border(ring):
    around = ring.lines[ring.line_direction == Direction.CIRCUMFERENTIAL]
    assert (ring.surface[around[:, 0]] == ring.surface[around[:, 1]]).all()
    # Each point begins one line and ends another.
    assert np.array_equal(np.sort(around[:, 0]), np.arange(len(ring.points_mm)))
    assert np.array_equal(np.sort(around[:, 1]), np.arange(len(ring.points_mm)))
    length = np.linalg.norm(np.subtract(*ring.points_mm[around.T]), axis=1)
    assert length.max() < 1


def test_radial_lines_go_straight_out(ring):
    across = ring.lines[ring.line_direction == Direction.RADIAL]
    endo, epi = across.T
    assert (ring.surface[endo] == Surface.ENDO).all()
    assert (ring.surface[epi] == Surface.EPI).all()
    away, further = (ring.points_mm[ends, :2] - CENTRE for ends in (endo, epi))
    turn = np.unwrap(np.arctan2(*further.T) - np.arctan2(*away.T))
    # Points of the epicardium are 0.9 degrees apart.
    assert np.abs(np.degrees(turn)).max() < 1
    assert np.hypot(*further.T) - np.hypot(*away.T) == pytest.approx(6, abs=0.7)
    for z in (2, 4, 5):
        assert 34 <= (ring.slice_index[endo] == z).sum() <= 39


def test_a_line_is_in_the_segment_of_its_first_point(ring):
    assert np.array_equal(ring.line_segment, ring.segment[ring.lines[:, 0]])
    assert set(ring.line_segment.tolist()) == set(range(1, 17))
    for z, numbers in ((2, range(1, 7)), (4, range(7, 13)), (5, range(13, 17))):
        assert set(ring.segment[ring.slice_index == z].tolist()) == set(numbers)


def test_a_stack_that_begins_at_the_apex_has_the_same_segments(ring):
    labels = reversed_along(annulus(12, 18, rv_deg=200), 2)
    other = lines_of(labels)
    for z in (2, 4, 5):
        here, there = ring.slice_index == z, other.slice_index == 7 - z
        assert np.allclose(ring.points_mm[here], other.points_mm[there])
        assert np.array_equal(ring.segment[here], other.segment[there])


def test_a_slice_whose_cavity_is_in_small_pieces_is_refused():
    labels = annulus()
    axes, levels = aha_axes(labels), slice_levels(labels)
    plane = labels.voxels[0, 2]
    plane[(plane == Tissue.LV) & (np.indices(plane.shape).sum(axis=0) % 2 == 0)] = Tissue.MYO
    with pytest.raises(ValueError, match=r"slice 3 \(from 1\) has 1 pixels of cavity and"):
        short_axis_lines(labels, axes, levels)
