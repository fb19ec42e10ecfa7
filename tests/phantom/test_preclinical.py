"""The published study of mice: its settings, and its plan without any data."""

from collections import Counter
from pathlib import Path

import yaml

from study.load import load_study
from tiny_study import ROOT

CONFIG = "config/preclinical.yaml"
# Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706: what the network was trained with.
PUBLISHED = {
    "network": "unet3plus",
    "width": 32,
    "sequence": "sa",
    "tissues": "lv,my",
    "cohort": "mice",
    "labeller": "expert",
    "preparation": "minmax",
    "size_px": 256,
    "augmentation": "mouse",
    "loss": "dice",
    "batch": 16,
    "schedule": "early_stopping",
    "lr": 0.001,
    "epochs": "200",
    "start": "random",
    "islands": "code",
}


def test_the_network_for_mice_is_trained_as_published(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = load_study(yaml.safe_load(Path(CONFIG).read_text("utf-8")))
    assert {key: study.models["unet3plus"][key] for key in PUBLISHED} == PUBLISHED
    assert study.ed("mice", "expert") == "first"
    assert {study.ed("mice", name) for name in study.evaluated("mice")} == {"first_if_near"}
    assert {study.ed("kaggle", name) for name in study.evaluated("kaggle")} == {"max"}
    assert study.evaluated_frames("mice", "sa") == "reference"
    grids = study.subjects["mice"][["spacing_mm", "slice_distance_mm", "frame_interval_ms"]]
    assert (grids == [0.1, 1.0, 5.0]).all(axis=None)
    assert len(grids) == 130


def test_all_networks_for_mice_are_compared_with_the_same_treatment_of_islands(monkeypatch):
    monkeypatch.chdir(ROOT)
    for config in (CONFIG, "config/preclinical-demo.yaml"):
        study = load_study(yaml.safe_load(Path(config).read_text("utf-8")))
        assert {row["islands"] for row in study.models.values()} == {"code"}


def test_the_study_of_mice_is_planned_without_any_data(project):
    counts = Counter(job.rule for job in project.planned(config=CONFIG))
    assert counts["train_model"] == 6
    assert counts["import_nifti"] == 10
    assert counts["compare_published"] == 1
    assert counts["fetch_source"] >= 2
