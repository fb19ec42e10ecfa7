"""Coarse-to-fine by all rules: who finds the heart for whom, in which windows a model learns."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml

from cmrseg.apply import apply_model
from cmrseg.cine import Cine
from cmrseg.learn.heart_window import heart_centre, label_channel
from cmrseg.learn.label import load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.slices import Slices
from folds_study import CONFIG, FOLDS, MODEL, STUDY, SUBJECTS, make_project
from study.load import load_study
from study.tidy import unnamed
from tiny_study import write

pytestmark = pytest.mark.long

HERE = "cohorts/hearts"
COARSE = MODEL | {"network": "runet", "width": 2, "preparation": "channel_max"}
FINE = COARSE | {"coarse": "finder", "coarse_channel": "yes", "preparation": "zscore_window"}
MODELS = {"finder": COARSE, "net": FINE}
DIVIDED = {name: row | {"folds": FOLDS} for name, row in MODELS.items()}
TARGETS = ("label_all", "train_all")
SLICES = "sa_lv-my_zscore_window_linear_32_with_finder"


def write_models(folder, models):
    empty = {"folds": 1, "seeds": 1, "coarse": "", "coarse_channel": "no"}
    rows = [{"model": name} | empty | row for name, row in models.items()]
    write(pd.DataFrame(rows), folder / STUDY["models"])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    found = make_project(tmp_path_factory.mktemp("coarse"))
    write_models(found.folder, MODELS)
    result = found.snakemake("--cores", "2", *TARGETS, config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return found


def cine(project, kind, subject):
    return Cine.load(project.results / HERE / kind / "0000" / subject / "sa.nii.gz")


def test_a_model_learns_from_windows_around_the_coarse_labels(project):
    slices = Slices.load(project.results / "slices/hearts/expert" / SLICES)
    assert slices.images.shape[1:] == (2, 32, 32)
    for subject in SUBJECTS:
        coarse = cine(project, "labels/finder", subject).voxels
        rows = slices.index[slices.index["subject"] == subject]
        for row, t, z in zip(rows["row"], rows["frame"], rows["slice"], strict=True):
            centre = heart_centre(coarse) or (15.5, 15.5)
            top, left = (int(np.floor(c + 1 - 16)) for c in centre)
            expected = np.zeros((32, 32), np.float32)
            y, x = np.mgrid[:32, :32]
            there = (y + top < 32) & (x + left < 32) & (y + top >= 0) & (x + left >= 0)
            expected[there] = label_channel(coarse, "sa")[t, z][(y + top)[there], (x + left)[there]]
            assert (slices.images[row, 1] == expected).all()


def test_labels_are_those_of_the_model_with_the_coarse_labels(project):
    network, settings = load_model(project.results / "models/net")
    assert (settings["coarse"], settings["coarse_channel"]) == ("finder", "yes")
    assert settings["channels"] == 2
    for subject in SUBJECTS:
        found = predict_cine(
            *(network, cine(project, "images", subject), settings),
            coarse=cine(project, "labels/finder", subject),
        )
        assert (cine(project, "labels/net", subject).voxels == found).all()


def test_the_coarse_model_is_not_measured_and_on_the_card(project):
    jobs = project.planned(config=CONFIG)
    measured = {dict(job.wildcards)["labeller"] for job in jobs if job.rule == "measure_volumes"}
    assert measured == {"net", "expert"}
    card = (project.results / "models/net/README.md").read_text()
    assert "around the centre of the heart in the labels of model finder" in card
    assert "The labels of model finder are a further channel of the network" in card


def test_the_folders_of_both_label_an_examination_elsewhere(project):
    applied = apply_model(project.folder / "raw/6/sa.nii.gz", project.results / "models/net")
    assert (applied.labels.voxels == cine(project, "labels/net", "6").voxels).all()


def test_a_prediction_of_one_folder_labels_with_the_model_beside_first(project):
    images, model = "input=raw/6/sa.nii.gz", "model=results/folds/models/net"
    jobs = project.planned("predict_all", "--config", images, model, config="")
    top = "results/predict_sa/cohorts/input/labels"
    made = {path: job for job in jobs for path in job.outputs}
    assert f"{top}/finder/0000" in made[f"{top}/net/0000"].inputs
    assert made[f"{top}/finder/0000"].inputs >= {"results/folds/models/finder/weights.safetensors"}
    (drawn,) = (job for job in jobs if job.rule == "draw_figure")
    assert f"{top}/net/0000" in drawn.inputs
    measured = {dict(job.wildcards)["labeller"] for job in jobs if job.rule == "measure_volumes"}
    assert measured == {"net"}


def test_all_that_is_made_is_named_by_the_study(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    study = load_study(yaml.safe_load((project.folder / CONFIG).read_text()))
    assert unnamed(study, project.results) == []


# By an edit of the models table: how many jobs of each rule it plans.
TRAINED = {"train_model": 1, "write_card": 1, "write_models": 1}
LABELLED = {"label_shard": 1}
EDITS = {
    "nothing": (MODELS, {}),
    "no channel": (
        {"finder": COARSE, "net": FINE | {"coarse_channel": "no"}},
        {"make_slices": 1} | TRAINED | LABELLED,
    ),
    "another coarse training": (
        {"finder": COARSE | {"lr": 0.01}, "net": FINE},
        {"make_slices": 1} | dict.fromkeys(("train_model", "write_card", "label_shard"), 2)
        | {"write_models": 1},
    ),
    "folds of both": (
        DIVIDED,
        {"make_folds": 1, "make_slices": 1, "divide_slices": 4, "train_model": 4, "write_card": 4}
        # Both members of `net` are evaluated, too.
        | {"join_members": 2, "write_ensemble_card": 2, "label_shard": 4, "write_models": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_table_plans_what_depends_on_it(project, edit):
    models, expected = EDITS[edit]
    write_models(project.folder, models)
    try:
        jobs = project.planned(*TARGETS, config=CONFIG)
    finally:
        write_models(project.folder, MODELS)
    assert Counter(job.rule for job in jobs) == expected


def test_members_of_folds_learn_from_labels_of_the_divided_coarse_model(project):
    write_models(project.folder, DIVIDED)
    try:
        jobs = project.planned(*TARGETS, config=CONFIG)
    finally:
        write_models(project.folder, MODELS)
    finder = f"results/folds/{HERE}/labels/finder/0000"
    (made,) = (job for job in jobs if finder in job.outputs)
    assert "results/folds/folds/hearts/train_2.tsv" in made.inputs
    (slices,) = (job for job in jobs if job.rule == "make_slices")
    assert finder in slices.inputs
    (net,) = (job for job in jobs if f"results/folds/{HERE}/labels/net/0000" in job.outputs)
    assert finder in net.inputs
