"""Label maps of a cine brought back to the pixels of the DICOM images that it was made of.

The way back of `dicom.placement`: each pixel of an image gets the label of the voxel at its centre.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.dicom.placement import PLACEMENT_COLUMNS, Placement
from cmrseg.dicom.resample import scaled_size
from cmrseg.labels import UNLABELLED, Tissue

# A centre half-way between two voxels belongs to the later one, whatever the rounding.
TIE = 1e-6


@dataclass(frozen=True)
class OwnLabels:
    """Labels on the pixels of one image.

    file: of the image, as the table of sources names it. t, z: frame and slice of the cine. labels:
    (rows, columns) uint8.
    """

    file: str
    t: int
    z: int
    labels: np.ndarray


def own_pixels(labels: np.ndarray, placement: Placement, shape: tuple[int, int]) -> np.ndarray:
    """The labels of a slice on the pixels of its image.

    labels: (y, x) of the cine's grid. placement: of the image on that grid. shape: (rows, columns)
    of the image. What of the image lies outside the grid is background. Where the image was neither
    scaled nor turned by part of a right angle, `place` gives the labels back that lie on the image.
    """
    turned = np.rot90(labels, -placement.quarter_turns)
    height, width = turned.shape
    size = scaled_size(shape[0], placement.scale_y), scaled_size(shape[1], placement.scale_x)
    down, across = np.indices(shape, float)
    down = (down + 0.5) * (size[0] / shape[0]) - 0.5
    across = (across + 0.5) * (size[1] / shape[1]) - 0.5
    if placement.mirrored:
        across = size[1] - 1 - across
    inside = np.ones(shape, bool)
    shift = placement.shift_y, placement.shift_x
    canvas = size
    if placement.rotation_deg:
        canvas = size if placement.rotation_canvas == "own" else (height, width)
        down, across = _rotated(down, across, placement.rotation_deg, size, canvas)
        down, across, shift = down + shift[0], across + shift[1], (0.0, 0.0)
        # What leaves the canvas was cut off.
        inside = _within(down, canvas[0]) & _within(across, canvas[1])
    down = down + _low(canvas[0], height) + shift[0]
    across = across + _low(canvas[1], width) + shift[1]
    inside &= _within(down, height) & _within(across, width)
    found = np.full(shape, Tissue.BACKGROUND, np.uint8)
    found[inside] = turned[_nearest(down[inside]), _nearest(across[inside])]
    return found


def _rotated(
    down: np.ndarray,
    across: np.ndarray,
    angle_deg: float,
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Where `resample.rotate` brings places of an image."""
    quarters = angle_deg / 90
    cos, sin = (
        ((1, 0), (0, 1), (-1, 0), (0, -1))[int(quarters) % 4]
        if quarters == int(quarters)
        else (math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg)))
    )
    x, y = across - (size[1] - 1) / 2, down - (size[0] - 1) / 2
    return (
        y * cos - x * sin + (canvas[0] - 1) / 2,
        x * cos + y * sin + (canvas[1] - 1) / 2,
    )


def _low(size: int, target: int) -> int:
    """By how many pixels `resample.fit` moves an axis: an odd pixel is on the low side."""
    more = target - size
    return (abs(more) + 1) // 2 * (1 if more > 0 else -1)


def _nearest(places: np.ndarray) -> np.ndarray:
    return np.floor(places + 0.5 + TIE).astype(int)


def _within(places: np.ndarray, size: int) -> np.ndarray:
    index = _nearest(places)
    return (index >= 0) & (index < size)


def of_images(labels: np.ndarray, sources: pd.DataFrame) -> Iterator[OwnLabels]:
    """The labels of each image of a cine, in the order of the sources.

    labels: (t, z, y, x). sources: table of the import, a row per (z, t). Images that stand for
    missing ones are left out, so that each image is there once, as are those of which nothing is
    known. Other unlabelled pixels are background. Raises ValueError where the table is of another
    cine.
    """
    if missing := {"z", "t", "file", "rows", "columns", *PLACEMENT_COLUMNS} - set(sources):
        raise ValueError(
            f"the table of sources lacks {', '.join(sorted(missing))}; the cine was not imported "
            "from DICOM in mode corrected: import it again"
        )
    expected = {(z, t) for z in range(labels.shape[1]) for t in range(labels.shape[0])}
    if set(zip(sources["z"], sources["t"], strict=True)) != expected:
        raise ValueError(
            f"labels have {labels.shape[0]} frames of {labels.shape[1]} slices, the sources of the "
            f"images {sources['t'].nunique()} of {sources['z'].nunique()}; label the images again"
        )
    for row in sources.itertuples(index=False):
        own = labels[row.t, row.z]
        if row.copied or (own == UNLABELLED).all():
            continue
        placement = Placement(**{name: getattr(row, name) for name in PLACEMENT_COLUMNS})
        found = own_pixels(own, placement, (row.rows, row.columns))
        yield OwnLabels(row.file, row.t, row.z, np.where(found == UNLABELLED, 0, found))
