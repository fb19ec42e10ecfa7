"""Short-axis labels of a heart whose cavity and wall are circles, and numbers of a reference."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue

# Slice 0 is basal, and the patient's head is above; pixels of 1 mm, slices 8 mm apart.
AFFINE = np.diag([1.0, 1.0, -8.0, 1.0])
CENTRE = 32


def annulus(
    endo_px: float = 12.0,
    epi_px: float = 18.0,
    slices: int = 8,
    rv_deg: float = 180.0,
    epi_offset_px: tuple[float, float] = (0.0, 0.0),
    affine: np.ndarray = AFFINE,
) -> Cine:
    """One frame of equal slices: a disc of cavity in one of wall, and an RV that touches it.

    rv_deg: where it lies in the picture, from x to y. epi_offset_px: of the wall's centre from the
    cavity's, along x, y.
    """
    y, x = np.mgrid[: 2 * CENTRE + 1, : 2 * CENTRE + 1] - CENTRE
    direction = np.deg2rad(rv_deg)
    reach = epi_px + 4
    from_rv = np.hypot(x - reach * np.cos(direction), y - reach * np.sin(direction))
    from_wall = np.hypot(x - epi_offset_px[0], y - epi_offset_px[1])
    plane = np.where(from_rv <= 10, Tissue.RV, Tissue.BACKGROUND)
    plane = np.where(from_wall <= epi_px, Tissue.MYO, plane)
    plane = np.where(np.hypot(x, y) <= endo_px, Tissue.LV, plane)
    return Cine(np.tile(plane.astype(np.uint8), (1, slices, 1, 1)), affine)


def turned(affine: np.ndarray, axis: int, degrees: float) -> np.ndarray:
    """The affine of the same picture in a patient turned about an axis of RAS."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    rotation = np.eye(4)
    a, b = [i for i in range(3) if i != axis]
    rotation[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return rotation @ affine


def reversed_along(cine: Cine, axis: int) -> Cine:
    """The same picture in space from an array that runs the other way along x, y or z (0 to 2)."""
    voxels = np.flip(cine.voxels, 3 - axis)
    affine = cine.affine.copy()
    affine[:3, 3] += affine[:3, axis] * (voxels.shape[3 - axis] - 1)
    affine[:3, axis] *= -1
    return Cine(voxels, affine)


@dataclass(frozen=True)
class Reference:
    """Numbers of the original program, and the labels they are of."""

    folder: Path

    @classmethod
    def of(cls, data: Path) -> "Reference":
        """That in the folder of real data; the test is skipped where it is absent."""
        folder = data / "ukbb_eval"
        if not (folder / "expected.npz").exists():
            pytest.skip(f"no reference numbers at {folder}")
        return cls(folder)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "expected.npz") as file:
            return dict(file)

    @cached_property
    def notes(self) -> dict:
        return json.loads((self.folder / "expected.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", index_col=0)

    def short_axis(self, subject: str) -> Cine:
        return Cine.load(self.folder / f"subjects/{subject}/seg_sa_ED.nii.gz")

    def long_axis(self, subject: str) -> Cine:
        return Cine.load(self.folder / f"subjects/{subject}/seg4_la_4ch_ED.nii.gz")
