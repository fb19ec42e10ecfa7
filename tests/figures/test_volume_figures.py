"""Figures of volumes: which frames and subjects they mark, their units, how far they reach."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures import prediction, volume_agreement, volume_curves
from cmrseg.figures.prediction import Predicted
from cmrseg.measure.agreement import bland_altman
from cmrseg.measure.volumes import measures
from cmrseg.measure.volumes import volume_curves as measured_curves
from figure_data import case, curves, ends, texts, volumes


def test_agreement_shows_bias_and_number_of_pairs():
    table = volumes()
    table["edv_ml"] = table["true_edv_ml"] + np.tile([4.0, 6.0], 12)
    table.loc[0, "edv_ml"] = np.nan
    found = texts(volume_agreement.figure(table))
    assert "n = 11, r" in found
    assert "+5.0" in found


@pytest.mark.parametrize(("count", "whole"), [(6, False), (200, True)])
def test_intervals_of_limits_are_cut_where_subjects_are_few(count, whole):
    # Differences of 10 ml up and down: the limits are at 1.96 times 10 √(n / (n - 1)).
    table = pd.DataFrame({"labeller": "net", "subject": map(str, range(count))})
    table = table.assign(true_edv_ml=100.0, true_esv_ml=40.0, true_ef=0.6, esv_ml=40.0, ef=0.6)
    table["edv_ml"] = 100 + np.tile([-10.0, 10.0], count // 2)
    _, top = volume_agreement.figure(table).axes[3].get_ylim()
    limit = 1.959964 * 10 * (count / (count - 1)) ** 0.5
    interval = bland_altman(table["edv_ml"], table["true_edv_ml"])["upper_high"]
    assert (interval < 1.5 * limit) == whole
    assert top == pytest.approx(1.12 * (interval if whole else 1.5 * limit))


def test_curves_of_a_subject_that_is_not_there_are_refused_by_name():
    with pytest.raises(ValueError, match="subject 99 is not in the table"):
        volume_curves.figure(curves(), ends(), subjects=["s1", "99"])


def test_curves_need_their_columns_and_rows():
    with pytest.raises(ValueError, match="figure volume_curves: column lv_ml is missing"):
        volume_curves.figure(curves().drop(columns="lv_ml"), ends())
    with pytest.raises(ValueError, match="figure volume_curves: column ed_frame is missing"):
        volume_curves.figure(curves(), ends().drop(columns="ed_frame"))
    with pytest.raises(ValueError, match="figure volume_curves: the table has no rows"):
        volume_curves.figure(curves().iloc[:0], ends())


def marks(figure) -> list[tuple[str, float, float]]:
    """Marker, frame and volume of each marked frame of the first panel, the truth's first."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() in ("^", "v")]
    return [(line.get_marker(), line.get_xdata()[0], line.get_ydata()[0]) for line in lines]


def test_curves_mark_the_frames_of_the_tables_and_count_them_from_1():
    # The cavity is largest in frame 0 and smallest in frame 5; the study says otherwise.
    near = ends().assign(ed_frame=[0, 0, 0, 9, 9, 9, 0, 0, 0], es_frame=[5] * 3 + [4] * 3 + [5] * 3)
    found = marks(volume_curves.figure(curves(), near, subjects=["s0"]))
    largest, tenth, fifth = 140.0, 100 + 40 * np.cos(1.8 * np.pi), 100 + 40 * np.cos(0.8 * np.pi)
    assert found[:2] == [("^", 1, largest), ("v", 6, 60.0)]
    assert found[2:4] == [("^", 10, pytest.approx(tenth)), ("v", 5, pytest.approx(fifth))]
    figure = volume_curves.figure(curves(), ends(), subjects=["s0"])
    assert figure.axes[0].lines[0].get_xdata().tolist() == list(range(1, 11))
    shown = texts(figure).split("\n")
    assert {"Frame (from 1)", "ED", "ES"} <= set(shown)


def test_curves_are_drawn_over_time_where_the_heart_rate_is_known():
    # 10 frames of a beat of 1 s.
    timed = ends().assign(heart_rate_bpm=60.0)
    figure = volume_curves.figure(curves(), timed, subjects=["s0"])
    assert figure.axes[0].lines[0].get_xdata().tolist() == [100.0 * n for n in range(10)]
    assert marks(figure)[1] == ("v", 500.0, 60.0)
    assert "Time from the first frame (ms)" in texts(figure)
    timed.loc[timed["subject"] == "s1", "heart_rate_bpm"] = np.nan
    both = volume_curves.figure(curves(), timed, subjects=["s0", "s1"])
    assert "Frame (from 1)" in texts(both)


def test_agreement_does_not_count_subjects_of_training_and_draws_them_hollow():
    table = volumes().assign(seen=False)
    table["edv_ml"] = table["true_edv_ml"] + 5.0
    table.loc[:3, ["edv_ml", "seen"]] = [table["true_edv_ml"].iloc[0] + 50.0, True]
    figure = volume_agreement.figure(table)
    found = texts(figure)
    assert f"n = {len(table[table['labeller'] == table['labeller'][0]]) - 4}, r" in found
    assert "+5.0" in found
    assert "subject of training, not counted" in found
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    assert sum(len(line.get_xdata()) for line in hollow) == 4
    assert "not counted" not in texts(volume_agreement.figure(table.assign(seen=False)))


def test_curves_of_one_labelled_frame_have_no_end_systole():
    one = curves()
    one.loc[(one["labeller"] != "truth") & (one["frame"] != 0), "lv_ml"] = np.nan
    ed_alone = ends().assign(es_frame=lambda t: np.where(t["labeller"] == "truth", 5, np.nan))
    found = marks(volume_curves.figure(one, ed_alone, subjects=["s0"]))
    assert sorted(mark[:2] for mark in found) == [("^", 1), ("^", 1), ("^", 1), ("v", 6)]


def test_a_prediction_of_one_frame_has_no_end_systole():
    labels = np.tile(case().reference, (1, 3, 1, 1))
    curve = measured_curves(labels, (8, 1.5, 1.5), "p01")
    image = labels.astype(float)
    shown = Predicted(
        "p01", image, labels, np.diag([1.5, 1.5, 8, 1]), curve, pd.Series(measures(curve))
    )
    lines = texts(prediction.figure([shown], "net")).split("\n")
    assert "ED, frame 1, slice 1" in lines
    assert any(line.startswith("EDV") for line in lines)
    assert not any(line.startswith(("ES", "EF")) or "nan" in line for line in lines)


def test_a_prediction_of_a_calibrated_model_has_intervals_and_their_origin():
    labels = np.tile(case().reference, (2, 3, 1, 1))
    curve = measured_curves(labels, (8, 1.5, 1.5), "p01")
    values = pd.Series(measures(curve))
    ends = {"edv_ml_low": values["edv_ml"] - 9, "edv_ml_high": values["edv_ml"] + 9}
    ends |= {"ef_low": 0.493, "ef_high": 0.578, "esv_ml_low": np.nan, "esv_ml_high": np.nan}
    intervals = pd.Series(ends | {"origin": "90 % intervals of a clinic"})
    affine, image = np.diag([1.5, 1.5, 8, 1]), labels.astype(float)
    shown = Predicted("p01", image, labels, affine, curve, values, intervals)
    lines = texts(prediction.figure([shown], "net")).split("\n")
    assert f"EF {100 * values['ef']:.0f} % (49 to 58)" in lines
    assert any(line.startswith("ESV") and "(" not in line for line in lines)
    assert "90 % intervals of a clinic" in lines


def test_pictures_of_contours_are_centred_on_what_was_drawn():
    labels = np.tile(case().reference, (1, 3, 1, 1)).astype(np.uint8)
    part = labels.copy()
    # A slice in which nobody drew anything.
    part[0, 2] = 255
    curve, pictures = measured_curves(labels, (8, 1.5, 1.5), "p01"), []
    ends_of, affine = pd.Series(measures(curve)), np.diag([1.5, 1.5, 8, 1])
    for drawn in (labels, part):
        shown = Predicted("p01", drawn.astype(float), drawn, affine, curve, ends_of)
        first = prediction.figure([shown], "expert").axes[0]
        pictures.append((first.get_xlim(), first.get_ylim()))
    assert pictures[0] == pictures[1]


def test_curves_without_any_volume_are_empty_panels():
    nothing = curves().assign(lv_ml=np.nan)
    unknown = ends().assign(ed_frame=np.nan, es_frame=np.nan, sv_ml=np.nan)
    assert marks(volume_curves.figure(nothing, unknown, subjects=["s0"])) == []


def test_a_prediction_without_end_diastole_has_its_curve_alone():
    labels = np.tile(case().reference, (2, 3, 1, 1))
    labels[0] = 0
    curve = measured_curves(labels, (8, 1.5, 1.5), "p01")
    affine, image = np.diag([1.5, 1.5, 8, 1]), labels.astype(float)
    shown = Predicted("p01", image, labels, affine, curve, pd.Series(measures(curve)))
    drawn = prediction.figure([shown], "net")
    lines = texts(drawn).split("\n")
    assert not any(line.startswith(("ED", "ES", "EF")) or "nan" in line for line in lines)
    assert len(drawn.axes) == 1


def test_curves_whose_measures_are_of_other_labels_are_refused_by_name():
    with pytest.raises(ValueError, match="0 rows of measures for subject s0 of plain_all, expect"):
        volume_curves.figure(curves(), ends()[ends()["labeller"] != "plain_all"])
    with pytest.raises(ValueError, match=r"s0 of double_all has no volume at frame 11 \(fr"):
        volume_curves.figure(curves(), ends(ed=10))
    partly = curves()
    partly.loc[partly["frame"] == 5, "lv_ml"] = np.nan
    with pytest.raises(ValueError, match=r"s0 of double_all has no volume at frame 6 \(fr"):
        volume_curves.figure(partly, ends())


def test_curves_are_spread_over_the_range_of_stroke_volumes():
    shown = texts(volume_curves.figure(curves(), ends(), limit=2))
    assert "Subject s0" in shown
    assert "Subject s2" in shown
    assert "Subject s1" not in shown


@pytest.mark.parametrize(
    ("draw", "build"),
    [(volume_agreement.figure, volumes), (lambda t: volume_curves.figure(t, ends()), curves)],
)
def test_volumes_of_mice_are_drawn_in_microlitres(draw, build):
    drawn = build()
    assert "(ml)" in texts(draw(drawn))
    columns = [name for name in drawn if name.endswith("_ml")]
    drawn[columns] /= 2000
    found = texts(draw(drawn))
    assert "(µl)" in found
    assert "(ml)" not in found
