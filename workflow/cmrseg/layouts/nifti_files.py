"""Where the NIfTI file of a study's image lies."""

from pathlib import Path

from cmrseg.dicom.audit import NO_IMAGES, OTHER, SubjectError
from cmrseg.layouts.inputs import SUFFIXES, named_files, stems


def existing(folder: Path, name: str) -> list[Path]:
    """The NIfTI files of that name, compressed or not."""
    return [path for path in (folder / f"{name}{s}" for s in SUFFIXES) if path.is_file()]


def whole_file(raw: Path, study: str, sequence: str, lone: bool = False) -> Path:
    """The file of a study's image, see `read_whole`. Raises SubjectError for none, or two."""
    places = stems(study, sequence, lone)
    found = [path for stem in places for path in existing(raw, stem)]
    found = found or named_files(raw / study, sequence)
    if not found:
        names = " nor ".join(f"{stem}.nii.gz" for stem in places)
        which = "neither" if len(places) > 1 else "no file"
        raise SubjectError(NO_IMAGES, "", f"{which} {names}; check the subject table's study")
    if len(found) > 1:
        names = " and ".join(path.relative_to(raw).as_posix() for path in found)
        raise SubjectError(OTHER, "", f"{names} are both there; keep one of them")
    return found[0]
