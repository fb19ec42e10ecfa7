"""DICOM SEG and SR of the cines of a cohort."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydicom.dataset import Dataset

from cmrseg.export.equipment import Author
from cmrseg.export.own_images import Study, own_labels, raw_folder
from cmrseg.export.report import report
from cmrseg.export.segmentation import segmentation
from cmrseg.export.subjects import export_subjects
from cmrseg.files import read_table
from cmrseg.labels import Tissue
from cmrseg.measure.labellers import LabelMaps, tissues_known
from cmrseg.sequences import sources_path

# How names of the files end that are of the whole cine, of a phase alone, and of measures.
SEG, OF_PHASE, SR = ".seg.dcm", ".{phase}.seg.dcm", ".sr.dcm"


def export_dicom(
    rows: Iterable[Mapping[str, Any]],
    labeller: LabelMaps,
    author: Author,
    images: Mapping[str, Path],
    raw: Sequence[Path],
    layout: str,
    volumes: pd.DataFrame | None,
    folder: Path,
) -> pd.DataFrame:
    """Write SEG and SR of every labelled subject; returns the table of them (`export_subjects`).

    `<folder>/<subject>/<sequence>.seg.dcm` of the whole cine; of the short axis also the measures,
    `<sequence>.sr.dcm`, and end-diastole and end-systole alone, for programs that know no time
    (`<sequence>.ed.seg.dcm`, `<sequence>.es.seg.dcm`). rows: subject, study, series and set.
    images: folder of each subject's image. volumes: table of the labeller's measures; None of other
    sequences.
    """
    folders = labeller.folders()
    tissues = tissues_known(labeller, folders)
    measured = {} if volumes is None else volumes.set_index("subject").to_dict("index")

    def write(row: Mapping[str, Any], place: Path) -> dict[str, Any]:
        subject = row["subject"]
        study = own_labels(
            labeller.load(folders[subject]),
            read_table(sources_path(images[subject], labeller.sequence)),
            raw_folder(row, raw, layout),
        )
        made = dicom_objects(study, tissues, measured.get(subject), author)
        for ending, found in made.items():
            found.save_as(place / f"{labeller.sequence}{ending}", enforce_file_format=True)
        return {
            "segmented_images": len(study.images),
            "copied_images": study.copied,
            "invented": ",".join(study.sources.invented),
            "files": len(made),
        }

    return export_subjects([row for row in rows if row["subject"] in folders], write, folder)


def dicom_objects(
    study: Study, tissues: Sequence[Tissue], measures: Mapping[str, Any] | None, author: Author
) -> dict[str, Dataset]:
    """The objects of a subject by the ending of their names.

    measures: of the ventricles, with `ed_frame` and `es_frame` from 0; None of other sequences. A
    phase without labels has no object of its own.
    """
    made = {SEG: segmentation(study.images, study.sources, tissues, author)}
    if measures is None or not math.isfinite(measures["ed_frame"]):
        return made
    ed, es = int(measures["ed_frame"]), int(measures["es_frame"])
    for phase, frame in (("ed", ed), ("es", es)):
        images = [one for one in study.images if one.t == frame]
        if any(one.labels.any() for one in images):
            ending = OF_PHASE.format(phase=phase)
            made[ending] = segmentation(images, study.sources, tissues, author)
    numbers = {k: float(v) for k, v in measures.items() if isinstance(v, (int, float))}
    made[SR] = report(made[SEG], study.sources, tissues, numbers, (ed, es), study.copied, author)
    return made
