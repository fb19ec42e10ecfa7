"""A model on one folder of images, without a study: what `predict_all` does, as a function."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.dicom.study import import_study
from cmrseg.inputs import find_images
from cmrseg.learn.label import load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.measure.volumes import EndDiastole, volume_curves, volumes_table
from cmrseg.nifti import read_whole

# As the study's schema has it.
CLEANING: Mapping[str, Any] = {"mode": "corrected", "layout": "folder", "max_size_px": 256}


@dataclass(frozen=True)
class Applied:
    """What a model made of one examination.

    image, labels: cines on one grid, (t, z, y, x). volumes: one row (columns of
    measure.volumes). curves: a row per frame. audit: what the import repaired.
    """

    image: Cine
    labels: Cine
    volumes: pd.DataFrame
    curves: pd.DataFrame
    audit: pd.DataFrame


def apply_model(
    images: str | Path,
    model: str | Path,
    subject: str = "subject",
    device: str = "cpu",
    ed: EndDiastole = "max",
    cleaning: Mapping[str, Any] = CLEANING,
) -> Applied:
    """Label a short-axis cine with a model and measure its volumes.

    images: a folder of DICOM files, or a NIfTI cine (see inputs.find_images), brought to the
    orientation that networks know. model: folder of a model.
    subject: its name in the tables. device: cpu, cuda or mps. ed: see measure.volumes.
    cleaning: settings of dicom.study.import_study. Save what is wanted with
    `applied.labels.save(path)` and `files.write_table(applied.volumes, path)`. Raises ValueError or
    SubjectError naming what cannot be read.
    """
    network, settings = load_model(model)
    found = find_images(Path(images))
    if found.layout == "nifti":
        repairs = Audit(subject)
        image, _ = read_whole(found.raw, found.study, repairs)
        audit = repairs.table()
    else:
        imported = import_study(found.raw / found.study, subject, cleaning)
        image, audit = imported.cine, imported.audit
    labels = image.like(predict_cine(network, image, settings, device))
    curves = volume_curves(labels.voxels, labels.spacing_mm, subject, settings["classes"])
    volumes = volumes_table(curves, {subject: labels.frame_interval_s}, ed)
    return Applied(image, labels, volumes, curves, audit)
