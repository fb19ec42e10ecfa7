"""Labels that people (or a phantom) gave, on the grid of the imported cine."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.annotations.drawn import masks, qmass, text
from cmrseg.annotations.frames import frames
from cmrseg.annotations.sparse import hdf5
from cmrseg.annotations.volumes import pair, volumes
from cmrseg.cine import Cine
from cmrseg.shards import IMAGE, subject_folders
from cmrseg.splits import original

logger = logging.getLogger(__name__)

# Takes a subject's row, the annotator's folder, the folder of the imported image, and the image.
# Gives uint8 (t, z, y, x) on its grid, or None where the annotator did not label the subject.
Carrier = Callable[[pd.Series, Path, Path, Cine], np.ndarray | None]

CARRIERS: dict[str, Carrier] = {
    "masks": masks,
    "qmass": qmass,
    "text": text,
    "nifti": volumes,
    "frames": frames,
    "hdf5": hdf5,
}


def carry_shard(
    rows: pd.DataFrame,
    annotator: str,
    settings: Mapping[str, str],
    raw: Path,
    images: Path,
    labels: Path,
) -> None:
    """Write `<labels>/<subject>/sa.nii.gz` for every imported subject that the annotator labelled.

    rows: subject table (subject, set, annotation). settings: form; folder of the annotator below
    raw; layout of the cohort. images: imported images of the shard. Where each form has its
    files is said by its function. Labels are uint8; what nobody labelled is UNLABELLED. A rotated
    copy gets the rotated labels. Raises ValueError naming subject and file.
    """
    carrier = pair if settings["layout"] == "ukbb" else CARRIERS[settings["form"]]
    by_subject = rows.set_index("subject")
    for subject, folder in subject_folders([images]).items():
        source = original(subject)
        cine = Cine.load(images / source / IMAGE)
        try:
            carried = carrier(
                by_subject.loc[source], raw / settings["folder"], images / source, cine
            )
        except (OSError, ValueError) as error:
            raise ValueError(f"subject {subject}: labels of {annotator}: {error}") from error
        if carried is None:
            logger.info("subject %s: not labelled by %s", subject, annotator)
            continue
        if subject != source:
            carried = np.rot90(carried, 1, axes=(-2, -1))
        grid = Cine.load(folder / IMAGE)
        (labels / subject).mkdir()
        grid.like(carried).save(labels / subject / IMAGE)
