"""Write digital patients as UK Biobank gives its participants, with an expert's contours."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import Contours, write_cvi42
from cmrseg.contours.workspaces import ENDINGS
from cmrseg.labels import UNLABELLED
from cmrseg.phantom.cvi42 import as_cvi42
from cmrseg.phantom.dicom_writer import study_elements
from cmrseg.phantom.kaggle import Protocol, generator, scanner_of
from cmrseg.phantom.patient_files import (
    ANNOTATIONS,
    Wanted,
    drawn_labels,
    drawn_points,
    split_settings,
    write_tag_truth,
    write_truth,
)
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.tag_series import TAG, Tagged, acquired_tags
from cmrseg.phantom.ukbb_dicom import images_of, write_zips
from cmrseg.phantom.view_series import Acquired, acquired
from cmrseg.points import save_points
from cmrseg.sequences import image_path, points_path

# The sequences in which UK Biobank's readers drew contours.
CONTOURED = ("sa", "la_2ch", "la_4ch")
EXPERT = "annotations/expert"


def write_patient(row: Mapping, protocol: Protocol, wanted: Wanted, folder: Path) -> None:
    """Write a patient's zip files and labels; see `write_shard`.

    Raises ValueError naming the subject whose row asks for another visit.
    """
    if row.get("series"):
        raise ValueError(
            f"subject {row['subject']}: series is {row['series']}; digital patients only have the "
            "first imaging visit, leave the column empty"
        )
    eid, frames = str(row["study"]), protocol.frames
    parameters = draw_patient(row, frames)
    phases, interval_s = np.arange(frames) / frames, 60 / parameters.heart_rate_bpm / frames
    found: dict[str, Acquired | Tagged] = {}
    for sequence in wanted.sequences:
        if sequence == TAG:
            about = wanted.views[TAG], wanted.tagging
            found[TAG] = acquired_tags(row, parameters, protocol, phases, *about)
        else:
            found[sequence] = acquired(row, parameters, protocol, sequence, phases, wanted.views)
    slices = {
        sequence: [(plane, one.images[:, z]) for z, plane in enumerate(one.planes)]
        for sequence, one in found.items()
    }
    field_t = scanner_of(row, protocol).field_t
    common = study_elements(row, field_t, frames, generator(row, "headers"))
    write_zips(folder, eid, slices, 1000 * interval_s, common, packed=wanted.packed)
    contours: Contours = {}
    truths = folder / ANNOTATIONS / eid
    for sequence, one in found.items():
        if isinstance(one, Tagged):
            points = drawn_points(one, parameters, wanted.labelled)
            save_points(points, Cine(one.images, one.affine), points_path(truths, sequence))
            continue
        labels = drawn_labels(one, parameters, sequence, wanted.labelled)
        truth = Cine(labels, one.affine, interval_s)
        truth.save(image_path(truths, sequence))
        if sequence in CONTOURED:
            drawn = (labels != UNLABELLED).all(axis=(1, 2, 3))
            images = images_of(eid, slices, sequence)
            images = {place: image for place, image in images.items() if drawn[place[1]]}
            contours |= as_cvi42(one.labels, images, sequence)
    if contours:
        path = folder / EXPERT / f"{eid}{ENDINGS[0]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_cvi42(contours, path)


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the patients of a shard: `<study>_<field>_2_0.zip`, a zip file for each field.

    Or folders of that name, if settings have packed: false.

    rows, settings: as of `patient_files.write_shard`, with frames. The images are those of its
    cines. annotations/truth/<study>/<sequence>.nii.gz are the true label maps,
    annotations/expert/<study>_cvi42.zip what an expert drew of them in CONTOURED; both have `all`
    frames, or end-diastole and end-systole (`labelled: two`). truth.tsv and truth_curves.tsv say
    what is true. A subject's files do not depend on the other rows.
    """
    about, wanted = split_settings(settings)
    protocol = Protocol(**about)
    for row in rows.to_dict("records"):
        write_patient(row, protocol, wanted, folder)
    write_truth(rows, protocol.frames, folder)
    if TAG in wanted.sequences:
        write_tag_truth(rows, protocol, wanted.views[TAG], folder)
