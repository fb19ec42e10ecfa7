"""A labeller against the reference in a whole cohort, read from the label maps of its shards."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.evaluate import evaluate_cine, summarise
from cmrseg.measure.volumes import EndDiastole, classes_of
from cmrseg.shards import IMAGE, subject_folders
from cmrseg.splits import split_of


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
