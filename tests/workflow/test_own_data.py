"""What docs/own-data.md says, done: its commands are run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from cmrseg.files import read_table
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from cmrseg.phantom import seven_tesla
from cmrseg.phantom.population import draw_subjects
from networks import network_of
from tiny_study import SCAN, Project, copy_project, environment

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/own-data.md").read_text("utf-8")
RESULTS = "results/own_data"


def commands(language: str) -> list[str]:
    """The blocks of a language in the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def write_images(folder: Path, names: list[str]) -> None:
    """Digital volunteers with contours of an expert, as the page wants them."""
    rows = draw_subjects(len(names), 11, names)
    seven_tesla.write_shard(rows, {**SCAN, "frames": 3}, folder)
    # What makes up the page's folder and nothing else.
    (folder / "annotations/expert1").rename(folder / "annotations/expert")
    (folder / "manifest.tsv").unlink()


def write_start(folder: Path) -> None:
    """A network of random weights where the published one would lie."""
    settings = network_of("fcn", 16)
    network = build_network(settings, torch.Generator().manual_seed(1))
    save_weights(network.state_dict(), folder / "weights.safetensors")


def make_small(path: Path) -> None:
    """A training that takes seconds."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.assign(size_px="64", epochs="1").to_csv(path, sep="\t", index=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A copy of the project in which the page's commands were run, in its order."""
    project = copy_project(tmp_path_factory.mktemp("own"))
    names = list(read_table(project.folder / "config/cohorts/own-data.tsv")["subject"])
    write_images(project.folder / "my_data", names)
    write_start(project.folder / "resources/models/ukbb_sa")
    make_small(project.folder / "config/models/own-data.tsv")
    (project.folder / ".venv").symlink_to(sys.prefix)
    for block in commands("sh"):
        for command in block.strip().splitlines():
            done = subprocess.run(
                command,
                shell=True,
                cwd=project.folder,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
    return project.folder


@pytest.mark.slow
def test_the_page_has_commands():
    assert [len(block.strip().splitlines()) for block in commands("sh")] == [3, 1]
    assert len(commands("python")) == 1


@pytest.mark.slow
def test_the_study_measures_both_networks_on_the_test_split(place):
    for model in ("ukbb", "mine_from_ukbb"):
        summary = read_table(place / RESULTS / f"evaluation/{model}/mine/summary.tsv")
        assert "test" in set(summary["split"])
    assert (place / RESULTS / "report.html").stat().st_size > 0


@pytest.mark.slow
def test_every_file_that_the_page_names_is_there(place):
    names = re.findall(r"`(results/own_data/[\w./-]+)`", TEXT)
    assert names
    assert [name for name in names if not (place / name).exists()] == []
    model = place / RESULTS / "models/mine_from_ukbb"
    assert sorted(path.name for path in model.iterdir()) == [
        "README.md",
        "history.tsv",
        "record.json",
        "weights.safetensors",
    ]


@pytest.mark.slow
def test_one_command_labels_a_folder(place):
    top = place / "results/predict_p06/cohorts/input"
    image, labels = (
        nib.load(top / where / "0000/p06/sa.nii.gz")
        for where in ("images", "labels/mine_from_ukbb")
    )
    assert image.shape == labels.shape
    assert np.allclose(image.affine, labels.affine)
    volumes = read_table(top / "volumes/mine_from_ukbb.tsv")
    assert volumes["subject"].tolist() == ["p06"]
    assert (place / "results/predict_p06/figures/overlay.png").stat().st_size > 0


@pytest.mark.slow
def test_the_python_call_gives_the_same_labels(place):
    done = subprocess.run(
        [sys.executable, "-c", commands("python")[0]],
        cwd=place,
        env=environment() | {"PYTHONPATH": "workflow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "edv_ml" in done.stdout
    there = place / "results/predict_p06/cohorts/input/labels/mine_from_ukbb/0000/p06/sa.nii.gz"
    assert (place / "p06_labels.nii.gz").read_bytes() == there.read_bytes()


@pytest.mark.slow
def test_an_edited_contour_is_carried_again(place):
    project, path = Project(place), place / "my_data/annotations/expert/p03.con"
    config = "config/own-data.yaml"
    assert project.planned(config=config) == []
    before = path.stat()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    planned = project.planned(config=config)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [job.rule for job in planned if job.own] == ["carry_annotations"]
    assert "train_model" in {job.rule for job in planned}


def predicted(place: Path, folder: Path) -> subprocess.CompletedProcess:
    """Plan the labels of a folder."""
    words = (f"input={folder}", f"model={RESULTS}/models/mine_from_ukbb")
    return Project(place).snakemake("predict_all", "--dry-run", "--config", *words, config="")


@pytest.mark.slow
def test_an_input_that_changed_is_labelled_again_and_another_of_its_name_refused(place, tmp_path):
    folder = place / "my_data/p06"
    assert "Nothing to be done" in predicted(place, folder).stdout
    image = next(path for path in folder.rglob("*") if path.is_file())
    before = image.stat()
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert "rule import_dicom" in predicted(place, folder).stdout
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "p06").mkdir()
    refused = predicted(place, tmp_path / "p06")
    assert refused.returncode != 0
    assert f"has the results of {folder}; give subject=" in refused.stdout


@pytest.mark.slow
def test_a_folder_without_images_ends_with_what_the_audit_says(place, tmp_path):
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk/notes.txt").write_text("no image")
    words = (f"input={tmp_path / 'junk'}", f"model={RESULTS}/models/mine_from_ukbb")
    arguments = ("predict_all", "--cores", "1", "--config", *words)
    result = Project(place).snakemake(*arguments, config="")
    assert result.returncode != 0
    told = "no MR image among the files of junk; the first, notes.txt: no DICOM preamble"
    assert f"the first is junk: no images ({told})" in result.stdout


@pytest.mark.slow
def test_a_nifti_file_is_an_input_too(place, tmp_path):
    image = tmp_path / "somebody.nii.gz"
    shutil.copy(place / "results/predict_p06/cohorts/input/images/0000/p06/sa.nii.gz", image)
    labels = "results/predict_{0}/cohorts/input/labels/mine_from_ukbb/0000"
    words = ("--config", f"input={image}", f"model={RESULTS}/models/mine_from_ukbb")
    project = Project(place)
    made = project.snakemake(labels.format("somebody"), "--cores", "1", *words, config="")
    assert made.returncode == 0, made.stdout[-4000:]
    # What follows knows nothing of the file.
    rest = {job.rule for job in project.planned("predict_all", *words, config="")}
    assert {"measure_volumes", "draw_figure", "make_report"} <= rest
    assert not rest & {"import_nifti", "label_shard"}
    first = nib.load(place / labels.format("p06") / "p06/sa.nii.gz")
    second = nib.load(place / labels.format("somebody") / "somebody/sa.nii.gz")
    assert np.array_equal(first.get_fdata(), second.get_fdata())
