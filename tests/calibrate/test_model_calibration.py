"""A model's calibration: intervals worked out by hand, the file, who it is not for."""

import json

import numpy as np
import pandas as pd
import pytest

from cmrseg.calibrate.cohort import Cohort, calibrate_cohort
from cmrseg.calibrate.model_file import (
    FILE,
    MeasureErrors,
    ModelCalibration,
    calibration_in,
    interval_table,
    read_calibration,
    write_calibration,
)
from cmrseg.calibrate.of_model import calibrate_model
from cmrseg.results.calibration_words import interval_paragraphs

# -0.09, -0.08, ... 0.09: with the subject itself 20 ranks, so 90 % reach from the first to the
# last error.
NINETEEN = tuple(number / 100 for number in range(-9, 10))
EDV = MeasureErrors(10.0, NINETEEN, 80.0, 200.0, 0.9, 20.0)
EF = MeasureErrors(None, NINETEEN, 0.4, 0.7, 0.9, 0.18)
FOUND = ModelCalibration("clinic", ("test",), 19, 19, 0.9, "max", "abc", {"edv_ml": EDV, "ef": EF})
SETTINGS = {"cohort": "clinic", "splits": ["test"], "coverage": 0.9, "ed": "max", "seed": 1}
MODEL = {"task": "segment", "sequence": "sa"}


def hearts(count: int, seed: int, bias: float = 1.1) -> Cohort:
    """Subjects of a model that measures 10 % too much, with an error of 5 %."""
    rng = np.random.default_rng(seed)
    subjects = [f"s{number:03}" for number in range(count)]
    edv = rng.uniform(90, 240, count)
    known = pd.DataFrame({"subject": subjects, "split": "test", "edv_ml": edv, "esv_ml": edv / 2})
    errors = rng.normal(bias, 0.05, count)
    volumes = pd.DataFrame({"subject": subjects, "edv_ml": edv * errors})
    volumes["esv_ml"] = edv / 2 * rng.normal(bias, 0.05, count)
    about = pd.DataFrame({"subject": subjects, "patient": subjects})
    return Cohort({"net": volumes}, known, about)


def test_ends_are_the_errors_at_the_ranks_in_units_of_the_volume():
    # (90 + 10) x 0.09 either way; of EF the errors themselves.
    row = FOUND.intervals(pd.DataFrame({"edv_ml": [90.0], "ef": [0.5]})).iloc[0]
    assert row["edv_ml_low"] == pytest.approx(81)
    assert row["edv_ml_median"] == pytest.approx(90)
    assert row["edv_ml_high"] == pytest.approx(99)
    assert (row["ef_low"], row["ef_high"]) == pytest.approx((0.41, 0.59))


def test_with_a_subject_less_there_is_no_interval_of_this_coverage():
    few = EDV._replace(errors=NINETEEN[1:])
    row = FOUND._replace(measures={"edv_ml": few}).intervals(pd.DataFrame({"edv_ml": [90.0]}))
    assert row[["edv_ml_low", "edv_ml_high"]].isna().all(axis=None)
    assert row["edv_ml_median"].notna().all()


def test_volumes_unlike_the_calibrating_ones_have_no_interval():
    # A quarter beyond 80 and 200 ml; a mouse; no volume.
    volumes = pd.DataFrame({"edv_ml": [63.9, 64.1, 249.9, 250.1, 0.06, np.nan]})
    assert FOUND.intervals(volumes)["edv_ml_low"].notna().tolist() == [
        False,
        True,
        True,
        *[False] * 3,
    ]
    assert FOUND.intervals(volumes)["edv_ml_median"].notna().sum() == 2


def test_a_heart_with_one_volume_unlike_theirs_has_no_interval_of_its_ejection_fraction_either():
    volumes = pd.DataFrame({"edv_ml": [100.0, 50.0, np.nan], "ef": [0.5, 0.5, 0.5]})
    assert FOUND.intervals(volumes)["ef_low"].notna().tolist() == [True, False, True]


def test_a_table_says_what_its_intervals_hold_for_or_why_there_are_none():
    volumes = pd.DataFrame({"subject": ["a", "b"], "edv_ml": [90.0, 0.06]})
    table = interval_table(volumes, FOUND, "abc", "max")
    assert table["origin"].tolist() == [
        "90 % intervals, calibrated on 19 subjects of clinic with known values; they hold for "
        "subjects like these",
        "no intervals: volumes unlike those of the calibrating subjects of clinic",
    ]
    assert table["mass_g_low"].isna().all()
    for weights, ed, reason in (
        ("other", "max", "of other weights of the model; calibrate it again"),
        ("abc", "first", "calibrated with end-diastole max, not first"),
    ):
        table = interval_table(volumes, FOUND, weights, ed)
        assert table["edv_ml_low"].isna().all()
        assert table["origin"].str.contains(reason).all()


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    write_calibration(FOUND, tmp_path / FILE)
    assert read_calibration(tmp_path) == FOUND
    assert calibration_in(tmp_path / FILE) == FOUND
    assert (read_calibration(tmp_path / "elsewhere"), calibration_in("")) == (None, None)


def broken(content):
    content["measures"]["edv_ml"]["errors"][3] = float("nan")


FAULTS = [
    (lambda content: content.update(version=2), "another version"),
    (lambda content: content.pop("coverage"), "coverage"),
    (lambda content: content.update(coverage=90), "coverage"),
    (lambda content: content["measures"].update(size={}), "errors"),
    (lambda content: content["measures"]["edv_ml"].update(errors=[]), "numbers of edv_ml"),
    (broken, "numbers of edv_ml"),
]


@pytest.mark.parametrize(("edit", "said"), FAULTS)
def test_a_file_that_is_no_calibration_is_named(tmp_path, edit, said):
    write_calibration(FOUND, tmp_path / FILE)
    content = json.loads((tmp_path / FILE).read_text())
    edit(content)
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"{FILE}: is no calibration of this version .*{said}"):
        read_calibration(tmp_path)


def test_text_that_is_no_json_is_named(tmp_path):
    (tmp_path / FILE).write_text("subject\tedv_ml\n")
    with pytest.raises(ValueError, match=f"{FILE}: is no calibration"):
        read_calibration(tmp_path)


def test_errors_are_relative_to_the_volume_and_a_tenth_of_the_middle_one():
    cohort = hearts(40, 1)
    found = calibrate_model(cohort, SETTINGS, "abc")
    assert (found.subjects, found.patients, found.splits, found.ed) == (40, 40, ("test",), "max")
    volumes, known = cohort.volumes["net"]["edv_ml"], cohort.known["edv_ml"]
    edv = found.measures["edv_ml"]
    assert edv.offset == pytest.approx(0.1 * known.median(), rel=1e-5)
    errors = np.sort((known - volumes) / (volumes + 0.1 * known.median()))
    assert edv.errors == pytest.approx(errors.tolist(), abs=1e-5)
    assert (edv.lowest, edv.highest) == pytest.approx((volumes.min(), volumes.max()), rel=1e-5)
    assert list(found.measures) == ["edv_ml", "esv_ml", "sv_ml", "ef"]
    assert found.measures["ef"].offset is None


def test_subjects_of_other_splits_and_failed_labels_are_not_learnt_from():
    cohort = hearts(50, 1)
    cohort.known.loc[:9, "split"] = "train"
    cohort.volumes["net"].loc[20, ["edv_ml", "esv_ml"]] = 0
    found = calibrate_model(cohort, SETTINGS, "abc")
    assert found.subjects == 39
    assert len(found.measures["edv_ml"].errors) == 39


def test_intervals_of_few_subjects_hold_in_new_ones():
    inside, errors = [], []
    for seed in range(60):
        found = calibrate_model(hearts(30, seed), SETTINGS, "abc")
        new = hearts(40, 10_000 + seed)
        table = found.intervals(new.volumes["net"])
        known = new.known["edv_ml"]
        held = (known >= table["edv_ml_low"]) & (known <= table["edv_ml_high"])
        inside.append(held[table["edv_ml_low"].notna()].mean())
        errors.append((table["edv_ml_median"] / known - 1).mean())
    # Of 31 ranks the first and the last are left out: 29/31.
    assert np.mean(inside) == pytest.approx(29 / 31, abs=0.012)
    # The model's bias of 10 % is gone.
    assert np.mean(errors) == pytest.approx(0, abs=0.005)


def test_too_few_subjects_are_refused_by_their_number():
    with pytest.raises(ValueError, match="29 patients have known and measured values"):
        calibrate_model(hearts(29, 1), SETTINGS, "abc")


def test_a_labeller_that_is_the_known_volumes_is_refused():
    cohort = hearts(40, 1)
    same = cohort.known[["subject", "edv_ml", "esv_ml"]]
    with pytest.raises(ValueError, match="the measures equal the known values of most subjects"):
        calibrate_model(cohort._replace(volumes={"net": same}), SETTINGS, "abc")


def test_a_cohort_can_be_calibrated_by_plain_errors():
    about = {"covariates": [], "group": "", "shift": "none", "method": "plain"}
    table, _, scores = calibrate_cohort(hearts(200, 1), None, SETTINGS | about)
    held = scores.set_index("measure")["coverage"]
    assert held["edv_ml"] == pytest.approx(0.9, abs=0.04)
    assert (table["edv_ml_low"] < table["edv_ml_median"]).all()


def test_cards_say_what_intervals_were_calibrated_on():
    assert interval_paragraphs(MODEL)[1].startswith("None: the model was not calibrated")
    head, told, rows = interval_paragraphs(MODEL, FOUND)
    assert head == "## Intervals"
    assert "calibrated on 19 subjects of clinic" in told
    assert "19 patients (splits test), on which the model was not trained" in told
    assert "| EDV | 20.0 ml | 90 % |\n| EF | 18.0 % | 90 % |" in rows
    # Areas of the atria have no intervals, and landmarks none either.
    assert interval_paragraphs(MODEL | {"sequence": "la_2ch"}) == []
    assert interval_paragraphs({"task": "track", "sequence": "tag"}) == []
