"""Labels drawn on the pixels of DICOM files, as label images or contours."""

import re
from collections import Counter
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
    NOT_IN_CINE,
    ONE_ATRIUM,
    OTHER_CONTOURS,
    OTHER_FILE,
    OUTSIDE,
    Subject,
    frames_in_words,
)
from cmrseg.contours import chambers, points
from cmrseg.contours.cvi42 import read_cvi42
from cmrseg.contours.qmass import ContourType, read_con, unused_contours
from cmrseg.contours.raster import Drawn, label_images
from cmrseg.contours.workspaces import workspace_of
from cmrseg.dicom.placement import place_labels
from cmrseg.files import read_table
from cmrseg.layouts.png import read_pixels
from cmrseg.sequences import SEQUENCES, USUAL, sources_path

# Names of contours that cvi42 gives itself: a kind, and a number where there are several. A reader
# may have named others after anybody.
OF_CVI42 = re.compile(r"([A-Za-z]{1,40})\d{0,4}")


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


def cvi42(subject: Subject) -> np.ndarray | None:
    """Contours of a cvi42 workspace: `<folder>/<annotation>` with an ending of ENDINGS.

    Contours of images of other sequences are theirs. None where this one has none.
    """
    path, sequence = workspace_of(subject.folder, subject.annotation), subject.sequence.key
    if path is None:
        return None
    sources = read_table(sources_path(subject.image, sequence))
    contours = {image: _from_0(subject, found) for image, found in read_cvi42(path).items()}
    mode = "compat" if cleaned_as_published(subject.image, sequence) else "corrected"
    try:
        found = chambers.label_images(contours, sources, sequence, mode)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    if found.others:
        subject.audit.add(OTHER_CONTOURS, path.name, _counted(found.others))
    elsewhere = len(found.elsewhere - _images_of_others(subject))
    if all(labels is None for labels in found.drawn.labels.values()) and not found.drawn.outside:
        if elsewhere:
            raise ValueError(
                f"{path.name}: contours of {elsewhere} images, none of which is in the cine; the "
                "DICOM files need their SOPInstanceUID as name; are they of another study?"
            )
        return None
    if elsewhere:
        images = "1 image" if elsewhere == 1 else f"{elsewhere} images"
        subject.audit.add(NOT_IN_CINE, path.name, images)
    _add_images(subject, ONE_ATRIUM, found.one_atrium, sources)
    return _placed(subject, found.drawn, sources)


def _counted(others: Mapping[str, int]) -> str:
    """Kinds of contours, and how many there are."""
    kinds: Counter[str] = Counter()
    for name, count in others.items():
        match = OF_CVI42.fullmatch(name)
        kinds[match[1] if match else "with another name"] += count
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _images_of_others(subject: Subject) -> set[str]:
    """Images of the subject's other sequences, which have contours of their own."""
    paths = [sources_path(subject.image, key) for key in SEQUENCES]
    tables = [read_table(path) for path in paths if path.is_file()]
    return {chambers.image_of(file) for table in tables for file in table["file"]}


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
        _add_images(subject, kind, files, sources)
    return place_labels(
        drawn.labels.__getitem__, sources, subject.cine.voxels.shape, subject.sequence.tissues
    )


def _add_images(
    subject: Subject, kind: tuple[str, str], files: list[str], sources: pd.DataFrame
) -> None:
    """One row of the audit about all images with a problem; the first one is named."""
    if files:
        by_file = sources.drop_duplicates("file").set_index("file")
        where = frames_in_words(sorted(set(by_file.loc[files, "t"])))
        images = "1 image" if len(files) == 1 else f"{len(files)} images"
        subject.audit.add(kind, files[0], f"{images} of {where}")
