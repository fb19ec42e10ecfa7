"""Too many lost subjects: nothing is measured, learnt or evaluated, whatever the target."""

import shutil
from pathlib import Path

import pytest

from cmrseg.files import read_table
from disk_study import CONFIG, disk_study
from tiny_study import Project

TARGETS = [
    f"{stage}_all"
    for stage in (
        *("import", "label", "volumes", "confidence"),
        *("slices", "train", "predict", "evaluate", "figures"),
    )
]
ALLOWED = ("--config", "max_failed_fraction=0.5")
# Made before the losses are known; all else waits for them.
BEFORE = {"import_nifti", "collect_audit", "check_losses", "collect_known_volumes"}
# What is written of the study alone.
BEFORE |= {"write_models"}
# Labels of a job's subjects are its own affair.
BEFORE |= {"carry_annotations", "collect_label_audit", "check_label_losses"}


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> tuple[Project, str]:
    """The study with two broken images of four, after a run that shall go on; its output."""
    project = disk_study(tmp_path_factory.mktemp("broken"))
    for study in ("72", "74"):
        (project.folder / f"raw/{study}.nii.gz").write_bytes(b"no image")
    result = project.snakemake("--cores", "2", "--keep-going", *TARGETS, config=CONFIG)
    assert result.returncode != 0
    return project, result.stdout


def names(project: Project) -> set[str]:
    """Rules that left a log."""
    return {path.name.removesuffix(".log") for path in (project.results / "logs").iterdir()}


def test_nothing_is_measured_learnt_or_evaluated(broken):
    project, output = broken
    assert names(project) == BEFORE
    assert "cohort people: 2 of 4 subjects could not be imported, the limit is 0%" in output
    assert "the first is 72: unreadable file" in output


def test_the_audit_stays_when_the_check_fails(broken):
    audit = read_table(broken[0].results / "cohorts/people/audit.tsv")
    lost = audit[audit["resolution"] == "subject excluded"]
    assert lost["subject"].tolist() == ["72", "74"]
    assert not (broken[0].results / "cohorts/people/import/passed.txt").exists()


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "predict_all"])
def test_every_target_looks_at_the_losses_again(broken, target):
    assert "check_losses" in {job.rule for job in broken[0].planned(target, config=CONFIG)}


@pytest.mark.slow
def test_a_limit_re_runs_nothing_or_the_check_that_fails_then(broken, tmp_path: Path):
    project = Project(tmp_path / "copy", "disk")
    shutil.copytree(broken[0].folder, project.folder, symlinks=True)
    result = project.snakemake("--cores", "2", "volumes_all", *ALLOWED, config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
    passed = project.results / "cohorts/people/import/passed.txt"
    assert passed.read_text("utf-8") == "cohort people: 2 of 4 subjects could not be imported\n"
    more = ("--config", "max_failed_fraction=0.6")
    assert project.planned("volumes_all", *more, config=CONFIG) == []
    # Below it again: results of before stay, and no target is reached.
    assert "check_losses" in {job.rule for job in project.planned(config=CONFIG)}
    assert project.snakemake("--cores", "2", "volumes_all", config=CONFIG).returncode != 0
    assert (project.results / "cohorts/people/volumes/reader.tsv").is_file()
