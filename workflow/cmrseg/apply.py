"""A model on one folder of images, without a study: what `predict_all` does, as a function."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.calibrate.model_file import interval_table, read_calibration
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.dicom.study import import_study
from cmrseg.files import sha256
from cmrseg.labels import tissues_of
from cmrseg.layouts.hdf5 import Grid, files_of, reader
from cmrseg.layouts.inputs import TAGGING_GRID, Found, find_images
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import single
from cmrseg.layouts.tagging import Wanted
from cmrseg.layouts.tagging import read_images as read_tags
from cmrseg.learn.coarse_labels import coarse_labels
from cmrseg.learn.label import WEIGHTS, load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.prepare import check_one_grid
from cmrseg.measure.by_sequence import has_phases, measures_of, measures_of_curve
from cmrseg.measure.volumes import EndDiastole, volume_curves, volumes_table
from cmrseg.sequences import SEQUENCES, USUAL, Sequence, channels_of, labelled_sequence
from cmrseg.tasks.kinds import kind_of

# As the study's schema has it.
CLEANING: Mapping[str, Any] = {"mode": "corrected", "layout": "folder", "max_size_px": 256}


@dataclass(frozen=True)
class Images:
    """What the import made of the images at a path.

    audit: what it repaired and left out. series: of a folder of DICOM files, all that it holds
    (`dicom.choice.listing`); sources: the file of each slice and frame; else None.
    """

    cine: Cine
    audit: pd.DataFrame
    series: pd.DataFrame | None = None
    sources: pd.DataFrame | None = None


def read_images(
    images: str | Path,
    subject: str = "subject",
    cleaning: Mapping[str, Any] = CLEANING,
    spacing_mm: tuple[float, float, float] | None = None,
    frame_interval_ms: float | None = None,
    series: str = "",
    sequence: str = USUAL,
) -> Images:
    """The cine, or still images, at a path, as apply_model labels them, with what was found beside.

    Arguments are those of apply_model. sequence: what the images are. Raises ValueError or
    SubjectError naming what cannot be read, and UnclearError with the list of series where these
    leave a choice.
    """
    found = find_images(Path(images), sequence)
    if found.layout == "tagging":
        (path,) = files_of(found.raw, found.study)[:1]
        grid = _tagging_grid(spacing_mm, frame_interval_ms)
        cine, _ = read_tags(path, subject, Wanted(series, *grid))
        return Images(cine, Audit(subject).table())
    if series and found.layout != "folder":
        raise ValueError(f"{images}: is one cine, and has no series to choose; leave out series")
    if found.layout == "hdf5" or (spacing_mm, frame_interval_ms) != (None, None):
        cine = _read_hdf5(found, spacing_mm, frame_interval_ms)
        return Images(cine, Audit(subject).table())
    if found.layout == "nifti":
        repairs = Audit(subject)
        as_stored = cleaning["mode"] == "compat"
        image, _ = read_whole(found.raw, found.study, sequence, repairs, as_stored, lone=True)
        return Images(image, repairs.table())
    of = {} if sequence == USUAL else {"sequence": sequence}
    imported = import_study(found.raw / found.study, subject, {**cleaning, **of}, series)
    return Images(imported.cine, imported.audit, imported.series, imported.sources)


def _tagging_grid(
    spacing_mm: tuple[float, float, float] | None, frame_interval_ms: float | None
) -> tuple[float | None, float, float]:
    """Pixel size, slice distance and frame interval of tagged cines, or usual ones."""
    usual = TAGGING_GRID
    distance, pixel = (spacing_mm[0], spacing_mm[2]) if spacing_mm else (None, None)
    return (
        pixel,
        usual["slice_distance_mm"] if distance is None else distance,
        usual["frame_interval_ms"] if frame_interval_ms is None else frame_interval_ms,
    )


def import_images(images: str | Path, *args: Any, **settings: Any) -> tuple[Cine, pd.DataFrame]:
    """The cine of `read_images` and the audit of its import."""
    found = read_images(images, *args, **settings)
    return found.cine, found.audit


def read_channels(
    images: str | Path, subject: str, cleaning: Mapping[str, Any], sequences: tuple[Sequence, ...]
) -> tuple[list[Cine], pd.DataFrame]:
    """The image of each of several sequences in a folder, and the audit of their import.

    Raises ValueError naming what is absent, of another patient, or on another grid.
    """
    found = find_images(Path(images), ",".join(sequence.key for sequence in sequences))
    audit, as_stored = Audit(subject), cleaning["mode"] == "compat"
    cines = []
    for sequence in sequences:
        cine, _ = read_whole(found.raw, found.study, sequence.key, audit, as_stored)
        if fault := other_kind(cine.voxels.shape, sequence):
            raise ValueError(f"{images}: {sequence.key} {fault}")
        cines.append(cine)
    try:
        check_one_grid(cines)
    except ValueError as error:
        raise ValueError(f"{images}: {error}") from error
    return cines, audit.table()


def unfit(settings: Mapping[str, Any]) -> str:
    """Why labels of a model cannot be measured by themselves; "" where they can."""
    if (kind := kind_of(settings)).writes != "label map":
        return f"its task is {kind.name}, which gives {kind.writes} and no label map"
    sequence = labelled_sequence(settings["sequence"])
    if not measures_of(sequence):
        return f"it labels {sequence.name} ({sequence.key}), of which nothing is measured"
    return ""


def other_kind(shape: tuple[int, ...], sequence: Sequence) -> str:
    """Why images (t, z, y, x) are obviously not of a sequence, "" where they may be."""
    frames, slices = shape[:2]
    # Tagged slices are single planes, of which an examination has several.
    if not sequence.volumetric and slices > 1 and sequence.plane != SEQUENCES[USUAL].plane:
        return f"has {slices} slices, expected the one plane of {sequence.name}"
    if not sequence.is_cine and frames > 1:
        return f"has {frames} frames, expected still images: {sequence.name}"
    # A short axis may be one frame, of which there are volumes.
    if sequence.is_cine and sequence.key != USUAL and frames == 1:
        return f"is a still image, expected all frames of {sequence.name}"
    return ""


@dataclass(frozen=True)
class Applied:
    """What a model made of one examination.

    image, labels: cines on one grid, (t, z, y, x); of several sequences the first one. volumes: one
    row of measures (measure.by_sequence). curves: a row per frame. audit: what the import repaired.
    intervals: of the volumes (model_file.interval_table), None of a model that is not calibrated.
    """

    image: Cine
    labels: Cine
    volumes: pd.DataFrame
    curves: pd.DataFrame
    audit: pd.DataFrame
    intervals: pd.DataFrame | None = None


def apply_model(
    images: str | Path,
    model: str | Path,
    subject: str = "subject",
    device: str = "cpu",
    ed: EndDiastole = "max",
    cleaning: Mapping[str, Any] = CLEANING,
    spacing_mm: tuple[float, float, float] | None = None,
    frame_interval_ms: float | None = None,
    series: str = "",
) -> Applied:
    """Label the images that a model knows, and measure them.

    images: of a short axis a folder of DICOM files, or a NIfTI cine (see inputs.find_images),
    brought to the orientation that networks know, or an HDF5 file as it is stored; of other
    sequences a NIfTI file, or a folder with one for each of several. model: folder of a model.
    subject: its name in the tables. device: cpu, cuda or mps. ed: see measure.volumes.
    cleaning: settings of dicom.study.import_study; mode compat takes a NIfTI cine as it is stored.
    spacing_mm (along z, y, x) and, if it is known, frame_interval_ms are for an HDF5 file alone,
    which does not have them. series: "" to find the cine among all DICOM series of a folder, "#7"
    for that SeriesNumber (see `import_study`). Save what is wanted with
    `applied.labels.save(path)` and `files.write_table(applied.volumes, path)`.
    Raises ValueError or SubjectError naming what cannot be read.
    """
    network, settings = load_model(model)
    if fault := unfit(settings):
        raise ValueError(f"{model}: {fault}; name a model that segments cines or still images")
    channels = channels_of(settings["sequence"])
    sequence = channels[0]
    if len(channels) > 1:
        cines, audit = read_channels(images, subject, cleaning, channels)
    else:
        found = read_images(
            images, subject, cleaning, spacing_mm, frame_interval_ms, series, sequence.key
        )
        cines, audit = [found.cine], found.audit
    if fault := other_kind(cines[0].voxels.shape, sequence):
        raise ValueError(f"{images}: {fault}; the model {model} labels these")
    image = cines[0]
    coarse = coarse_labels(model, settings, cines, device, subject)
    found_labels = predict_cine(network, cines, settings, device, subject=subject, coarse=coarse)
    labels = image.like(found_labels)
    tissues = tissues_of(settings["tissues"])
    curves = volume_curves(labels.voxels, labels.spacing_mm, subject, tissues, sequence)
    if has_phases(sequence):
        volumes = volumes_table(curves, {subject: labels.frame_interval_s}, ed)
    else:
        volumes = pd.DataFrame([{"subject": subject, **measures_of_curve(curves, sequence)}])
    return Applied(image, labels, volumes, curves, audit, _intervals(model, volumes, sequence, ed))


def _intervals(
    model: str | Path, volumes: pd.DataFrame, sequence: Sequence, ed: EndDiastole
) -> pd.DataFrame | None:
    """Intervals of the volumes that a model measured, None of one that is not calibrated."""
    found = read_calibration(model) if has_phases(sequence) else None
    if found is None:
        return None
    return interval_table(volumes, found, sha256(Path(model) / WEIGHTS), ed)


def _read_hdf5(
    found: Found, spacing_mm: tuple[float, float, float] | None, frame_interval_ms: float | None
) -> Cine:
    """The cine of an HDF5 file, as float32 like every import."""
    if found.layout != "hdf5":
        raise ValueError(
            f"{found.raw / found.study}: has its own spacing and frame interval; leave out "
            "spacing_mm and frame_interval_ms"
        )
    if spacing_mm is None:
        raise ValueError(
            f"{found.raw / found.study}: an HDF5 file does not say how large its voxels are; give "
            "spacing_mm=(slice distance, rows, columns)"
        )
    interval_s = math.nan if frame_interval_ms is None else frame_interval_ms / 1000
    grid = Grid((spacing_mm[0], spacing_mm[1], spacing_mm[2]), interval_s)
    cine, _ = reader({found.study: grid})(found.raw, found.study, USUAL, Audit(found.study))
    return single(cine)
