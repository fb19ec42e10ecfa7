"""The published study in small: its own config on digital hearts where its raw files belong.

What config/paper.yaml says is kept, but for the subjects, the width and the length of training:
sources put in place by hand, repeated and turned stacks, known volumes from the competition's
tables, label images of single frames, a given network, every figure and the report.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from cmrseg.annotations.carry import carry_shard
from cmrseg.apply import apply_model
from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard
from cmrseg.files import read_table, write_table
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, make_encoder, network_settings
from cmrseg.phantom import kaggle, kaggle_tables, seven_tesla
from cmrseg.phantom.population import draw_subjects
from cmrseg.sequences import USUAL, image_path
from paper_tables import BASE, SHARED, TRANSFER
from tiny_study import SCAN, Project, copy_project, write

CONFIG = "config/paper.yaml"
RESULTS = "results/paper"
DOWNLOADS = "resources/downloads"
UKBB = "resources/models/ukbb_sa"
COMPAT = {"layout": "kaggle", "mode": "compat", "max_size_px": 256}
# Subjects of the Data Science Bowl: study, series, split, set; 123 has two stacks, 501 is wide.
BOWL = {
    "1": ("1", "", "train", "train"),
    "2": ("2", "", "train", "train"),
    "123_a": ("123", "sax_10", "train", "train"),
    "123_b": ("123", "!sax_10", "train", "train"),
    "501": ("501", "", "validate", "validate"),
    "701": ("701", "", "train", "test"),
}
LABELLED = ("2", "501")
VOLUNTEERS = {"17": "train", "20": "train", "19": "validate", "26": "test"}
# Models by what sets them apart from the base model, and from the transfer that all share.
SMALL = {"width": 4, "size_px": 64, "batch": 4, "epochs_frozen": "1", "epochs": "1"}
SEARCH = {BASE: {"augmentation": "extreme", "start": "random", "epochs": "1+1"}}
TRANSFERRED = {
    "plain_r1": {"start": "random", "subset": "r1"},
    "imagenet_all": {"start": "imagenet", "subset": "all", "width": 64},
    "double_esed": {"start": BASE, "subset": "esed"},
}


def bowl() -> pd.DataFrame:
    """Subject table with all that the digital heart needs to know."""
    rows = draw_subjects(len(BOWL), 1, list(BOWL))
    for number, column in enumerate(("study", "series", "split", "set")):
        rows[column] = [row[number] for row in BOWL.values()]
    # Both stacks of a patient show one heart.
    second = rows["subject"] == "123_b"
    own = [name for name in rows if name not in ("subject", "series")]
    rows.loc[second, own] = rows.loc[rows["subject"] == "123_a", own].to_numpy()
    rows["faults"] = ["wide_image" if s == "501" else "" for s in rows["subject"]]
    return rows


def write_bowl(folder: Path, model: Path, scratch: Path) -> None:
    """The competition's tree, in whose tables are volumes that the model all but finds."""
    rows = bowl()
    kaggle.write_shard(rows, {**SCAN, "frames": 3}, folder)
    tables = kaggle_tables.truth_tables(rows.assign(**found_volumes(rows, folder, model)))
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    write_label_images(rows[rows["subject"].isin(LABELLED)], folder, scratch)
    shutil.rmtree(folder / "annotations")
    (folder / "manifest.tsv").unlink()


def found_volumes(rows: pd.DataFrame, folder: Path, model: Path) -> dict[str, list[float]]:
    """The volumes that a model finds, with 3 % added; in the last subject with a half."""
    found = {}
    for row in rows.drop_duplicates("study").itertuples():
        study = folder / row.set / row.set / row.study / "study"
        volumes = apply_model(study, model, ed="first", cleaning=COMPAT).volumes.iloc[0]
        factor = 1.5 if row.subject == rows["subject"].iloc[-1] else 1.03
        found[row.study] = (volumes["edv_ml"] * factor, volumes["esv_ml"] * factor)
    return {
        name: [found[study][number] for study in rows["study"]]
        for number, name in enumerate(("edv_ml", "esv_ml"))
    }


def write_label_images(rows: pd.DataFrame, folder: Path, scratch: Path) -> None:
    """True labels of two frames as the published repository has those of its expert."""
    import_shard(rows, folder, scratch / "images", COMPAT)
    (scratch / "labels").mkdir()
    settings = {
        "sequence": "sa",
        "form": "masks",
        "folder": "annotations/truth",
        "layout": "kaggle",
    }
    named = rows.assign(annotation=rows["study"])
    carry_shard(named, "truth", settings, folder, scratch / "images", scratch / "labels")
    for subject in LABELLED:
        labels = Cine.load(image_path(scratch / "labels" / subject, USUAL)).voxels
        target = folder.parents[1] / "cmr_seg_tl/by_hand/data/kaggle/manual/own_masks" / subject
        target.mkdir(parents=True)
        for t, z in np.ndindex(2, labels.shape[1]):
            picture = Image.fromarray(np.ascontiguousarray(labels[t, z, ::-1]))
            picture.save(target / f"{subject}-frame{t:03d}-slice{z:03d}.png")


def write_volunteers(folder: Path) -> None:
    rows = draw_subjects(len(VOLUNTEERS), 60, list(VOLUNTEERS), list(VOLUNTEERS.values()))
    seven_tesla.write_shard(rows, {**SCAN, "scanner": "7T", "frames": 3}, folder)
    (folder / "manifest.tsv").unlink()


def write_networks(folder: Path) -> None:
    """Random weights where the published ones come to lie."""
    catalogue = yaml.safe_load((folder / "resources/weights.yaml").read_text("utf-8"))
    settings = catalogue[Path(UKBB).name]
    kind = network_settings(settings)
    network = build_network(kind, torch.Generator().manual_seed(1))
    save_weights(network.state_dict(), folder / UKBB / "weights.safetensors")
    (folder / UKBB / "record.json").write_text(json.dumps({"settings": settings}), "utf-8")
    encoder = make_encoder("resnet34", 64)
    encoder.initialise(torch.Generator().manual_seed(2))
    save_weights(encoder.state_dict(), folder / DOWNLOADS / "imagenet/resnet34.safetensors")


def write_study(folder: Path) -> None:
    """Tables and config: the paper's own keys with fewer subjects, models and labellers."""
    write(bowl()[["subject", "study", "series", "split", "set"]], folder / "config/cohorts/k.tsv")
    volunteers = pd.DataFrame(VOLUNTEERS.items(), columns=["subject", "split"])
    write(volunteers, folder / "config/cohorts/v.tsv")
    rows = [{"model": name} | SHARED | SMALL | own for name, own in SEARCH.items()]
    rows += [{"model": n} | TRANSFER | SMALL | own for n, own in TRANSFERRED.items()]
    write(pd.DataFrame(rows), folder / "config/models/small.tsv")
    config = yaml.safe_load((folder / CONFIG).read_text("utf-8"))
    config["cohorts"]["kaggle"] |= {"subjects": "config/cohorts/k.tsv", "subjects_per_job": 10}
    config["cohorts"]["seven_tesla"] |= {"subjects": "config/cohorts/v.tsv"}
    config["models"] = "config/models/small.tsv"
    kept = {"ukbb", "expert2", *SEARCH, *TRANSFERRED}
    for entry in config["evaluate"]:
        entry["labellers"] = [name for name in entry["labellers"] if name in kept]
    for entry in config["figures"].values():
        if "labellers" in entry:
            entry["labellers"] = [name for name in entry["labellers"] if name in kept]
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")


@pytest.fixture(scope="module")
def paper(tmp_path_factory) -> Project:
    """A copy of the project in which the small published study was run, with its report."""
    project = copy_project(tmp_path_factory.mktemp("paper"))
    folder = project.folder
    write_networks(folder)
    bowl_folder, volunteers = (
        folder / DOWNLOADS / name / "by_hand" for name in ("kaggle", "seven_tesla")
    )
    write_bowl(bowl_folder, folder / UKBB, tmp_path_factory.mktemp("scratch"))
    write_volunteers(volunteers)
    # What is in place by hand has to be whole; of this source only the label images are.
    sums = read_table(folder / "resources/checksums.tsv")
    write_table(sums[sums["source"] != "cmr_seg_tl"], folder / "resources/checksums.tsv")
    write_study(folder)
    report = ("--report", f"{RESULTS}/report.html", "--report-after-run")
    result = project.snakemake("--cores", "2", *report, config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return project


@pytest.mark.long
def test_every_figure_of_the_paper_and_the_report_are_made(paper):
    top = paper.folder / RESULTS
    figures = yaml.safe_load((paper.folder / CONFIG).read_text("utf-8"))["figures"]
    for name, about in figures.items():
        for suffix in ["html"] if about["figure"] == "viewer" else ["svg", "png"]:
            assert (top / f"figures/{name}.{suffix}").stat().st_size > 0
    assert (top / "report.html").stat().st_size > 0


@pytest.mark.long
def test_scores_come_from_the_competition_s_tables(paper):
    scores = read_table(paper.folder / RESULTS / "cohorts/kaggle/confidence/ukbb.tsv")
    scores = scores.set_index("subject")
    assert list(scores.index) == ["1", "123_a", "123_b", "2", "501", "501_rot90", "701"]
    for subject in ("1", "2", "501"):
        assert scores.loc[subject, "edv_error"] == pytest.approx(1 / 1.03 - 1)
        assert scores.loc[subject, "set"] == "c05"
    assert scores.loc["701", "score"] == pytest.approx(1 - 1 / 1.5)
    assert scores.loc["701", "set"] == ""
    both = scores.loc[["123_a", "123_b"], "true_edv_ml"]
    assert both.nunique() == 1


@pytest.mark.long
def test_the_expert_s_two_frames_are_compared_and_a_wide_patient_counts_once(paper):
    images = read_table(paper.folder / RESULTS / f"evaluation/{BASE}/kaggle/images.tsv")
    assert set(images["subject"]) == {"2", "501", "501_rot90"}
    assert set(images["frame"].astype(int)) == {0, 1}
    summary = read_table(paper.folder / RESULTS / f"evaluation/{BASE}/kaggle/summary.tsv")
    whole = summary[(summary["split"] == "all") & (summary["measure"] == "dice")]
    assert set(whole.loc[whole["level"] == "subject", "n"].astype(int)) == {2}


@pytest.mark.long
def test_nothing_is_left_to_do(paper):
    assert paper.planned(config=CONFIG) == []
