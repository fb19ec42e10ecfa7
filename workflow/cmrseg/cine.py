"""A cine: images of one examination over time, on one grid, with its place in the patient."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cmrseg.files import replacing

# Fast rather than small: at level 1 a cine is written four times faster and is 5 % larger.
GZIP_LEVEL = 1
# What nibabel and gzip raise for files that are none of theirs, or damaged.
UNREADABLE = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)


@dataclass(frozen=True)
class Cine:
    """Images or label maps with geometry.

    voxels: (t, z, y, x); x runs along the DICOM columns, y along the rows, z from the lowest slice.
    affine: (4, 4), takes (x, y, z, 1) indices to RAS millimetres.
    frame_interval_s: time between frames in seconds; nan where it is unknown.
    """

    voxels: np.ndarray
    affine: np.ndarray
    frame_interval_s: float = float("nan")

    def __post_init__(self):
        if self.voxels.ndim != 4:
            raise ValueError(f"a cine must be (t, z, y, x), got shape {self.voxels.shape}")
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            raise ValueError(f"a cine's affine must be 4 x 4 and finite, got {self.affine}")

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of voxel centres along z, y, x; along z that is thickness plus gap."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    def like(self, voxels: np.ndarray) -> "Cine":
        """Another array on the same grid and times."""
        return Cine(voxels, self.affine, self.frame_interval_s)

    def save(self, path: str | Path) -> None:
        """Write a NIfTI-1 (.nii.gz), shape (x, y, z, t), mm and s, sform code 1.

        The same cine always gives the same bytes.
        """
        image = nib.Nifti1Image(np.ascontiguousarray(self.voxels.T), self.affine)
        image.header.set_xyzt_units("mm", "sec")
        image.set_sform(self.affine, code=1)
        image.set_qform(None, code=0)
        interval = self.frame_interval_s if np.isfinite(self.frame_interval_s) else 0.0
        image.header["pixdim"][4] = interval
        with replacing(path) as temporary:
            temporary.write_bytes(gzip.compress(image.to_bytes(), GZIP_LEVEL, mtime=0))

    @classmethod
    def load(cls, path: str | Path) -> "Cine":
        """Read a 3-D or 4-D NIfTI; integer arrays stay integer.

        Raises ValueError naming the file where it is no readable NIfTI of 3 or 4 dimensions.
        """
        try:
            image: Any = nib.load(path)
            voxels = np.asanyarray(image.dataobj)
        except UNREADABLE as error:
            raise ValueError(f"{path}: not a readable NIfTI ({error})") from error
        if voxels.ndim == 3:
            voxels = voxels[..., None]
        if voxels.ndim != 4:
            raise ValueError(f"{path}: shape {voxels.shape}, expected 3 or 4 dimensions")
        interval = float(image.header["pixdim"][4]) or float("nan")
        return cls(np.ascontiguousarray(voxels.T), image.affine, interval)
