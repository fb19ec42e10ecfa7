"""Tables of a cohort: who is predicted from whom, other cohorts, groups, what is refused."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.calibrate import cohort as module
from cmrseg.calibrate.cohort import Cohort, calibrate_cohort, with_headers
from cmrseg.calibrate.crps import competition_score
from cmrseg.calibrate.forests import Settings

SETTINGS = {
    "splits": ["validate", "test"],
    "method": "forests",
    "covariates": ["sex"],
    "group": "",
    "coverage": 0.8,
    "shift": "none",
    "seed": 1,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setitem(module.METHODS, "forests", Settings(trees=15))
    monkeypatch.setattr(module, "FOLDS", 4)


def people(count: int = 120, seed: int = 1, noise: float = 0.05) -> Cohort:
    """Subjects of two labellers; the last one has no cavity in any label."""
    rng = np.random.default_rng(seed)
    subjects = [f"s{number:03}" for number in range(count)]
    edv = rng.uniform(90, 240, count)
    esv = edv * rng.uniform(0.3, 0.6, count)
    tables = {}
    for name, bias in (("one", 1.1), ("two", 0.95)):
        errors = rng.normal(bias, noise, count)
        table = pd.DataFrame({"subject": subjects, "edv_ml": edv * errors, "esv_ml": esv * errors})
        table.loc[count - 1, ["edv_ml", "esv_ml"]] = 0
        tables[name] = table
    split = np.where(np.arange(count) < 20, "train", "test")
    known = pd.DataFrame({"subject": subjects, "split": split, "edv_ml": edv, "esv_ml": esv})
    about = pd.DataFrame({"subject": subjects, "patient": subjects})
    about["sex"] = np.where(rng.integers(2, size=count), "F", "M")
    return Cohort(tables, known, about)


def test_every_subject_has_intervals_and_calibrating_ones_are_told():
    table, _, scores = calibrate_cohort(people(), None, SETTINGS)
    assert table["subject"].is_unique
    assert table.groupby("split")["calibrating"].mean().to_dict() == {"test": 1, "train": 0}
    assert table["calibrated_on"].unique().tolist() == [100]
    for measure in ("edv_ml", "esv_ml", "sv_ml", "ef"):
        ends = [table[f"{measure}_{name}"] for name in ("low", "median", "high")]
        assert (ends[0] <= ends[1]).all()
        assert (ends[1] <= ends[2]).all()
    assert "mass_g_median" not in table
    assert scores.groupby("split")["subjects"].first().to_dict() == {"test": 100, "train": 20}
    held = scores.set_index(["measure", "split"])["coverage"]
    assert held["edv_ml", "test"] == pytest.approx(0.8, abs=0.1)
    assert scores.loc[scores["measure"] == "ef", "crps"].isna().all()


def test_a_subject_whose_labels_failed_has_the_known_values_of_the_others():
    table, _, _ = calibrate_cohort(people(), None, SETTINGS)
    failed = table.set_index("subject").loc["s119"]
    assert failed["made_of"] == "known values alone"
    assert failed["edv_ml_high"] - failed["edv_ml_low"] > 90
    assert (table["made_of"] == "labels").sum() == 119


def test_mass_is_calibrated_where_it_is_known_and_measured():
    own = people()
    rng = np.random.default_rng(2)
    tables = {
        name: table.assign(mass_g=0.7 * own.known["edv_ml"] * rng.normal(1, 0.1, 120))
        for name, table in own.volumes.items()
    }
    known = own.known.assign(mass_g=0.7 * own.known["edv_ml"])
    table, _, _ = calibrate_cohort(own._replace(volumes=tables, known=known), None, SETTINGS)
    assert table["mass_g_median"].between(40, 200).all()


def test_the_score_of_the_distributions_is_that_of_the_competition():
    own = people()
    _, distributions, scores = calibrate_cohort(own, None, SETTINGS | {"splits": ["train", "test"]})
    mean = np.average(scores.dropna()["crps"], weights=scores.dropna()["subjects"])
    known = own.known.rename(columns={"subject": "study"})
    assert competition_score(distributions, known) == pytest.approx(mean)


def test_subjects_of_another_cohort_need_no_known_volumes():
    own, new = people(), people(40, seed=5)
    unknown = new._replace(known=new.known.assign(edv_ml=np.nan, esv_ml=np.nan))
    table, distributions, scores = calibrate_cohort(own, unknown, SETTINGS)
    assert (len(table), len(distributions), len(scores)) == (40, 80, 0)
    assert table["calibrating"].sum() == 0
    _, _, known = calibrate_cohort(own, new, SETTINGS)
    assert len(known) == 8


def test_weights_for_another_cohort_widen_its_intervals_where_labellers_differ_more():
    own, new = people(300), people(100, seed=5, noise=0.08)
    plain, _, _ = calibrate_cohort(own, new, SETTINGS)
    weighted, _, _ = calibrate_cohort(own, new, SETTINGS | {"shift": "weighted"})
    width = [(table["edv_ml_high"] - table["edv_ml_low"]).mean() for table in (plain, weighted)]
    assert width[1] > width[0]


def test_a_rotated_copy_has_the_known_volumes_of_its_original():
    own = people()
    copies = {
        name: table.replace({"subject": {"s100": "s100_rot90"}})
        for name, table in own.volumes.items()
    }
    table, _, _ = calibrate_cohort(own._replace(volumes=copies), None, SETTINGS)
    assert table.set_index("subject").loc["s100_rot90", "calibrating"] == 1


def test_a_group_that_is_no_column_is_named():
    with pytest.raises(ValueError, match="group site is no column; there are patient, sex"):
        calibrate_cohort(people(), None, SETTINGS | {"group": "site"})


def test_groups_are_columns_of_subjects_or_of_the_headers_of_their_first_image():
    rows = pd.DataFrame({"subject": ["a", "b"], "sex": ["F", "M"]})
    headers = pd.DataFrame(
        {"subject": ["a", "a"], "sex": ["M", "M"], "MagneticFieldStrength": [3.0, 1.5]}
    )
    found = with_headers(rows, headers)
    # The subject table counts.
    assert found["sex"].tolist() == ["F", "M"]
    assert found["MagneticFieldStrength"].tolist()[0] == 3
    assert np.isnan(found["MagneticFieldStrength"][1])
    own = people()
    about = own.about.assign(site=["x"] * 60 + ["y"] * 60)
    table, _, _ = calibrate_cohort(own._replace(about=about), None, SETTINGS | {"group": "site"})
    assert table["group"].tolist() == ["x"] * 60 + ["y"] * 60
