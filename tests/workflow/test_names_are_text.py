"""Ids and names are text: on the command line, and in a study's file."""

import pytest

from small_study import given_model, small_study
from study.tables import StudyError
from study.words import as_typed
from tiny_study import copy_project

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


@pytest.mark.parametrize(
    ("typed", "read"),
    [("071", 71), ("1e3", 1000.0), ("1_0", 10), ("True", True), ("'071'", 71), ("nan", None)],
)
def test_what_was_typed_counts_and_not_what_it_looks_like(typed, read):
    config = as_typed({"input": "one", "subject": read}, ["input=one", f"subject={typed}"])
    assert config == {"input": "one", "subject": typed.strip("'")}


def test_a_series_is_no_comment():
    config = as_typed({"input": "one", "series": None}, ["input=one", "series=#7,#8"])
    assert config["series"] == "#7,#8"


def test_numbers_stay_numbers_and_the_last_word_counts():
    words = ["spacing_mm=1.5", "subject=1", "subject=02", "study="]
    config = {"spacing_mm": 1.5, "subject": 2, "study": None}
    assert as_typed(config, words) == config | {"subject": "02"}


def test_what_a_file_says_is_not_replaced():
    # Snakemake gives text as it is, whichever words there were.
    assert as_typed({"subject": "a"}, ["subject=071"]) == {"subject": "a"}
    assert as_typed({"input": "a"}, ["subject=071"]) == {"input": "a"}


@pytest.mark.parametrize(
    ("key", "value"), [("subject", 57), ("study", 1.1), ("series", 10), ("annotation", True)]
)
def test_an_id_in_a_study_s_file_that_is_no_text_is_refused(make, key, value):
    row = {"subject": "1", "split": "train", key: value}

    def edit(config):
        config["cohorts"]["people"]["subjects"] = [row]

    with pytest.raises(StudyError, match=rf"people.*{key}: {value!r} is not text; .* in quotes"):
        make(edit)


def test_a_study_s_name_that_is_no_text_is_refused(make):
    with pytest.raises(StudyError, match=r"config: study: 57 is not text; write .* in quotes"):
        make(lambda config: config.update(study=57))


@pytest.mark.slow
def test_a_subject_of_the_command_line_keeps_its_zeros_in_all_jobs(tmp_path):
    project = copy_project(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/1.dcm").touch()
    path = "results/predict_071/origins/input.txt"
    words = ("--config", "input=pictures", "model=ukbb_sa", "subject=071")
    result = project.snakemake("--cores", "1", path, *words, config="")
    assert result.returncode == 0, result.stdout
    assert (tmp_path / path).read_text("utf-8").strip() == str(tmp_path / "pictures")
