"""Image files as the import has read them, without any file."""

import math
from dataclasses import replace

import numpy as np

from cmrseg.dicom.headers import Frame
from cmrseg.dicom.origin import Origin

# Directions of the rows and columns of planes in a patient whose heart lies as usual (LPS).
_LONG = np.array([0.64, -0.64, -0.43]) / np.linalg.norm([0.64, -0.64, -0.43])
_ROW = np.cross([0, 0, 1.0], _LONG) / np.linalg.norm(np.cross([0, 0, 1.0], _LONG))
PLANES = {
    "sax": (_ROW, np.cross(_LONG, _ROW)),
    "4ch": (_LONG, _ROW),
    "2ch": (_LONG, np.cross(_LONG, _ROW)),
    "axial": (np.array([1.0, 0, 0]), np.array([0, 1.0, 0])),
}


def stack(number: int = 7, planes: int = 4, frames: int = 5, view: str = "sax", **changes):
    """Frames of one series: slice after slice, 10 mm and 100 ms apart.

    changes: fields of Frame or Origin, the same for all, or as functions of slice and frame.
    """
    row, column = PLANES[view]
    step = changes.pop("step_mm", 10.0)
    made = []
    for z in range(planes):
        for t in range(frames):
            here = {k: v(z, t) if callable(v) else v for k, v in changes.items()}
            origin = Origin(
                study="1.1", series=f"1.2.{number}", modality="MR", image_type=("ORIGINAL", "", "M")
            )
            own = {k: here.pop(k) for k in list(here) if k in Origin.__dataclass_fields__}
            frame = Frame(
                name=f"{number}/{z:02d}_{t:02d}",
                patient="1",
                series_number=number,
                instance_number=z * frames + t + 1,
                orientation=(*row, *column),
                position_mm=tuple(np.cross(row, column) * step * z),
                spacing_mm=(1.5, 1.5),
                trigger_ms=100.0 * t,
                phases=0,
                slice_location_mm=math.nan,
                slice_distance_mm=math.nan,
                thickness_mm=8.0,
                phase_encoding="ROW",
                transfer_syntax="",
                pixels=np.full((6, 5), 100 * number + 10 * z + t),
                origin=replace(origin, **own),
                instance=f"1.3.{number}.{z}.{t}",
                reference="1.4",
            )
            made.append(replace(frame, **here))
    return made


def shown(slices) -> set[str]:
    """Names of the files of all slices."""
    return {frame.name for plane in slices for _, frame in plane}


def names(*stacks) -> set[str]:
    return {frame.name for frames in stacks for frame in frames}
