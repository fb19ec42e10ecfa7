"""What results hold and a study no longer names is listed and, on demand, removed; nothing else."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cmrseg.files import read_table
from disk_study import CONFIG, STUDY
from small_study import small_study
from study.load import load_study
from study.tidy import unnamed
from tiny_study import Project

make = pytest.fixture(small_study)
HERE = Path("results/small")
# People 1, 2 (shard 0000) and 3 (0001), annotator truth, models fcn, base and next, figure errors.
NAMED = """
cohorts/people/audit.tsv cohorts/people/known.tsv cohorts/people/import/passed.txt
cohorts/people/import/0000.audit.tsv cohorts/people/import/0001.headers.tsv.gz
cohorts/people/images/0000/1/sa.nii.gz cohorts/people/images/0000/2_rot90/sa.nii.gz
cohorts/people/images/0000/.snakemake_timestamp cohorts/people/labels/truth/0001/3/sa.nii.gz
.kept/cohorts/people/labels/fcn/0000/made_of.json .kept/cohorts/people/labels/fcn/0000/0/1/sa.nii.gz
.kept/models/fcn/weights.safetensors/0 models/fcn/.state/state models/base/weights.safetensors
cohorts/people/labels/truth.audit.tsv cohorts/people/labels/truth/0001.audit.tsv
cohorts/people/labels/truth.passed.txt cohorts/people/volumes/truth.tsv
cohorts/people/volumes/fcn.curves.tsv
cohorts/people/confidence/fcn.tsv slices/people/truth/sa_lv-my-rv_fcn_linear_64/index.tsv
slices/people/fcn/sa_lv-my_unet_linear_64/index.tsv
evaluation/base/people/subjects.tsv figures/errors.svg
logs/import_dicom/people/0001.log logs/label_shard/people/fcn/0000.log logs/train_model/fcn.log
benchmarks/make_slices/people/fcn/sa_lv-my_unet_linear_64.tsv
logs/draw_figure/errors.log logs/tidy.log
logs/write_models.log benchmarks/write_models.tsv models.tsv
config_file.txt report.html notes/of/mine.txt
"""
LEFT = """
cohorts/people/images/0000/9 cohorts/people/images/0000/3 cohorts/people/images/0002
cohorts/people/images/0000/.partial-1-9 cohorts/people/import/0002.audit.tsv
cohorts/people/labels/truth/0001/9 cohorts/people/labels/reader cohorts/others
.kept/cohorts/people/labels/fcn/0000/0/9 .kept/models/old models/old slices/people/old
slices/people/truth/sa_lv-my_fcn_linear_64 cohorts/people/volumes/reader.tsv
evaluation/old figures/old.svg figures/errors.html phantom origins
logs/label_shard/people/old logs/train_model/old.log benchmarks/import_dicom/people/0002.tsv
"""


def touch(names: list[str]) -> None:
    for name in names:
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).touch()


def test_what_the_study_names_stays_and_all_else_is_listed(make):
    study = make()
    touch(NAMED.split())
    assert unnamed(study, HERE) == []
    touch([f"{name}/file" if "." not in Path(name).name else name for name in LEFT.split()])
    assert unnamed(study, HERE) == sorted(LEFT.split())


def test_measures_of_a_panel_stay_and_those_of_another_are_listed(make):
    def edit(config):
        config["panels"] = {"expert": {"cohort": "people", "labellers": ["truth"]}}
        config["panels"]["expert"]["measures"] = ["wall_thickness"]

    study = make(edit)
    here, logs = "cohorts/people", "logs/measure_panel/people/wall_thickness"
    touch(
        [
            f"{here}/measures/wall_thickness/expert.tsv",
            f"{here}/measures/wall_thickness/expert.details.tsv",
            f"{here}/measures/wall_thickness/expert/0001.details.tsv",
            f"{here}/phenotypes/expert.tsv",
            f"{here}/phenotypes/expert.ukbb.csv",
            f"{logs}/expert/0000.log",
            "benchmarks/collect_measure/people/wall_thickness/expert.tsv",
            "benchmarks/collect_phenotypes/people/expert.tsv",
        ]
    )
    assert unnamed(study, HERE) == []
    others = [
        f"{here}/measures/strain/expert.tsv",
        f"{here}/measures/wall_thickness/other.tsv",
        f"{here}/measures/wall_thickness/expert/0002.tsv",
        f"{here}/phenotypes/other.tsv",
        f"{logs}/other/0000.log",
    ]
    touch(others)
    others[0] = f"{here}/measures/strain"
    others[4] = f"{logs}/other"
    assert unnamed(study, HERE) == sorted(others)


def test_exported_labels_of_a_labeller_stay_and_those_of_another_are_listed(make):
    def edit(config):
        people = config["cohorts"]["people"]
        people.update(layout="myops", sequences=["c0", "de", "t2"], annotators={"expert": "myops"})
        del config["confidence"], config["models"]
        config["figures"] = {}
        config["evaluate"] = [{"cohort": "people", "labellers": ["expert"], "reference": "expert"}]

    touch(
        [
            "cohorts/people/export/expert/101_gd.nii.gz",
            "logs/export_myops/people/expert.log",
            "cohorts/people/export/reader/101_gd.nii.gz",
        ]
    )
    assert unnamed(make(edit), HERE) == ["cohorts/people/export/reader"]


def test_settings_of_models_are_listed_where_a_study_has_none_any_more(make):
    def edit(config):
        del config["confidence"], config["models"]
        config["evaluate"] = [{"cohort": "people", "labellers": ["truth"], "reference": "truth"}]

    touch(["models.tsv", "models/fcn/history.tsv"])
    assert unnamed(make(edit), HERE) == ["models", "models.tsv"]


def test_a_link_is_listed_and_not_looked_into(make):
    study = make()
    touch(["../elsewhere/cohorts/file"])
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "cohorts").symlink_to("../elsewhere/cohorts")
    (HERE / "figures").mkdir()
    (HERE / "figures/old.svg").symlink_to("../../elsewhere")
    assert unnamed(study, HERE) == ["cohorts/file", "figures/old.svg"]


def test_a_study_without_results_has_nothing_to_list(make):
    assert unnamed(make(), HERE) == []


@pytest.mark.slow
def test_all_that_a_whole_study_makes_is_named_by_it(tiny, monkeypatch):
    monkeypatch.chdir(tiny.folder)
    study = load_study(yaml.safe_load(Path("config/tiny.yaml").read_text("utf-8")))
    assert unnamed(study, tiny.results) == []


# -- a subject who leaves --------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_one(disk_measured, tmp_path_factory) -> Project:
    """The study after the row of 74 and the annotator `other` were removed, and a run."""
    project = Project(tmp_path_factory.mktemp("without") / "copy", "disk")
    shutil.copytree(disk_measured.folder, project.folder, symlinks=True)
    table = project.folder / STUDY["cohorts"]["people"]["subjects"]
    rows = read_table(table)
    rows[rows["subject"] != "74"].to_csv(table, sep="\t", index=False)
    path = project.folder / CONFIG
    study = yaml.safe_load(path.read_text("utf-8"))
    del study["cohorts"]["people"]["annotators"]["other"]
    study["cohorts"]["people"]["subjects_per_job"] = 3
    study |= {"evaluate": [], "figures": {}}
    path.write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    run(project, "volumes_all")
    return project


def run(project: Project, *arguments: str) -> str:
    result = project.snakemake("--cores", "2", *arguments, config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
    return result.stdout


def traces(project: Project, subject: str) -> list[str]:
    """Folders of a subject, and tables with a row of it."""
    found = [path for path in project.results.rglob(subject) if path.is_dir()]
    for path in project.results.rglob("*.tsv"):
        table = pd.read_csv(path, sep="\t", dtype=str)
        if "subject" in table and subject in set(table["subject"]):
            found.append(path)
    return sorted(path.relative_to(project.results).as_posix() for path in found)


@pytest.mark.slow
def test_a_run_makes_tables_anew_and_tidy_removes_the_rest(without_one, tmp_path):
    project = Project(tmp_path / "copy", "disk")
    shutil.copytree(without_one.folder, project.folder, symlinks=True)
    # Jobs and labellers that are no more left theirs; nothing else has the subject.
    left = traces(project, "74")
    assert left
    assert all("/0001" in path or "other" in path for path in left), left
    listed = run(project, "tidy")
    assert "not named by the study: results/disk/cohorts/people/images/0001" in listed
    assert "not named by the study: results/disk/cohorts/people/labels/other" in listed
    assert traces(project, "74") == left
    assert "removed: " in run(project, "tidy", "--config", "tidy=remove")
    assert traces(project, "74") == []
    assert not (project.results / "cohorts/people/labels/other").exists()
    assert "holds nothing that the study does not name" in run(project, "tidy")
    # What is named is still there, and up to date.
    assert project.planned("volumes_all", config=CONFIG) == []
