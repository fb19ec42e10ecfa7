"""Examinations in folders of DICOM files: each is imported as in a study, and nothing is kept."""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from cmrseg.describe.found import Found, entries
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.layout import folder_files
from cmrseg.dicom.reading import read_file
from cmrseg.dicom.study import import_study
from cmrseg.dicom.zipped import place_of

logger = logging.getLogger(__name__)

FOLDER = {"layout": "folder", "mode": "corrected", "max_size_px": 256}
KAGGLE = {**FOLDER, "layout": "kaggle"}
SETS = ("train", "validate", "test")
# Files of a folder that are opened to see whether it holds DICOM, and whose.
TRIED = 20


def in_folders(folder: Path) -> Found | None:
    """DICOM files in one folder per examination, or of one examination; None for no DICOM.

    Folders of one StudyInstanceUID, or without it of one patient, are series of one examination.
    """
    firsts = {path: _first(path) for path in entries(folder) if path.is_dir()}
    dicom = {path: frame for path, frame in firsts.items() if frame is not None}
    whose = {frame.origin.study or frame.patient for frame in dicom.values()}
    one = len(dicom) > 1 and len(whose) == 1 and whose != {""}
    if one or (not dicom and _first(folder) is not None):
        found = Found("folder", folder.parent)
        _import(found, folder.name, folder, FOLDER)
        return found
    if not dicom:
        return None
    found = Found("folder", folder)
    for path, frame in firsts.items():
        if frame is None:
            found.unclear.append((path.name, "no DICOM file of an image"))
        elif _import(found, path.name, path, FOLDER) and frame.patient:
            found.patients[path.name] = frame.patient
    others = [path.name for path in entries(folder) if not path.is_dir()]
    found.unclear += [(name, "a file beside the folders of examinations") for name in others]
    return found


def in_kaggle_s_tree(folder: Path) -> Found | None:
    """The tree of the Data Science Bowl; None for another one."""
    found = Found("kaggle", folder)
    for name in SETS:
        for path in sorted((folder / name / name).glob("*/study")):
            study = path.parent.name
            if study in found.sets:
                reason = f"also in set {found.sets[study]}; give one of them another name"
                found.unclear.append((f"{name}/{study}", reason))
            elif _import(found, study, path, KAGGLE):
                found.sets[study] = name
    return found if found.studies or found.unclear else None


def _import(found: Found, study: str, folder: Path, settings: Mapping[str, Any]) -> bool:
    """Import one examination and note what it holds, or why it cannot be imported."""
    logger.info("reading %s", study)
    try:
        imported = import_study(folder, study, settings)
    except SubjectError as error:
        found.unclear.append((study, str(error)))
        return False
    frames, slices = imported.cine.voxels.shape[:2]
    repairs = len(imported.audit)
    words = f"short-axis cine of {slices} slices and {frames} frames"
    found.studies[study] = words + (f", {repairs} notes in the audit" if repairs else "")
    return True


def _first(folder: Path) -> Frame | None:
    """The first image of a folder, among the first files of it."""
    return next(_frames(folder), None)


def _frames(folder: Path) -> Iterator[Frame]:
    listed = folder_files(folder, "", zips=True)
    for file in islice((file for files in listed.values() for file in files), TRIED):
        try:
            yield from read_file(place_of(folder, file), file, lenient=True)
        except (NotDicomError, SubjectError):
            continue
