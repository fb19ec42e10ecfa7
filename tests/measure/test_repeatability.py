"""Repeatability of two examinations of the same patients: values by formula."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.measure.repeatability import NOTHING, repeatability

SCANS = pd.DataFrame(
    {
        "subject": ["a1", "a2", "b1", "b2", "c1"],
        "patient": ["a", "a", "b", "b", "c"],
        "changed": [NOTHING, "noise", NOTHING, "noise", NOTHING],
    }
)
VOLUMES = pd.DataFrame(
    {
        "subject": ["a1", "a2", "b1", "b2", "c1"],
        "edv_ml": [100.0, 104.0, 150.0, 144.0, 90.0],
        "esv_ml": [40.0, 40.0, 60.0, 60.0, 30.0],
    }
)
KNOWN = pd.DataFrame(
    {"subject": ["a1", "a2", "b1", "b2"], "edv_ml": [101.0, 101, 147, 147], "esv_ml": 50.0}
)


def of(summary, measure="edv_ml", changed="all", labeller="net"):
    chosen = (summary["measure"] == measure) & (summary["labeller"] == labeller)
    return summary[chosen & (summary["changed"] == changed)].squeeze()


def test_within_subject_sd_and_limits_follow_from_the_differences():
    pairs, summary = repeatability({"net": VOLUMES}, SCANS)
    own = pairs[pairs["measure"] == "edv_ml"]
    assert own["difference"].tolist() == [4, -6]
    found = of(summary)
    # Differences 4 and -6: mean square 26, half of it 13; mean of all four volumes 124.5.
    assert found["within_sd"] == pytest.approx(13**0.5)
    assert found["cv_percent"] == pytest.approx(100 * 13**0.5 / 124.5)
    assert found["bias"] == -1
    assert found["pairs"] == 2
    sd = 50**0.5
    assert found["upper"] == pytest.approx(-1 + 1.959964 * sd)
    assert found["known"] == 0
    assert np.isnan(found["error_abs"])


def test_equal_scans_differ_by_exactly_nothing_and_do_not_count_for_all():
    scans = SCANS.assign(changed=[NOTHING, NOTHING, NOTHING, "noise", NOTHING])
    equal = VOLUMES.assign(edv_ml=[100.0, 100.0, 150.0, 144.0, 90.0])
    _, summary = repeatability({"net": equal}, scans)
    found = of(summary, changed=NOTHING)
    assert (found["pairs"], found["within_sd"], found["cv_percent"], found["bias"]) == (1, 0, 0, 0)
    assert of(summary)["pairs"] == 1
    assert of(summary)["bias"] == -6


def test_accuracy_is_of_both_scans_and_counts_a_first_scan_once():
    scans = pd.concat([SCANS, pd.DataFrame([["a3", "a", "noise"]], columns=SCANS.columns)])
    volumes = pd.concat([VOLUMES, pd.DataFrame([["a3", 101.0, 40.0]], columns=VOLUMES.columns)])
    _, summary = repeatability({"net": volumes}, scans, KNOWN)
    found = of(summary)
    # a1 -1, a2 +3, a3 0, b1 +3, b2 -3.
    assert found["known"] == 5
    assert found["error_bias"] == pytest.approx(0.4)
    assert found["error_abs"] == pytest.approx(2.0)


def test_intervals_overlap_where_they_share_a_value():
    intervals = pd.DataFrame(
        {
            "subject": ["a1", "a2", "b1", "b2"],
            "edv_ml_low": [90.0, 105.0, 140.0, 120.0],
            "edv_ml_median": [100.0, 110.0, 150.0, 130.0],
            "edv_ml_high": [105.0, 120.0, 160.0, 139.0],
        }
    )
    pairs, summary = repeatability({"net": VOLUMES}, SCANS, intervals=intervals)
    own = pairs[(pairs["labeller"] == "calibrated") & (pairs["measure"] == "edv_ml")]
    assert own["overlap"].tolist() == [1, 0]
    assert own["difference"].tolist() == [10, -20]
    assert of(summary, labeller="calibrated")["overlapping"] == 0.5
    assert np.isnan(of(summary)["overlapping"])


def test_a_scan_without_volumes_does_not_count():
    _, summary = repeatability({"net": VOLUMES.iloc[:3]}, SCANS)
    assert of(summary)["pairs"] == 1
    assert of(summary)["within_sd"] == pytest.approx(8**0.5)


def test_a_cohort_without_repeated_patients_is_refused():
    with pytest.raises(ValueError, match="no patient has two examinations; give both the same"):
        repeatability({"net": VOLUMES}, SCANS.assign(patient=SCANS["subject"]))
