"""Volumes of a whole cohort, read from the label maps of its shards."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.by_sequence import has_phases, measures_of_curve
from cmrseg.measure.labellers import LabelMaps, tissues_known
from cmrseg.measure.volumes import EndDiastole, volume_curves, volumes_table
from cmrseg.sequences import SEQUENCES
from cmrseg.splits import split_of

logger = logging.getLogger(__name__)


def measure_volumes(
    labeller: LabelMaps, splits: Mapping[str, str], ed: EndDiastole
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures and curves of every subject of a labeller, in the sequence that it labelled.

    splits: split of each subject. Returns the measures (one row per subject with its split) and
    the curves (one row per subject and frame); see by_sequence. Of the short axis these are volumes
    of the ventricles. Volumes of the right ventricle are nan where the
    labeller does not know it, those of the muscle where an annotator has a cavity and no muscle in
    a frame: nobody drew it. A subject whose end-diastole or end-systole may be one of its frames
    with unlabelled slices (`_incomplete`) has a row without measures, and a warning.
    Raises ValueError where the labeller has no subject.
    """
    folders, sequence = labeller.folders(), SEQUENCES[labeller.sequence]
    tissues = tissues_known(labeller, folders)
    if not has_phases(sequence):
        return _measure(labeller, folders, tissues, splits)
    curves, intervals = [], {}
    for subject, folder in folders.items():
        labels = labeller.load(folder)
        curve = volume_curves(labels.voxels, labels.spacing_mm, subject, tissues)
        if not labeller.tissues:
            curve.loc[(curve["lv_ml"] > 0) & (curve["my_ml"] == 0), "my_ml"] = np.nan
        curves.append(curve)
        if reason := _incomplete(labels.voxels, curve):
            logger.warning(
                "subject %s: labels of %s: %s; its measures are unknown",
                *(subject, labeller.name, reason),
            )
        else:
            intervals[subject] = labels.frame_interval_s
    joined = pd.concat(curves, ignore_index=True)
    known = volumes_table(joined[joined["subject"].isin(intervals)], intervals, ed)
    volumes = known.set_index("subject").reindex(pd.Index(folders, name="subject")).reset_index()
    volumes.insert(1, "split", volumes["subject"].map(split_of(splits)))
    return volumes, joined


def _measure(
    labeller: LabelMaps,
    folders: Mapping[str, Path],
    tissues: tuple[Tissue, ...],
    splits: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As measure_volumes, of a sequence without end-diastole and end-systole."""
    sequence, split, curves, rows = SEQUENCES[labeller.sequence], split_of(splits), [], []
    for subject, folder in folders.items():
        labels = labeller.load(folder)
        curve = volume_curves(labels.voxels, labels.spacing_mm, subject, tissues, sequence)
        curves.append(curve)
        about = {"subject": subject, "split": split(subject)}
        rows.append(about | measures_of_curve(curve, sequence))
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def _incomplete(labels: np.ndarray, curve: pd.DataFrame) -> str:
    """Why a subject has no end-diastole and end-systole, "" where it has.

    labels: (t, z, y, x). curve: of `volume_curves`. A lone frame that is labelled in every slice is
    taken for end-diastole, unless others are labelled in some: any of them may be it.
    """
    whole = curve["lv_ml"].notna().to_numpy()
    partly = (labels != UNLABELLED).any(axis=(1, 2, 3)) & ~whole
    if whole.sum() > 1 or (whole.any() and not partly.any()):
        return ""
    numbers = ", ".join(str(frame + 1) for frame in np.flatnonzero(partly))
    return (
        f"the cavity is known in every slice of {whole.sum()} of {len(whole)} frames; frames with "
        f"unlabelled slices: {numbers or 'none'} (from 1); complete their labels"
    )
