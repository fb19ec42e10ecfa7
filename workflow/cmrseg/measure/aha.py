"""The axes of a heart in its short-axis slices, and which segments its points lie in.

The rules are those of ukbb_cardiac (Bai et al. 2018, doi:10.1186/s12968-018-0471-x). Mode `compat`
gives that program's numbers. In mode `corrected` the middle of the septum does not depend on where
the epicardial contour starts, and the axes are at right angles also where slices are sheared.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cmrseg.cine import Cine
from cmrseg.contours.raster import to_world
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.aha_segments import LEVELS, Level, segments_at
from cmrseg.measure.contour import centre_mm, outer_border
from cmrseg.measure.pieces import LEAST_PIXELS, slice_masks
from cmrseg.measure.rows import Mode
from cmrseg.vectors import dot, unit

# Of the slices from base to apex, those at these parts of the way are taken for strain.
STRAIN_PLACES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class AhaAxes:
    """Directions of a heart: unit vectors (3,) in RAS.

    lv_to_sep: from the middle of the cavity to that of the septum. apex_to_base: across the slices.
    inf_to_ant: from the inferior wall to the anterior one. mid_slice: the slice that they are of.
    """

    lv_to_sep: np.ndarray
    apex_to_base: np.ndarray
    inf_to_ant: np.ndarray
    mid_slice: int


def aha_axes(labels: Cine, mode: Mode = "corrected") -> AhaAxes:
    """Axes of a heart from its short-axis labels at end-diastole.

    labels: one frame of `Tissue`. Raises ValueError for several frames, and where the middle slice
    of the cavity has no cavity or no RV. Apex and base are told apart by the patient's head, which
    is above.
    """
    frame = one_frame(labels)
    z = middle_slice(frame)
    masks = slice_masks(frame[z].T)
    for mask, tissue, use in (
        (masks.endo, Tissue.LV, "the centre of the ventricle"),
        (masks.rv, Tissue.RV, "the septum"),
    ):
        if not mask.any():
            raise ValueError(
                f"slice {z + 1} (from 1), the middle one, has no {NAMES[tissue]}: it is needed to "
                f"find {use}; repair the labels or leave the subject out"
            )
    septum = middle_of_septum(outer_border(masks.epi), masks.rv, mode)
    affine = labels.affine
    lv_to_sep = unit(to_world(septum[None], z, affine)[0] - centre_mm(masks.endo, z, affine))
    up = affine[:3, 2] * (1 if affine[2, 2] >= 0 else -1)
    if mode == "corrected":
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        up = normal * (1 if dot(normal, up) >= 0 else -1)
    apex_to_base = unit(up)
    return AhaAxes(lv_to_sep, apex_to_base, np.cross(apex_to_base, lv_to_sep), z)


def middle_of_septum(border: np.ndarray, rv: np.ndarray, mode: Mode = "corrected") -> np.ndarray:
    """The point of the epicardium in the middle of the septum; (2,) x, y.

    border: (n, 2) pixels of the epicardium in order. rv: (x, y) boolean, not empty. The septum is
    those pixels that the RV reaches first when it grows by one pixel at a time to all sides, at
    least once. `compat` counts them from the start of the border, wherever that is; `corrected`
    from the end of the longest run of other pixels, and takes the mean of the middle two of an even
    number.
    """
    away = ndimage.distance_transform_cdt(~rv, metric="chessboard")[tuple(border.T)]
    septal = np.flatnonzero(away <= max(away.min(), 1))
    if mode == "compat":
        return border[septal[round(0.5 * len(septal))]].astype(float)
    # The gap before a septal pixel; the one before the first goes round the end of the border.
    gaps = np.diff(septal, prepend=septal[-1] - len(border))
    septal = np.roll(septal, -int(gaps.argmax()))
    middle = septal[[(len(septal) - 1) // 2, len(septal) // 2]]
    return border[middle].mean(axis=0)


def slice_levels(labels: Cine) -> dict[int, Level]:
    """The level of each slice that shows the ventricle, from base to apex.

    labels: one frame. Slices count that have LEAST_PIXELS of cavity and of wall each. A third of
    them is of each level, rounded in favour of the base. Raises ValueError for fewer than 3.
    """
    slices = _from_base(labels)
    return dict(zip(slices, thirds(len(slices)), strict=True))


def strain_slices(labels: Cine) -> dict[int, Level]:
    """The three slices whose strain is measured: one each of base, middle and apex.

    They lie a quarter, half and three quarters of the way from base to apex. Of four slices, which
    quality control refuses, it is two, without a middle. Arguments and errors as those of
    `slice_levels`.
    """
    slices = _from_base(labels)
    places = [round((len(slices) - 1) * place) for place in STRAIN_PLACES]
    return {slices[place]: level for place, level in zip(places, LEVELS, strict=True)}


def thirds(count: int) -> list[Level]:
    """The level of each of `count` places from base to apex."""
    basal, mid = -(-count // 3), -(-2 * count // 3)
    return ["basal" if i < basal else "mid" if i < mid else "apical" for i in range(count)]


def segment_of(
    points_mm: np.ndarray, middle_mm: np.ndarray, level: Level, axes: AhaAxes
) -> np.ndarray:
    """The AHA segment, 1 to 16, of points of a slice; (n,) integers.

    points_mm: (n, 3) RAS. middle_mm: (3,), that of the cavity in the slice.
    """
    away = points_mm - middle_mm
    angles_deg = np.degrees(np.arctan2(dot(away, axes.lv_to_sep), dot(away, axes.inf_to_ant)))
    return segments_at(angles_deg, level)


def one_frame(labels: Cine) -> np.ndarray:
    """The voxels (z, y, x) of labels of one frame. Raises ValueError for several."""
    frames = len(labels.voxels)
    if frames != 1:
        raise ValueError(f"labels have {frames} frames, expected the one of end-diastole")
    return labels.voxels[0]


def middle_slice(frame: np.ndarray) -> int:
    """The slice in the middle of the cavity's voxels. Raises ValueError where there are none.

    frame: (z, y, x).
    """
    slices = np.nonzero(frame == Tissue.LV)[0]
    if not len(slices):
        raise ValueError(
            f"no voxel is {NAMES[Tissue.LV]}, expected some in every slice of the ventricle; "
            "repair the labels or leave the subject out"
        )
    return round(float(slices.mean()))


def full_slices(frame: np.ndarray) -> list[int]:
    """Slices with LEAST_PIXELS of cavity and of wall each, in the order of the array."""
    counts = [(frame == tissue).sum(axis=(1, 2)) for tissue in (Tissue.LV, Tissue.MYO)]
    return np.flatnonzero(np.minimum(*counts) >= LEAST_PIXELS).tolist()


def _from_base(labels: Cine) -> list[int]:
    """`full_slices` from base to apex, which is from head to foot."""
    frame = one_frame(labels)
    slices = full_slices(frame)
    if len(slices) < len(LEVELS):
        raise ValueError(
            f"{len(slices)} slices have {LEAST_PIXELS} pixels of cavity and of wall, expected at "
            f"least {len(LEVELS)} to tell base, middle and apex; leave the subject out"
        )
    return slices if labels.affine[2, 2] <= 0 else slices[::-1]
