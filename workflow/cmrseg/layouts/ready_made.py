"""Import of a shard whose images are no DICOM: a cine per subject, or why there is none."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine, check_grid
from cmrseg.dicom.audit import (
    COLUMNS,
    NO_TAGS,
    OTHER,
    TWO_PATIENTS,
    UNREADABLE,
    WITHOUT_SEQUENCE,
    Audit,
    SubjectError,
    without_folders,
)
from cmrseg.files import write_table
from cmrseg.layouts.tag_check import without_tags
from cmrseg.sequences import SEQUENCES, USUAL, image_path, sources_path

logger = logging.getLogger(__name__)

# Takes the raw folder, the study, the sequence and the subject's audit; gives the image and its
# sources (z, t, file). Raises SubjectError or ValueError where it cannot be imported.
Reader = Callable[[Path, str, str, Audit], tuple[Cine, pd.DataFrame]]


def import_studies(
    rows: pd.DataFrame, raw: Path, images: Path, read: Reader, sequences: Sequence[str] = (USUAL,)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<images>/<subject>/<sequence>.nii.gz`, and its sources, for all that can be read.

    rows: subject and study. sequences: those of the cohort. Images are float32. Returns the audit
    and the (here empty) headers. A subject without any image that can be read is in the audit with
    the reason, and has no folder; one without some of its sequences has the others, and the audit
    names the missing ones.
    """
    audits = []
    for subject, study in rows[["subject", "study"]].itertuples(index=False):
        audit = Audit(subject)
        of_study = partial(_image, read, raw, study, audit=audit)
        import_sequences(of_study, sequences, images / subject, audit)
        audits.append(audit.table())
    headers = pd.DataFrame({"file": [], "dir": [], "pid": []}, dtype=str)
    joined = pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS)
    return joined, headers


def import_sequences(
    image_of: Callable[[str], tuple[Cine, pd.DataFrame]],
    sequences: Sequence[str],
    target: Path,
    audit: Audit,
) -> None:
    """Write what a subject has of some sequences to its folder, and audit what it lacks.

    image_of: gives the image of a sequence and its sources, or raises SubjectError. Without any
    image the subject is excluded, and there is no folder. Raises SubjectError (TWO_PATIENTS) where
    the images are not of one person.
    """
    found: dict[str, tuple[Cine, pd.DataFrame]] = {}
    failed: dict[str, SubjectError] = {}
    for sequence in sequences:
        try:
            found[sequence] = image_of(sequence)
        except SubjectError as error:
            if error.kind == TWO_PATIENTS:
                raise  # it is not known whose the other images are
            failed[sequence] = error
    for sequence, lost in failed.items():
        if found:
            audit.add(WITHOUT_SEQUENCE, sequence, str(lost))
        else:
            audit.add(lost.kind, lost.image, lost.detail)
    if found:
        target.mkdir()
    for sequence, (cine, sources) in found.items():
        cine.save(image_path(target, sequence))
        write_table(sources, sources_path(target, sequence))


def _image(
    read: Reader, raw: Path, study: str, sequence: str, audit: Audit
) -> tuple[Cine, pd.DataFrame]:
    """The image of a sequence and its sources. Whatever is wrong is a SubjectError."""
    return checked(partial(read, raw, study, sequence, audit), sequence, raw / study, raw)


def checked(
    read: Callable[[], tuple[Cine, pd.DataFrame]], sequence: str, *folders: Path
) -> tuple[Cine, pd.DataFrame]:
    """What `read` gives, as float32. Whatever is wrong with it is a SubjectError.

    folders: messages have paths relative to these.
    """
    try:
        cine, sources = read()
        if len(cine.voxels) > 1 and not SEQUENCES[sequence].is_cine:
            raise ValueError(
                f"{sequence} has {len(cine.voxels)} frames, expected a still image; "
                "keep one frame, or name the sequence of cines that it is"
            )
        if fault := without_tags(cine, sequence):
            raise SubjectError(NO_TAGS, "", fault)
        return single(cine), sources
    except SubjectError:
        raise
    except ValueError as error:
        raise SubjectError(UNREADABLE, "", _shortened(error, folders)) from error
    except Exception as error:
        # Whatever else happens is the subject's failure, by name, and not the shard's.
        logger.exception("%s: %s cannot be read", folders[0].name, sequence)
        detail = f"{type(error).__name__}: {_shortened(error, folders)}"
        raise SubjectError(OTHER, "", detail) from error


def single(cine: Cine) -> Cine:
    """The cine as float32. Raises ValueError for what a file of it could not hold."""
    check_grid(cine)
    with np.errstate(over="ignore"):
        voxels = cine.voxels.astype(np.float32)
    if not np.isfinite(voxels).all():
        raise ValueError(
            f"grey values up to {abs(cine.voxels).max():g} are too large for single precision; "
            "repair the slope in the header"
        )
    return cine.like(voxels)


def _shortened(error: Exception, folders: Sequence[Path]) -> str:
    """An error's text with names below some folders."""
    text = str(error)
    for folder in folders:
        text = without_folders(text, folder)
    return text
