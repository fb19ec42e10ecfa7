"""Workspaces of cvi42 with the contours of a cohort's label maps."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.contours.cvi42 import write_cvi42
from cmrseg.contours.workspaces import ENDINGS
from cmrseg.export.own_images import own_labels, raw_folder
from cmrseg.export.subjects import export_subjects
from cmrseg.export.workspace import workspace
from cmrseg.files import read_table
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import sources_path


def export_cvi42(
    rows: Iterable[Mapping[str, Any]],
    labeller: LabelMaps,
    images: Mapping[str, Path],
    raw: Sequence[Path],
    layout: str,
    folder: Path,
) -> pd.DataFrame:
    """Write `<folder>/<subject>/<subject>_cvi42.zip` of every labelled subject.

    Arguments as those of `dicom_cohort.export_dicom`. Returns the table of them
    (`export_subjects`), with the pixels that the contours do not give back.
    """
    folders = labeller.folders()

    def write(row: Mapping[str, Any], place: Path) -> dict[str, Any]:
        subject = row["subject"]
        study = own_labels(
            labeller.load(folders[subject]),
            read_table(sources_path(images[subject], labeller.sequence)),
            raw_folder(row, raw, layout),
        )
        found = workspace(study.images, study.sources, labeller.sequence)
        write_cvi42(found.contours, place / f"{subject}{ENDINGS[0]}")
        pixels = sum(int((one.labels > 0).sum()) for one in study.images)
        return {
            "images": len(found.contours),
            "labelled_pixels": pixels,
            "other_pixels": found.other_pixels,
        }

    return export_subjects([row for row in rows if row["subject"] in folders], write, folder)
