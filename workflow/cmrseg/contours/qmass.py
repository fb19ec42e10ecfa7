"""QMass contours (`.con`): reading, writing, and assignment to images."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.files import check_plain, replacing

BLOCK = "[XYCONTOUR]"
# Coordinates beyond this are outside any image; drawing would wrap them around.
FURTHEST_PX = 2**15


class ContourType(IntEnum):
    """The contour types that are used; files hold others, which are ignored."""

    ENDOCARDIUM = 0
    EPICARDIUM = 1


@dataclass(frozen=True)
class Contours:
    """All contours of one examination.

    shape: (rows, columns) of the images they are drawn on. points: (slice, frame, type) ->
    (n, 2) x and y in pixels, where whole numbers are the centres of pixels; slices and
    frames count from 0.
    """

    patient: str
    shape: tuple[int, int]
    points: Mapping[tuple[int, int, ContourType], np.ndarray]


def read_con(path: str | Path) -> Contours:
    """Read a `.con` file; line ends may be CR LF.

    Each block is a line `[XYCONTOUR]`, a line `slice frame type ...`, a line with the number of
    points, then `x y` per point, with blanks or tabs between.
    Raises ValueError naming file and line otherwise.
    """
    check_plain(path)
    lines = Path(path).read_text(encoding="latin-1").splitlines()
    fields: dict[str, str] = {}
    points: dict[tuple[int, int, ContourType], np.ndarray] = {}
    start = 0
    while start < len(lines):
        if BLOCK in lines[start]:
            start = _read_block(path, lines, start, points)
            continue
        name, equals, value = lines[start].partition("=")
        if equals:
            fields.setdefault(name.strip(), value.strip())
        start += 1
    for name in ("Patient_id", "Image_resolution"):
        if name not in fields:
            raise ValueError(f"{path}: no line {name}=; expected a QMass contour file")
    try:
        columns, rows = (int(n) for n in fields["Image_resolution"].split("x"))
    except ValueError as error:
        raise ValueError(f"{path}: Image_resolution is not <columns>x<rows>") from error
    return Contours(fields["Patient_id"], (rows, columns), points)


def _read_block(
    path: str | Path,
    lines: list[str],
    start: int,
    points: dict[tuple[int, int, ContourType], np.ndarray],
) -> int:
    """Read the block at line `start` into `points`; returns the line behind it."""
    end = start + 3
    while end < len(lines) and len(lines[end].split()) > 1:
        end += 1
    try:
        slice_, frame, kind = (int(n) for n in lines[start + 1].split()[:3])
        count = int(lines[start + 2])
        xy = np.array([line.split()[:2] for line in lines[start + 3 : end]], float).reshape(-1, 2)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path}: line {start + 1}: not a contour; "
            "expected 'slice frame type', a number of points, then 'x y' lines"
        ) from error
    if len(xy) != count:
        raise ValueError(
            f"{path}: line {start + 1}: a contour of {count} points has {len(xy)}; "
            "is the file complete? export it again"
        )
    inside = in_picture(xy)
    if not inside.all():
        first = int(np.argmin(inside))
        line, (x, y) = start + 4 + first, xy[first]
        raise ValueError(f"{path}: line {line}: {x} {y} is not a point within an image")
    if kind in set(ContourType):
        key = (slice_, frame, ContourType(kind))
        if key in points:
            raise ValueError(
                f"{path}: line {start + 1}: a second {key[2].name} contour of slice {slice_}, "
                f"frame {frame} (from 0, as in the file); remove one of the two"
            )
        points[key] = xy
    return end


def in_picture(xy: np.ndarray) -> np.ndarray:
    """Which points (n, 2) can belong to a contour, whatever the image size: (n,) bool."""
    # False for nan.
    return (np.abs(xy) < FURTHEST_PX).all(axis=1)


def write_con(contours: Contours, path: str | Path) -> None:
    """Write a `.con` file that `read_con` reads; coordinates with three decimals."""
    rows, columns = contours.shape
    lines = [f"Patient_id={contours.patient}", f"Image_resolution={columns}x{rows}"]
    for (slice_, frame, kind), xy in sorted(contours.points.items()):
        lines += [BLOCK, f"{slice_} {frame} {int(kind)} 1.0", str(len(xy))]
        lines += [f"{x:.3f} {y:.3f}" for x, y in xy]
    # A last line without a blank ends the last block.
    lines.append("[END]")
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\r\n")


def contour_numbers(sources: pd.DataFrame) -> pd.DataFrame:
    """Slice and frame numbers, as in contours, of the files of an import.

    sources: table of an import (z, t, file, series_number, instance_number, phase_encoding,
    first_series, last_series). The slice is the series number minus the study's smallest; with
    phase encoding along the columns the stack is reversed: the largest minus the own. The
    frame is the instance number minus 1.
    Returns one row per file: file, slice, frame, rows, columns.
    Numbering of the 7T data of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
    """
    files = sources.drop_duplicates("file")
    upwards = files["series_number"] - files["first_series"]
    downwards = files["last_series"] - files["series_number"]
    return pd.DataFrame(
        {
            "file": files["file"],
            "slice": upwards.where(files["phase_encoding"] != "COL", downwards),
            "frame": files["instance_number"] - 1,
            "rows": files["rows"],
            "columns": files["columns"],
        }
    ).reset_index(drop=True)


def unused_contours(contours: Contours, sources: pd.DataFrame) -> list[tuple[int, int]]:
    """Slices and frames of contours whose image was removed by cleaning.

    sources: table of the import. The images before cleaning lie between the smallest and largest
    series number, and up to the largest instance number.

    Raises ValueError naming slice and frame of a contour that belongs to no image of the raw data.
    """
    numbers = contour_numbers(sources)
    imported = set(zip(numbers["slice"], numbers["frame"], strict=True))
    slices = int((sources["last_series"] - sources["first_series"]).max()) + 1
    frames = int(sources["last_instance"].max())
    unused = sorted({(s, f) for s, f, _ in contours.points} - imported)
    for slice_, frame in unused:
        if not (0 <= slice_ < slices and 0 <= frame < frames):
            raise ValueError(
                f"contours of slice {slice_}, frame {frame} match no image: the study has "
                f"slices 0 to {slices - 1} and frames 0 to {frames - 1}; are they from another "
                "study?"
            )
    return unused
