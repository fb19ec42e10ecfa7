"""A study of four people whose images and contours lie on disk, as small as can be."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from tiny_study import FCN, Project, copy_project, write

CONFIG = "config/disk.yaml"
PEOPLE = {"071": "train", "72": "train", "73": "validate", "74": "test"}
STUDY: dict[str, Any] = {
    "study": "disk",
    "max_failed_fraction": 0,
    "cohorts": {
        "people": {
            "subjects": "config/cohorts/disk.tsv",
            "subjects_per_job": 2,
            "layout": "nifti",
            "raw": "raw",
            "annotators": {"reader": "nifti", "other": "nifti"},
        }
    },
    "models": "config/models/disk.tsv",
    "confidence": {"cohort": "people", "labeller": "reader"},
    "evaluate": [{"cohort": "people", "labellers": ["other"], "reference": "reader"}],
    "figures": {"volumes": {"figure": "volume_agreement", "cohort": "people"}},
}


def volume(tissue: bool, size_px: int = 20) -> nib.Nifti1Image:
    """Three frames of four slices: grey values with a bright disc, or the disc as LV in a wall."""
    y, x = np.indices((size_px, size_px)) - size_px // 2
    radius = np.hypot(x, y)
    frame = np.where(radius < 7, 2, 0)
    frame[radius < 4] = 1
    values = frame if tissue else np.array([20, 200, 90])[frame]
    kind = np.uint8 if tissue else np.int16
    image = nib.Nifti1Image(np.tile(values[..., None, None], (4, 3)).astype(kind), np.eye(4))
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 250
    return image


def write_person(raw: Path, study: str) -> None:
    """Images of one person and the label volumes of two readers."""
    for folder, tissue in ((".", False), ("annotations/reader", True), ("annotations/other", True)):
        path = raw / folder / f"{study}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(volume(tissue), path)


def disk_study(folder: Path) -> Project:
    """A copy of the project with the study and its raw files; nothing was run."""
    copy_project(folder)
    for subject in PEOPLE:
        write_person(folder / "raw", subject)
    rows = [
        {"subject": s, "split": split, "edv_ml": 5.0, "esv_ml": 4.0} for s, split in PEOPLE.items()
    ]
    write(pd.DataFrame(rows), folder / STUDY["cohorts"]["people"]["subjects"])
    model = {"model": "net"} | FCN | {"cohort": "people", "labeller": "reader", "seed": 1}
    model |= {"width": 2, "size_px": 32, "epochs": 1}
    write(pd.DataFrame([model]), folder / STUDY["models"])
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    return Project(folder, "disk")


def measure(folder: Path) -> None:
    """Import the images of the study and measure them as the readers see them."""
    result = disk_study(folder).snakemake("--cores", "2", "volumes_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
