"""A study of three sequences: two contrasts of the same slices, and a long-axis cine.

Hearts are discs whose size and infarct are drawn. The infarct has no contrast in `c0` and shines in
`de`: a network finds it only if it sees both as channels. One subject has no `de`.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from tiny_study import FCN, ROOT, Project, copy_project, write

CONFIG = "config/sequences.yaml"
SUBJECTS = {"1": "train", "2": "train", "3": "train", "4": "validate", "5": "train", "6": "test"}
WITHOUT_DE = "5"
SIZE, SPACING_MM, SLICES, FRAMES = 40, 2.0, 3, 4
# Frames that the annotator `some` labelled.
SOME = (0, 2)
AFFINE = np.diag([SPACING_MM, SPACING_MM, 10.0, 1.0])
# Grey values of background, cavity, muscle and infarct.
GREYS = {"c0": (0.2, 0.9, 0.5, 0.5), "de": (0.2, 0.5, 0.05, 1.0)}

MODEL = FCN | {"cohort": "hearts", "augmentation": "fcn", "schedule": "constant", "lr": 0.005}
MODELS: dict[str, dict[str, Any]] = {
    "scar": MODEL
    | {"sequence": "c0,de", "tissues": "lv,wall,scar", "labeller": "expert", "epochs": 150},
    "atrium": MODEL | {"sequence": "la_4ch", "tissues": "la", "labeller": "views", "epochs": 100},
    "centre": MODEL
    | {"sequence": "c0", "tissues": "lv", "labeller": "expert", "task": "centre"}
    | {"loss": "distance", "epochs": 60},
}
STUDY: dict[str, Any] = {
    "study": "sequences",
    "cohorts": {
        "hearts": {
            "subjects": "config/cohorts/hearts.tsv",
            "subjects_per_job": 10,
            "layout": "nifti",
            "raw": "raw",
            "sequences": ["c0", "de", "la_4ch"],
            "annotators": {
                "expert": "nifti",
                "views": {"form": "nifti", "sequence": "la_4ch"},
                "some": {"form": "nifti", "sequence": "la_4ch"},
            },
            "propagated": {"carried": "some"},
        }
    },
    "models": "config/models/sequences.tsv",
    "evaluate": [
        {"cohort": "hearts", "labellers": ["scar"], "reference": "expert"},
        {"cohort": "hearts", "labellers": ["atrium", "carried"], "reference": "views"},
    ],
    "predict": [{"cohort": "hearts", "labellers": ["centre"]}],
    "figures": {
        "contours": {"figure": "overlays", "cohort": "hearts"},
        "views": {"figure": "overlays", "cohort": "hearts", "sequence": "la_4ch"},
        "slices": {"figure": "viewer", "cohort": "hearts"},
        "learning": {"figure": "learning_curves", "cohort": "hearts"},
    },
}
# A task is a module, a row in the registry, and its name where it is learnt and where it is read.
TASK = {
    "kinds.py": (
        "_ROWS = (\n",
        "_ROWS = (\n"
        '    TaskKind("centre", "points", lambda target: len(target.regions), ("distance",)),\n',
    ),
    "build.py": ('    "segment"', '    "centre": Centre.of,\n    "segment"'),
    "reading.py": ('{"segment"', '{"centre": Centre.of, "segment"'),
}


def centre_px(subject: str, z: int) -> tuple[float, float]:
    """Middle (y, x) of the cavity in a slice of a subject."""
    rng = np.random.default_rng([int(subject), z])
    y, x = SIZE / 2 + rng.uniform(-4, 4, 2)
    return float(y), float(x)


def short_axis(subject: str) -> np.ndarray:
    """Labels (z, y, x): the cavity, muscle around it, and an infarct in a part of that."""
    y, x = np.mgrid[:SIZE, :SIZE]
    labels = np.zeros((SLICES, SIZE, SIZE), np.uint8)
    for z, plane in enumerate(labels):
        middle = centre_px(subject, z)
        far = np.hypot(y - middle[0], x - middle[1])
        angle = np.arctan2(y - middle[0], x - middle[1])
        start = np.random.default_rng([int(subject), z, 1]).uniform(-math.pi, math.pi / 2)
        plane[far < 11] = Tissue.MYO
        plane[(far < 11) & (angle > start) & (angle < start + 1.5)] = Tissue.SCAR
        plane[far < 7] = Tissue.LV
    return labels


def atrium_radius_px(subject: str, frame: int) -> float:
    """Radius of the atrium's disc, largest in the middle of the cine."""
    return 6 + int(subject) % 3 + 2 * math.sin(math.pi * frame / FRAMES)


def long_axis(subject: str) -> np.ndarray:
    """Labels (t, y, x): the left atrium."""
    y, x = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(y - SIZE / 2, x - SIZE / 2 - 2)
    radii = [atrium_radius_px(subject, frame) for frame in range(FRAMES)]
    return np.stack([np.where(far < radius, Tissue.LA, 0) for radius in radii]).astype(np.uint8)


def write_subject(subject: str, raw: Path) -> None:
    """Images and labels of a subject, below a folder of raw data."""
    rng = np.random.default_rng([int(subject), 2])
    short, long = short_axis(subject)[None], long_axis(subject)[:, None]
    classes = np.select([short == Tissue.LV, short == Tissue.MYO, short == Tissue.SCAR], [1, 2, 3])
    for sequence, greys in GREYS.items():
        if sequence == "de" and subject == WITHOUT_DE:
            continue
        image = np.array(greys)[classes] + rng.normal(0, 0.03, short.shape)
        _save(image.astype(np.float32), raw / subject / f"{sequence}.nii.gz")
    view = np.where(long, 0.9, 0.2) + rng.normal(0, 0.03, long.shape)
    _save(view.astype(np.float32), raw / subject / "la_4ch.nii.gz")
    _save(short, raw / "annotations/expert" / subject / "c0.nii.gz")
    _save(long, raw / "annotations/views" / subject / "la_4ch.nii.gz")
    long[np.setdiff1d(range(FRAMES), SOME)] = UNLABELLED
    _save(long, raw / "annotations/some" / subject / "la_4ch.nii.gz")


def _save(voxels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Cine(voxels, AFFINE).save(path)


def make_project(folder: Path) -> Project:
    """A copy of the project with the study, its raw files, and the task of points."""
    copy_project(folder)
    for subject in SUBJECTS:
        write_subject(subject, folder / "raw")
    table = pd.DataFrame({"subject": SUBJECTS.keys(), "split": SUBJECTS.values()})
    write(table, folder / "config/cohorts/hearts.tsv")
    models = [{"model": name} | row for name, row in MODELS.items()]
    write(pd.DataFrame(models), folder / "config/models/sequences.tsv")
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    tasks = folder / "workflow/cmrseg/tasks"
    (tasks / "centre.py").write_text((ROOT / "tests/helpers/centre_task.py").read_text("utf-8"))
    for name, (before, after) in TASK.items():
        text = (tasks / name).read_text("utf-8")
        assert text.count(before) == 1, name
        text = text.replace(before, after)
        if name != "kinds.py":
            text = text.replace(
                "from cmrseg.tasks.task",
                "from cmrseg.tasks.centre import Centre\nfrom cmrseg.tasks.task",
            )
        (tasks / name).write_text(text, "utf-8")
    return Project(folder, "sequences")
