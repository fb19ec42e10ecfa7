"""Which of the known layouts a folder has."""

from collections.abc import Mapping
from pathlib import Path

from cmrseg.describe.annotators import add_annotators
from cmrseg.describe.dicom import in_folders, in_kaggle_s_tree
from cmrseg.describe.files import (
    in_bulk,
    in_challenge,
    in_hdf5,
    in_nifti,
    in_pairs,
    in_published_png,
)
from cmrseg.describe.found import Found


def look(folder: Path, grid: Mapping[str, float]) -> Found:
    """What a folder holds, by the readers of the import.

    grid: what HDF5 files do not say, see `in_hdf5`. Raises ValueError naming a folder that is not
    there, or in which nothing is of a known layout.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; give the folder with the subjects' images")
    # Names that belong to one layout come first.
    for of_layout in (in_kaggle_s_tree, in_bulk, in_published_png, in_challenge, in_pairs):
        if (found := of_layout(folder)) is not None:
            break
    else:
        found = in_hdf5(folder, grid) or in_folders(folder) or in_nifti(folder)
    if found is None:
        raise ValueError(
            f"{folder}: neither DICOM, NIfTI nor HDF5 in a layout of docs/data.md; give the folder "
            "that holds a folder, or a file, for each examination"
        )
    add_annotators(found)
    return found
