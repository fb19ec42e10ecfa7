"""What a session of the page holds: images, what could be chosen, labels or landmarks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.calibrate.model_file import ModelCalibration
from cmrseg.labels import Tissue
from cmrseg.sequences import USUAL, Sequence


@dataclass(frozen=True)
class Headers:
    """Headers of the DICOM files of a cine, without pixels, for DICOM objects that refer to them.

    table: of sources, a row per slice and frame. sources: `export.source_images.Sources`. fault:
    why there can be no such objects, else empty.
    """

    table: pd.DataFrame
    sources: Any
    fault: str = ""


@dataclass(frozen=True)
class Loaded:
    """An imported cine; voxels are in the session's folder (`cine.npy`, `image.u8`).

    name: of the upload, safe to show. shape: (t, z, y, x). affine, file_affine: (4, 4) of the cine
    and of the NIfTI file it was read from, None for others. spacing_mm: along z, y, x as the
    header has it. notes: text on what the import did and what is known. is_sample: whether it is a
    simulated digital heart. series: numbers of the DICOM series it was read from. sequences: of
    each image that lies on this grid, the first one in `cine.npy`; a single one is what it was read
    as. placed: whether the affine tells how the heart lies in the patient. headers: of DICOM files.
    """

    number: int
    name: str
    shape: tuple[int, ...]
    affine: Any
    file_affine: Any
    spacing_mm: tuple[float, ...]
    spacing_fault: str
    interval_s: float
    notes: list[str]
    is_sample: bool
    series: str = ""
    sequences: tuple[str, ...] = (USUAL,)
    placed: bool = True
    headers: Headers | None = None


@dataclass(frozen=True)
class Offer:
    """DICOM files whose series the user can choose from.

    name: of the upload, safe to show. folder: of the files, in the session's folder. rows: of the
    list of series (`app.series.rows_of`). sequence: what they are looked through for.
    """

    number: int
    name: str
    folder: Path
    rows: list[dict[str, Any]]
    sequence: str = USUAL


@dataclass(frozen=True)
class Labelled:
    """A model's segmentation of the cine; label maps are in the session's folder (`labels.u8`).

    affine: (4, 4) of the cine; where the file has no spacing, with the one that was given.
    sequence: the one whose grid the labels lie on. curves: a row per frame (measure.volumes).
    ed_frame, es_frame: chosen from the volumes, or areas. folder, calibration: of the model;
    uncalibrated: why a model's calibration is not used, "" without a reason. look: what is unusual
    about the labels. edited: frames and slices (from 0) whose labels somebody changed. largest:
    whether only the largest piece of each tissue is shown. toy: what is said of a model that is not
    for patients.
    """

    number: int
    model: str
    weights_sha256: str
    tissues: tuple[Tissue, ...]
    sequence: Sequence
    affine: Any
    spacing_mm: tuple[float, ...]
    interval_s: float
    species: str | None
    curves: pd.DataFrame
    ed_frame: int
    es_frame: int
    warnings: list[str]
    folder: Path
    calibration: ModelCalibration | None = None
    uncalibrated: str = ""
    look: str = ""
    edited: frozenset[tuple[int, int]] = frozenset()
    largest: bool = False
    toy: str = ""


@dataclass(frozen=True)
class Tracked:
    """Landmarks that a model placed in the cine; for display they are in `points.f32`, too.

    affine, spacing_mm, interval_s: as of Labelled. points: (t, z, 168, 2), (y, x) in px of the
    cine. box: (t, z, 2, 2), the corners of that in which they were placed, nan without one. curves:
    details of the measure `tagging`.
    """

    number: int
    model: str
    weights_sha256: str
    affine: Any
    spacing_mm: tuple[float, ...]
    interval_s: float
    points: Any
    box: Any
    curves: pd.DataFrame
    warnings: list[str]
