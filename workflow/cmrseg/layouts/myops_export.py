"""Label maps as the MyoPS challenge takes them: its values, on the grid of its image files.

Li et al. 2023, doi:10.1016/j.media.2023.102808.
"""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nibabel as nib

from cmrseg.cine import Cine
from cmrseg.dicom.audit import NO_IMAGES, SubjectError
from cmrseg.files import replacing
from cmrseg.layouts.inputs import case_of
from cmrseg.layouts.myops import file_of
from cmrseg.layouts.myops_codes import as_codes
from cmrseg.layouts.myops_files import nifti_files
from cmrseg.layouts.nifti import turned_back
from cmrseg.layouts.nifti_files import whole_file
from cmrseg.nifti_header import affine_mm, read_header
from cmrseg.sequences import image_path

# How names of the challenge's label maps end.
ENDING = "_gd.nii.gz"


def as_file(labels: Cine, file: Path) -> nib.Nifti1Image:
    """Labels of a still image in the challenge's values, as the voxels lie in the image's file.

    The order of axes, both forms of the position and their codes are those of the file. Errors as
    `as_codes`, and ValueError where the labels are not of this file.
    """
    header = read_header(file)
    affine = affine_mm(header)
    codes = turned_back(labels.like(as_codes(labels.voxels)), affine).voxels[0].T
    if codes.shape != (shape := tuple(header.get_data_shape()[:3])):
        raise ValueError(
            f"its labels have {codes.shape} voxels, {file.name} has {shape}; label this image again"
        )
    image = nib.Nifti1Image(codes, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(affine, code=int(header["qform_code"]))
    image.set_sform(affine, code=int(header["sform_code"]))
    return image


def export_cohort(
    rows: Iterable[Mapping[str, str]],
    labels: Mapping[str, Path],
    raw: Sequence[Path],
    layout: str,
    sequences: Sequence[str],
    sequence: str,
    folder: Path,
) -> None:
    """Write `<folder>/<case>_gd.nii.gz` of every subject that a labeller labelled.

    rows: subject and study. labels: folder of each subject's label maps. raw: folders of raw files,
    of `layout` myops or nifti. sequences: of the cohort; sequence: of the labels. The case is what
    the image's name says before its sequence, else the last part of `study`. Raises ValueError
    naming the subject where its file is gone, as those of `as_file`, or two have one name.
    """
    files = {place: nifti_files(place) for place in raw} if layout == "myops" else {}
    names: dict[str, str] = {}
    for row in rows:
        subject, study = row["subject"], row["study"]
        if subject not in labels:
            continue
        try:
            path = _image_file(raw, files, study, sequences, sequence)
            found = as_file(Cine.load(image_path(labels[subject], sequence)), path)
        except (SubjectError, ValueError) as error:
            raise ValueError(f"subject {subject}: {error}") from error
        name = _case(path.name, study) + ENDING
        if name in names:
            raise ValueError(
                f"subjects {names[name]} and {subject} are both {name}; name their files by case"
            )
        names[name] = subject
        with replacing(folder / name) as temporary:
            # Without a time, so that the same labels give the same bytes.
            Path(temporary).write_bytes(gzip.compress(found.to_bytes(), 6, mtime=0))


def _image_file(
    raw: Sequence[Path],
    files: Mapping[Path, Sequence[str]],
    study: str,
    sequences: Sequence[str],
    sequence: str,
) -> Path:
    """The file of a study's image, in whichever raw folder it is."""
    missing = SubjectError(NO_IMAGES, "", "there is no raw folder")
    for place in raw:
        try:
            if files:
                return place / file_of(files[place], study, sequence)
            return whole_file(place, study, sequence, len(sequences) == 1)
        except SubjectError as error:
            if error.kind != NO_IMAGES:
                raise
            missing = error
    raise missing


def _case(name: str, study: str) -> str:
    """What the label map of an image is named by, so that it is found again by its study."""
    case = case_of(name)
    return case if any(c.isdigit() for c in case) else study.rsplit("/", 1)[-1]
