"""Cross-validation of a short-axis network by all rules: who labels whom, what an edit re-runs."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from cmrseg.apply import apply_model
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.learn.label import load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.prepare import prepare_cine
from cmrseg.nets.folded import folded
from folds_study import CONFIG, FOLDS, MODEL, MODELS, SUBJECTS, make_project, write_models
from study.given import given_models
from study.load import load_study
from study.tidy import unnamed

pytestmark = pytest.mark.long

HERE = "cohorts/hearts"
LEARNT = [subject for subject, (split, _) in SUBJECTS.items() if split == "train"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    found = make_project(tmp_path_factory.mktemp("folds"))
    result = found.snakemake("--cores", "2", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return found


@pytest.fixture(scope="module")
def folds(project):
    return read_table(project.results / "folds/hearts/train_2.tsv").set_index("subject")


def image(project, subject):
    return Cine.load(project.results / HERE / "images/0000" / subject / "sa.nii.gz")


def labels(project, subject):
    return Cine.load(project.results / HERE / "labels/net/0000" / subject / "sa.nii.gz").voxels


def member(project, fold):
    return load_model(project.results / f"models/net_f{fold}")


def test_examinations_of_a_patient_are_in_one_fold(folds):
    assert list(folds.index) == LEARNT
    assert folds.loc["3", "fold"] == folds.loc["4", "fold"]
    assert set(folds["fold"]) == {1, 2}


def test_a_member_learns_from_the_other_folds_and_is_validated_on_its_own(project, folds):
    for fold in range(1, FOLDS + 1):
        own = set(folds.index[folds["fold"] == fold])
        name = "sa_lv-my_fcn_linear_32"
        index = read_table(project.results / f"folds/hearts/train_2/{fold}/expert/{name}/index.tsv")
        by_split = index.groupby("split")["subject"].agg(set).to_dict()
        expected = {"validate": own, "train": set(LEARNT) - own, "unused": {"5"}, "test": {"6"}}
        assert by_split == expected
        record = json.loads((project.results / f"models/net_f{fold}/record.json").read_text())
        assert record["settings"]["fold"] == f"{fold} of {FOLDS}"
        assert record["seed"] == MODEL["seed"] + fold - 1
        card = (project.results / f"models/net_f{fold}/README.md").read_text()
        assert f"without fold {fold} of {FOLDS}, on which it is validated" in card


def test_a_subject_that_was_learnt_from_has_the_labels_of_the_member_that_did_not_see_it(
    project, folds
):
    for subject in LEARNT:
        network, settings = member(project, folds.loc[subject, "fold"])
        expected = predict_cine(network, image(project, subject), settings)
        assert (labels(project, subject) == expected).all()
        other, _ = member(project, 3 - folds.loc[subject, "fold"])
        assert (
            labels(project, subject) != predict_cine(other, image(project, subject), settings)
        ).any()


def test_any_other_subject_has_the_labels_of_the_mean_of_shares(project):
    for subject in ("5", "6"):
        cine, shares = image(project, subject), 0
        for fold in range(1, FOLDS + 1):
            network, settings = member(project, fold)
            pixels, canvas = prepare_cine(cine.voxels, settings)
            flat = torch.from_numpy(pixels.reshape(-1, 1, *pixels.shape[2:]).astype(np.float32))
            shares = shares + folded(network)(flat).softmax(1).numpy()
        y, x = canvas.offset
        expected = shares.argmax(1)[:, y : y + canvas.native[0], x : x + canvas.native[1]]
        assert (labels(project, subject).reshape(expected.shape) == expected).all()


def test_the_folder_of_an_ensemble_is_a_whole_model(project):
    folder = project.results / "models/net"
    applied = apply_model(project.folder / "raw/6/sa.nii.gz", folder)
    assert (applied.labels.voxels == labels(project, "6")).all()
    given = given_models({"net": str(folder)})["net"]
    assert given["members"] == {"net_f1": 1, "net_f2": 2}
    card = (folder / "README.md").read_text()
    assert "| folds | 2, by patient |" in card
    assert "| score | net_f1 | net_f2 | mean |" in card


def test_an_evaluation_names_what_is_out_of_fold(project):
    for path in ("evaluation/net/hearts/subjects.tsv", HERE + "/volumes/net.tsv"):
        split = read_table(project.results / path).set_index("subject")["split"].to_dict()
        assert split == {**dict.fromkeys(LEARNT, "out_of_fold"), "5": "validate", "6": "test"}
    summary = read_table(project.results / "evaluation/net/hearts/summary.tsv")
    assert set(summary["split"]) == {"out_of_fold", "validate", "test", "all"}


def test_a_spread_counts_the_members_that_have_not_seen_a_subject(project):
    here = project.results / "evaluation/net/hearts"
    table = read_table(here / "spread_subjects.tsv")
    members = table[table["measure"] == "edv_ml"].set_index("subject")["members"].to_dict()
    assert members == {**dict.fromkeys(LEARNT, 1), "5": FOLDS, "6": FOLDS}
    members = [
        read_table(project.results / f"evaluation/net_f{f}/hearts/subjects.tsv") for f in (1, 2)
    ]
    volumes = [v.set_index("subject").loc["6", "predicted_edv_ml"] for v in members]
    found = table[(table["measure"] == "edv_ml") & (table["subject"] == "6")].squeeze()
    assert (found["min"], found["max"]) == (min(volumes), max(volumes))
    summary = read_table(here / "spread.tsv").set_index(["split", "measure"])["subjects"]
    assert summary["out_of_fold", "dice_lv"] == 0
    assert summary["test", "dice_lv"] == 1


OTHERS = {"train_model", "write_card"}
ENSEMBLE = {"join_members", "write_ensemble_card"}
SHOWN = {"write_models", "write_headlines"}
LABELLED = {"label_shard", "measure_volumes", "evaluate_labels"}


def with_members(count):
    """What members add that are evaluated, too, to see how far they differ."""
    evaluated = dict.fromkeys(("label_shard", "evaluate_labels"), 1 + count)
    return {**dict.fromkeys(LABELLED, 1), **evaluated, "measure_spread": 1}


# By an edit of the models table: how many jobs of each rule it plans.
EDITS = {
    "nothing": (MODELS, {}),
    "one more model": (
        MODELS | {"plain": MODEL},
        dict.fromkeys(OTHERS | SHOWN, 1),
    ),
    "one more model with the same folds": (
        MODELS | {"more": MODEL | {"folds": 2, "lr": 0.01}},
        dict.fromkeys(OTHERS, 2) | dict.fromkeys(ENSEMBLE | SHOWN, 1),
    ),
    "one more fold": (
        {"net": MODEL | {"folds": 3}},
        dict.fromkeys(OTHERS | {"divide_slices"}, 3)
        | dict.fromkeys(ENSEMBLE | SHOWN | {"make_folds"}, 1)
        | with_members(3),
    ),
    "no folds": (
        {"net": MODEL},
        dict.fromkeys(OTHERS | SHOWN | LABELLED, 1),
    ),
    "seeds in the place of folds": (
        {"net": MODEL | {"seeds": 2}},
        dict.fromkeys(OTHERS, 2)
        | dict.fromkeys(ENSEMBLE | SHOWN, 1)
        | with_members(2),
    ),
    "islands": (
        {"net": MODEL | {"folds": 2, "islands": "largest"}},
        {"write_card": 2, "write_ensemble_card": 1, "write_models": 1, "write_headlines": 1}
        | with_members(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_table_plans_what_depends_on_it(project, edit):
    models, expected = EDITS[edit]
    write_models(project.folder, models)
    try:
        jobs = project.planned(config=CONFIG)
    finally:
        write_models(project.folder, MODELS)
    assert Counter(job.rule for job in jobs) == expected


def test_a_subject_more_in_the_splits_makes_new_folds_and_trains_all_members(project):
    path = project.folder / "config/cohorts/folds.tsv"
    before = path.read_bytes()
    table = pd.read_csv(path, sep="\t", dtype=str)
    table.loc[table["subject"] == "6", "split"] = "train"
    table.to_csv(path, sep="\t", index=False)
    try:
        jobs = project.planned(config=CONFIG)
    finally:
        path.write_bytes(before)
    assert {"make_folds", "divide_slices", "train_model", "label_shard"} <= {j.rule for j in jobs}


def test_all_that_is_made_is_named_by_the_study(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    study = load_study(yaml.safe_load((project.folder / CONFIG).read_text()))
    assert unnamed(study, project.results) == []
    write_models(project.folder, {"net": MODEL})
    try:
        study = load_study(yaml.safe_load((project.folder / CONFIG).read_text()))
        found = unnamed(study, project.results)
    finally:
        write_models(project.folder, MODELS)
    assert {"folds", "models/net_f1", "models/net_f2"} <= set(found)
