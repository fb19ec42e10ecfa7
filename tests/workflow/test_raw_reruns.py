"""An edit of raw files on disk plans the jobs of the subjects whose files they are."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from disk_study import CONFIG, STUDY, volume, write_person
from tiny_study import Job, Project

pytestmark = pytest.mark.slow
# What follows from new images of a shard, whoever's they are.
LABELS = {"carry_annotations", "collect_label_audit", "check_label_losses", "measure_volumes"}
COHORT = {"collect_audit", "check_losses", *LABELS}


@pytest.fixture
def disk(disk_measured, tmp_path) -> Project:
    """A copy in which a test may edit."""
    project = Project(tmp_path / "copy", "disk")
    shutil.copytree(disk_measured.folder, project.folder, symlinks=True)
    return project


def planned(project: Project, target: str = "volumes_all") -> list[Job]:
    return project.planned(target, config=CONFIG)


def shards(jobs: list[Job], rule: str) -> list[tuple[str, str]]:
    """Shard and labeller ("" for none) of the jobs of a rule."""
    found = [dict(job.wildcards) for job in jobs if job.rule == rule]
    return sorted((names["shard"], names.get("labeller", "")) for names in found)


def test_nothing_is_planned_for_new_files_and_times_of_folders(disk):
    assert planned(disk) == []
    write_person(disk.folder / "raw", "999")
    for folder in ("raw", "raw/annotations", "raw/annotations/reader"):
        os.utime(disk.folder / folder)
    assert planned(disk) == []


def replace(path: Path) -> None:
    volume(tissue=True, size_px=22).to_filename(path)


@pytest.mark.parametrize("edit", [replace, os.utime, Path.unlink], ids=lambda edit: edit.__name__)
def test_a_subject_s_images_are_imported_again_with_those_of_its_job(disk, edit: Callable):
    edit(disk.folder / "raw/72.nii.gz")
    jobs = planned(disk)
    assert shards(jobs, "import_nifti") == [("0000", "")]
    assert shards(jobs, "carry_annotations") == [("0000", "other"), ("0000", "reader")]
    assert {job.rule for job in jobs} == {"import_nifti"} | COHORT
    assert [job.rule for job in jobs if job.own] == ["import_nifti"]


def test_labels_are_carried_again_for_their_annotator_and_job(disk):
    replace(disk.folder / "raw/annotations/reader/73.nii.gz")
    jobs = planned(disk)
    assert shards(jobs, "carry_annotations") == [("0001", "reader")]
    assert {job.rule for job in jobs} == LABELS


def test_a_new_subject_is_imported_alone(disk):
    write_person(disk.folder / "raw", "75")
    table = disk.folder / STUDY["cohorts"]["people"]["subjects"]
    table.write_text(table.read_text("utf-8") + "75\ttest\t5.0\t4.0\n", "utf-8")
    jobs = planned(disk)
    assert shards(jobs, "import_nifti") == [("0002", "")]
    assert shards(jobs, "carry_annotations") == [("0002", "other"), ("0002", "reader")]


def test_a_file_that_is_lost_and_comes_back_is_imported_again(disk):
    path = disk.folder / "raw/74.nii.gz"
    kept = path.rename(disk.folder / "kept.nii.gz")
    arguments = ("--cores", "2", "import_all", "--config", "max_failed_fraction=0.5")
    assert disk.snakemake(*arguments, config=CONFIG).returncode == 0
    assert not (disk.results / "cohorts/people/images/0001/74").exists()
    kept.rename(path)
    assert shards(planned(disk), "import_nifti") == [("0001", "")]


# -- what is fetched -------------------------------------------------------------------------


def with_source(project: Project) -> Project:
    """The cohort's files as a source."""
    sources = project.folder / "resources/sources.yaml"
    with sources.open("a", encoding="utf-8") as file:
        file.write("\nfolk: {kind: by_hand, about: Four people., how: Ask them.}\n")
    study = yaml.safe_load((project.folder / CONFIG).read_text("utf-8"))
    study["cohorts"]["people"]["raw"] = "resources/raw/folk"
    (project.folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    return project


def run_import(project: Project) -> None:
    result = project.snakemake("--cores", "2", "import_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
    assert planned(project, "import_all") == []


def test_what_was_fetched_anew_is_imported_again(disk):
    with_source(disk)
    folder = disk.folder / "resources/raw/folk"
    folder.parent.mkdir(parents=True, exist_ok=True)
    (disk.folder / "raw").rename(folder)
    run_import(disk)
    os.utime(folder)
    assert shards(planned(disk, "import_all"), "import_nifti") == [("0000", ""), ("0001", "")]


def test_files_of_a_source_that_were_put_there_by_hand_are_looked_at(disk):
    with_source(disk)
    by_hand = disk.folder / "resources/downloads/folk/by_hand"
    by_hand.parent.mkdir(parents=True)
    (disk.folder / "raw").rename(by_hand)
    # The link is made in the same run; the next one plans nothing.
    run_import(disk)
    write_person(by_hand, "999")
    assert planned(disk, "import_all") == []
    os.utime(by_hand / "74.nii.gz")
    assert shards(planned(disk, "import_all"), "import_nifti") == [("0001", "")]
