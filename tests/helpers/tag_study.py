"""A study of tagged cines alone: published HDF5, and NIfTI with tables of points."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import tagging_builder as built
from cmrseg.cine import Cine
from cmrseg.points import save_points
from tiny_study import Project, copy_project, write

CONFIG = "config/tags.yaml"
SPLITS = {"1": "train", "2": "validate", "3": "test"}
AFFINE = np.diag([1.4, 1.4, 15.0, 1.0])
STUDY: dict[str, Any] = {
    "study": "tags",
    "cohorts": {
        "published": {
            "subjects": "config/cohorts/published.tsv",
            "subjects_per_job": 10,
            "layout": "tagging",
            "raw": "raw/published",
            "sequences": ["tag"],
            "annotators": {"truth": "tagging"},
        },
        "volumes": {
            "subjects": "config/cohorts/volumes.tsv",
            "subjects_per_job": 10,
            "layout": "nifti",
            "raw": "raw/volumes",
            "sequences": ["tag"],
            "annotators": {"truth": "points"},
        },
    },
}


def write_nifti(raw: Path, subject: str) -> None:
    """A tagged cine of two slices and its points, as the digital heart's."""
    image = Cine(built.images(2).transpose(1, 0, 2, 3).astype(np.float32), AFFINE, 0.04)
    path = raw / subject / "tag.nii.gz"
    path.parent.mkdir(parents=True)
    image.save(path)
    points = np.stack([built.beat(), built.beat() + 1], axis=1)
    folder = raw / "annotations/truth" / subject
    folder.mkdir(parents=True)
    save_points(points, Cine.load(path), folder / "tag.points.tsv.gz")


def make_project(folder: Path) -> Project:
    """A copy of the project with the study and its raw files."""
    copy_project(folder)
    built.write(folder / "raw/published/trial.h5", rows=5)
    rows = {"subject": SPLITS.keys(), "split": SPLITS.values()}
    published = pd.DataFrame({**rows, "study": "trial", "series": ["0,1", "2,3", "4"]})
    write(published, folder / "config/cohorts/published.tsv")
    for subject in SPLITS:
        write_nifti(folder / "raw/volumes", subject)
    write(pd.DataFrame(rows), folder / "config/cohorts/volumes.tsv")
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    return Project(folder, "tags")
