"""Slices as a plain reading of the files stacks them, to see what repairs are worth.

Nothing is removed, copied, moved or turned. What no stack can be made without is kept: which files
are the frames of one slice, their order in time, and the order of slices along the normal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.geometry import Slice, largest_mode, locate_along, normal, smallest_mode
from cmrseg.dicom.slices import Group
from cmrseg.dicom.spacing import gaps_mm


def as_stacked(slices: Sequence[Slice], axes: np.ndarray) -> tuple[list[Slice], float]:
    """All slices in order of location, each where the stack would have it, and their distance.

    axes: (6,) common directions of columns and rows. No slice is removed or copied, and all have
    the directions, pixel spacing and centre of the others: what is rotated, displaced, of another
    pixel size or not parallel stays so. The distance is SpacingBetweenSlices of the lowest slice
    that has one, else the most frequent distance of neighbours, of one slice its thickness. Raises
    SubjectError where there is none of these.
    """
    ordered = sorted(locate_along(slices, axes), key=lambda s: (s.location_mm, s.image))
    written = [abs(s.slice_distance_mm) for s in ordered if abs(s.slice_distance_mm) > 0]
    gaps = [gap for gap in gaps_mm(ordered) if gap > 0]
    usual_mm = smallest_mode(round(gap, 2) for gap in gaps) if gaps else ordered[0].thickness_mm
    distance_mm = float(written[0] if written else usual_mm)
    if not distance_mm > 0:
        raise SubjectError(
            UNREADABLE,
            ordered[0].image,
            f"slice distance {distance_mm}, expected a positive length; use mode corrected",
        )
    spacing_mm = largest_mode(s.spacing_mm for s in ordered)
    # Where in the patient the whole stack lies is of no consequence.
    up, centre_mm = normal(axes), ordered[0].centre_mm
    stacked = []
    for number, slice_ in enumerate(ordered):
        own = replace(slice_, orientation=tuple(axes.tolist()), spacing_mm=spacing_mm)
        position = np.array(own.position_mm) + centre_mm + up * number * distance_mm - own.centre_mm
        stacked.append(
            replace(own, position_mm=tuple(position.tolist()), location_mm=number * distance_mm)
        )
    return stacked, distance_mm


def frames_as_counted(groups: Mapping[str, Group]) -> dict[str, Group]:
    """The slices' files as frames 1, 2, ... in their order: what is lost is missed at the end."""
    counted = {}
    for image, group in groups.items():
        numbers = tuple(range(1, len(group.frames) + 1))
        counted[image] = replace(group, numbers=numbers)
    return counted
