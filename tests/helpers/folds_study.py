"""A study with folds: short-axis cines of discs, and tiny networks that learn for one epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from tiny_study import FCN, Project, copy_project, write

CONFIG = "config/folds.yaml"
# Subject: split and patient. 3 and 4 are examinations of one patient.
SUBJECTS = {
    "1": ("train", "1"),
    "2": ("train", "2"),
    "3": ("train", "p"),
    "4": ("train", "p"),
    "5": ("validate", "5"),
    "6": ("test", "6"),
}
FOLDS = 2
SIZE, SPACING_MM, SLICES, FRAMES = 32, 4.0, 2, 2
AFFINE = np.diag([SPACING_MM, SPACING_MM, 10.0, 1.0])

MODEL = FCN | {"cohort": "hearts", "labeller": "expert", "tissues": "lv,my", "size_px": 32}
MODEL |= {"epochs": 1, "augmentation": "no", "schedule": "constant", "lr": 0.02, "seed": 7}
MODELS: dict[str, dict[str, Any]] = {"net": MODEL | {"folds": FOLDS}}
STUDY: dict[str, Any] = {
    "study": "folds",
    "cohorts": {
        "hearts": {
            "subjects": "config/cohorts/folds.tsv",
            "subjects_per_job": 10,
            "layout": "nifti",
            "raw": "raw",
            "annotators": {"expert": "nifti"},
        }
    },
    "models": "config/models/folds.tsv",
    "evaluate": [{"cohort": "hearts", "labellers": ["net"], "reference": "expert"}],
    "figures": {},
}


def labels_of(subject: str) -> np.ndarray:
    """Labels (t, z, y, x): a cavity that contracts, and the muscle around it."""
    y, x = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(y - SIZE / 2 - int(subject) % 3, x - SIZE / 2)
    frames = [np.select([far < 6 - 2 * t, far < 9], [Tissue.LV, Tissue.MYO]) for t in range(FRAMES)]
    return np.stack([np.stack([frame] * SLICES) for frame in frames]).astype(np.uint8)


def write_subject(subject: str, raw: Path) -> None:
    """Image and labels of a subject, below a folder of raw data."""
    labels = labels_of(subject)
    noise = np.random.default_rng(int(subject)).normal(0, 0.1, labels.shape)
    image = np.array([0.2, 0.9, 0.5])[labels] + noise
    for voxels, folder in ((image.astype(np.float32), raw), (labels, raw / "annotations/expert")):
        (folder / subject).mkdir(parents=True, exist_ok=True)
        Cine(voxels, AFFINE).save(folder / subject / "sa.nii.gz")


def write_models(folder: Path, models: dict[str, dict[str, Any]]) -> None:
    rows = [{"model": name, "folds": 1, "seeds": 1} | row for name, row in models.items()]
    write(pd.DataFrame(rows), folder / STUDY["models"])


def make_project(folder: Path) -> Project:
    """A copy of the project with the study and its raw files."""
    copy_project(folder)
    for subject in SUBJECTS:
        write_subject(subject, folder / "raw")
    rows = [{"subject": s, "split": split, "patient": p} for s, (split, p) in SUBJECTS.items()]
    write(pd.DataFrame(rows), folder / STUDY["cohorts"]["hearts"]["subjects"])
    write_models(folder, MODELS)
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    return Project(folder, "folds")
