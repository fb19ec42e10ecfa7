"""Spread over the members of an ensemble: values worked out by hand."""

import pandas as pd
import pytest

from cmrseg.measure.member_spread import spread_over_members


def table(dice, edv, splits=("test", "test", "train")):
    return pd.DataFrame(
        {
            "subject": ["1", "2", "3"],
            "split": list(splits),
            "dice_lv": dice,
            "predicted_edv_ml": edv,
            "predicted_ed_frame": [0, 0, 0],
            "reference_edv_ml": [100.0, 100.0, 100.0],
        }
    )


OWN = table([0.9, 0.8, 0.7], [100.0, 120.0, 90.0])
MEMBERS = {
    "a": table([0.8, 0.6, 0.9], [98.0, 110.0, 80.0]),
    "b": table([0.9, 0.8, 0.5], [102.0, 130.0, 82.0]),
}


def row(frame, **names):
    chosen = pd.Series(True, frame.index)
    for name, value in names.items():
        chosen &= frame[name] == value
    return frame[chosen].squeeze().to_dict()


def test_a_subject_has_mean_sd_and_range_of_its_members():
    by_subject, _ = spread_over_members(OWN, MEMBERS)
    assert sorted(set(by_subject["measure"])) == ["dice_lv", "edv_ml"]
    found = row(by_subject, subject="2", measure="edv_ml")
    assert found["ensemble"] == 120
    assert found["mean"] == 120
    assert found["members"] == 2
    # Two values 20 apart: sd with n - 1 is 20 / sqrt(2).
    assert found["sd"] == pytest.approx(200**0.5)
    assert (found["min"], found["max"]) == (110, 130)


def test_a_split_has_the_spread_of_the_means_of_members():
    _, overall = spread_over_members(OWN, MEMBERS)
    found = row(overall, split="test", measure="dice_lv")
    # Means over subjects 1 and 2: 0.85 of the ensemble, 0.7 and 0.85 of the members.
    assert found["ensemble"] == pytest.approx(0.85)
    assert found["mean"] == pytest.approx(0.775)
    assert found["sd"] == pytest.approx(0.15 / 2**0.5)
    assert (found["min"], found["max"]) == pytest.approx((0.7, 0.85))
    # Of single subjects: 0.1 / sqrt(2) and 0.2 / sqrt(2).
    assert found["subject_sd"] == pytest.approx(0.15 / 2**0.5)
    assert (found["subjects"], found["members"]) == (2, 2)
    assert row(overall, split="all", measure="dice_lv")["subjects"] == 3


def test_members_that_have_seen_a_subject_do_not_count_for_it():
    left_out = {"3": {"a": True, "b": False}}
    by_subject, overall = spread_over_members(OWN, MEMBERS, left_out)
    found = row(by_subject, subject="3", measure="edv_ml")
    assert found["members"] == 1
    assert found["mean"] == 80
    assert found["sd"] != found["sd"]
    assert row(by_subject, subject="1", measure="edv_ml")["members"] == 2
    assert row(overall, split="train", measure="edv_ml")["subjects"] == 0
    assert row(overall, split="all", measure="edv_ml")["subjects"] == 2


def test_equal_members_have_no_spread_and_a_missing_value_does_not_count():
    by_subject, overall = spread_over_members(OWN, {"a": OWN, "b": OWN})
    assert (by_subject["sd"] == 0).all()
    assert (overall["sd"] == 0).all()
    lost = {"a": OWN, "b": OWN.iloc[:2], "c": OWN}
    found = row(spread_over_members(OWN, lost)[0], subject="3", measure="dice_lv")
    assert (found["members"], found["mean"]) == (2, pytest.approx(0.7))


def test_one_member_is_refused_by_name():
    with pytest.raises(ValueError, match="a spread needs two members or more, got a"):
        spread_over_members(OWN, {"a": OWN})
