"""Write digital patients with several sequences as NIfTI files, with what is true about them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import write_table
from cmrseg.labels import UNLABELLED
from cmrseg.phantom.curves import Aorta
from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.patients import draw_patient, true_curves, truth
from cmrseg.phantom.view_series import AORTA, Acquired, acquired, view_settings

# Settings besides the fields of `Protocol`.
OWN = ("sequences", "views", "labelled")
ANNOTATIONS = "annotations/truth"


def split_settings(settings: Mapping) -> tuple[dict, Sequence[str], dict[str, ViewSettings], str]:
    """The protocol's fields of phantom settings, and the sequences, views and labelled frames."""
    protocol = {key: value for key, value in settings.items() if key not in OWN}
    views = view_settings(settings.get("views"))
    return protocol, settings.get("sequences", ["sa"]), views, settings.get("labelled", "all")


def two_phases(parameters: HeartParameters, sequence: str) -> tuple[float, float]:
    """Phases of a sequence's first and second labelled frame: end-diastole and end-systole.

    Of the aorta those of its smallest and largest area.
    """
    if sequence != AORTA:
        return 0.0, parameters.es_phase
    aorta = parameters.aorta or Aorta()
    return aorta.rise_phase, aorta.peak_phase


def drawn_labels(
    found: Acquired, parameters: HeartParameters, sequence: str, labelled: str
) -> np.ndarray:
    """Labels (t, z, y, x) of a cine, UNLABELLED in frames that are not drawn.

    labelled: `all` frames, or `two`, those of `two_phases`.
    """
    if labelled == "all":
        return found.labels
    frames = len(found.labels)
    drawn = [round(p * frames) for p in two_phases(parameters, sequence)]
    labels = np.full_like(found.labels, UNLABELLED)
    labels[drawn] = found.labels[drawn]
    return labels


def write_pairs(
    row: Mapping,
    protocol: Protocol,
    sequences: Sequence[str],
    views: Mapping[str, ViewSettings],
    folder: Path,
) -> None:
    """Write `<sequence>_{ED,ES}.nii.gz` and `label_<sequence>_{ED,ES}.nii.gz` of a patient."""
    parameters = draw_patient(row)
    for sequence in sequences:
        phases = two_phases(parameters, sequence)
        found = acquired(row, parameters, protocol, sequence, phases, views)
        for t, frame in enumerate(("ED", "ES")):
            image = Cine(_whole(found.images[t : t + 1]), found.affine)
            image.save(folder / f"{sequence}_{frame}.nii.gz")
            label = Cine(found.labels[t : t + 1], found.affine)
            label.save(folder / f"label_{sequence}_{frame}.nii.gz")


def write_cines(
    row: Mapping,
    protocol: Protocol,
    sequences: Sequence[str],
    views: Mapping[str, ViewSettings],
    labelled: str,
    folder: Path,
) -> None:
    """Write `<study>/<sequence>.nii.gz` and `annotations/truth/<study>/<sequence>.nii.gz`.

    labelled: `all` frames, or `two`, as experts draw them; others are then UNLABELLED.
    """
    parameters = draw_patient(row, protocol.frames)
    phases = np.arange(protocol.frames) / protocol.frames
    interval_s = 60 / parameters.heart_rate_bpm / protocol.frames
    study = str(row["study"])
    for sequence in sequences:
        found = acquired(row, parameters, protocol, sequence, phases, views)
        labels = drawn_labels(found, parameters, sequence, labelled)
        cine = Cine(_whole(found.images), found.affine, interval_s)
        cine.save(folder / study / f"{sequence}.nii.gz")
        cine.like(labels).save(folder / ANNOTATIONS / study / f"{sequence}.nii.gz")


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the patients of a shard and what is true about them.

    As cines and truth_curves.tsv if settings have frames, else as end-diastole and end-systole;
    see write_cines and write_pairs. truth.tsv in both cases.
    rows: rows of the subject table. settings: the fields of `kaggle.Protocol`; sequences; views:
    rows, columns, spacing_mm and thickness_mm by sequence, those of the UK Biobank unless they are
    given; labelled: `all` or `two` frames of a cine. Labels are numbers of `Tissue`. A subject's
    files do not depend on the other rows.
    """
    about, sequences, views, labelled = split_settings(settings)
    frames = about.pop("frames", None)
    for row in rows.to_dict("records"):
        if frames is None:
            study = folder / str(row["study"])
            write_pairs(row, Protocol(frames=2, **about), sequences, views, study)
        else:
            protocol = Protocol(frames=frames, **about)
            write_cines(row, protocol, sequences, views, labelled, folder)
    write_truth(rows, frames, folder)


def write_truth(rows: pd.DataFrame, frames: int | None, folder: Path) -> None:
    """Write truth.tsv, a row per subject, and truth_curves.tsv of cines with so many frames."""
    records = rows.to_dict("records")
    write_table(pd.DataFrame([truth(row, frames) for row in records]), folder / "truth.tsv")
    if frames is not None:
        curves = pd.concat([true_curves(row, frames) for row in records], ignore_index=True)
        write_table(curves, folder / "truth_curves.tsv")


def _whole(images: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(images), 0, 32767).astype(np.int16)
