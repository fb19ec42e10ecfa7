"""Labels drawn on the pixels of DICOM files, as label images or contours."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.annotations.grids import cleaned_as_published
from cmrseg.annotations.subject import (
    APART,
    LEFT_OUT,
    NO_ENDOCARDIUM,
    NO_EPICARDIUM,
    OTHER_FILE,
    OUTSIDE,
    Subject,
    frames_in_words,
)
from cmrseg.contours import points
from cmrseg.contours.qmass import ContourType, read_con, unused_contours
from cmrseg.contours.raster import Drawn, label_images
from cmrseg.dicom.placement import place_labels
from cmrseg.files import read_table
from cmrseg.layouts.png import read_pixels
from cmrseg.sequences import USUAL, sources_path


def masks(subject: Subject) -> np.ndarray | None:
    """Label images of files: `<folder>/<set>/<set>/<annotation>/study/<series>/<file>.png`."""
    name = str(subject.row["set"])
    study = subject.folder / name / name / subject.annotation / "study"
    if not study.is_dir():
        return None

    def read(file: str) -> np.ndarray | None:
        path = (study / file).with_suffix(".png")
        if not path.exists():
            return None
        return subject.labels(read_pixels(path)[0], file)

    return place_labels(
        read, read_table(sources_path(subject.image, USUAL)), subject.cine.voxels.shape
    )


def qmass(subject: Subject) -> np.ndarray | None:
    """QMass contours of a whole study: `<folder>/<annotation>.con`."""
    path = subject.folder / f"{subject.annotation}.con"
    if not path.exists():
        return None
    sources = read_table(sources_path(subject.image, USUAL))
    contours = read_con(path)
    contours = replace(contours, points=_from_0(subject, contours.points))
    try:
        drawn = label_images(contours, sources, bool(cleaned_as_published(subject.image)))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    for slice_, frame in unused_contours(contours, sources):
        subject.audit.add(
            LEFT_OUT, path.name, f"slice {slice_}, frame {frame} (from 0, as in the file)"
        )
    return _placed(subject, drawn, sources)


def text(subject: Subject) -> np.ndarray | None:
    """Contours of images: `<folder>/<annotation>/**/*-<InstanceNumber>-{i,o}contour*.txt`."""
    study = subject.folder / subject.annotation
    if not study.is_dir():
        return None
    sources = read_table(sources_path(subject.image, USUAL))
    contours, others = points.read_folder(study)
    contours = _from_0(subject, contours)
    for path in others:
        subject.audit.add(
            OTHER_FILE,
            path.relative_to(subject.folder).as_posix(),
            "neither endocardium nor epicardium",
        )
    try:
        published = bool(cleaned_as_published(subject.image))
        drawn, left_out = points.label_images(contours, sources, published)
    except ValueError as error:
        raise ValueError(f"{subject.annotation}: {error}") from error
    for number in left_out:
        subject.audit.add(LEFT_OUT, subject.annotation, f"InstanceNumber {number}")
    return _placed(subject, drawn, sources)


def _from_0(subject: Subject, contours: Mapping[Any, np.ndarray]) -> dict[Any, np.ndarray]:
    """Contours whose coordinates are 0 at the centre of the first pixel."""
    return {key: xy - subject.first_pixel for key, xy in contours.items()}


def _placed(subject: Subject, drawn: Drawn, sources: pd.DataFrame) -> np.ndarray:
    """Drawn labels on the image's grid; problems go to the audit."""
    spacing_mm = subject.cine.spacing_mm[1]
    by_file = sources.drop_duplicates("file").set_index("file")
    for file, outside in drawn.outside.items():
        furthest_mm = outside.furthest_px * spacing_mm * by_file.loc[file, "scale_y"]
        subject.audit.add(
            APART if outside.apart else OUTSIDE,
            file,
            f"{outside.pixels} pixels ({outside.share:.0%}) of the cavity lie outside, up to "
            f"{outside.furthest_px:.1f} px ({furthest_mm:.1f} mm) away",
        )
    for kind, contour in (
        (NO_EPICARDIUM, ContourType.ENDOCARDIUM),
        (NO_ENDOCARDIUM, ContourType.EPICARDIUM),
    ):
        files = [file for file, alone in drawn.alone.items() if alone == contour]
        if files:
            where = frames_in_words(sorted(set(by_file.loc[files, "t"])))
            images = "1 image" if len(files) == 1 else f"{len(files)} images"
            subject.audit.add(kind, files[0], f"{images} of {where}")
    return place_labels(drawn.labels.__getitem__, sources, subject.cine.voxels.shape)
