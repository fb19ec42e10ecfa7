"""Features of labellers and covariates, and what a table says of a distribution."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.calibrate.conformal import distributions
from cmrseg.calibrate.features import covariates, labeller_features, measured_values
from cmrseg.calibrate.intervals import interval, origin_text


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    def table(edv, esv):
        return pd.DataFrame({"subject": ["a", "b", "c"], "edv_ml": edv, "esv_ml": esv})

    return {
        "one": table([100.0, 200, 0], [40.0, 90, 0]),
        "two": table([110.0, 200, 0], [50.0, np.nan, 0]),
        "three": table([150.0, 260, 1], [60.0, 110, 0]),
    }


def test_measured_values_are_medians_of_the_labellers(tables):
    found = measured_values(tables, smallest_edv_ml=5)
    assert found.loc["a"].tolist() == [110, 50, 60, 60 / 110]
    # A labeller without a value has no say.
    assert found.loc["b", "esv_ml"] == 100


def test_a_subject_without_a_cavity_is_not_measured(tables):
    assert measured_values(tables, smallest_edv_ml=5).loc["c"].isna().all()


def test_features_are_differences_between_labellers_as_shares_of_the_edv(tables):
    found = labeller_features(tables).loc["a"]
    assert found["median edv_ml"] == 110
    assert found["sd edv_ml"] == pytest.approx(26.4575, abs=1e-4)
    assert found["three edv_ml"] == pytest.approx(40 / 110)
    assert found["one esv_ml"] == pytest.approx(-10 / 110)
    assert found["ef"] == pytest.approx(60 / 110)


def test_hearts_of_another_size_have_the_same_relative_features(tables):
    mice = {
        name: table.assign(edv_ml=table["edv_ml"] / 2000, esv_ml=table["esv_ml"] / 2000)
        for name, table in tables.items()
    }
    names = ["one edv_ml", "three esv_ml", "share sd edv_ml", "ef"]
    ours, theirs = labeller_features(tables).loc["a"], labeller_features(mice).loc["a"]
    assert theirs[names].tolist() == pytest.approx(ours[names].tolist())


def test_one_labeller_has_no_spread(tables):
    found = labeller_features({"one": tables["one"]})
    assert list(found) == ["median edv_ml", "median esv_ml", "ef"]


def test_mass_is_a_feature_where_all_labellers_have_it(tables):
    both = {name: tables[name].assign(mass_g=[100.0, 120, 90]) for name in ("one", "two")}
    assert "median mass_g" in labeller_features(both)
    assert "median mass_g" not in labeller_features(both | {"three": tables["three"]})


def test_calibration_without_a_labeller_is_refused():
    with pytest.raises(ValueError, match="needs the volumes of at least one labeller"):
        labeller_features({})


def test_sex_is_a_number_and_other_text_is_missing():
    table = pd.DataFrame({"sex": ["F", "M", ""], "age_y": [3, "old", 5]}, index=["a", "b", "c"])
    found = covariates(table, ["sex", "age_y"])
    assert found["sex"].tolist()[:2] == [0, 1]
    assert found["age_y"].tolist()[::2] == [3, 5]
    assert found.isna().sum().tolist() == [1, 1]


def test_a_covariate_that_is_no_column_is_named():
    with pytest.raises(ValueError, match="covariates weight are no columns; there are sex"):
        covariates(pd.DataFrame({"sex": ["F"]}), ["sex", "weight"])


def test_a_covariate_without_numbers_is_named():
    with pytest.raises(ValueError, match="covariates disease have no number"):
        covariates(pd.DataFrame({"disease": ["infarct", "healthy"]}), ["disease"])


def found(centre: float, count: int):
    residuals = np.linspace(-1, 1, count)
    one = np.ones(1)
    return distributions(one * centre, one * 0.05, residuals, np.ones(count), one)


def test_an_interval_is_three_columns():
    columns = interval(found(0.54, 99), "ef", 0.9)
    assert list(columns) == ["ef_low", "ef_median", "ef_high"]
    assert [f"{values[0]:.3f}" for values in columns.values()] == ["0.494", "0.540", "0.586"]


def test_no_fraction_is_above_1_and_no_volume_below_0():
    assert interval(found(0.99, 99), "ef")["ef_high"][0] == 1
    assert interval(found(0.01, 99), "esv_ml")["esv_ml_low"][0] == 0


def test_an_interval_that_too_few_subjects_calibrate_is_empty():
    columns = interval(found(0.5, 10), "ef", 0.9)
    assert np.isnan(columns["ef_low"][0])
    assert np.isnan(columns["ef_high"][0])
    assert columns["ef_median"][0] == 0.5


def test_what_an_interval_was_calibrated_on_in_words():
    assert origin_text(500, "kaggle").startswith(
        "90 % intervals, calibrated on 500 subjects of kaggle with known values"
    )
