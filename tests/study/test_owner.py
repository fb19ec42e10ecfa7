"""A folder of results belongs to one config file, and no file runs another study than its own."""

import shutil
from pathlib import Path

import pytest

from study.owner import NOTE, check_owner, note_owner
from study.tables import StudyError
from tiny_study import CONFIG, Project

FIRST, SECOND = "config/first.yaml", "config/second.yaml"


@pytest.fixture
def owned(tmp_path, monkeypatch) -> Path:
    """Results of the study `mine`, made with the first of two files that have this name."""
    monkeypatch.chdir(tmp_path)
    for name in (FIRST, SECOND):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("study: mine\n")
    Path("results/mine").mkdir(parents=True)
    note_owner("mine", [Path(FIRST).absolute()])
    return Path(NOTE.format(study="mine"))


def test_the_file_is_kept_by_its_path_in_the_project(owned):
    assert owned.read_text() == f"{FIRST}\n"


def test_a_second_file_of_the_same_name_is_refused_until_somebody_decides(owned):
    with pytest.raises(
        StudyError,
        match=r"second.yaml: results/mine holds the results of config/first.yaml, .* remove .*txt",
    ):
        check_owner("mine", [Path(SECOND).absolute()])
    owned.unlink()
    check_owner("mine", [SECOND])
    note_owner("mine", [SECOND])
    with pytest.raises(StudyError, match=r"first.yaml: .* the results of config/second.yaml"):
        check_owner("mine", [FIRST])


def test_an_edit_of_the_one_file_is_no_nuisance(owned):
    Path(FIRST).write_text("study: mine\nmodels: other.tsv\n")
    check_owner("mine", [FIRST])


def test_a_file_that_was_moved_or_renamed_goes_on(owned):
    Path(FIRST).rename("config/moved.yaml")
    check_owner("mine", ["config/moved.yaml"])


@pytest.mark.parametrize("text", ["study: other\n", "{no yaml"])
def test_a_file_that_is_another_study_by_now_keeps_nobody_out(owned, text):
    Path(FIRST).write_text(text)
    check_owner("mine", [SECOND])


def test_a_file_that_adds_to_another_is_not_the_study(owned):
    Path("config/more.yaml").write_text("max_failed_fraction: 0.5\n")
    check_owner("mine", [FIRST, "config/more.yaml"])
    with pytest.raises(StudyError, match=r"second.yaml"):
        check_owner("mine", [SECOND, "config/more.yaml"])


def test_a_link_to_the_file_is_the_file(owned):
    Path("config/link.yaml").symlink_to("first.yaml")
    check_owner("mine", ["config/link.yaml"])


def test_no_folder_is_made_for_the_note(owned):
    note_owner("other", [SECOND])
    assert not Path("results/other").exists()


# -- the workflow ----------------------------------------------------------------------------


@pytest.fixture
def copy(project, tmp_path) -> Project:
    """A copy in which nothing was run."""
    shutil.copytree(project.folder, tmp_path / "copy")
    return Project(tmp_path / "copy")


@pytest.mark.slow
def test_a_run_keeps_its_file_and_another_file_is_refused(copy):
    target = "results/tiny/cohorts/small_kaggle/known.tsv"
    assert copy.snakemake("--cores", "1", "--dry-run", target).returncode == 0
    assert not copy.results.exists()
    assert copy.snakemake("--cores", "1", target).returncode == 0
    assert (copy.results / "config_file.txt").read_text() == f"{CONFIG}\n"
    shutil.copy(copy.folder / CONFIG, copy.folder / "config/again.yaml")
    result = copy.snakemake("--dry-run", config="config/again.yaml")
    assert result.returncode != 0
    assert f"config/again.yaml: results/tiny holds the results of {CONFIG}" in result.stdout
    assert copy.snakemake("--dry-run", target).returncode == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("study: mine\n", "config: has no 'cohorts', which is needed"),
        ("study: mine\ncohort: {}\n", "config: unknown key 'cohort'; did you mean 'cohorts'?"),
        ("max_failed_fraction: 0.5\n", "config: has no 'study', which is needed"),
    ],
)
def test_a_study_s_file_without_cohorts_does_not_run_the_demo(copy, text, sentence):
    (copy.folder / "config/mine.yaml").write_text(text)
    result = copy.snakemake("--dry-run", config="config/mine.yaml")
    assert result.returncode != 0
    assert sentence in result.stdout
