"""Tagged series of a scanner, and cines without tags beside them, small and known."""

import math
from pathlib import Path

import numpy as np

from dicom_builder import write_series
from made_frames import PLANES

SIZE, SLICES, FRAMES, INTERVAL_MS = 64, 3, 5, 40.0
# Directions of rows and columns of a short axis; the normal is from apex to base.
ROW = tuple(float(v) for v in PLANES["sax"][0])
COLUMN = tuple(-float(v) for v in PLANES["sax"][1])
TOWARDS_APEX = -np.cross(ROW, COLUMN)
UKBB = "cine_tagging_3sl_SAX_b{}s"


def tagged(rows: int, columns: int, series_number: int, frame: int) -> np.ndarray:
    """Lines in two directions that fade from frame to frame; frame and series are added."""
    y, x = np.mgrid[:rows, :columns]
    wave = 2 * math.pi / 5.0
    lines = np.cos(wave * (0.8 * x + 0.6 * y)) + np.cos(wave * (0.6 * x - 0.8 * y))
    fading = 0.9 ** (frame - 1)
    return np.round(300 + 60 * fading * lines + 10 * series_number + frame).astype(np.uint16)


def heart(rows: int, columns: int, series_number: int, frame: int) -> np.ndarray:
    """A bright disc that beats, with noise."""
    y, x = np.mgrid[:rows, :columns]
    radius = rows / 5 * (1 - 0.3 * math.sin(math.pi * frame / FRAMES))
    disc = np.hypot(y - rows / 2, x - columns / 2) < radius
    noise = np.random.default_rng([series_number, frame]).normal(0, 20, disc.shape)
    return np.round(200 + 400 * disc + noise).clip(0).astype(np.uint16)


def write_slice(folder: Path, number: int, z: int, image=tagged, frames: int = FRAMES, **changed):
    """A series of one slice, the z-th from the base on, 15 mm apart."""
    position = TOWARDS_APEX * 15.0 * z
    usual = {
        "SeriesDescription": UKBB.format(z + 1),
        "SeriesInstanceUID": f"1.2.{number}",
        "StudyInstanceUID": "1.1",
        "CardiacNumberOfImages": frames,
        "PixelSpacing": [1.4, 1.4],
        "ImageType": ["ORIGINAL", "PRIMARY", "M"],
    }
    options = {"rows": SIZE, "columns": SIZE, "frame_interval_ms": INTERVAL_MS} | usual | changed
    return write_series(
        folder / f"{number}",
        number,
        frames=range(1, frames + 1),
        row_direction=options.pop("row_direction", ROW),
        column_direction=options.pop("column_direction", COLUMN),
        position_mm=options.pop("position_mm", position),
        image=image,
        **options,
    )


def write_tagged(folder: Path, first: int = 20, slices: int = SLICES, **changed) -> None:
    """Series of tags, a slice each, acquired from base to apex."""
    for z in range(slices):
        write_slice(folder, first + z, z, **changed)


def write_cine(folder: Path, number: int = 5, slices: int = 4, **changed) -> None:
    """A cine without tags, a series for each slice."""
    words = {"SeriesDescription": "cine sax"}
    for z in range(slices):
        write_slice(folder, number + z, z, heart, **{**words, **changed})
