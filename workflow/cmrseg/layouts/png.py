"""Import of the published archive of pictures, and the names and orientation of its files.

Layout of Ankenbrand et al. 2021, doi:10.1002/mrm.28822: one PNG per frame and slice.
"""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.dicom.audit import NO_IMAGES, OTHER, UNEXPECTED_NAME, Audit, SubjectError
from cmrseg.files import check_plain, read_table
from cmrseg.splits import ROTATED, original

DIMENSIONS = "patient_dimensions.tsv"
DIMENSION_COLUMNS = ["X", "Y", "pixelSpacingX", "pixelSpacingY", "sliceSpacing"]
# Far more than a slice has; a small file may announce, and unpack to, any number.
MOST_PIXELS = 2**24
NAME = re.compile(r"(?P<id>.+)-frame(?P<frame>\d+)-slice(?P<slice>\d+)\.png")


def picture_files(folder: Path, name: str) -> tuple[dict[tuple[int, int], Path], list[Path]]:
    """Pictures of a study by frame and slice (from 0), and the files that are none of them.

    Raises ValueError naming two files of the same frame and slice.
    """
    pictures: dict[tuple[int, int], Path] = {}
    others = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        match = NAME.fullmatch(path.name)
        if match is None or match["id"] != name:
            others.append(path)
            continue
        key = (int(match["frame"]), int(match["slice"]))
        if key in pictures:
            raise ValueError(f"{path}: {pictures[key].name} is of the same frame and slice")
        pictures[key] = path
    return pictures, others


def read_pixels(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values of a PNG (y, x) or (y, x, band) as they are stored, and the names of the bands.

    Raises ValueError naming the file where it is no readable PNG of at most MOST_PIXELS.
    """
    check_plain(path)
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if math.prod(picture.size) > MOST_PIXELS:
                raise ValueError(f"{picture.size} pixels announced, at most {MOST_PIXELS} are read")
            return np.asarray(picture), picture.getbands()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable picture ({error})") from error


def read_picture(path: Path) -> np.ndarray:
    """One grey picture on the grid of its cine: (y, x), integers.

    The files show the plane turned: row r, column c of the picture is x = c, y = rows - 1 - r.
    8 or 16 bit grey, or colours that are equal; transparency is ignored. Raises ValueError naming
    the file where it is no such picture.
    """
    pixels, bands = read_pixels(path)
    if bands == ("P",):
        raise ValueError(f"{path}: the picture has a palette, expected grey")
    if pixels.ndim == 3:
        colours = pixels[..., : len(bands) - (bands[-1] == "A")]
        if (colours != colours[..., :1]).any():
            raise ValueError(f"{path}: the picture has colours, expected grey")
        pixels = pixels[..., 0]
    return pixels[::-1]


def read_pictures(raw: Path, study: str, sequence: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
    """The cine of a study, with its grey values as they are, and its sources.

    A `ready_made.Reader`; the archive has the short axis alone. raw: folder with
    `images/<study>/<study>-frame<fff>-slice<sss>.png` and `patient_dimensions.tsv` (pid, X, Y,
    pixelSpacingX, pixelSpacingY, sliceSpacing).
    The affine has the spacings alone: neither the place in the patient nor the frame interval is
    known. A rotated copy (`<id>_rot90`) has the row of its original with the sides exchanged.
    Raises SubjectError without pictures or a row, ValueError naming a picture that is missing,
    unreadable or of another size.
    """
    folder = raw / "images" / study
    if not folder.is_dir():
        raise SubjectError(NO_IMAGES, "", f"no folder images/{study}; check the table's study")
    columns, rows, spacing_mm = _dimensions(raw, folder.name)
    pictures, others = picture_files(folder, folder.name)
    for path in others:
        audit.add(UNEXPECTED_NAME, path.name, f"expected {folder.name}-frame<fff>-slice<sss>.png")
    if not pictures:
        raise SubjectError(NO_IMAGES, "", f"no picture of {folder.name} in images/{study}")
    frames, slices = (1 + max(numbers) for numbers in zip(*pictures, strict=True))
    # Made when all are read: what names and the table announce may be any number.
    planes, sources = [], []
    if len(pictures) != frames * slices:
        t, z = next((t, z) for z in range(slices) for t in range(frames) if (t, z) not in pictures)
        raise ValueError(
            f"{folder.name}-frame{t:03d}-slice{z:03d}.png is missing, expected {frames} frames "
            f"of {slices} slices; copy the folder again"
        )
    for z, t in np.ndindex(slices, frames):
        path = pictures[t, z]
        pixels = read_picture(path)
        if pixels.shape != (rows, columns):
            raise ValueError(
                f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels (X x Y), "
                f"{DIMENSIONS} has {columns} x {rows}"
            )
        planes.append(pixels.astype(np.float32))
        sources.append((z, t, path.name))
    voxels = np.stack(planes).reshape(slices, frames, rows, columns).swapaxes(0, 1)
    cine = Cine(np.ascontiguousarray(voxels), np.diag([*spacing_mm, 1.0]))
    return cine, pd.DataFrame(sources, columns=["z", "t", "file"])


def _dimensions(raw: Path, name: str) -> tuple[int, int, tuple[float, float, float]]:
    """Columns, rows and the spacing along x, y, z of a study."""
    path = raw / DIMENSIONS
    if not path.is_file():
        raise SubjectError(OTHER, "", f"no {DIMENSIONS}; it belongs beside the folder images")
    table = read_table(path)
    if absent := sorted({"pid", *DIMENSION_COLUMNS} - set(table)):
        raise SubjectError(OTHER, "", f"{DIMENSIONS} has no column {', '.join(absent)}")
    turned = name not in set(table["pid"]) and name.endswith(ROTATED)
    rows = table.loc[table["pid"] == (original(name) if turned else name), DIMENSION_COLUMNS]
    if len(rows) != 1:
        raise SubjectError(OTHER, "", f"{DIMENSIONS} has {len(rows)} rows of {name}, expected 1")
    columns, lines, dx, dy, dz = pd.to_numeric(rows.iloc[0], errors="coerce").astype(float)
    if not (float(columns).is_integer() and float(lines).is_integer()):
        raise SubjectError(
            OTHER, "", f"{DIMENSIONS}: sizes of {name} are {columns} x {lines}, expected pixels"
        )
    if not (np.isfinite([dx, dy, dz]).all() and min(dx, dy, dz) > 0):
        raise SubjectError(
            OTHER, "", f"{DIMENSIONS}: spacings of {name} are {dx}, {dy}, {dz}, expected mm above 0"
        )
    if turned:
        columns, lines, dx, dy = lines, columns, dy, dx
    return int(columns), int(lines), (float(dx), float(dy), float(dz))
