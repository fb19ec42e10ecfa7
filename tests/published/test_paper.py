"""The published study: its plan on the real data, and its numbers from the published tables."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cmrseg.files import read_table
from study.load import load_study
from tiny_study import copy_project, planned_jobs, processor_s

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "config/paper.yaml"
# Files whose origin is a source and not a job, by rule.
SOURCES = "fetch_source"


@pytest.fixture(scope="module")
def jobs(project):
    """The jobs of the whole study, without any data."""
    return project.planned(config=CONFIG)


def test_the_whole_study_is_planned_in_fifteen_seconds_and_hundreds_of_jobs(project):
    started = processor_s()
    planned = planned_jobs(project.process("--dry-run", config=CONFIG).stdout)
    assert 1 < processor_s() - started < 15
    counts = Counter(job.rule for job in planned)
    assert counts["train_model"] == 37
    assert 300 < len(planned) < 1000


def test_every_figure_goes_back_to_raw_files(jobs):
    makers = {path: job for job in jobs for path in job.outputs}
    figures = [job for job in jobs if job.rule in ("draw_figure", "make_viewer")]
    assert len(figures) == len(yaml.safe_load((ROOT / CONFIG).read_text())["figures"])
    for figure in figures:
        sources, waiting, seen = set(), [figure], set()
        while waiting:
            job = waiting.pop()
            if job.outputs in seen:
                continue
            seen.add(job.outputs)
            if job.rule == SOURCES:
                sources |= job.outputs
            for path in job.inputs:
                if path in makers:
                    waiting.append(makers[path])
                else:
                    assert (ROOT / path).exists(), f"{figure.outputs}: nothing makes {path}"
        images = {"resources/raw/kaggle", "resources/raw/seven_tesla"} & sources
        assert images, f"{figure.outputs} shows no images"


def test_models_are_trained_on_published_labels_and_start_where_the_paper_says(jobs):
    training = {
        next(iter(job.outputs)).split("/")[3]: job for job in jobs if job.rule == "train_model"
    }
    plain, imagenet, double = (
        training[f"{name}_all"].inputs for name in ("plain", "imagenet", "double")
    )
    assert not [path for path in plain if path.endswith(".safetensors")]
    assert "resources/downloads/imagenet/resnet34.safetensors" in imagenet
    assert "results/paper/models/r34_p05_s256_extremetfms/weights.safetensors" in double
    base = training["r34_p05_s256"].inputs
    assert "results/paper/cohorts/kaggle/confidence/ukbb.tsv" in base
    assert "results/paper/slices/kaggle/ukbb/sa_lv-my_unet_greys_256" in base


def test_raw_data_that_are_there_are_never_removed_or_made_anew(tmp_path):
    project = copy_project(tmp_path)
    raw = project.folder / "resources/raw/sunnybrook"
    raw.mkdir(parents=True)
    study = "config/sunnybrook.yaml"
    (importing,) = project.planned("import_all", "--forceall", config=study)[:1]
    assert (importing.rule, importing.inputs) == ("import_dicom", {"resources/raw/sunnybrook"})
    deleted = project.snakemake("import_all", "--delete-all-output", config=study)
    assert deleted.returncode == 0, deleted.stdout
    assert raw.is_dir()
    raw.rmdir()
    fetching = project.planned("import_all", config=study)
    assert SOURCES in {job.rule for job in fetching}


def test_the_card_of_published_weights_is_made_beside_them(jobs):
    (job,) = (job for job in jobs if job.rule == "write_published_card")
    assert job.outputs == {"resources/models/ukbb_sa/README.md"}
    (job,) = (job for job in jobs if job.rule == "convert_weights")
    assert "resources/models/ukbb_sa/README.md" not in job.outputs


def test_subjects_are_the_published_ones(data, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = load_study(yaml.safe_load(Path(CONFIG).read_text()))
    published = data / "published/analysis/kaggle/patient_metadata.tsv"
    table = pd.read_csv(published, sep="\t", dtype={"pid": str})
    ours = study.subjects["kaggle"]
    assert sorted(ours["subject"]) == sorted(table["pid"])
    assert dict(zip(ours["subject"], ours["set"], strict=True)) == dict(
        zip(table["pid"], table["set"], strict=True)
    )


def test_clean_splits_keep_the_competition_s_test_patients_apart():
    published, clean = (
        read_table(ROOT / f"config/cohorts/paper_kaggle{suffix}.tsv") for suffix in ("", "_clean")
    )
    assert Counter(published["split"]) == {"train": 947, "validate": 202}
    assert (clean["split"] == clean["set"]).all()
    assert set(published.loc[published["set"] == "test", "split"]) == {"train"}


@pytest.mark.long
def test_every_published_number_is_recomputed(tmp_path, data):
    project = copy_project(tmp_path)
    tables = data / "published"
    result = project.snakemake(
        # The calibration, minutes of forests, has tests of its own.
        *("--cores", "2", "published", "--omit-from", "calibrate_published"),
        *("--config", f"published_tables={tables}"),
        config="",
    )
    assert result.returncode == 0, result.stdout[-4000:]
    numbers = read_table(project.folder / "results/published/numbers.tsv")
    assert set(numbers["agrees"].fillna("")) == {"yes", ""}
    assert (numbers["agrees"] == "yes").sum() == 619
    told = numbers[numbers["agrees"] != "yes"]
    assert told["note"].str.len().gt(10).all()
    figures = project.folder / "results/published/figures"
    assert len(list(figures.glob("*.svg"))) == len(list(figures.glob("*.png"))) == 11
