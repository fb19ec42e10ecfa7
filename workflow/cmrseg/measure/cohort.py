"""Measures of a whole cohort, read from the label maps of its shards."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.evaluate import evaluate_cine, summarise
from cmrseg.measure.volumes import EndDiastole, volume_curves, volumes_table
from cmrseg.shards import IMAGE, subject_folders


def measure_volumes(
    shards: Iterable[str | Path], splits: Mapping[str, str], ed: EndDiastole
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ventricular measures and volume curves of every subject of a labeller.

    shards: folders of label maps. splits: split of each subject. Returns the volumes (one row per
    subject with its split) and the curves (one row per subject and frame).
    """
    curves, intervals = [], {}
    for subject, folder in subject_folders(shards).items():
        labels = Cine.load(folder / IMAGE)
        curves.append(
            volume_curves(labels.voxels, labels.spacing_mm, subject, classes_of(labels.voxels))
        )
        intervals[subject] = labels.frame_interval_s
    joined = pd.concat(curves, ignore_index=True)
    volumes = volumes_table(joined, intervals, ed)
    volumes.insert(1, "split", volumes["subject"].map(split_of(splits)))
    return volumes, joined


def evaluate_labels(
    shards: Iterable[str | Path],
    reference: Iterable[str | Path],
    splits: Mapping[str, str],
    ed: EndDiastole,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Hold a labeller's maps against the reference: tables per image, subject and cohort.

    Only subjects that both labelled are compared (a second observer may have done a part).
    Raises ValueError where there is none.
    """
    predicted, true = subject_folders(shards), subject_folders(reference)
    images, subjects = [], []
    for subject in [name for name in predicted if name in true]:
        ours = Cine.load(predicted[subject] / IMAGE)
        theirs = Cine.load(true[subject] / IMAGE)
        classes = min(classes_of(ours.voxels), classes_of(theirs.voxels))
        table, row = evaluate_cine(
            ours.voxels, theirs.voxels, ours.spacing_mm, classes, subject, ed
        )
        split = split_of(splits)(subject)
        table.insert(1, "split", split)
        images.append(table)
        subjects.append({"subject": subject, "split": split, **row})
    if not subjects:
        raise ValueError("no subject is labelled by both; check the labeller and the reference")
    per_image = pd.concat(images, ignore_index=True)
    per_subject = pd.DataFrame(subjects)
    return per_image, per_subject, summarise(per_image, per_subject)


def split_of(splits: Mapping[str, str]):
    """Function from subject to split; a rotated copy is in the split of its original."""
    return lambda subject: splits[subject.removesuffix("_rot90")]


def classes_of(labels) -> int:
    """4 where the right ventricle is labelled anywhere, else 3."""
    return 4 if ((labels == Tissue.RV) & (labels != UNLABELLED)).any() else 3
