"""Short-axis grids by construction, and the 48 orders of axes that a file may have for one."""

from itertools import permutations, product

import nibabel as nib
import numpy as np

from cmrseg.cine import Cine

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
# From apex to base in LPS: to the right, backwards and upwards.
NORMAL = np.array([-0.64, 0.64, 0.43])
# Every order of three axes with every direction of them, as nibabel writes orientations.
ORDERS = [
    np.column_stack([axes, signs])
    for axes in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


def unit(vector):
    return np.asarray(vector, float) / np.linalg.norm(vector)


def directions(normal=NORMAL):
    """Columns R (along the columns), C (down the rows), N (from apex to base) in LPS.

    R is horizontal, as scanners show a short axis.
    """
    n = unit(normal)
    r = unit([n[1], -n[0], 0])
    return np.column_stack([r, np.cross(n, r), n])


def rotated(frame, axis, degrees):
    """Directions turned about an axis of the patient (Rodrigues)."""
    x, y, z = unit(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn @ frame


def short_axis(frame=None, shape=(2, 4, 7, 5), spacing_mm=(8.0, 1.5, 1.25)):
    """A cine of distinct voxels as DICOM shows it; shape (t, z, y, x), spacing along z, y, x."""
    frame = directions() if frame is None else frame
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ frame * spacing_mm[::-1]
    affine[:3, 3] = 60, 40, 70
    return Cine(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), affine, 0.3)


def quarter_turned(cine):
    """The cine with its pictures turned counter-clockwise, at their places."""
    x, y = cine.affine[:3, 0], cine.affine[:3, 1]
    affine = cine.affine.copy()
    affine[:3, 3] += x * (cine.voxels.shape[3] - 1)
    affine[:3, 0], affine[:3, 1] = y, -x
    return Cine(np.rot90(cine.voxels, 1, axes=(2, 3)), affine, cine.frame_interval_s)


def stored(cine, order, path, code=1):
    """Write a cine with its axes in another order, by nibabel; gives the cine as it is stored."""
    voxels = np.ascontiguousarray(cine.voxels.T)
    image = nib.Nifti1Image(voxels[..., 0] if voxels.shape[3] == 1 else voxels, cine.affine)
    image = image.as_reoriented(order)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(image.affine, code)
    image.set_qform(None, 0)
    image.header["pixdim"][4] = cine.frame_interval_s
    nib.save(image, path)
    voxels = np.asarray(image.dataobj).T
    return Cine(voxels if voxels.ndim == 4 else voxels[None], image.affine)
