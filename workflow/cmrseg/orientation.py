"""How a grid lies in the patient: which axis its slices have, and how scanners show a short axis.

A turn is a (3, 3) signed permutation of the axes x, y, z of a grid: its columns are the new axes in
the old ones. Directions are RAS.
"""

import numpy as np

from cmrseg.cine import Cine
from cmrseg.vectors import dot

# Usual direction of the heart from apex to base: to the right, backwards and upwards. Scanners show
# short-axis pictures from the apex, and the import orders slices along the common normal, which
# is this direction.
APEX_TO_BASE = np.array([0.64, -0.64, 0.43])
# The axis of a plane that is nearest to this direction runs along the columns: to the left and a
# little backwards. Scanners take the horizontal, or in steep planes the one nearest to the left;
# up to 30 degrees from the usual short axis, and with turns in the plane, it is within 36 degrees
# of these, so that no other axis is nearer.
ALONG_COLUMNS = np.array([-0.88, -0.47, -0.09])
# Cosine beyond which a plane counts as a short axis. One of a patient is far beyond it; an axial
# stack, or an affine that is a mere scaling, has 0.43.
SHORT_AXIS = 0.5
# Axes within 1 degree of the patient's are what programs write that know nothing of the patient.
ALONG_PATIENT = np.cos(np.radians(1))
# Slices are along the axis whose voxels are this many times as far apart as along each other.
CLEARLY_FARTHER = 1.5
# Without such an axis they are along the one within 45 degrees of the long axis: there is one at
# most.
NEAREST_AXIS = np.sqrt(0.5)
# Affines of one grid differ by no more, in mm, mm per voxel or voxels.
SAME_GRID = 1e-3

AS_STORED = np.eye(3, dtype=int)
# Pictures turned counter-clockwise: columns were rows, rows were columns in reverse.
QUARTER = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])


def sizes_of(cine: Cine) -> tuple[int, int, int]:
    """Number of voxels along x, y, z."""
    z, y, x = cine.voxels.shape[1:]
    return x, y, z


def slice_axis(affine: np.ndarray, sizes: tuple[int, int, int], placed: bool) -> int | None:
    """The axis (0, 1, 2) along which slices follow each other; None where it is unclear.

    It is the only one of a single voxel, else that of the by far largest distance, else, for a grid
    that is placed in the patient, the one that is nearest to the heart's long axis.
    """
    if sizes.count(1) == 1:
        return sizes.index(1)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    *_, second, longest = np.argsort(lengths)
    if lengths[longest] >= CLEARLY_FARTHER * lengths[second]:
        return int(longest)
    along = abs(_unit(APEX_TO_BASE) @ affine[:3, :3]) / lengths
    return int(along.argmax()) if placed and along.max() > NEAREST_AXIS else None


def along_long_axis(affine: np.ndarray, axis: int) -> float:
    """Cosine between the normal of the pictures, slices being along `axis`, and the long axis.

    Of x, y, z in cyclic order: negative where they are seen from the base.
    """
    x, y = (_unit(affine[:3, (axis + step) % 3]) for step in (1, 2))
    return float(_unit(np.cross(x, y)) @ _unit(APEX_TO_BASE))


def tells_of_patient(affine: np.ndarray, cosine: float) -> bool:
    """Whether a grid's place shows how its pictures are seen; cosine: of `along_long_axis`.

    It does for every oblique plane, and for coronal and sagittal ones. An axial one may be a mere
    scaling, of an image that somebody saved without its place.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    oblique = bool(abs(axes).max(axis=0).min() < ALONG_PATIENT)
    return oblique or abs(cosine) > SHORT_AXIS


def slices_last(axis: int) -> np.ndarray:
    """The turn that makes an axis the third, keeping the cyclic order."""
    return np.roll(AS_STORED, -(axis + 1), axis=1)


def as_scanners_show(affine: np.ndarray, axis: int) -> np.ndarray:
    """The turn to short-axis pictures seen from the apex, slices from apex to base.

    Columns run to the patient's left, rows to the feet. axis: that of the slices.
    """
    others = [i for i in range(3) if i != axis]
    toward = {i: float(_unit(affine[:3, i]) @ ALONG_COLUMNS) for i in others}
    x = max(others, key=lambda i: abs(toward[i]))
    y = next(i for i in others if i != x)
    turn = np.zeros((3, 3), int)
    turn[x, 0] = 1 if toward[x] > 0 else -1
    normal = np.cross(affine[:3, x] * turn[x, 0], affine[:3, y])
    turn[y, 1] = 1 if normal @ APEX_TO_BASE > 0 else -1
    turn[axis, 2] = 1 if (normal * turn[y, 1]) @ affine[:3, axis] > 0 else -1
    return turn


def as_import_shows(sizes: tuple[int, int, int], turn: np.ndarray) -> tuple[np.ndarray, bool]:
    """A turn to pictures, and whether these were wide and are turned as those of DICOM are."""
    columns, rows = (sizes[i] for i in abs(turn[:, :2]).argmax(axis=0))
    wide = columns > rows
    return (turn @ QUARTER if wide else turn), wide


def reordered(cine: Cine, turn: np.ndarray) -> Cine:
    """The same voxels at the same places, in another order."""
    if (turn == AS_STORED).all():
        return cine
    voxels = cine.voxels.T.transpose(*abs(turn).argmax(axis=0), 3)
    voxels = np.flip(voxels, tuple(int(i) for i in np.flatnonzero(turn.sum(axis=0) < 0)))
    first = np.where(turn.sum(axis=1) < 0, np.array(sizes_of(cine)) - 1, 0)
    affine = cine.affine.copy()
    affine[:3, :3] = cine.affine[:3, :3] @ turn
    affine[:3, 3] += dot(cine.affine[:3, :3], first)
    return Cine(np.ascontiguousarray(voxels.T), affine, cine.frame_interval_s)


def turn_between(affine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The turn from a grid to another one with the same axes up to their order and direction.

    affine, other: (4, 4) in mm. Raises ValueError where there is none.
    """
    relation = (np.linalg.inv(affine) @ other)[:3, :3]
    turn = np.rint(relation).astype(int)
    signed = (abs(turn).sum(axis=0) == 1).all() and (abs(turn).sum(axis=1) == 1).all()
    if not signed or not np.allclose(relation, turn, atol=SAME_GRID):
        raise ValueError(
            f"the affine {affine.tolist()} is not of the grid with {other.tolist()}; "
            "give that of the file which the cine was read from"
        )
    return turn


def same_grid(cine: Cine, other: Cine) -> bool:
    """Whether voxels of both lie at the same places; frames do not matter."""
    return cine.voxels.shape[1:] == other.voxels.shape[1:] and bool(
        np.allclose(cine.affine, other.affine, rtol=0, atol=SAME_GRID)
    )


def slice_offset_mm(affine: np.ndarray) -> float:
    """How far a slice lies beside the one before, in their plane: 0 but for a sheared grid."""
    normal = _unit(np.cross(affine[:3, 0], affine[:3, 1]))
    return float(np.linalg.norm(affine[:3, 2] - (affine[:3, 2] @ normal) * normal))


def described(turn: np.ndarray) -> str:
    """A turn in words: the new x, y and z in those of the file."""
    parts = [f"{'-' if c.sum() < 0 else ''}{'xyz'[abs(c).argmax()]}" for c in turn.T]
    return f"x, y, z are the file's {', '.join(parts)}"


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
