"""Frames in which no cavity was found: no heart empties itself."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.labels import Tissue
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.measure.volumes import measures, measures_at
from cmrseg.sequences import VENTRICLES


def curves(lv_ml, my_ml=None, rv_ml=None, subject="7"):
    zeros = [0.0] * len(lv_ml)
    columns = {"lv_ml": lv_ml, "my_ml": my_ml or zeros, "rv_ml": rv_ml or zeros}
    return pd.DataFrame({"subject": subject, "frame": range(len(lv_ml)), **columns})


def test_a_frame_that_was_missed_is_no_end_systole(caplog):
    found = measures(curves([100.0, 70.0, 40.0, 60.0, 90.0, 0.0]))
    assert (found["esv_ml"], found["es_frame"], found["ef"]) == (40, 2, 0.6)
    assert caplog.messages == [
        "subject 7: no LV cavity was found in frames 6 (from 1) of 6: these are not taken for "
        "end-systole"
    ]


@pytest.mark.parametrize("missed", [[2], [3], [2, 3], [1, 2]])
def test_end_systole_is_unknown_where_it_may_be_a_missed_frame(caplog, missed):
    volumes = np.array([100.0, 70.0, 40.0, 42.0, 80.0, 90.0])
    volumes[missed] = 0
    found = measures(curves(volumes.tolist()))
    assert (found["edv_ml"], found["ed_frame"]) == (100, 0)
    assert np.isnan([found[name] for name in ("es_frame", "esv_ml", "ef", "es_mass_g")]).all()
    assert "end-systole unknown" in caplog.text


def test_the_cycle_is_closed_for_missed_frames():
    assert math.isnan(measures(curves([40.0, 70.0, 100.0, 60.0, 0.0]))["es_frame"])
    assert math.isnan(measures(curves([0.0, 70.0, 100.0, 60.0, 40.0]))["es_frame"])


def test_end_diastole_is_unknown_where_the_first_frame_is_it_and_was_missed(caplog):
    found = measures(curves([0.0, 100.0, 70.0, 40.0, 60.0]), ed="first")
    assert np.isnan([found[name] for name in ("ed_frame", "edv_ml", "ef", "mass_g")]).all()
    assert (found["es_frame"], found["esv_ml"]) == (3, 40)
    assert "end-diastole unknown" in caplog.text
    assert measures(curves([0.0, 100.0, 70.0, 40.0, 60.0]), ed="first_if_near")["ed_frame"] == 1


def test_of_two_frames_of_which_one_was_missed_nothing_is_known():
    for volumes in ([100.0, 0.0], [0.0, 40.0]):
        found = measures(curves(volumes))
        assert np.isnan([found[name] for name in ("edv_ml", "esv_ml", "ef", "ed_frame")]).all()


def test_a_ventricle_that_was_missed_at_a_given_frame_has_no_volume_there():
    table = curves([100.0, 0.0, 40.0], rv_ml=[120.0, 60.0, 0.0])
    found = measures_at(table, 0, 1)
    assert math.isnan(found["esv_ml"])
    assert math.isnan(found["ef"])
    found = measures_at(table, 0, 2)
    assert found["ef"] == 0.6
    assert found["rv_edv_ml"] == 120
    assert np.isnan([found["rv_esv_ml"], found["rv_ef"]]).all()


@pytest.mark.parametrize("frames", ["own", "reference"])
def test_a_frame_that_the_prediction_missed_gives_no_ejection_fraction(frames):
    reference = np.zeros((3, 1, 10, 10), np.uint8)
    for t, rows in enumerate((9, 4, 7)):
        reference[t, :, :rows, :5] = Tissue.LV
        reference[t, :, :rows, 5:] = Tissue.MYO
    missed = reference.copy()
    missed[1] = 0
    spacing_mm = (8.0, 1.5, 1.5)
    _, of_frames, row = evaluate_cine(missed, reference, spacing_mm, VENTRICLES, "7", frames=frames)
    assert row["reference_ef"] == pytest.approx(5 / 9)
    assert row["predicted_edv_ml"] == row["reference_edv_ml"]
    assert np.isnan([row["predicted_esv_ml"], row["predicted_ef"]]).all()
    assert of_frames.set_index("phase").loc["es", "dice_lv"] == 0
