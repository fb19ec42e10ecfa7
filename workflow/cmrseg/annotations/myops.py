"""Label maps of the MyoPS challenge: their files and values."""

import numpy as np

from cmrseg.annotations.subject import Subject
from cmrseg.annotations.volumes import placed_on
from cmrseg.cine import Cine
from cmrseg.labels import NAMES
from cmrseg.layouts.myops_codes import CODES
from cmrseg.layouts.myops_files import LABEL_ENDINGS, files_of_case, nifti_files
from cmrseg.layouts.nifti import check_finite, onto_order

# Files of floating point numbers are off by rounding alone.
ROUNDING = 0.01
# Values named in an error.
MOST_VALUES = 8


def myops(subject: Subject) -> np.ndarray | None:
    """Labels of the case `<annotation>`, a file named `..._gd.nii.gz`, on the image's grid.

    It may lie in any folder of the annotator's, or in one below. The labels are brought to the
    image by their position in the patient where they have another grid. None without a file.
    Raises ValueError naming the file where there are two, several frames, no tissue, or values of
    another convention.
    """
    names = files_of_case(nifti_files(subject.folder), subject.annotation, LABEL_ENDINGS)
    if not names:
        return None
    if len(names) > 1:
        raise ValueError(f"{' and '.join(names)} both exist; keep one of them")
    path = subject.folder / names[0]
    labels = Cine.load(path)
    check_finite(labels.voxels, path)
    if len(labels.voxels) != 1:
        raise ValueError(
            f"{path.name}: {len(labels.voxels)} frames, expected 1; keep the labels of one frame"
        )
    tissues = tissues_of_codes(labels.voxels, path.name)
    if not tissues.any():
        raise ValueError(f"{path.name}: no voxel is labelled; remove the file, or save it again")
    labels = labels.like(tissues)
    try:
        # Files without a position may have the image's grid, which the import has turned.
        carried = onto_order(labels, subject.cine).voxels
    except ValueError:
        carried = placed_on(labels, path, subject)
    if not np.isin(carried, list(CODES.values())[1:]).any():
        raise ValueError(
            f"{path.name}: no labelled tissue within the image; save the labels with the position "
            "of the images they were drawn on, or remove them"
        )
    return carried


def tissues_of_codes(voxels: np.ndarray, name: str) -> np.ndarray:
    """The challenge's values as tissues; uint8 of the same shape.

    voxels: integers, or such as floating point numbers. name: of the file, for the error. Raises
    ValueError with the values that are none of CODES.
    """
    codes = np.array(list(CODES))
    tissues = np.array([int(tissue) for tissue in CODES.values()], np.uint8)
    place = np.searchsorted(codes, voxels.astype(float) - ROUNDING).clip(max=len(codes) - 1)
    wrong = abs(voxels - codes[place]) > ROUNDING
    if wrong.any():
        values = np.unique(voxels[wrong])
        shown = ", ".join(f"{value:g}" for value in values[:MOST_VALUES].tolist())
        more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
        known = ", ".join(f"{code} ({NAMES[tissue]})" for code, tissue in CODES.items())
        raise ValueError(
            f"{name}: label values {shown}{more}, expected those of the MyoPS challenge: {known}; "
            "for labels with other values use the form nifti, with their meaning in `numbers`"
        )
    return tissues[place]
