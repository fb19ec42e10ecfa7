"""Results of which Snakemake does not know how they were made have a warning, and only these."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from study.memory import forgotten


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def remember(output: str, kind: str = "metadata", longest: int = 254) -> None:
    """As Snakemake 9 names its notes: long names become folders of folders."""
    coded = urlsafe_b64encode(output.encode()).decode()
    parts = [coded[i : i + longest] for i in range(0, len(coded), longest)]
    write("/".join([".snakemake", kind, *("@" + part for part in parts[:-1]), parts[-1]]))


def test_a_study_without_results_needs_no_memory(place):
    assert forgotten("mine") == ""
    write("results/other/cohorts/a/audit.tsv")
    assert forgotten("mine") == ""


def test_results_without_any_memory_have_a_warning(place):
    write("results/mine/cohorts/a/audit.tsv")
    assert "results/mine has results, but .snakemake has no record" in forgotten("mine")


def test_the_memory_of_another_study_does_not_count(place):
    write("results/mine/cohorts/a/audit.tsv")
    remember("results/mine2/cohorts/a/audit.tsv")
    remember("results/other/cohorts/a/audit.tsv")
    remember("x")
    assert "Copy the folder .snakemake from" in forgotten("mine")


@pytest.mark.parametrize("name", ["audit.tsv", "a", "ab", "x" * 300])
@pytest.mark.parametrize("kind", ["metadata", "incomplete"])
def test_results_that_are_remembered_are_taken(place, name, kind):
    write("results/mine/cohorts/a/audit.tsv")
    remember(f"results/mine/{name}", kind)
    assert forgotten("mine") == ""


def test_logs_of_jobs_that_failed_are_no_results(place):
    write("results/mine/logs/import_dicom/a/0000.log")
    write("results/mine/benchmarks/import_dicom/a/0000.tsv")
    assert forgotten("mine") == ""
