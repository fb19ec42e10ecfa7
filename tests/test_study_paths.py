"""Paths of a study that the workflow cannot use are refused in a sentence."""

from pathlib import Path

import pytest

from small_study import given_model, small_study
from study_tables import StudyError

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)
BRACES = "no brace may stand in a path"


@pytest.mark.parametrize("path", ["data/{old}", "data/}", "/data/{0}/images"])
def test_a_raw_folder_with_a_brace_is_refused_by_its_cohort(make, path):
    with pytest.raises(StudyError, match=rf"cohort people: raw is .*{BRACES}"):
        make(lambda config: config["cohorts"]["people"].update(raw=path))


def test_an_annotator_s_folder_with_a_brace_is_refused_by_name(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["truth"] = {"form": "masks", "raw": "{x}"}

    with pytest.raises(StudyError, match=rf"cohort people: annotator truth: raw is .x.; {BRACES}"):
        make(edit)


def test_published_tables_with_a_brace_are_refused(make):
    with pytest.raises(StudyError, match=rf"published_tables is a.b.; {BRACES}"):
        make(lambda config: config.update(published_tables="a{b}"))


def test_a_given_model_s_folder_with_a_brace_is_refused(given):
    Path("elsewhere/mine").rename("elsewhere/{mine}")
    with pytest.raises(StudyError, match=rf"weights mine is .*; {BRACES}"):
        given("elsewhere/{mine}")
