"""A model of landmarks on one tagged cine, without a study, as `apply.apply_model` of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.apply import CLEANING, other_kind, read_images
from cmrseg.cine import Cine
from cmrseg.layouts.inputs import TAGGED
from cmrseg.layouts.tag_check import without_tags
from cmrseg.learn.coarse_labels import coarse_labels
from cmrseg.learn.label import load_model
from cmrseg.learn.tag_images import points_placed
from cmrseg.learn.track import track_cine
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.phenotypes.tagging import measured
from cmrseg.phenotypes.tagging_table import strain_table
from cmrseg.ring import LANDMARKS
from cmrseg.sequences import labelled_sequence
from cmrseg.tasks.kinds import kind_of


def untracked(settings: Mapping[str, Any]) -> str:
    """Why strain cannot be measured of the points of a model; "" where it can."""
    if (kind := kind_of(settings)).writes != "points":
        return f"its task is {kind.name}, which gives {kind.writes} and no landmarks"
    if points_placed(settings) != LANDMARKS:
        return "it finds the heart for a model of landmarks"
    return ""


@dataclass(frozen=True)
class Tracked:
    """What a model of landmarks made of a tagged cine.

    image: (t, z, y, x). points: (t, z, 168, 2), landmarks (y, x) in px of the image, nan where
    there are none. strain: at end-systole and its peak (phenotypes.tagging_table). measures: values
    of phenotypes.tagging.COLUMNS. curves: a row per layer, place and frame. audit: what the import
    repaired.
    """

    image: Cine
    points: np.ndarray
    strain: pd.DataFrame
    measures: Mapping[str, float]
    curves: pd.DataFrame
    audit: pd.DataFrame


def track_model(
    images: str | Path,
    model: str | Path,
    subject: str = "subject",
    device: str = "cpu",
    cleaning: Mapping[str, Any] = CLEANING,
    spacing_mm: tuple[float, float, float] | None = None,
    frame_interval_ms: float | None = None,
    series: str = "",
) -> Tracked:
    """Place landmarks in a tagged cine, and measure strain of them.

    images: a folder of DICOM files, a NIfTI cine, or an HDF5 file as stored, with slices from base
    to apex. model: folder of a model of landmarks; that of its coarse model lies beside it.
    spacing_mm (along z, y, x) and frame_interval_ms: of an HDF5 file. series: of DICOM as of
    `apply_model`, of an HDF5 file its rows, as 0,1,2. Other arguments as `apply_model`. Save what
    is wanted with `points.save_points(tracked.points, tracked.image, path)` and
    `files.write_table(tracked.strain, path)`. Raises ValueError or SubjectError naming what cannot
    be read, an image without tags, and one in which no landmark was placed.
    """
    network, settings = load_model(model)
    if fault := untracked(settings):
        raise ValueError(f"{model}: {fault}; name a model that places landmarks in tagged cines")
    sequence = labelled_sequence(settings["sequence"])
    found = read_images(
        images, subject, cleaning, spacing_mm, frame_interval_ms, series, sequence.key
    )
    image = found.cine
    fault = other_kind(image.voxels.shape, sequence)
    # Headers of DICOM files may tell of tags that pictures do not show.
    if found.series is None:
        fault = fault or without_tags(image, sequence.key)
    if fault:
        raise ValueError(f"{images}: {fault}")
    try:
        box = coarse_labels(model, settings, [image], device, subject)
        points = track_cine(network, image, settings, device, subject, box=box)
        found_strain = strain_of(image, points, subject)
    except ValueError as error:
        raise ValueError(f"{images}: {error}") from error
    strain, curves = strain_table(found_strain.details), found_strain.details
    return Tracked(image, points, strain, found_strain.values, curves, found.audit)


def strain_of(image: Cine, points: np.ndarray, subject: str) -> Measured:
    """Strain of landmarks (t, z, 168, 2) in a tagged cine, without labels of a short axis."""
    examination = Examination(subject, {}, {}, {TAGGED: image}, points={TAGGED: points})
    return measured(examination, "corrected")
