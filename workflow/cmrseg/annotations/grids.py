"""Labels on another grid than the image's, transferred to it by their position in the patient."""

from pathlib import Path

import numpy as np

from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.sequences import USUAL, sources_path

# A position half-way between two voxels belongs to the later one, whatever the rounding of affines.
TIE = 1e-3


def cleaned_as_published(image: Path, sequence: str = USUAL) -> bool | None:
    """Whether this image was cleaned in mode compat; None if it is not from DICOM."""
    path = sources_path(image, sequence)
    if not path.is_file():
        return None
    sources = read_table(path)
    if "rotation_canvas" not in sources:
        return None
    return bool(sources["rotation_canvas"].eq("own").all())


def onto(labels: Cine, cine: Cine) -> np.ndarray:
    """Labels on the grid of an image: each voxel gets the label at its centre.

    labels: any number of frames, any orientation and spacing. Returns (t, z, y, x) with the frames
    of `labels`, uint8; UNLABELLED outside of them. Raises ValueError if labels and image do not
    overlap.
    """
    index, inside = nearest(cine, labels)
    if not inside.any():
        raise ValueError(
            "the labels do not overlap the image; save them with the position of the images they "
            "were drawn on"
        )
    found = np.full((len(labels.voxels), inside.size), UNLABELLED, np.uint8)
    x, y, z = index[:, inside]
    found[:, inside] = labels.voxels[:, z, y, x]
    return found.reshape(-1, *cine.voxels.shape[1:])


def share_on(labels: Cine, cine: Cine) -> float:
    """Fraction of the voxels with a tissue that lie on the grid of an image; nan without any."""
    tissue = np.isin(labels.voxels, [t for t in Tissue if t]).any(axis=0)
    _, inside = nearest(labels, cine)
    return float(inside[tissue.ravel()].mean()) if tissue.any() else float("nan")


def nearest(cine: Cine, other: Cine) -> tuple[np.ndarray, np.ndarray]:
    """For each voxel of a frame of `cine`, in C order: the voxel of `other` at its centre.

    Returns (3, n) indices x, y, z, and (n,) whether they lie within the other grid.
    """
    depth, rows, columns = cine.voxels.shape[1:]
    z, y, x = np.indices((depth, rows, columns)).reshape(3, -1)
    between = np.linalg.inv(other.affine) @ cine.affine
    places = between[:3, :3] @ np.stack([x, y, z]).astype(float) + between[:3, 3:]
    index = np.floor(places + 0.5 + TIE).astype(int)
    size = np.array(other.voxels.shape[:0:-1])[:, None]
    return index, ((index >= 0) & (index < size)).all(axis=0)
