"""A cine of UK Biobank's DICOM as the published program makes it (mode compat).

Slices in the order of their numbers, frames in that of TriggerTime, pictures as they are stored:
Bai et al. 2018, doi:10.1186/s12968-018-0471-x.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    EXTRA_FRAME,
    FEW_FRAMES,
    MISSING_FRAME,
    MISSING_TAG,
    OTHER,
    UNREADABLE,
    Audit,
    SubjectError,
)
from cmrseg.dicom.grid import LPS_TO_RAS
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.placement import Placement
from cmrseg.dicom.stack import note_numbers, source_row
from cmrseg.dicom.study_files import check_triggered
from cmrseg.layouts.ukbb_series import Choice, one_series
from cmrseg.sequences import USUAL
from cmrseg.vectors import length, unit

# The views of a mixed long-axis series, as thirds of its files in order of their names.
MIXED_VIEWS = ("la_3ch", "la_4ch", "la_2ch")


def published_slices(
    parts: Sequence[Sequence[Frame]],
    sequence: str,
    is_mixed: bool,
    choice: Choice,
    audit: Audit,
) -> list[list[Frame]]:
    """The frames of each slice, in order of the slices' numbers, frames by name.

    parts: the frames of each numbered slice, or all frames of one view or of a mixed series, of
    which the sorted names are cut into groups of CardiacNumberOfImages. Raises SubjectError where
    a mixed series of long axes is no three groups.
    """
    by_name = [sorted(part, key=lambda f: f.name) for part in parts]
    if not is_mixed:
        return [one_series(part, choice, audit) for part in by_name]
    files = by_name[0]
    phases = _phases(files)
    if sequence == USUAL:
        if len(files) < phases:
            raise SubjectError(
                FEW_FRAMES,
                files[0].name,
                f"{len(files)} files, CardiacNumberOfImages is {phases}; copy the files again",
            )
        whole = len(files) // phases
        for extra in files[whole * phases :]:
            audit.add(EXTRA_FRAME, extra.name, f"{len(files)} files, {phases} frames in each slice")
        return [files[i * phases : (i + 1) * phases] for i in range(whole)]
    return [published_view(files, sequence)]


def published_view(files: Sequence[Frame], sequence: str) -> list[Frame]:
    """A view of a mixed series of long axes: a third of its files in order of their names.

    Raises SubjectError where they are not three times CardiacNumberOfImages.
    """
    files = sorted(files, key=lambda f: f.name)
    phases = _phases(files)
    if len(files) != len(MIXED_VIEWS) * phases:
        raise SubjectError(
            OTHER,
            files[0].name,
            f"a series of several views has {len(files)} files, expected {len(MIXED_VIEWS)} times "
            f"the {phases} of CardiacNumberOfImages; give each view a folder of its own",
        )
    third = MIXED_VIEWS.index(sequence)
    return files[third * phases : (third + 1) * phases]


def published_cine(slices: Sequence[Sequence[Frame]], audit: Audit) -> tuple[Cine, pd.DataFrame]:
    """The cine (float32) of the frames of each slice, and its sources, a row for each z and t.

    A slice with too few frames repeats its last one, which is audited. The third axis runs from
    the first slice to the second. Raises SubjectError (MISSING_TAG, UNREADABLE) naming a file.
    """
    for files in slices:
        check_triggered(files)
    phases = _phases(slices[0])
    timed = [sorted(files, key=lambda f: f.trigger_ms) for files in slices]
    first = timed[0][0]
    voxels = np.empty((phases, len(timed), *first.pixels.shape), np.float32)
    placement = Placement()
    rows = []
    for z, files in enumerate(timed):
        for extra in files[phases:]:
            audit.add(EXTRA_FRAME, extra.name, f"{len(files)} files, {phases} frames")
        for t in range(phases):
            frame = files[min(t, len(files) - 1)]
            if frame.pixels.shape != first.pixels.shape:
                raise SubjectError(
                    UNREADABLE,
                    frame.name,
                    f"{frame.pixels.shape} pixels, but {first.pixels.shape} in {first.name}; use "
                    "mode corrected",
                )
            copied = t >= len(files)
            if copied:
                detail = f"frame {t + 1} of {phases}: copy of {frame.name}"
                audit.add(MISSING_FRAME, files[0].name, detail)
            voxels[t, z] = frame.pixels
            rows.append(source_row(z, t, frame, copied, placement))
    sources = pd.DataFrame(rows)
    note_numbers(sources, [frame for files in timed for frame in files])
    times = [frame.trigger_ms for frame in timed[-1][:2]]
    interval_s = (times[1] - times[0]) / 1000 if len(times) == 2 else math.nan
    return Cine(voxels, _affine([files[0] for files in timed]), interval_s), sources


def _affine(firsts: Sequence[Frame]) -> np.ndarray:
    """(x, y, z) to RAS mm. firsts: the first frame of each slice. May be left-handed."""
    first = firsts[0]
    x, y = (LPS_TO_RAS @ np.array(half) for half in (first.orientation[:3], first.orientation[3:]))
    step = np.cross(x, y)
    distance_mm = first.thickness_mm
    if len(firsts) > 1:
        step = LPS_TO_RAS @ np.subtract(firsts[1].position_mm, first.position_mm)
        distance_mm = length(step)
    written_mm = first.slice_distance_mm
    distance_mm = written_mm if written_mm > 0 else distance_mm
    if not (distance_mm > 0 and length(step) > 0):
        raise SubjectError(
            UNREADABLE,
            first.name,
            f"slices are {distance_mm} mm apart, expected a positive length; use mode corrected",
        )
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = x * first.spacing_mm[1], y * first.spacing_mm[0]
    affine[:3, 2] = unit(step) * distance_mm
    affine[:3, 3] = LPS_TO_RAS @ np.array(first.position_mm)
    return affine


def _phases(files: Sequence[Frame]) -> int:
    if files[0].phases < 1:
        raise SubjectError(
            MISSING_TAG,
            files[0].name,
            "CardiacNumberOfImages is absent; export the series again with this tag or use mode "
            "corrected",
        )
    return files[0].phases
