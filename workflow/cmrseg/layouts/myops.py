"""Import of MyoPS: the sequences of a case, each a still stack in a file, on the first one's grid.

Li et al. 2023, doi:10.1016/j.media.2023.102808. The challenge's images are aligned and on one grid,
and come through as they are; others are brought to it by their places in the patient.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    COLUMNS,
    LOST,
    NO_IMAGES,
    OTHER,
    TWO_PATIENTS,
    Audit,
    SubjectError,
)
from cmrseg.files import write_table
from cmrseg.layouts.matched import matched
from cmrseg.layouts.myops_files import ENDINGS, files_of_case, nifti_files
from cmrseg.layouts.nifti import read_cine
from cmrseg.layouts.ready_made import checked
from cmrseg.sequences import SEQUENCES, image_path, sources_path

# Problem and resolution, as in the audit of every import; docs/data.md describes them.
ABSENT = ("sequence missing", LOST)


def import_cases(
    rows: pd.DataFrame, raw: Path, images: Path, sequences: Sequence[str], as_stored: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<images>/<subject>/<sequence>.nii.gz` of every case that has all sequences.

    rows: subject and study, the case. sequences: those of the cohort; all are on the grid of the
    first one. as_stored: see `nifti.read_cine`. Images are float32. Returns the audit and the (here
    empty) headers. A case that lacks a sequence, or of which one cannot be read or matched, is in
    the audit with the reason, and has no folder.
    """
    files = nifti_files(raw)
    audits = []
    for subject, case in rows[["subject", "study"]].itertuples(index=False):
        audit = Audit(subject)
        try:
            found = read_case(raw, files, case, sequences, audit, as_stored)
        except SubjectError as error:
            audit.add(error.kind, error.image, error.detail)
        else:
            target = images / subject
            target.mkdir()
            for sequence, (cine, sources) in found.items():
                cine.save(image_path(target, sequence))
                write_table(sources, sources_path(target, sequence))
        audits.append(audit.table())
    headers = pd.DataFrame({"file": [], "dir": [], "pid": []}, dtype=str)
    joined = pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS)
    return joined, headers


def read_case(
    raw: Path,
    files: Sequence[str],
    case: str,
    sequences: Sequence[str],
    audit: Audit,
    as_stored: bool = False,
) -> dict[str, tuple[Cine, pd.DataFrame]]:
    """The images of a case by sequence, and their sources (z, t, file), on the first one's grid.

    files: of `nifti_files`. Raises SubjectError where a sequence is missing, is there twice, cannot
    be read, or does not match the first one.
    """
    paths = {sequence: raw / file_of(files, case, sequence) for sequence in sequences}
    own = {key: Audit(audit.subject) for key in paths}
    found = {}
    for key, path in paths.items():
        read = partial(_read, path, key, own[key], as_stored)
        try:
            found[key], _ = checked(read, key, path.parent, raw)
        except SubjectError as error:
            raise SubjectError(error.kind, path.name, error.detail) from error
        audit.rows += own[key].rows
    first = sequences[0]
    onto = {
        key: (matched(cine, paths[key], found[first], paths[first], audit), paths[key])
        for key, cine in found.items()
    }
    return {key: (cine, _sources(cine, path.name)) for key, (cine, path) in onto.items()}


def file_of(files: Sequence[str], case: str, sequence: str) -> str:
    """The file of a sequence of a case. Raises SubjectError where there is none, or two."""
    try:
        found = files_of_case(files, case, ENDINGS[sequence])
        others = {key: files_of_case(files, case, names) for key, names in ENDINGS.items()}
    except ValueError as error:
        raise SubjectError(TWO_PATIENTS, "", str(error)) from error
    if len(found) > 1:
        raise SubjectError(OTHER, "", f"{' and '.join(found)} are both there; keep one of them")
    if found:
        return found[0]
    there = [key for key, names in others.items() if names]
    ends = " or ".join(f"_{word.upper()}.nii.gz" for word in ENDINGS[sequence])
    if not there:
        raise SubjectError(
            NO_IMAGES, "", f"no file of case {case} ends with {ends}; check the subject table"
        )
    raise SubjectError(
        ABSENT,
        sequence,
        f"no file of case {case} ends with {ends}, there are {', '.join(there)}; add it, or name "
        "fewer sequences in the cohort",
    )


def _read(path: Path, sequence: str, audit: Audit, as_stored: bool) -> tuple[Cine, pd.DataFrame]:
    return read_cine(path, audit, SEQUENCES[sequence], as_stored), pd.DataFrame()


def _sources(cine: Cine, file: str) -> pd.DataFrame:
    """Slices of an image with its file."""
    return pd.DataFrame(
        [(z, 0, file) for z in range(cine.voxels.shape[1])], columns=["z", "t", "file"]
    )
