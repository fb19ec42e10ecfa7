"""Points of a raw image on the grid of the imported one, which may have turned it."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.layouts.inputs import SUFFIXES, stems
from cmrseg.nifti_header import affine_mm, read_header
from cmrseg.points import PLACES, TOLERANCE_MM, places_mm

PIXELS = ["x_px", "y_px", "slice"]


def with_places(table: pd.DataFrame, raw: Path, study: str, sequence: str) -> pd.DataFrame:
    """A table of points with their places in the patient, by the raw NIfTI file that they lie in.

    raw, study, sequence: as of `nifti.read_whole`. As it is where it has places already, or where
    there is no such file.
    """
    if all(name in table for name in PLACES):
        return table
    places = stems(f"{raw}/{study}", sequence, lone=True)
    files = [Path(f"{stem}{suffix}") for stem in places for suffix in SUFFIXES]
    path = next((path for path in files if path.is_file()), None)
    if path is None:
        return table
    x, y, slice_ = table[PIXELS].to_numpy(np.float64).T
    told = places_mm(x, y, slice_, affine_mm(read_header(path)))
    return table.assign(**dict(zip(PLACES, told, strict=True)))


def onto_image(table: pd.DataFrame, cine: Cine) -> tuple[pd.DataFrame, bool]:
    """A table of points with the pixels and slices of an image, and whether these are others.

    Its places in the patient decide, where it has some: the pixels that it names may be those of
    the image before it was turned, mirrored, or its slices reversed. Other places than those of
    such a grid are left for `points_of` to refuse.
    """
    if not all(name in table for name in PLACES):
        return table, False
    known = np.isfinite(table[[*PIXELS, *PLACES]].to_numpy(np.float64)).all(axis=1)
    if "valid" in table:
        known &= (table["valid"] == 1).to_numpy()
    if not known.any():
        return table, False
    told = table.loc[known, list(PLACES)].to_numpy(np.float64)
    named = table[PIXELS].to_numpy(np.float64)
    last = np.array(cine.voxels.shape[:0:-1]) - 1
    for turned, *flips in product((False, True), *((False, True),) * 3):
        pixels = named[:, [1, 0, 2]] if turned else named
        pixels = np.where(flips, last - pixels, pixels)
        x, y, slice_ = pixels[known].T
        there = np.stack(places_mm(x, y, slice_, cine.affine), axis=1)
        if np.linalg.norm(there - told, axis=1).max() <= TOLERANCE_MM:
            moved = bool(turned or any(flips))
            return table.assign(**dict(zip(PIXELS, pixels.T, strict=True))), moved
    return table, False
