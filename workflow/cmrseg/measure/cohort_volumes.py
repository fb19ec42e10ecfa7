"""Volumes of a whole cohort, read from the label maps of its shards."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.volumes import EndDiastole, classes_of, volume_curves, volumes_table
from cmrseg.shards import IMAGE, subject_folders
from cmrseg.splits import split_of


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
