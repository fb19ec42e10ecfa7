"""Calibrated volumes of the published networks: who is seen, weights, shapes, the real tables."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.calibrate.crps import competition_score
from cmrseg.calibrate.forests import Settings
from cmrseg.published import calibration
from cmrseg.published.calibration import (
    known_of,
    studies_table,
    trained_on,
)
from cmrseg.published.calibration_features import shape
from cmrseg.published.kaggle import NETWORKS, UKBB, UNSEEN


@pytest.fixture
def folder(data):
    return data / "published"


def test_a_network_was_trained_on_its_confidence_set_but_for_the_validation_patients():
    assert trained_on("train", 0.05, "r34_p05_s256")
    assert trained_on("test", 0.04, "r34_p05_s256")
    assert not trained_on("validate", 0.01, "r34_p05_s256")
    assert not trained_on("train", 0.051, "r34_p05_s256")
    assert trained_on("train", 0.051, "r34_p10_s256")
    assert trained_on("train", 0.15, "r34_p15_s256")


def test_the_uk_biobank_network_was_trained_on_no_kaggle_study():
    assert not trained_on("train", 0.0, UKBB)


def test_the_published_number_of_training_studies_is_seen(folder):
    table = studies_table(folder)
    # 148 training studies of the 5 % set: 75 of Kaggle's training patients, 73 of its test ones.
    # Two of these patients have a second stack.
    assert table.groupby("set")["seen"].sum().to_dict() == {"test": 74, "train": 76, "validate": 0}
    assert table.loc[table["seen"], "patient"].nunique() == 148
    assert table.loc[~table["seen"], "patient"].nunique() == 992
    every = studies_table(folder, (*NETWORKS, UKBB))
    # 629 training studies of the 15 % set.
    assert every["seen"].sum() == 629 + 3
    train = every[every["set"] == "train"]
    assert train.groupby("seen")["patient"].nunique().to_dict() == {False: 174, True: 326}


def test_unseen_studies_stand_for_all(folder):
    table = studies_table(folder)
    assert (table["weight"] == 0).equals(table["seen"])
    assert table["weight"].sum() == pytest.approx(len(table))
    inside = table["score"] <= 0.05
    assert set(table.loc[inside & ~table["seen"], "set"]) == {UNSEEN}
    # 177 studies by the 27 of the validation patients.
    assert table.loc[inside & ~table["seen"], "weight"].unique() == pytest.approx([177 / 27])


@pytest.mark.parametrize("function", ["scores", "tables"])
def test_no_training_study_of_a_network_is_ever_learnt_from(folder, monkeypatch, function):
    """Every forest of the published calibration is asked what it learns from."""
    table = studies_table(folder)
    seen = set(table.loc[table["seen"], "patient"])
    learnt, fit = set(), calibration.learn.__globals__["calibration"]

    def watched(sample, *others):
        learnt.update(sample.patients)
        return fit(sample, *others)

    monkeypatch.setitem(calibration.learn.__globals__, "calibration", watched)
    monkeypatch.setattr(calibration, "SETTINGS", Settings(trees=5))
    monkeypatch.setattr(calibration, "FOLDS", 2)
    monkeypatch.setattr(calibration, "CALIBRATED", ("edv_ml", "esv_ml"))
    scan_free(monkeypatch)
    if function == "tables":
        calibration.calibrated_tables(folder)
    else:
        rows = calibration.unseen_rows(folder, repeats=1)
        assert {row["population"] for row in rows} == {"unseen", "unseen, train", UNSEEN}
    assert len(learnt) == 992
    assert not learnt & seen


def scan_free(monkeypatch):
    """Without reading the pixels of every image, which takes seconds."""

    def sample_of(folder, studies, labellers):
        rng = np.random.default_rng(1)
        noise = rng.normal(1, 0.1, len(studies))
        measured = studies[["edv_ml", "esv_ml", "sv_ml", "ef"]].mul(noise, axis=0)
        return measured.to_numpy(float), measured

    monkeypatch.setattr(calibration, "sample_of", sample_of)


def test_distributions_are_those_of_every_patient_in_the_competition_s_format(folder, monkeypatch):
    scan_free(monkeypatch)
    monkeypatch.setattr(calibration, "SETTINGS", Settings(trees=5))
    monkeypatch.setattr(calibration, "FOLDS", 2)
    monkeypatch.setattr(calibration, "CALIBRATED", ("edv_ml", "esv_ml"))
    table, distributions = calibration.calibrated_tables(folder)
    assert len(table) == 1149
    assert distributions["Id"].iloc[[0, -1]].tolist() == ["1_Diastole", "1140_Systole"]
    known = table.drop_duplicates("patient")[["patient", "known_edv_ml", "known_esv_ml"]].set_axis(
        ["study", "edv_ml", "esv_ml"], axis=1
    )
    # Noise of 10 % of about 165 and 70 ml.
    assert 0.003 < competition_score(distributions, known) < 0.02


def test_seen_studies_have_no_weight_in_what_is_learnt(folder):
    studies = studies_table(folder)
    measured = studies[["edv_ml"]]
    known = known_of(studies, np.zeros((len(studies), 1)), measured, "edv_ml")
    assert known.weights[studies["seen"].to_numpy()].sum() == 0


def test_the_shape_of_a_stack_is_told_from_its_larger_end():
    cavity = np.array([[0, 40, 50, 30, 10, 0.1], [0, 20, 25, 10, 0, 0], [0, 38, 50, 30, 10, 0]])
    wall = np.full((3, 6), 10.0)
    found = shape(cavity, wall)
    assert (found["slices"], found["wall_ml"], found["wall_change"]) == (6, 60, 0)
    assert found["es_share"] == pytest.approx(1 / 3)
    assert (found["ed_slices"], found["es_slices"]) == (4, 3)
    assert (found["ed_base"], found["ed_apex"]) == (0.8, 0.2)
    assert (found["ed_above_base"], found["ed_below_apex"]) == (1, 1)
    assert found["closure"] == pytest.approx(2.1 / 130.1)
    # The other way round it is the same.
    assert shape(cavity[:, ::-1], wall) == found


def test_a_study_without_a_cavity_has_a_shape_without_ends():
    found = shape(np.zeros((3, 4)), np.zeros((3, 4)))
    assert np.isnan(found["ed_base"])
    assert (found["wall_ml"], found["closure"]) == (0, 0)


@pytest.mark.long
def test_the_published_volumes_are_calibrated_as_well_as_the_documents_say(folder):
    scores = calibration.scores_table(folder, repeats=1).set_index(
        ["population", "measure", "group"]
    )
    for population in ("unseen", "unseen, train"):
        assert scores.loc[(population, "both", "all"), "crps"] <= 0.0094
        for measure in ("edv_ml", "esv_ml"):
            assert 0.88 <= scores.loc[(population, measure, "all"), "coverage"] <= 0.92
    groups = scores.loc["unseen"].query("group != 'all'")["coverage"]
    assert isinstance(groups, pd.Series)
    assert len(groups) == 10
    assert (groups >= 0.85).all()
