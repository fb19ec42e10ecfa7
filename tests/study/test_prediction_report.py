"""What is typed for the report of a prediction, and where its results are; missing folders."""

from pathlib import Path

import pytest

from small_study import given_model, small_study
from study.load import load_study
from study.prediction import prediction_report, prediction_study, where_results_are
from study.tables import StudyError
from study.tidy import unnamed
from study.wiring.cohorts import Cohorts
from study.wiring.raw import Raw
from study.wiring.reports import Reports

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


def test_what_is_typed_of_a_person_is_for_the_report_alone(given):
    Path("one").mkdir()
    Path("one/cine.nii.gz").touch()
    typed = {"height_cm": 170, "weight_kg": 65, "age_y": 60, "sex": "F", "title": "Case 1"}
    words = {"input": "one", "model": "elsewhere/mine"}
    study = load_study(prediction_study({**words, **typed}))
    assert study.config["cohorts"] == load_study(prediction_study(words)).config["cohorts"]
    told = prediction_report(typed)
    person = {"height_cm": 170, "weight_kg": 65, "sex": "F", "age_years": 60}
    assert told == {"person": person, "title": "Case 1"}
    reports = Reports(study, Cohorts(study), told)
    assert reports.names() == ["results/predict_one/report.pdf"]
    inputs = reports.inputs(None)
    assert inputs["volumes"] == "results/predict_one/cohorts/input/volumes/mine.tsv"
    assert inputs["weights"] == "elsewhere/mine/weights.safetensors"
    assert all(path.endswith("0000") for path in (*inputs["images"], *inputs["labels"]))
    assert reports.settings(None) == {**told, "model": "mine", "sequence": "sa"}
    # no other study has a report
    assert Reports(study, Cohorts(study), None).names() == []


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"height_cm": 1.7}, r"--config height 1\.7: expected 40 to 230 cm"),
        ({"sex": "x"}, r"--config sex 'x': expected female or male, or F or M"),
    ],
)
def test_a_person_that_cannot_be_is_refused(typed, message):
    with pytest.raises(StudyError, match=message):
        prediction_report(typed)


def test_the_end_of_a_prediction_says_where_its_results_are():
    said = where_results_are("predict_p06", ["results/predict_p06/report.pdf"])
    assert said == (
        "Results are in results/predict_p06: report.pdf (one page), label maps and volumes in "
        "cohorts/input, pictures in figures"
    )
    assert "report" not in where_results_are("predict_p06", [])


def test_a_folder_of_images_that_is_not_there_is_named(make):
    study = make()
    study.cohorts["elsewhere"] = {"raw": "my_data"}
    study.cohorts["fetched"] = {"raw": "resources/raw/kaggle"}
    raw = Raw(study, Cohorts(study), ["kaggle"])
    assert raw.absent(lambda path: path == "raw") == [
        "cohort elsewhere: there is no folder my_data, which should hold its images, unless "
        "another workflow makes it; put them there, or correct `raw` in the study"
    ]
    assert raw.absent(lambda path: True) == []


def test_the_report_is_a_file_of_the_prediction_and_of_no_other_study(make, tmp_path):
    for name in ("report.pdf", "logs/make_report.log", "benchmarks/make_report.tsv"):
        (tmp_path / "done" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "done" / name).touch()
    assert unnamed(make(), tmp_path / "done", ["input", "model_mine"]) == []
    assert unnamed(make(), tmp_path / "done") == ["report.pdf"]
