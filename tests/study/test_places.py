"""What is said of raw folders that are not there, and of where a prediction is."""

from study.places import missing_folders, results_of_prediction


def test_a_raw_folder_that_is_not_there_is_named_with_its_cohort(tmp_path):
    missing = str(tmp_path / "my_data")
    (said,) = missing_folders({"mine": {"raw": missing}}, [])
    assert said == (
        f"cohort mine: the folder of raw files, {missing}, does not exist; correct `raw` of the "
        "study, or put the files there"
    )


def test_nothing_is_said_of_folders_that_are_there_are_fetched_or_are_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohorts = {
        "here": {"raw": str(tmp_path)},
        "fetched": {"raw": "resources/raw/kaggle"},
        "digital": {"phantom": {"scanner": "3T"}},
    }
    assert missing_folders(cohorts, ["kaggle"]) == []


def test_results_of_a_prediction_are_named_by_folder():
    assert results_of_prediction("predict_p06").startswith("Results are in results/predict_p06: ")
