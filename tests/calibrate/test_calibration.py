"""Forests and calibrations: what each subject is predicted from, and whether intervals hold."""

import numpy as np
import pytest

from cmrseg.calibrate.calibration import Sample, calibration, folds_of
from cmrseg.calibrate.forests import Settings, fit
from cmrseg.calibrate.out_of_fold import Known, out_of_fold, repeated_scores

QUICK = Settings(trees=25)


def hearts(count: int, seed: int = 1, stacks: int = 1) -> Known:
    """Subjects whose labeller measures 10 % too much in women, and is worse at 3T."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(count // stacks), stacks)
    known = rng.uniform(80, 250, len(patients))
    female, three = rng.integers(2, size=(2, len(patients)))
    error = rng.normal(0, np.where(three, 0.08, 0.03))
    measured = known * (1 + 0.1 * female + error)
    features = np.column_stack([measured, female, three, rng.normal(size=len(patients))])
    groups = np.where(three, "3T", "1.5T")
    sample = Sample(features, measured, patients.astype(str), groups)
    return Known(sample, known, np.ones(len(patients)), "edv_ml", False)


def test_forests_find_a_bias_and_where_it_is_uncertain():
    known = hearts(400)
    errors = (known.values - known.sample.measured) / known.sample.measured
    fitted = fit(known.sample.features, errors, known.sample.patients, known.weights, QUICK, 1)
    bias, spread = fitted.predict(np.array([[150, 1, 0, 0], [150, 0, 0, 0], [150, 0, 1, 0.0]]))
    # 1/1.1 - 1 in women, nothing in men.
    assert bias[:2] == pytest.approx([-0.091, 0], abs=0.02)
    assert spread[2] > 1.5 * spread[1]


def test_nothing_of_a_patient_is_in_the_trees_that_predict_it():
    """Every second stack of a patient has the error of the first, which only its own name tells."""
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(60), 2)
    errors = np.repeat(rng.normal(size=60), 2)
    features = patients[:, None].astype(float)
    settings = Settings(trees=100, leaf=1, features=1.0)
    fitted = fit(features, errors, patients.astype(str), np.ones(120), settings, 1)
    # Known by the trees that saw the patient, unknown to the others: neighbours tell nothing.
    seen = np.corrcoef(fitted.bias.predict(features), errors)[0, 1]
    unseen = np.corrcoef(fitted.bias.out_of_bag, errors)[0, 1]
    assert seen > 0.9
    assert abs(unseen) < 0.3


def test_the_prediction_of_a_subject_does_not_depend_on_its_known_value():
    known = hearts(120, stacks=2)
    places, changed = {}, known.values.copy()
    changed[:2] *= 3
    for name, values in (("as known", known.values), ("changed", changed)):
        for where, found in out_of_fold(known._replace(values=values), 4, QUICK, 1, 1):
            if 0 in where:
                # Both stacks of the first patient are in one fold.
                assert 1 in where
                low, high = found.bounds(0.8)
                places[name] = np.concatenate([low, high, found.median()])
    assert places["as known"].tolist() == places["changed"].tolist()


def test_every_subject_is_predicted_once_and_its_patient_in_one_fold():
    known = hearts(150, stacks=3)
    where = np.concatenate([places for places, _ in out_of_fold(known, 5, QUICK, 1, 1)])
    assert sorted(where) == list(range(150))
    fold = folds_of(known.sample.patients, 5, 1)
    assert all(len(set(fold[known.sample.patients == name])) == 1 for name in ["0", "7", "29"])
    assert np.bincount(fold).tolist() == [30] * 5


def test_intervals_of_hearts_hold_and_are_wider_where_the_labeller_is_worse():
    known = hearts(400)
    scores = repeated_scores(known, 1, 5, QUICK, 1, smallest_group=1)
    assert scores.covered.mean() == pytest.approx(0.9, abs=0.035)
    three = known.sample.groups == "3T"
    assert scores.width[three].mean() > 1.5 * scores.width[~three].mean()
    # A distribution of 3 % to 8 % of 165 ml; the plain labeller is 8 ml off on average.
    assert 600 * scores.crps.mean() < 6


def test_groups_of_their_own_hold_in_each_group():
    known = hearts(400)
    # Without the feature that tells them apart, only groups know.
    blind = known.sample._replace(features=known.sample.features[:, :2])
    scores = repeated_scores(known._replace(sample=blind), 1, 5, QUICK, 1, smallest_group=50)
    three = known.sample.groups == "3T"
    assert scores.covered[three].mean() == pytest.approx(0.9, abs=0.05)
    assert scores.covered[~three].mean() == pytest.approx(0.9, abs=0.05)
    pooled = repeated_scores(known._replace(sample=blind), 1, 5, QUICK, 1, smallest_group=10**6)
    assert pooled.covered[three].mean() < 0.87 < 0.93 < pooled.covered[~three].mean()


def test_who_was_not_measured_gets_the_known_values_of_the_others():
    known = hearts(60)
    measured = known.sample.measured.copy()
    measured[5] = np.nan
    sample = known.sample._replace(measured=measured)
    found = calibration(sample, known.values, known.weights, QUICK, 1, False)
    assert len(found.fitted.residuals) == 59
    low, high = found.unmeasured(1).bounds(0.9)
    ordered = np.sort(known.values)
    # 0.95 of 61 ranks is 57.95: the 58th from either end.
    assert (low[0], high[0]) == (ordered[60 - 58], ordered[57])


def test_the_same_seed_gives_the_same_bytes():
    known = hearts(80)
    first, second = (repeated_scores(known, 1, 4, QUICK, 1, 1) for _ in range(2))
    assert first.crps.tobytes() == second.crps.tobytes()
    assert first.width.tobytes() == second.width.tobytes()


def test_too_few_patients_are_refused():
    known = hearts(58, stacks=2)
    with pytest.raises(ValueError, match="29 patients have known and measured values, calibration"):
        calibration(known.sample, known.values, known.weights, QUICK, 1, False)


def test_measures_that_are_the_known_values_are_refused():
    known = hearts(60)
    sample = known.sample._replace(measured=known.values)
    with pytest.raises(ValueError, match="the measures equal the known values of most subjects"):
        calibration(sample, known.values, known.weights, QUICK, 1, False)
