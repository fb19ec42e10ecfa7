"""The section `calibrate`: what it makes, and calibrating subjects that a labeller has seen."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cmrseg.calibrate.model_file import FILE
from small_study import MODELS, given_model, small_study
from study.calibration import calibrated_pairs
from study.seen import seen_splits
from study.tables import StudyError
from study.tidy import _results
from study.wiring.calibration import Calibration
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)
HERE = "results/small/cohorts/people"


def calibrated(**about):
    """An edit that adds the section."""
    entry = {"cohort": "people", "labellers": ["fcn"], "splits": ["validate"]} | about

    def edit(config):
        config["calibrate"] = entry
        config["cohorts"]["others"] = config["cohorts"]["people"] | {"raw": "more"}

    return edit


def wiring(study):
    cohorts = Cohorts(study)
    return Calibration(study, Checks(study, cohorts, lambda path: False))


def test_a_study_without_the_section_calibrates_nothing(make):
    found = wiring(make())
    assert (found.cohorts(), found.tables()) == ([], [])


def test_a_calibration_needs_volumes_known_ones_and_headers(make):
    found = wiring(make(calibrated(labellers=["fcn", "base"])))
    inputs = found.inputs(SimpleNamespace(cohort="people"))
    assert inputs["volumes"] == [f"{HERE}/volumes/fcn.tsv", f"{HERE}/volumes/base.tsv"]
    assert inputs["known"] == f"{HERE}/known.tsv"
    assert set(inputs) == {"volumes", "known", "headers", "passed"}
    assert found.tables() == [f"{HERE}/calibration/volumes.tsv"]
    assert found.new_rows(SimpleNamespace(cohort="people")) == []


def test_another_cohort_is_labelled_and_calibrated_too(make):
    study = make(calibrated(also=["others"]))
    assert ("others", "fcn") in study.labelled()
    found = wiring(study)
    inputs = found.inputs(SimpleNamespace(cohort="others"))
    assert inputs["new_volumes"] == ["results/small/cohorts/others/volumes/fcn.tsv"]
    assert inputs["volumes"] == [f"{HERE}/volumes/fcn.tsv"]
    rows = found.new_rows(SimpleNamespace(cohort="others"))
    assert rows[0] == {"subject": "1", "patient": "1"}
    assert "cohorts/others/calibration/scores.tsv" in set(_results(study))


def test_splits_that_a_model_learnt_from_are_those_of_its_start_too(make):
    study = make(calibrated())
    assert seen_splits(study, "people", "next") == {"train"}
    assert seen_splits(study, "others", "next") == set()
    assert seen_splits(study, "people", "truth") == set()


def test_early_stopping_sees_the_validation_set(make):
    models = MODELS.replace("constant 0 0 0.001 2 1", "early_stopping 0 0 0.001 2 1")
    assert seen_splits(make(models=models), "people", "fcn") == {"train", "validate"}


REFUSED = [
    ({"splits": ["train"]}, "calibrate: fcn was trained on splits train of cohort people"),
    ({"cohort": "nobody"}, "calibrate: no cohort 'nobody'"),
    ({"labellers": ["x"]}, "calibrate: no labeller 'x' for cohort people"),
    ({"also": ["people"]}, "cohort people is calibrated anyway"),
    ({"shift": "weighted"}, "shift is weighted, but `also` names no other cohort"),
    ({"coverage": 1.2}, "coverage"),
    ({"method": "plain", "covariates": ["sex"]}, "method plain looks at no covariates"),
]


@pytest.mark.parametrize(("about", "message"), REFUSED)
def test_what_cannot_be_calibrated_is_refused(make, about, message):
    with pytest.raises(StudyError, match=message):
        make(calibrated(**about))


def test_each_calibrated_model_gets_a_file_that_its_card_reads(make):
    study = make(calibrated(labellers=["fcn", "truth"]))
    found = wiring(study)
    file = "results/small/models/fcn/calibration.json"
    assert found.files() == [file]
    assert found.of_model(SimpleNamespace(model="fcn")) == file
    assert found.of_model(SimpleNamespace(model="base")) == []
    inputs = found.model_inputs(SimpleNamespace(model="fcn"))
    assert inputs["volumes"] == f"{HERE}/volumes/fcn.tsv"
    assert inputs["weights"] == "results/small/models/fcn/weights.safetensors"
    assert found.model_settings(SimpleNamespace(model="fcn")) == {
        "cohort": "people",
        "splits": ["validate"],
        "coverage": 0.9,
        "seed": 1,
        "ed": "max",
    }
    assert found.patients(None)[0] == {"subject": "1", "patient": "1"}


def test_a_given_model_has_intervals_if_its_folder_has_a_calibration(given):
    def edit(config):
        config["predict"] = [{"cohort": "people", "labellers": ["mine"]}]

    study = given("elsewhere/mine", edit)
    assert calibrated_pairs(study) == []
    assert wiring(study).interval_tables() == []
    Path("elsewhere/mine", FILE).touch()
    assert calibrated_pairs(study) == [("people", "mine")]
    found = wiring(study)
    assert found.interval_tables() == [f"{HERE}/intervals/mine.tsv"]
    assert found.given_file(SimpleNamespace(labeller="mine")) == f"elsewhere/mine/{FILE}"
    wildcards = SimpleNamespace(cohort="people", labeller="mine")
    assert found.interval_settings(wildcards) == {"ed": "max"}
    assert "cohorts/people/intervals/mine.tsv" in set(_results(study))
