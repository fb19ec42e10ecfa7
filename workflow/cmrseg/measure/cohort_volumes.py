"""Volumes of a whole cohort, read from the label maps of its shards."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.labellers import Labeller, known_classes
from cmrseg.measure.volumes import EndDiastole, volume_curves, volumes_table
from cmrseg.shards import IMAGE
from cmrseg.splits import split_of


def measure_volumes(
    labeller: Labeller, splits: Mapping[str, str], ed: EndDiastole
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ventricular measures and volume curves of every subject of a labeller.

    splits: split of each subject. Returns the volumes (one row per subject with its split) and
    the curves (one row per subject and frame). Volumes of the right ventricle are nan where the
    labeller does not know it, those of the muscle where an annotator has a cavity and no muscle in
    a frame: nobody drew it. Raises ValueError where the labeller has no subject.
    """
    folders = labeller.folders()
    classes = known_classes(labeller, folders)
    curves, intervals = [], {}
    for subject, folder in folders.items():
        labels = Cine.load(folder / IMAGE)
        curve = volume_curves(labels.voxels, labels.spacing_mm, subject, classes)
        if labeller.classes is None:
            curve.loc[(curve["lv_ml"] > 0) & (curve["my_ml"] == 0), "my_ml"] = np.nan
        curves.append(curve)
        intervals[subject] = labels.frame_interval_s
    joined = pd.concat(curves, ignore_index=True)
    volumes = volumes_table(joined, intervals, ed)
    volumes.insert(1, "split", volumes["subject"].map(split_of(splits)))
    return volumes, joined
