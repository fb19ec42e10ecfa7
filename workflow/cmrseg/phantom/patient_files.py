"""Write digital patients with several sequences as NIfTI files, with what is true about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import read_table, write_table
from cmrseg.labels import UNLABELLED
from cmrseg.phantom.curves import Aorta
from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.patients import draw_patient, true_curves, truth
from cmrseg.phantom.tag_series import TAG, Tagged, acquired_tags
from cmrseg.phantom.tag_truth import end_systolic, strain_curves
from cmrseg.phantom.view_series import AORTA, Acquired, acquired, view_settings
from cmrseg.points import save_points
from cmrseg.sequences import image_path, points_path

ANNOTATIONS = "annotations/truth"


@dataclass(frozen=True)
class Wanted:
    """What of a patient is written: the phantom settings besides the fields of `Protocol`.

    sequences: by name. views: their grids. labelled: `all` frames of a cine, or `two`. tagging: as
    of `tagging.draw_tagging`. packed: whether UK Biobank's bulk files are zip files.
    """

    sequences: Sequence[str]
    views: Mapping[str, ViewSettings]
    labelled: str
    tagging: Mapping[str, object]
    packed: bool = True


def split_settings(settings: Mapping) -> tuple[dict, Wanted]:
    """The protocol's fields of phantom settings, and the others."""
    about = dict(settings)
    wanted = Wanted(
        about.pop("sequences", ["sa"]),
        view_settings(about.pop("views", None)),
        about.pop("labelled", "all"),
        about.pop("tagging", {}),
        about.pop("packed", True),
    )
    return about, wanted


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


def drawn_points(found: Tagged, parameters: HeartParameters, labelled: str) -> np.ndarray:
    """Landmarks (t, z, 168, 2) of a tagged cine, nan in frames that are not drawn."""
    if labelled == "all":
        return found.points
    frames = len(found.points)
    drawn = [round(p * frames) for p in two_phases(parameters, TAG)]
    points = np.full_like(found.points, np.nan)
    points[drawn] = found.points[drawn]
    return points


def write_pairs(row: Mapping, protocol: Protocol, wanted: Wanted, folder: Path) -> None:
    """Write `<sequence>_{ED,ES}.nii.gz` and `label_<sequence>_{ED,ES}.nii.gz` of a patient.

    Raises ValueError for tagged cines, which need all frames of a beat.
    """
    if TAG in wanted.sequences:
        raise ValueError(
            f"subject {row['subject']}: end-diastole and end-systole of {TAG} alone; tags are "
            "followed over a cine, give the number of frames"
        )
    parameters = draw_patient(row)
    for sequence in wanted.sequences:
        phases = two_phases(parameters, sequence)
        found = acquired(row, parameters, protocol, sequence, phases, wanted.views)
        for t, frame in enumerate(("ED", "ES")):
            image = Cine(_whole(found.images[t : t + 1]), found.affine)
            image.save(folder / f"{sequence}_{frame}.nii.gz")
            label = Cine(found.labels[t : t + 1], found.affine)
            label.save(folder / f"label_{sequence}_{frame}.nii.gz")


def write_cines(row: Mapping, protocol: Protocol, wanted: Wanted, folder: Path) -> None:
    """Write `<study>/<sequence>.nii.gz` and `annotations/truth/<study>/<sequence>.nii.gz`.

    Of tagged cines the truth is a table of landmarks, `tag.points.tsv.gz`. In frames that
    `wanted.labelled` leaves out, nothing is labelled.
    """
    parameters = draw_patient(row, protocol.frames)
    phases = np.arange(protocol.frames) / protocol.frames
    interval_s = 60 / parameters.heart_rate_bpm / protocol.frames
    study = str(row["study"])
    for sequence in wanted.sequences:
        images = folder / study / f"{sequence}.nii.gz"
        truth_folder = folder / ANNOTATIONS / study
        if sequence == TAG:
            grid = wanted.views[TAG]
            tagged = acquired_tags(row, parameters, protocol, phases, grid, wanted.tagging)
            cine = Cine(_whole(tagged.images), tagged.affine, interval_s)
            cine.save(images)
            points = drawn_points(tagged, parameters, wanted.labelled)
            save_points(points, cine, points_path(truth_folder, TAG))
            continue
        found = acquired(row, parameters, protocol, sequence, phases, wanted.views)
        labels = drawn_labels(found, parameters, sequence, wanted.labelled)
        cine = Cine(_whole(found.images), found.affine, interval_s)
        cine.save(images)
        cine.like(labels).save(image_path(truth_folder, sequence))


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the patients of a shard and what is true about them.

    As cines and truth_curves.tsv if settings have frames, else as end-diastole and end-systole;
    see write_cines and write_pairs. truth.tsv in both cases.
    rows: rows of the subject table. settings: the fields of `kaggle.Protocol`; sequences; views:
    rows, columns, spacing_mm and thickness_mm by sequence, those of the UK Biobank unless they are
    given; labelled: `all` or `two` frames of a cine; tagging: of `tagging.draw_tagging`. Labels are
    numbers of `Tissue`. A subject's files do not depend on the other rows.
    """
    about, wanted = split_settings(settings)
    frames = about.pop("frames", None)
    protocol = Protocol(frames=frames or 2, **about)
    for row in rows.to_dict("records"):
        if frames is None:
            write_pairs(row, protocol, wanted, folder / str(row["study"]))
        else:
            write_cines(row, protocol, wanted, folder)
    write_truth(rows, frames, folder)
    if TAG in wanted.sequences:
        write_tag_truth(rows, protocol, wanted.views[TAG], folder)


def write_truth(rows: pd.DataFrame, frames: int | None, folder: Path) -> None:
    """Write truth.tsv, a row per subject, and truth_curves.tsv of cines with so many frames."""
    records = rows.to_dict("records")
    write_table(pd.DataFrame([truth(row, frames) for row in records]), folder / "truth.tsv")
    if frames is not None:
        curves = pd.concat([true_curves(row, frames) for row in records], ignore_index=True)
        write_table(curves, folder / "truth_curves.tsv")


def write_tag_truth(
    rows: pd.DataFrame, protocol: Protocol, grid: ViewSettings, folder: Path
) -> None:
    """Write truth_strain.tsv (`tag_truth.strain_curves`), and its end-systole into truth.tsv."""
    curves, at_end = [], []
    for row in rows.to_dict("records"):
        parameters = draw_patient(row, protocol.frames)
        curves.append(strain_curves(row, parameters, protocol, grid, protocol.frames))
        es_frame = round(parameters.es_phase * protocol.frames)
        at_end.append({"subject": str(row["subject"]), **end_systolic(curves[-1], es_frame)})
    write_table(pd.concat(curves, ignore_index=True), folder / "truth_strain.tsv")
    path = folder / "truth.tsv"
    known = read_table(path) if path.is_file() else pd.DataFrame(at_end)[["subject"]]
    write_table(known.merge(pd.DataFrame(at_end), on="subject"), path)


def _whole(images: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(images), 0, 32767).astype(np.int16)
