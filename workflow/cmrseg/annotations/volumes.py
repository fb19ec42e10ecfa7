"""Label volumes: NIfTI files on the image's grid, or on any grid in the same patient."""

import re
from pathlib import Path

import numpy as np

from cmrseg.annotations.grids import cleaned_as_published, onto, share_on
from cmrseg.annotations.subject import BESIDE_IMAGE, EMPTY_FRAME, Subject, frames_in_words
from cmrseg.cine import Cine
from cmrseg.dicom.audit import FORMS
from cmrseg.labels import UNLABELLED, Tissue, values_of
from cmrseg.layouts.inputs import SUFFIXES, stems
from cmrseg.layouts.nifti import FRAMES, check_finite, onto_order
from cmrseg.layouts.nifti_files import existing
from cmrseg.nifti_header import forms_differ, is_placed, read_header
from cmrseg.orientation import same_grid

# A larger fraction of labels outside the image is audited.
LOST_FRACTION = 0.01


def pair(subject: Subject) -> np.ndarray | None:
    """Labels of both phases: `<folder>/<annotation>/label_<sequence>_{ED,ES}.nii.gz`.

    They must lie on the image's grid; their axes may have another order.
    """
    study, stem = subject.folder / subject.annotation, f"label_{subject.sequence.key}_"
    if not (study / f"{stem}{FRAMES[0]}.nii.gz").exists():
        return None
    found = []
    for frame in FRAMES:
        path = study / f"{stem}{frame}.nii.gz"
        labels = Cine.load(path)
        check_finite(labels.voxels, path)
        if len(labels.voxels) != 1:
            raise ValueError(f"{path.name}: {len(labels.voxels)} frames, expected 1")
        labels = labels.like(subject.labels(labels.voxels, path.name))
        try:
            found.append(onto_order(labels, subject.cine).voxels)
        except ValueError as error:
            raise ValueError(
                f"{path.name}: labels and image differ: {error}; save the labels on the grid of "
                "the image"
            ) from error
    return np.concatenate(found)


def volumes(subject: Subject) -> np.ndarray | None:
    """Labels of any frames, transferred to the image by their position in the patient.

    `<folder>/<annotation>/<sequence>.nii.gz` has all frames of the image;
    `<annotation>/<sequence>_frame<fff>.nii.gz` has one, counted from 0, and takes precedence.
    Labels of the short axis may also be named `<annotation>.nii.gz`. A volume without any tissue is
    an unlabelled frame. Other frames, and what lies outside of the labels, are UNLABELLED. Images
    cleaned in mode compat lose their position in the patient, so labels have to be drawn on them.
    """
    cine = subject.cine
    paths = [subject.folder / stem for stem in stems(subject.annotation, subject.sequence.key)]
    there = [path for path in paths if existing_labels(path)]
    if len(there) > 1:
        names = " and ".join(path.relative_to(subject.folder).as_posix() for path in there)
        raise ValueError(f"labels of {names} both exist; keep one of them")
    path = there[0] if there else paths[0]
    whole = existing(path.parent, path.name)
    single = _frame_files(path)
    if not whole and not single:
        return None
    if len(whole) > 1:
        raise ValueError(f"{whole[0].name} and {whole[1].name} both exist; keep one of them")
    frames = len(cine.voxels)
    carried = np.full(cine.voxels.shape, UNLABELLED, np.uint8)
    for file in whole:
        labels = _read(file, subject)
        if len(labels) != frames:
            raise ValueError(
                f"{file.name}: {len(labels)} frames, the image has {frames}; name the labels of "
                f"one frame {path.name}_frame<fff>.nii.gz"
            )
        carried = labels
    for frame, file in single.items():
        labels = _read(file, subject)
        if len(labels) != 1:
            raise ValueError(
                f"{file.name}: {len(labels)} frames, expected 1; name the labels of all frames "
                f"{path.name}.nii.gz"
            )
        if frame >= frames:
            raise ValueError(
                f"{file.name}: the image has frames 0 to {frames - 1}; file names count from 0"
            )
        carried[frame] = labels[0]
    tissue = np.isin(carried, values_of(Tissue)[1:]).any(axis=(1, 2, 3))
    if not tissue.any():
        raise ValueError(
            f"{path.name}: no labelled tissue within the image in any frame; save the labels with "
            "the position of the images they were drawn on, or remove them"
        )
    empty = ~tissue & (carried != UNLABELLED).any(axis=(1, 2, 3))
    if empty.any():
        subject.audit.add(EMPTY_FRAME, path.name, frames_in_words(np.flatnonzero(empty)))
    carried[empty] = UNLABELLED
    return carried


def existing_labels(path: Path) -> bool:
    """Whether there are label volumes of that name, without its suffix, of all or single frames."""
    return bool(existing(path.parent, path.name) or _frame_files(path))


def _frame_files(path: Path) -> dict[int, Path]:
    """The files of single frames, by frame."""
    endings = "|".join(map(re.escape, SUFFIXES))
    name = re.compile(rf"{re.escape(path.name)}_frame(\d+)({endings})")
    found: dict[int, Path] = {}
    for file in sorted(path.parent.iterdir()) if path.parent.is_dir() else []:
        if (match := name.fullmatch(file.name)) is None:
            continue
        frame = int(match[1])
        if frame in found:
            raise ValueError(
                f"{found[frame].name} and {file.name} are both for one frame; keep one"
            )
        found[frame] = file
    return found


def _read(path: Path, subject: Subject) -> np.ndarray:
    """Labels of a file on the grid of the image: (t, z, y, x) uint8."""
    labels = Cine.load(path)
    return placed_on(labels.like(subject.labels(labels.voxels, path.name)), path, subject)


def placed_on(labels: Cine, path: Path, subject: Subject) -> np.ndarray:
    """Labels (uint8) on the grid of a subject's image: (t, z, y, x), UNLABELLED outside of them.

    path: the file they are of. What lies beside the image is audited. Raises ValueError naming the
    file where the labels are on another grid without a position, or do not overlap the image.
    """
    cine = subject.cine
    header = read_header(path)
    if difference := forms_differ(header):
        subject.audit.add(FORMS, path.name, difference)
    if same_grid(labels, cine):
        return labels.voxels
    if not is_placed(header):
        raise ValueError(
            f"{path.name}: has neither sform nor qform, and another grid than the image; save the "
            "labels with the position of the images they were drawn on"
        )
    if cleaned_as_published(subject.image):
        raise ValueError(
            f"{path.name}: the labels are on another grid than the image, and mode compat does "
            "not keep the position in the patient; import the cohort in mode corrected"
        )
    try:
        carried = onto(labels, cine)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    lost = 1 - share_on(labels, cine)
    if lost > LOST_FRACTION:
        subject.audit.add(BESIDE_IMAGE, path.name, f"{lost:.0%} of the labels")
    return carried
