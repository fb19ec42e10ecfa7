"""The images of a patient's sequences on the grid of the first one; how they differ is audited."""

from pathlib import Path

from cmrseg.cine import Cine
from cmrseg.dicom.audit import AXES, LOST, Audit, SubjectError
from cmrseg.layouts.nifti import onto_order
from cmrseg.layouts.one_grid import (
    check_difference,
    difference,
    in_words,
    is_one_grid,
    resampled,
)
from cmrseg.nifti_header import is_placed, read_header

# Problem and resolution, as in the audit of every import; docs/data.md describes them.
OTHER_PLACE = ("sequences do not match", LOST)
RESAMPLED = ("sequences on different grids", "resampled")


def matched(cine: Cine, path: Path, first: Cine, of_first: Path, audit: Audit) -> Cine:
    """An image on the grid of the first one; how the grids differ is audited.

    Raises SubjectError (OTHER_PLACE) naming the file that does not match.
    """
    if is_one_grid(cine, first):
        return first.like(cine.voxels)
    try:
        turned = onto_order(cine, first)
    except ValueError:
        pass  # it lies on another grid
    else:
        audit.add(AXES, path.name, f"brought to the order of {of_first.name}")
        return first.like(turned.voxels)
    without = [file.name for file in (path, of_first) if not is_placed(read_header(file))]
    if without:
        raise SubjectError(
            OTHER_PLACE,
            path.name,
            f"it lies on another grid than {of_first.name} ({_size(cine)}, {_size(first)}), and "
            f"{' and '.join(without)} has neither sform nor qform; give both their places in the "
            "patient",
        )
    apart = difference(cine, first)
    try:
        check_difference(apart)
    except ValueError as error:
        raise SubjectError(
            OTHER_PLACE, path.name, f"compared with {of_first.name}: {error}"
        ) from error
    audit.add(RESAMPLED, path.name, in_words(apart, cine, first))
    return resampled(cine, first)


def _size(cine: Cine) -> str:
    z, y, x = cine.voxels.shape[1:]
    return f"{x} x {y} x {z} voxels"
