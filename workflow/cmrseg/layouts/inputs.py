"""What lies at a path that somebody names: a folder of DICOM files, or a cine in one file."""

from pathlib import Path
from typing import NamedTuple

from cmrseg.sequences import USUAL, image_path

# Endings of NIfTI files.
SUFFIXES = (".nii.gz", ".nii")
# Endings of HDF5 files.
HDF5_SUFFIXES = (".h5", ".hdf5")


def stems(study: str, sequence: str) -> list[str]:
    """Where the file of a sequence may be, without its suffix, below a folder with all studies.

    `<study>/<sequence>`; of the short axis, which many studies have alone, also `<study>`.
    """
    return [study] * (sequence == USUAL) + [f"{study}/{sequence}"]


class Found(NamedTuple):
    """Layout of the raw data, their folder, and the name of the study in it."""

    layout: str
    raw: Path
    study: str


def find_images(path: Path) -> Found:
    """Where the images of one subject are.

    path: a folder of DICOM files, a folder with sa.nii.gz or with one NIfTI file, or such a file,
    or an HDF5 file. Raises ValueError where there is nothing, a file that is neither NIfTI nor
    HDF5, or a choice of cines.
    """
    if not path.exists():
        raise ValueError(f"{path}: does not exist; give a folder or a NIfTI file")
    place = path.resolve()
    if place.is_file():
        if place.name.endswith(HDF5_SUFFIXES):
            return Found("hdf5", place.parent, without_suffix(place.name))
        if not place.name.endswith(SUFFIXES):
            raise ValueError(
                f"{path}: a file must be NIfTI or HDF5; give the folder of the DICOM files"
            )
        return Found("nifti", place.parent, without_suffix(place.name))
    if image_path(place, USUAL).is_file():
        return Found("nifti", place.parent, place.name)
    volumes = sorted(file.name for file in place.iterdir() if file.name.endswith(SUFFIXES))
    if len(volumes) > 1:
        raise ValueError(f"{path}: has {len(volumes)} NIfTI files; name the short-axis cine")
    if volumes:
        return Found("nifti", place, without_suffix(volumes[0]))
    return Found("folder", place.parent, place.name)


def without_suffix(name: str) -> str:
    """A file's name without the ending of NIfTI or HDF5 files."""
    for suffix in (*SUFFIXES, *HDF5_SUFFIXES):
        name = name.removesuffix(suffix)
    return name
