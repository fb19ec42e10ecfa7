"""A cine: images of one examination over time, on one grid, with its place in the patient."""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib

from cmrseg.files import check_plain, replacing
from cmrseg.nifti_header import affine_mm, first_bytes, image_class
from cmrseg.vectors import dot, length

# Fast rather than small. ISA-L writes five times faster than zlib, and less. At levels 0 to 2 it
# gives the same bytes on every x86 processor with SSE4.2; at level 3 it does not.
GZIP_LEVEL, GZIP_FORMAT = 1, 31
# Behind a header of 348 bytes, and four which say that no extension follows.
VOXELS_PLACE = 352
# What nibabel and gzip raise for files that are none of theirs, or damaged.
UNREADABLE = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    nib.wrapstruct.WrapStructError,
    zlib.error,
    # Its type is declared as that of an instance.
    cast(type[Exception], isal_zlib.error),
    EOFError,
    OSError,
    OverflowError,
    ValueError,
)
# A small file can unpack to any size. Images shrink to a half, label maps to a two-hundredth; below
# MOST_BYTES in memory nobody minds how well a file is packed.
MOST_RATIO, MOST_BYTES = 500, 2**27
# No deflate stream is shorter than a 1032th of what it holds.
PACKED = 1032
# Longer extensions of a header are none.
MOST_EXTENSION_BYTES = 2**24
# A human beat takes this long, in seconds: 300 to 20 beats per minute.
BEAT_S = (0.2, 3.0)
# Voxel spacings, and places, of any body in mm; far outside a header's floats overflow.
SPACING_MM, FURTHEST_MM = (1e-4, 1e5), 1e7
# Rounded headers are off by less; beyond it areas are wrong by more than 1 in 5,000.
RIGHT_ANGLE_DEG = 1.0


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
        if self.affine.shape != (4, 4):
            raise ValueError(f"a cine's affine must be 4 x 4, got shape {self.affine.shape}")
        if not np.isfinite(self.affine).all():
            wrong = np.argwhere(~np.isfinite(self.affine))[0] + 1
            raise ValueError(
                f"the affine is {self.affine[tuple(wrong - 1)]} in row {wrong[0]}, column "
                f"{wrong[1]}, expected finite numbers; repair the header"
            )

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of voxel centres along z, y, x; along z that is thickness plus gap.

        The distance of slices is that along their normal, so that the product is the volume of a
        voxel also where a slice lies beside the one before (a sheared affine).
        """
        x, y, z = self.affine[:3, :3].T
        normal = np.cross(x, y)
        area = length(normal)
        distance = float(abs(dot(normal, z))) / area if area else 0.0
        return distance, length(y), length(x)

    def like(self, voxels: np.ndarray) -> "Cine":
        """Another array on the same grid and times."""
        return Cine(voxels, self.affine, self.frame_interval_s)

    def save(self, path: str | Path) -> None:
        """Write a NIfTI-1 (.nii.gz), shape (x, y, z, t), mm and s, sform code 1.

        The same cine always gives the same bytes.
        """
        image = nib.Nifti1Image(self.voxels.T, self.affine, dtype=self.voxels.dtype)
        image.header.set_xyzt_units("mm", "sec")
        image.set_sform(self.affine, code=1)
        image.set_qform(None, code=0)
        interval = self.frame_interval_s if np.isfinite(self.frame_interval_s) else 0.0
        image.header["pixdim"][4] = interval
        header = image.header
        header["scl_slope"], header["scl_inter"] = 1, 0
        header.set_data_offset(VOXELS_PLACE)
        # In the file x varies fastest, so that the array is written as it lies in memory.
        voxels = np.ascontiguousarray(self.voxels, header.get_data_dtype())
        packed = isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, GZIP_FORMAT)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            file.write(packed.compress(header.binaryblock.ljust(VOXELS_PLACE, b"\0")))
            file.write(packed.compress(voxels.data))
            file.write(packed.flush())

    @classmethod
    def load(cls, path: str | Path) -> "Cine":
        """Read a 3-D or 4-D NIfTI in its own order; integer arrays stay integer.

        Places are in mm, whatever the header's unit. Raises ValueError naming the file where it is
        no readable NIfTI of 3 or 4 dimensions.
        """
        try:
            check_plain(path)
            image, voxels = _read(Path(path))
        except UNREADABLE as error:
            raise ValueError(f"{path}: not a readable NIfTI ({error})") from error
        if voxels.ndim == 3:
            voxels = voxels[..., None]
        if voxels.ndim != 4:
            raise ValueError(f"{path}: shape {voxels.shape}, expected 3 or 4 dimensions")
        interval = float(image.header["pixdim"][4]) or float("nan")
        try:
            return cls(np.ascontiguousarray(voxels.T), affine_mm(image.header), interval)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def check_right_angles(affine: np.ndarray) -> None:
    """Raise ValueError where rows and columns of the pictures do not meet at a right angle."""
    x, y = affine[:3, :2].T
    cosine = (x @ y) / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-300)
    angle = math.degrees(math.acos(np.clip(cosine, -1, 1)))
    if abs(angle - 90) > RIGHT_ANGLE_DEG:
        raise ValueError(
            f"rows and columns of the pictures meet at {angle:.1f} degrees, expected 90 within "
            f"{RIGHT_ANGLE_DEG:g}; resample the file to a grid of right angles first"
        )


def is_beat(interval_s: float, frames: int) -> bool:
    """Whether so many frames at this interval, in seconds, make one heartbeat."""
    return BEAT_S[0] <= frames * interval_s <= BEAT_S[1]


def check_grid(cine: Cine) -> None:
    """Raise ValueError for spacings, places and angles that are nobody's, in mm."""
    lowest, highest = SPACING_MM
    if not all(lowest <= spacing <= highest for spacing in cine.spacing_mm):
        raise ValueError(
            f"voxels are {cine.spacing_mm} mm apart along z, y, x, expected {lowest:g} to "
            f"{highest:g} mm; repair the header"
        )
    if abs(cine.affine[:3, 3]).max() > FURTHEST_MM:
        raise ValueError(
            f"the first voxel is at {cine.affine[:3, 3].tolist()} mm, expected within "
            f"{FURTHEST_MM:g} mm; repair the header"
        )
    check_right_angles(cine.affine)


def _read(path: Path) -> tuple[Any, np.ndarray]:
    """A NIfTI image and its voxels. nibabel unpacks a file in half the time if ISA-L does it."""
    kind = _check_size(path)
    if kind is None or not path.name.lower().endswith(".gz"):
        image: Any = nib.load(path) if kind is None else kind.from_filename(path)
        return image, np.asanyarray(image.dataobj)
    with igzip.open(path) as file:
        image = kind.from_file_map({"image": nib.FileHolder(str(path), file)})
        voxels = np.asanyarray(image.dataobj)
        file.read(1)  # at the end of a file is the checksum of what it holds
    return image, voxels


def _check_size(path: Path) -> Any:
    """Raise ValueError where a header announces what its file cannot hold, or hide in it.

    nibabel takes the memory that a header asks for before it reads a byte. Returns nibabel's class
    of such files, None where the header is of no NIfTI.
    """
    zipped = path.name.lower().endswith(".gz")
    content = first_bytes(path)
    kind = image_class(content)
    if kind is None:
        return None  # nibabel says so
    header = kind.header_class(content[: kind.header_class.sizeof_hdr], check=False)
    shape = [int(size) for size in header.get_data_shape()]
    if min(shape, default=0) < 1:
        raise ValueError(f"shape {tuple(shape)}, expected at least 1 voxel along every axis")
    offset = float(header["vox_offset"])
    if not 0 <= offset <= MOST_EXTENSION_BYTES:
        raise ValueError(f"voxels start at byte {offset}, expected 0 to {MOST_EXTENSION_BYTES}")
    try:
        stored = math.prod(shape) * header.get_data_dtype().itemsize
    except KeyError as error:
        raise ValueError(f"datatype is {int(header['datatype'])}, no code of numbers") from error
    # Where a slope is given, voxels become float64.
    scaled = header.get_slope_inter() not in ((None, None), (1, 0))
    taken = max(stored, 8 * math.prod(shape)) if scaled else stored
    there = path.stat().st_size
    if stored > there * (MOST_RATIO if zipped and taken > MOST_BYTES else PACKED if zipped else 1):
        raise ValueError(
            f"{tuple(shape)} voxels need {stored} bytes, and the file has {there}; copy it again"
        )
    return kind
