"""Stacks as acquired and as imported, read from the study's folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.layout import folder_files, kaggle_files
from cmrseg.dicom.reading import read_file
from cmrseg.dicom.study import study_folder
from cmrseg.dicom.zipped import place_of
from cmrseg.figures.cleaning import Stack
from cmrseg.sequences import USUAL, image_path
from cmrseg.vectors import dot, unit

# NIfTI's directions in DICOM's.
LPS = np.array([-1, -1, 1])
# Resolutions after which an image looks different.
VISIBLE = (
    "slice removed",
    "previous slice copied",
    "rotation",
    "rotated",
    "scaling/padding/cropping",
)


def most_repaired(audit: pd.DataFrame, subjects: Sequence[str], count: int) -> list[str]:
    """The subjects with the most kinds of visibly repaired problems, in descending order.

    audit: that of the cohort. subjects: the imported subjects. At most `count`; the first subject
    if nothing was repaired in any.
    """
    shown = audit[audit["subject"].isin(subjects) & audit["resolution"].isin(VISIBLE)]
    kinds = shown.groupby("subject")["problem"].nunique()
    found = sorted(kinds.index, key=lambda name: (-kinds[name], name))
    return found[:count] or sorted(subjects)[:1]


def read_stack(row, raw: Path, settings: Mapping[str, str], image: Path) -> Stack:
    """A subject's slices as acquired, first frame each, and the cine made from them.

    row: of the subject table. raw: raw files of its shard. settings: layout and mode. image: the
    subject's folder of imported images. Files that the import ignored are not slices.
    """
    cine = Cine.load(image_path(image, USUAL))
    folder = study_folder(row, raw, settings)
    across = unit(cine.affine[:3, 2]) * LPS
    origin = cine.affine[:3, 3] * LPS
    before, spacing_mm, seen = [], [], set()
    lenient = settings["mode"] == "corrected"
    if settings["layout"] == "kaggle":
        listed = kaggle_files(folder, row.series)
    else:
        listed = folder_files(folder, row.series, lenient)
    for name in (name for names in listed.values() for name in names):
        try:
            frames = read_file(place_of(folder, name), name, lenient)
        except (NotDicomError, SubjectError):
            continue
        for frame in frames:
            position_mm = round(float(dot(frame.position_mm - origin, across)), 2)
            if (frame.folder, position_mm) not in seen:
                seen.add((frame.folder, position_mm))
                before.append((position_mm, frame.pixels))
                spacing_mm.append(frame.spacing_mm[0])
    return Stack(row.subject, before, spacing_mm, cine.voxels, cine.spacing_mm)
