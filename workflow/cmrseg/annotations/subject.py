"""A subject with its labels, and the vocabulary of the label audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import LOST, Audit
from cmrseg.dicom.placement import check_labels
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.sequences import Sequence

# Problem and resolution, as in the audit of the import; docs/data.md describes them.
LEFT_OUT = ("image removed by cleaning", "contours not used")
OUTSIDE = ("endocardium outside epicardium", "labelled as cavity")
APART = ("epicardium does not enclose cavity", "image unlabelled")
NO_EPICARDIUM = ("no epicardium", "myocardium unlabelled")
NO_ENDOCARDIUM = ("no endocardium", "area inside epicardium unlabelled")
NOT_IN_CINE = ("image not in the cine", "contours not used")
OTHER_CONTOURS = ("other contours", "contours ignored")
ONE_ATRIUM = ("one atrium alone", "area outside it unlabelled")
OTHER_FILE = ("other file", "file ignored")
BESIDE_IMAGE = ("labels outside the image", "labels cropped")
EMPTY_FRAME = ("frame without tissue", "frame unlabelled")
NOT_LISTED = ("frame not listed", "frame unlabelled")
PHASES = ("end-systole", "none")
NO_MUSCLE = ("cavity without myocardium", "none")
NUMBERS = ("label numbers", "none")
UNREADABLE = ("unreadable labels", LOST)
# Of points.
NO_POINTS = ("points missing", "points unknown")
TURNED_POINTS = ("points of the image before its turn", "points turned")
BESIDE_POINTS = ("points outside the image", "points unknown")
# Of a whole cohort.
NO_SUBJECT = ("labels without subject", "file ignored")
NO_LABELS = ("subjects without labels", "none")


@dataclass(frozen=True)
class Subject:
    """A subject as passed to the reader of an annotation form.

    row: of the subject table. folder: of the annotator. image: folder of the imported image, and
    cine: that image. sequence: of the image. numbers: the tissue of each label value, if the files
    use another convention.
    first_pixel: x and y of the centre of the first pixel in contours.
    raw: folder of all raw data.
    audit: collects the problems.
    """

    row: pd.Series
    folder: Path
    image: Path
    cine: Cine
    audit: Audit
    sequence: Sequence
    numbers: Mapping[int, int]
    first_pixel: float = 0
    raw: Path = Path()

    @property
    def annotation(self) -> str:
        return str(self.row["annotation"])

    def labels(self, voxels: np.ndarray, name: str) -> np.ndarray:
        """Numbers of a label file as uint8 tissues. Raises ValueError naming file and values."""
        if not self.numbers:
            check_labels(voxels, name, self.sequence.tissues)
            return voxels.astype(np.uint8)
        known = [Tissue.BACKGROUND, *self.numbers, UNLABELLED]
        values = np.unique(voxels)
        unknown = values[~np.isin(values, known)]
        if unknown.size:
            raise ValueError(
                f"{name}: label values {unknown[:5].tolist()}, not declared in `numbers` of the "
                f"annotator, which has {sorted(self.numbers)}"
            )
        tissues = np.arange(UNLABELLED + 1, dtype=np.uint8)
        for number, tissue in self.numbers.items():
            tissues[number] = tissue
        return tissues[voxels.astype(np.uint8)]


def frames_in_words(frames: Iterable[int]) -> str:
    """Frames (from 0) as text, counted from 1: "frames 2, 4 (from 1)"."""
    numbers = [str(frame + 1) for frame in frames]
    return f"frame{'s' * (len(numbers) > 1)} {', '.join(numbers)} (from 1)"
