"""Features of all subjects that a labeller labelled, read from its label maps and the images."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.labellers import LabelMaps
from cmrseg.quality.features import features
from cmrseg.sequences import image_path
from cmrseg.shards import subject_folders

# Decimals of features in tables; more of them tell nothing, and make tables large.
DECIMALS = 5


def measure_quality(
    labeller: LabelMaps, image_shards: Iterable[str | Path], members: Sequence[LabelMaps] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of `features`, of the pictures and of the subjects of a cohort.

    members: of an ensemble, whose agreement is a feature; none for any other labeller.
    """
    images = subject_folders(image_shards)
    others = [(member, member.folders()) for member in members]
    pictures, subjects = [], []
    for subject, folder in labeller.folders().items():
        labels = labeller.load(folder)
        image = Cine.load(image_path(images[subject], labeller.sequence))
        maps = [member.load(folders[subject]).voxels for member, folders in others]
        table, row = features(labels.voxels, image.voxels, labels.spacing_mm, subject, maps)
        pictures.append(table)
        subjects.append(row)
    full = [table for table in pictures if len(table)] or pictures[:1]
    return pd.concat(full, ignore_index=True).round(DECIMALS), pd.DataFrame(subjects).round(
        DECIMALS
    )
