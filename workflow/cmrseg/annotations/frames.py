"""Labels as published: one label image per frame and slice of the cleaned cine."""

import numpy as np

from cmrseg.annotations.grids import cleaned_as_published
from cmrseg.annotations.subject import OTHER_FILE, Subject
from cmrseg.labels import UNLABELLED
from cmrseg.layouts.png import picture_files, read_picture


def frames(subject: Subject) -> np.ndarray | None:
    """Label images of frames and slices, `<folder>/<annotation>/<name>-frame<fff>-slice<sss>.png`.

    name is the last part of the annotation; numbers count from 0. The label images are on the grid
    of the published cleaning and have its orientation (`png.read_picture`), so images from DICOM
    have to be cleaned in mode compat. An image without a file is UNLABELLED.
    """
    study, cine = subject.folder / subject.annotation, subject.cine
    if not study.is_dir():
        return None
    if cleaned_as_published(subject.image) is False:
        raise ValueError(
            f"{subject.annotation}: these label images are on the grid of the published cleaning; "
            "import the cohort in mode compat"
        )
    pictures, others = picture_files(study, study.name)
    if not pictures:
        raise ValueError(f"{study}: no file {study.name}-frame<fff>-slice<sss>.png")
    for path in others:
        subject.audit.add(OTHER_FILE, f"{subject.annotation}/{path.name}", "no label image")
    carried = np.full(cine.voxels.shape, UNLABELLED, np.uint8)
    count, slices, rows, columns = cine.voxels.shape
    for (t, z), path in pictures.items():
        if t >= count or z >= slices:
            raise ValueError(
                f"{path.name}: the image has the frames 0 to {count - 1} and the slices 0 to "
                f"{slices - 1}; names of files count from 0"
            )
        label = read_picture(path)
        if label.shape != (rows, columns):
            raise ValueError(
                f"{path.name}: {label.shape[1]} x {label.shape[0]} pixels (X x Y), the image has "
                f"{columns} x {rows}; it belongs to images cleaned in mode compat"
            )
        carried[t, z] = subject.labels(label, path.name)
    return carried
