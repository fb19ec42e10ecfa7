"""Curves of panels over the heartbeat: who is drawn, where frames lie, and the median."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures.measure_curves import curves_of, figure
from figure_data import texts
from panel_data import aorta, measured, strain

DIASTOLIC, SYSTOLIC = 700.0, 800.0
BEAT = [DIASTOLIC, SYSTOLIC, DIASTOLIC, DIASTOLIC]


def drawn(measure, table, **panels):
    """The figure of one panel, or of several with the numbers of their subjects."""
    panels = panels or {"net": table["subject"].nunique()}
    table = table if "panel" in table else table.assign(panel="net")
    return figure(table, measure, list(panels), panels)


def thin(axes) -> list[np.ndarray]:
    return [line.get_ydata() for line in axes.lines if line.get_linewidth() == 0.5]


def bold(axes) -> tuple[np.ndarray, np.ndarray]:
    (line,) = (line for line in axes.lines if line.get_linewidth() == 1.8)
    return line.get_xdata(), line.get_ydata()


def test_doubted_subjects_are_left_out_and_counted():
    details = aorta({"a": BEAT, "b": BEAT, "c": BEAT})
    table = curves_of("aorta", measured("a", "b", "c", doubted="b"), details)
    assert set(table["subject"]) == {"a", "c"}
    found = drawn("aorta", table.assign(panel="net"), net=3)
    assert len(thin(found.axes[0])) == 2
    assert "net (n = 2 of 3)" in texts(found)


def test_subjects_that_the_table_does_not_show_have_no_curve():
    table = curves_of("aorta", measured("a"), aorta({"a": BEAT, "b": BEAT}))
    assert set(table["subject"]) == {"a"}


def test_each_structure_has_a_plot_with_its_unit():
    table = curves_of("aorta", measured("a"), aorta({"a": BEAT}))
    found = drawn("aorta", table)
    titles = [axes.get_title(loc="left") for axes in found.axes]
    assert titles == ["Ascending aorta", "Descending aorta"]
    assert [axes.get_ylabel() for axes in found.axes] == ["Area (mm²)"] * 2
    assert thin(found.axes[1])[0].tolist() == [v / 2 for v in BEAT]


def test_frames_divide_a_heartbeat_evenly_however_many_there_are():
    table = curves_of("aorta", measured("a", "b"), aorta({"a": BEAT, "b": BEAT[:2]}))
    lines = drawn("aorta", table).axes[0].lines
    assert lines[0].get_xdata().tolist() == [0, 0.25, 0.5, 0.75]
    assert lines[1].get_xdata().tolist() == [0, 0.5]


def test_the_median_is_of_the_same_part_of_the_beat():
    low, middle, high = ([v + more for v in BEAT] for more in (0, 10, 100))
    table = curves_of("aorta", measured(*"abc"), aorta({"a": low, "b": high, "c": middle}))
    at, median = bold(drawn("aorta", table).axes[0])
    values = dict(zip(at.round(2), median, strict=True))
    assert [values[x] for x in (0, 0.25, 0.5)] == [710, 810, 710]
    # Half-way between two frames.
    assert values[0.12] == pytest.approx(710 + 100 * 0.48)
    # Nothing is known after the last frame.
    assert np.isnan(values[0.9])


def test_a_frame_in_which_the_vessel_was_missed_is_a_gap_that_the_median_bridges():
    beat = [700.0 + 2 * n for n in range(40)]
    missed = [0.0 if n == 20 else v for n, v in enumerate(beat)]
    table = curves_of("aorta", measured("a", "b"), aorta({"a": missed, "b": missed}))
    axes = drawn("aorta", table).axes[0]
    assert np.isnan(thin(axes)[0][20])
    at, median = bold(axes)
    assert dict(zip(at.round(2), median, strict=True))[0.5] == pytest.approx(740)


def test_the_median_does_not_bridge_what_nobody_labelled():
    beat = [float("nan")] * 40
    beat[0], beat[15] = 700.0, 800.0
    table = curves_of("aorta", measured("a", "b"), aorta({"a": beat, "b": beat}))
    axes = drawn("aorta", table).axes[0]
    assert not np.isfinite(bold(axes)[1]).any()
    # Without a neighbour a frame is a point.
    points = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    assert [p.get_ydata().tolist() for p in points] == [[700, 800]] * 2


def test_strain_is_that_of_all_segments_from_end_diastole():
    table = curves_of("strain", measured("a"), strain("a", [0, -10, -5]))
    found = drawn("strain", table)
    # There is no 4-chamber view, and nothing longitudinal.
    titles = [axes.get_title(loc="left") for axes in found.axes]
    assert titles == ["Circumferential (Ecc)", "Radial (Err)"]
    assert thin(found.axes[0])[0].tolist() == [0, -20, -10]
    assert "Time from end-diastole (fraction of heartbeat)" in texts(found)


def test_panels_differ_in_colour_and_in_dashes():
    table = curves_of("aorta", measured("a", "b"), aorta({"a": BEAT, "b": BEAT}))
    both = pd.concat([table.assign(panel="truth"), table.assign(panel="net")])
    medians = [
        line
        for line in drawn("aorta", both, truth=2, net=2).axes[0].lines
        if line.get_linewidth() == 1.8
    ]
    assert len({line.get_color() for line in medians}) == 2
    assert [line.is_dashed() for line in medians] == [False, True]


def test_curves_of_nobody_say_so():
    table = curves_of("aorta", measured("a", doubted="a"), aorta({"a": BEAT}))
    assert table.empty
    found = texts(drawn("aorta", table.assign(panel="net"), net=1))
    assert "no values" in found
    assert "net (n = 0 of 1)" in found
    # A shard in which nothing could be measured has a table of subjects alone.
    assert curves_of("atria", measured("a"), pd.DataFrame({"subject": []})).empty


def test_details_without_a_column_are_refused_by_name():
    details = aorta({"a": BEAT}).drop(columns="dao_mm2")
    with pytest.raises(ValueError, match="figure measure_curves: column dao_mm2 is missing"):
        curves_of("aorta", measured("a"), details)
    with pytest.raises(ValueError, match="figure measure_curves: column doubt is missing"):
        curves_of("aorta", measured("a").drop(columns="doubt"), aorta({"a": BEAT}))
    with pytest.raises(ValueError, match="figure measure_curves: column value is missing"):
        figure(pd.DataFrame({"panel": [], "subject": []}).assign(curve=0, frame=0), "aorta", [], {})
