"""Rings of landmarks whose strain is known in closed form, and the published example."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.phenotypes.examination import Examination
from cmrseg.phenotypes.tagging import measured
from cmrseg.ring import LANDMARKS, SPOKES, WALLS

# As in the published example, spoke 0 is at the lower left of the picture.
FIRST_DEG = 143.5
CENTRE_PX = 64.0
# Radii of the seven walls at rest, in px.
RADII_PX = np.linspace(10, 22, WALLS)


def ring(radii_px: np.ndarray, turned_deg: float = 0.0, centre_px: float = CENTRE_PX) -> np.ndarray:
    """Landmarks (168, 2), (y, x), on seven circles around one centre, clockwise as displayed."""
    angles = np.deg2rad(FIRST_DEG + turned_deg + np.arange(SPOKES) * 360 / SPOKES)
    around = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return (centre_px + around[:, None] * np.asarray(radii_px)[None, :, None]).reshape(LANDMARKS, 2)


def beating(
    factors: Sequence[float], slices: int = 3, radii_px: np.ndarray = RADII_PX
) -> np.ndarray:
    """Landmarks (t, z, 168, 2) of equal slices whose rings are scaled by a factor per frame."""
    frames = [np.stack([ring(radii_px * factor)] * slices) for factor in factors]
    return np.stack(frames)


def incompressible(shifts_px2: Sequence[float], slices: int = 3) -> np.ndarray:
    """As `beating`; every radius r goes to sqrt(r² - shift), so that the wall keeps its area."""
    radii = [np.sqrt(RADII_PX**2 - shift) for shift in shifts_px2]
    return np.stack([np.stack([ring(each)] * slices) for each in radii])


def tagged(frames: int, slices: int = 3, interval_s: float = 0.04) -> Cine:
    """A tagged cine of 128 x 128 pixels of 1.5 mm, black; slice 0 is the highest one, basal."""
    affine = np.array([[-1.5, 0, 0, 96.0], [0, -1.5, 0, 96.0], [0, 0, -20.0, 40.0], [0, 0, 0, 1.0]])
    return Cine(np.zeros((frames, slices, 128, 128), np.uint8), affine, interval_s)


def example(data: Path) -> h5py.File:
    """The published example: a row of images and landmarks."""
    return h5py.File(data / "tagging" / "train_example.h5")


def example_points(data: Path, where: str = "landmark_coords") -> np.ndarray:
    """Landmarks (20, 1, 168, 2), (y, x), of the published example."""
    with example(data) as file:
        published = file[where][()]
    return from_published(published).astype(np.float64)


def from_published(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks (row, t, 2, 168), x first, as (t, row, 168, 2), (y, x)."""
    return np.moveaxis(landmarks, (0, 1, 3), (1, 0, 2))[..., ::-1]


def strain_details(**factors: Sequence[float]) -> pd.DataFrame:
    """Details of the measure `tagging` of hearts whose rings are scaled by a factor per frame."""
    tables = []
    for subject, each in factors.items():
        image, points = tagged(len(each)), beating(each)
        examination = Examination(subject, {}, {}, {"tag": image}, points={"tag": points})
        tables.append(measured(examination, "corrected").details.assign(subject=subject))
    return pd.concat(tables, ignore_index=True)
