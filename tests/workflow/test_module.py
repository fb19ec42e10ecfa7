"""The workflow as a module of another workflow, in another folder, as docs/module.md says."""

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tiny_study import COHORTS, ROOT, STUDY, Project, copy_project, planned_jobs

# Two observers of four volunteers and a page of them: every stage but those of models.
READERS = {
    "study": "readers",
    "cohorts": {"small_7t": COHORTS["small_7t"]},
    "evaluate": [{"cohort": "small_7t", "labellers": ["expert2"], "reference": "expert1"}],
    "published_values": {
        "table": "resources/published_mouse.tsv",
        "cohort": "small_7t",
        "labeller": "expert2",
    },
    "figures": {"page": {"figure": "viewer", "cohort": "small_7t"}},
}
SNAKEFILE = """
configfile: "config/config.yaml"


module cmrseg:
    snakefile:
        "{snakefile}"
    config:
        config{key}


use rule * from cmrseg{names}
"""
PROFILE = ("--workflow-profile", "profiles/default")


def deploy(folder: Path, snakefile: Path, study: dict, key: str = "", names: str = "") -> Project:
    """Another workflow's folder with the module, a study and its tables, and nothing else."""
    repository = (
        snakefile.parent.parent if snakefile.parent.name == "workflow" else snakefile.parent
    )
    (folder / "workflow").mkdir(parents=True)
    text = SNAKEFILE.format(snakefile=snakefile, key=key, names=names)
    (folder / "workflow/Snakefile").write_text(text)
    for name in ("config/cohorts", "config/models", "profiles"):
        shutil.copytree(repository / name, folder / name)
    config = {re.sub(r"\W", "", key): study} if key else study
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return Project(folder, study["study"])


def plan(project: Project, *arguments: str) -> list:
    result = project.snakemake("--dry-run", *PROFILE, *arguments, config="")
    assert result.returncode == 0, result.stdout[-3000:]
    return planned_jobs(result.stdout)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A clone, which nothing may be written to."""
    folder = copy_project(tmp_path_factory.mktemp("clone")).folder
    # What copies of the project are given so that they start faster.
    shutil.rmtree(folder / ".snakemake", ignore_errors=True)
    return folder


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize("name", ["workflow/Snakefile", "Snakefile"])
def test_the_module_plans_what_the_workflow_plans(project, repository, tmp_path, name):
    before = files(repository)
    deployed = deploy(tmp_path / "mine", repository / name, STUDY)
    jobs = plan(deployed)
    assert {job.outputs for job in jobs} == {job.outputs for job in project.planned()}
    assert files(repository) == before
    assert not [
        path for job in jobs for path in job.inputs | job.outputs if Path(path).is_absolute()
    ]


def test_a_part_of_a_config_and_other_names_of_rules_will_do(project, repository, tmp_path):
    deployed = deploy(
        tmp_path / "mine", repository / "workflow/Snakefile", STUDY, '["heart"]', " as cmr_*"
    )
    jobs = plan(deployed, "cmr_train_all")
    assert {job.rule for job in jobs} >= {"cmr_train_model", "cmr_write_card"}
    assert {job.outputs for job in jobs} == {job.outputs for job in project.planned("train_all")}


def test_the_published_study_can_be_planned_from_anywhere(repository, tmp_path):
    deployed = deploy(tmp_path / "mine", repository / "workflow/Snakefile", READERS)
    rules = {job.rule for job in plan(deployed, "published")}
    assert rules == {"fetch_source", "recompute_published", "calibrate_published", "draw_published"}


def test_a_missing_study_is_said_in_a_sentence(repository, tmp_path):
    deployed = deploy(tmp_path / "mine", repository / "workflow/Snakefile", {"study": "x"})
    result = deployed.snakemake("--dry-run", config="")
    assert result.returncode == 1
    assert "config: has no 'cohorts', which is needed" in result.stdout


@pytest.fixture(scope="module")
def run(repository, tmp_path_factory) -> Project:
    """A study that ran as a module."""
    folder = tmp_path_factory.mktemp("deployed") / "mine"
    deployed = deploy(folder, repository / "workflow/Snakefile", READERS)
    result = deployed.snakemake("--cores", "2", *PROFILE, config="")
    assert result.returncode == 0, result.stdout[-5000:]
    return deployed


@pytest.mark.slow
def test_results_are_in_the_working_directory(run, repository):
    assert "niivue" in (run.results / "figures/page.html").read_text("utf-8")
    for name in ("cohorts/small_7t/audit.tsv", "evaluation/published.tsv"):
        assert (run.results / name).stat().st_size > 0
    assert not (repository / "results").exists()
    assert not (repository / ".snakemake").exists()


@pytest.mark.slow
def test_another_clone_of_the_module_re_runs_nothing(run, repository, tmp_path):
    assert plan(run) == []
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    for path in other.rglob("*"):
        os.utime(path)
    snakefile = run.folder / "workflow/Snakefile"
    text = snakefile.read_text("utf-8")
    snakefile.write_text(text.replace(str(repository), str(other)))
    try:
        assert plan(run) == []
        template = other / "workflow/report/viewer.html"
        template.write_text(template.read_text("utf-8") + "\n")
        os.utime(template, (0, 0))
        assert [job.rule for job in plan(run)] == ["make_viewer"]
    finally:
        snakefile.write_text(text)


def test_the_document_shows_the_module_as_it_is_tested():
    text = (ROOT / "docs/module.md").read_text("utf-8")
    shown = re.search(r"```python\n(.*?)```", text, re.S)[1]
    expected = SNAKEFILE.format(snakefile="<clone>/workflow/Snakefile", key="", names="")
    assert shown.split() == expected.split()
