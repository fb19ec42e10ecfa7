"""Headers of NIfTI files: where they place a grid in the patient, in millimetres."""

from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip

MILLIMETRES = {"mm": 1.0, "meter": 1000.0, "micron": 1e-3, "unknown": 1.0}
# The squares of a quaternion's parts sum to 1. Rounding of its last digits may make them more by
# this; the rotation is then wrong by half a degree at most.
QUATERNION_ROUNDING = 2e-5


class _RoundedQuaternion:
    """A header whose quaternion may be rounded: nibabel alone takes errors up to 4e-7."""

    def get_qform_quaternion(self) -> np.ndarray:
        fields: Any = self
        parts = np.array([float(fields[f"quatern_{name}"]) for name in "bcd"])
        squares = float(parts @ parts)
        if squares > 1 + QUATERNION_ROUNDING:
            raise ValueError(
                f"the squares of quatern_b, c and d sum to {squares:.6g}, expected at most 1; set "
                "the qform anew, or give the file a sform"
            )
        if squares > 1:
            return np.array([0.0, *(parts / np.sqrt(squares))])
        return super().get_qform_quaternion()  # type: ignore[misc]


class _Header1(_RoundedQuaternion, nib.Nifti1Header):
    pass


class _Header2(_RoundedQuaternion, nib.Nifti2Header):
    pass


class _Image1(nib.Nifti1Image):
    header_class = _Header1


class _Image2(nib.Nifti2Image):
    header_class = _Header2


IMAGES: tuple[Any, ...] = (_Image1, _Image2)


def image_class(content: bytes) -> Any:
    """nibabel's class of images for a file that begins so; None where it is no NIfTI."""
    return next((i for i in IMAGES if i.header_class.may_contain_header(content)), None)


def first_bytes(path: Path) -> bytes:
    """As many bytes of a file, unpacked, as the longest header has."""
    with igzip.open(path) if path.name.lower().endswith(".gz") else open(path, "rb") as file:
        return file.read(nib.Nifti2Header.sizeof_hdr)


def read_header(path: str | Path) -> Any:
    """The header of a NIfTI file, repaired as nibabel does. Raises what is in cine.UNREADABLE."""
    content = first_bytes(Path(path))
    kind = image_class(content)
    if kind is None:
        raise ValueError("no header of a NIfTI file")
    return kind.header_class(content[: kind.header_class.sizeof_hdr])


def millimetres(header: Any) -> float:
    """Length of the header's unit. Raises ValueError where it is none."""
    try:
        return MILLIMETRES[header.get_xyzt_units()[0]]
    except KeyError as error:
        unit = int(header["xyzt_units"])
        raise ValueError(f"xyzt_units is {unit}, which is no unit; mend the header") from error


def affine_mm(header: Any) -> np.ndarray:
    """(4, 4): (x, y, z, 1) indices to RAS mm, by the sform if it has a code, else by the qform.

    Without both it is made of the distances alone, and says nothing of the patient (`is_placed`).
    """
    affine = np.array(header.get_best_affine(), float)
    affine[:3] *= millimetres(header)
    return affine


def is_placed(header: Any) -> bool:
    """Whether the file knows where its grid lies in the patient."""
    return int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0


def forms_differ(header: Any) -> str:
    """How the two places that a header may give differ, "" where they do not.

    They do if they put a corner of the grid at places that are further apart than half the
    smallest voxel spacing, which is more than rounding makes.
    """
    if int(header["sform_code"]) <= 0 or int(header["qform_code"]) <= 0:
        return ""
    sform = header.get_sform()
    try:
        qform = header.get_qform()
    except (ValueError, nib.spatialimages.HeaderDataError) as error:
        return f"the qform cannot be read: {error}"
    sizes = (*header.get_data_shape(), 1, 1)[:3]
    corners = np.array([(*corner, 1) for corner in product(*((0, n - 1) for n in sizes))]).T
    apart = float(np.linalg.norm(((sform - qform) @ corners)[:3], axis=0).max())
    if not np.isfinite(apart):
        return "one of them is not finite"
    if apart <= np.linalg.norm(sform[:3, :3], axis=0).min() / 2:
        return ""
    return f"a corner of the grid is {apart * millimetres(header):.3g} mm apart"
