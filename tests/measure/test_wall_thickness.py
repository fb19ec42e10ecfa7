"""Thickness of walls of known shape in every segment, and the original's tables; thickening."""

import numpy as np
import pytest

from annular_heart import AFFINE, CENTRE, Reference, annulus, reversed_along, turned
from cmrseg.cine import Cine
from cmrseg.measure.aha import AhaAxes, aha_axes, slice_levels
from cmrseg.measure.wall_thickness import (
    thickness_table,
    to_line_mm,
    to_points_mm,
    wall_thickening,
    wall_thickness,
)

SEGMENTS = [str(number) for number in range(1, 17)]


def measured(labels: Cine, mode="corrected"):
    return wall_thickness(labels, aha_axes(labels, mode), slice_levels(labels), mode=mode)


@pytest.mark.parametrize("subject", ["1", "2"])
def test_points_and_tables_are_those_of_the_original(data, subject):
    reference = Reference.of(data)
    walls = measured(reference.short_axis(subject), "compat")
    expected = {
        name: reference.arrays[f"wt_{subject}_{name}"]
        for name in ("points", "thickness", "segment")
    }
    # The original's points went through a text of 6 digits.
    assert np.abs(walls.points_mm - expected["points"]).max() < 6e-5
    assert np.abs(walls.thickness_mm - expected["thickness"]).max() < 1e-6
    assert np.array_equal(walls.segment, expected["segment"])
    table = thickness_table(walls)
    assert table["segment"].tolist() == [*SEGMENTS, "global"]
    for column, name in (("mean_mm", "wall_thickness"), ("max_mm", "wall_thickness_max")):
        row = reference.table(name).loc[int(subject)]
        assert table[column].to_numpy() == pytest.approx(row.to_numpy(), abs=1e-6)


@pytest.mark.parametrize("subject", ["1", "2"])
def test_the_line_is_as_near_as_its_points_or_a_little_nearer(data, subject):
    labels = Reference.of(data).short_axis(subject)
    axes, levels = aha_axes(labels), slice_levels(labels)
    corrected, compat = (
        wall_thickness(labels, axes, levels, mode=mode) for mode in ("corrected", "compat")
    )
    nearer = compat.thickness_mm - corrected.thickness_mm
    # Points are at most half a mm apart, and walls about 5 mm thick or more.
    assert nearer.min() > -1e-5
    assert 0.001 < nearer.max() < 0.02
    assert corrected.thickness_mm.dtype == np.float64


@pytest.mark.parametrize("mode", ["corrected", "compat"])
@pytest.mark.parametrize("pixel_mm", [1.0, 1.8])
def test_an_annulus_has_its_thickness_in_every_segment(pixel_mm, mode):
    affine = turned(AFFINE @ np.diag([pixel_mm, pixel_mm, 1, 1]), 0, 35)
    table = thickness_table(measured(annulus(13, 20, affine=affine), mode))
    assert table["mean_mm"].to_numpy() == pytest.approx(7 * pixel_mm, abs=0.2 * pixel_mm)
    assert (table["max_mm"] < 7.6 * pixel_mm).all()


def test_a_wall_thicker_on_one_side_is_so_in_the_segments_there():
    # Cavity of radius 12 around the origin, wall of radius 20 around (0, -5): a point of the
    # endocardium at p is 20 - |p - (0, -5)| from the outside, 13 mm at -y and 3 at +y. By hand
    # (see test_aha) -y is anterior, so that segment 1 is thick and 4 is thin.
    labels = annulus(12, 20, epi_offset_px=(0, -5))
    walls = measured(labels)
    away = walls.points_mm[:, :2] - CENTRE
    angle = np.arctan2(away[:, 1], away[:, 0])
    on_circle = 12 * np.column_stack([np.cos(angle), np.sin(angle)])
    exact_mm = 20 - np.hypot(*(on_circle - (0, -5)).T)
    assert np.abs(walls.thickness_mm - exact_mm).mean() < 0.25
    table = thickness_table(walls).set_index("segment")
    for segment in SEGMENTS:
        expected = exact_mm[walls.segment == int(segment)].mean()
        assert table.loc[segment, "mean_mm"] == pytest.approx(expected, abs=0.35)
    mean = table["mean_mm"]
    assert mean.drop("global").idxmax() == "1"
    # The mean angle of a sixth is 95.5 % of its middle: 8 + 5 x 0.955 - a little for the circle.
    assert mean["1"] == pytest.approx(12.7, abs=0.3)
    assert mean["4"] == pytest.approx(3.2, abs=0.3)
    assert mean["13"] > mean["14"] > mean["15"]


def test_points_are_counted_once_and_of_all_slices_with_a_level():
    walls = measured(annulus(slices=6))
    table = thickness_table(walls)
    assert table["points"].iloc[:-1].sum() == table["points"].iloc[-1] == len(walls.points_mm)
    assert sorted(set(walls.slice_index.tolist())) == [0, 1, 2, 3, 4, 5]
    # The basal slices are those above.
    height_mm = walls.points_mm[:, 2]
    assert height_mm[walls.segment <= 6].min() > height_mm[walls.segment >= 13].max()


def test_thickness_does_not_depend_on_which_way_the_array_runs():
    labels = annulus(12, 20, rv_deg=200, epi_offset_px=(3, -4))
    straight = thickness_table(measured(labels))
    for axis in range(3):
        table = thickness_table(measured(reversed_along(labels, axis)))
        # The smoothing of a contour depends a little on where it starts.
        assert table["mean_mm"].to_numpy() == pytest.approx(
            straight["mean_mm"].to_numpy(), abs=0.05
        )


def test_a_segment_without_points_is_unknown():
    labels = annulus()
    axes = aha_axes(labels)
    table = thickness_table(wall_thickness(labels, axes, {4: "mid"})).set_index("segment")
    assert table.loc[["1", "13"], ["mean_mm", "max_mm"]].isna().all(axis=None)
    assert table.loc[["1", "13"], "points"].tolist() == [0, 0]
    assert table.loc["7", "mean_mm"] == pytest.approx(6, abs=0.3)
    empty = labels.like(np.zeros_like(labels.voxels))
    assert thickness_table(wall_thickness(empty, axes, {4: "mid"}))["mean_mm"].isna().all()


def test_a_frame_that_is_not_there_is_refused():
    labels = annulus()
    with pytest.raises(ValueError, match=r"frame 2 \(from 1\) is none of the 1 frames"):
        wall_thickness(labels, aha_axes(labels), slice_levels(labels), frame=1)


def test_the_wall_thickens_from_diastole_to_systole():
    ed, es = annulus(14, 20), annulus(9, 18)
    # The apex is empty at end-systole.
    es.voxels[0, 6:] = 0
    labels = Cine(np.concatenate([ed.voxels, es.voxels]), ed.affine)
    axes, levels = aha_axes(ed), slice_levels(ed)
    at_ed, at_es = (thickness_table(wall_thickness(labels, axes, levels, t)) for t in (0, 1))
    table = wall_thickening(at_ed, at_es).set_index("segment")["thickening_percent"]
    # 6 mm to 9 mm.
    assert table[:12].to_numpy() == pytest.approx(50, abs=6)
    assert table["global"] == pytest.approx(50, abs=3)
    assert table[12:16].isna().all()


def test_thickening_of_tables_of_other_segments_is_refused():
    table = thickness_table(measured(annulus()))
    with pytest.raises(ValueError, match="end-systole 1, 2; expected the same rows in both"):
        wall_thickening(table, table[:2])


def test_distances_to_a_square_are_those_by_hand():
    square = np.array([[0.0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]])
    points = np.array([[2.0, 1, 0], [0, 2, 0], [7, 8, 0], [2, 2, 3], [1, 3.5, 0]])
    assert to_line_mm(points, square).tolist() == pytest.approx([1, 0, 5, 13**0.5, 0.5])
    assert to_points_mm(points, square) == pytest.approx([5**0.5, 2, 5, 17**0.5, 1.25**0.5])


def test_axes_a_quarter_further_give_the_next_apical_segment():
    labels = annulus()
    axes = aha_axes(labels)
    turned_axes = AhaAxes(axes.inf_to_ant, axes.apex_to_base, -axes.lv_to_sep, 0)
    there, here = (wall_thickness(labels, a, {4: "apical"}).segment for a in (turned_axes, axes))
    # By a quarter of the circle: 13 becomes 14, 14 becomes 15, and so on.
    assert np.mean((here - 13 + 1) % 4 == there - 13) > 0.95
