"""Lines of the 4-chamber view: the original's, and those of a drawn ventricle."""

import numpy as np
import pytest

from annular_heart import Reference, reversed_along
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.aha import AhaAxes, aha_axes
from cmrseg.measure.long_axis_lines import long_axis_lines, without_valve
from cmrseg.measure.strain_lines import Direction, Surface

# The view has x to the septum and y down to the apex, 1 mm pixels; the short axis has slices of
# 8 mm from the base, so that half slices are 4 mm.
VIEW = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
SHORT_AXIS = np.diag([1.0, 1, -8, 1])
AXES = AhaAxes(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), 4)


def ventricle(affine=VIEW) -> Cine:
    """A cavity open at the top (y = 10), x from 20 to 39, in a wall of 6 pixels down to y = 75."""
    labels = np.zeros((90, 60), np.uint8)
    labels[10:76, 14:46] = Tissue.MYO
    labels[10:70, 20:40] = Tissue.LV
    return Cine(labels[None, None], affine)


def from_apex(slices: int = 12) -> np.ndarray:
    """The affine of the same short axis whose slice 0 is the lowest."""
    return reversed_along(Cine(np.zeros((1, slices, 2, 2)), SHORT_AXIS), 2).affine


@pytest.mark.parametrize("mode", ["compat", "corrected"])
@pytest.mark.parametrize("subject", ["1", "2"])
def test_points_and_lines_are_those_of_the_original(data, subject, mode):
    reference = Reference.of(data)
    short_axis = reference.short_axis(subject)
    axes = aha_axes(short_axis, "compat")
    lines = long_axis_lines(reference.long_axis(subject), short_axis.affine, axes, mode)
    expected = {
        name: reference.arrays[f"lastrain_{subject}_{name}"]
        for name in ("points", "point_Label", "point_Segment_ID", "lines", "line_Segment_ID")
    }
    # The original's points went through a text of 6 digits.
    assert np.abs(lines.points_mm - expected["points"]).max() < 6e-5
    assert np.array_equal(lines.surface, expected["point_Label"])
    assert np.array_equal(lines.segment, expected["point_Segment_ID"])
    assert np.array_equal(lines.lines, expected["lines"])
    assert np.array_equal(lines.line_segment, expected["line_Segment_ID"])
    assert (lines.line_direction == Direction.LONGITUDINAL).all()


def test_both_borders_are_open_at_the_valve():
    lines = long_axis_lines(ventricle(), SHORT_AXIS, AXES)
    endo, epi = (lines.points_mm[lines.surface == surface] for surface in Surface)
    for points, x, bottom in ((endo, (20, 39), -69), (epi, (14, 45), -75)):
        ends = points[[0, -1]]
        assert ends[:, 2] == pytest.approx(-11, abs=1.5)
        assert points[:, 2].min() == pytest.approx(bottom, abs=0.7)
        assert (points[:, 0].min(), points[:, 0].max()) == pytest.approx(x, abs=0.7)
    count = len(lines.points_mm)
    skipped = set(range(count)) - set(lines.lines[:, 0].tolist())
    assert skipped == {len(endo) - 1, count - 1}
    assert np.array_equal(lines.lines[:, 1] - lines.lines[:, 0], np.ones(count - 2))


def levels_by_height(segment: np.ndarray, height_mm: np.ndarray) -> list[float]:
    """Heights of the lowest basal and the lowest mid point."""
    level = (segment - 1) // 2
    return [float(height_mm[level == i].min()) for i in (0, 1)]


def test_segments_are_thirds_on_both_sides():
    lines = long_axis_lines(ventricle(), SHORT_AXIS, AXES)
    septal = lines.points_mm[:, 0] > 29.5
    assert np.array_equal(lines.segment % 2 == 1, septal)
    # Half slices from 2 (10 mm, 2.5) to 19 (75 mm, 18.75), six of each level: 8 begins at 30 mm,
    # 14 at 54 mm.
    assert levels_by_height(lines.segment, lines.points_mm[:, 2]) == pytest.approx(
        [-30, -54], abs=0.5
    )


def test_a_stack_that_begins_at_the_apex_has_the_same_segments():
    expected = long_axis_lines(ventricle(), SHORT_AXIS, AXES)
    lines = long_axis_lines(ventricle(), from_apex(), AXES)
    assert np.array_equal(lines.segment, expected.segment)


def test_the_original_leaves_out_the_last_half_slice_of_such_a_stack():
    view = ventricle()
    view.voxels[0, 0, 70:] = 0
    # Half slices from 2 (10 mm) to 17 (69 mm, 17.25) are 16: 6, 5 and 5 of a level, from the base.
    # Without the last they are 5 of each, so that both borders lie 4 mm higher.
    compat, corrected = (
        levels_by_height(lines.segment, lines.points_mm[:, 2])
        for lines in (long_axis_lines(view, from_apex(), AXES, m) for m in ("compat", "corrected"))
    )
    assert corrected == pytest.approx([-30, -50], abs=0.5)
    assert compat == pytest.approx([-26, -46], abs=0.5)


def test_a_half_slice_without_cavity_has_a_middle_all_the_same():
    # A second cavity lies below, so that in mode `compat` half slices between the two are inside.
    view = ventricle()
    view.voxels[0, 0, 40:70, 20:40] = Tissue.MYO
    view.voxels[0, 0, 60:66, 25:35] = Tissue.LV
    for mode, share in (("corrected", 1), ("compat", 0)):
        lines = long_axis_lines(view, SHORT_AXIS, AXES, mode)
        epi = lines.surface == Surface.EPI
        gap = epi & (lines.points_mm[:, 2] < -45) & (lines.points_mm[:, 2] > -53)
        septal = lines.points_mm[gap, 0] > 29.5
        assert septal.any()
        assert (lines.segment[gap][septal] % 2 == 1).mean() == share


def test_islands_do_not_move_the_levels():
    view = ventricle()
    view.voxels[0, 0, 86:90, :4] = Tissue.MYO
    plain = long_axis_lines(ventricle(), SHORT_AXIS, AXES)
    assert np.array_equal(long_axis_lines(view, SHORT_AXIS, AXES).segment, plain.segment)
    compat = long_axis_lines(view, SHORT_AXIS, AXES, "compat")
    assert not np.array_equal(compat.segment, plain.segment)


BORDER = np.column_stack([np.arange(8), np.zeros(8, int)])


def at_valve(*pixels: int) -> np.ndarray:
    mask = np.zeros((8, 1), bool)
    mask[list(pixels)] = True
    return mask


@pytest.mark.parametrize("mode", ["corrected", "compat"])
def test_a_border_is_cut_before_and_behind_the_valve(mode):
    for pixels, left in (((2, 3), [4, 5, 6, 7, 0, 1]), ((7, 0), [1, 2, 3, 4, 5, 6])):
        assert without_valve(BORDER, at_valve(*pixels), mode)[:, 0].tolist() == left


def test_of_a_valve_in_two_runs_the_longest_part_between_is_the_wall():
    mask = at_valve(0, 2)
    assert without_valve(BORDER, mask)[:, 0].tolist() == [3, 4, 5, 6, 7]
    assert without_valve(BORDER, mask, "compat")[:, 0].tolist() == [1]


def test_a_border_without_a_valve_stays_whole():
    assert np.array_equal(without_valve(BORDER, at_valve()), BORDER)
    assert np.array_equal(without_valve(BORDER, np.ones((8, 1), bool)), BORDER)


def test_views_of_which_no_lines_can_be_made_are_refused():
    view = ventricle()
    with pytest.raises(ValueError, match="the 4-chamber view has 2 slices, expected 1"):
        long_axis_lines(view.like(np.repeat(view.voxels, 2, axis=1)), SHORT_AXIS, AXES)
    with pytest.raises(ValueError, match="labels have 2 frames"):
        long_axis_lines(view.like(np.repeat(view.voxels, 2, axis=0)), SHORT_AXIS, AXES)
    with pytest.raises(ValueError, match="has 0 pixels of cavity and 0 of wall in one piece"):
        long_axis_lines(view.like(np.zeros_like(view.voxels)), SHORT_AXIS, AXES)
    flat = Cine(view.voxels, np.eye(4))
    with pytest.raises(ValueError, match="crosses 1 half slices of the short axis, expected"):
        long_axis_lines(flat, SHORT_AXIS, AXES)
