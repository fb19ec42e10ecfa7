"""Contours to label maps and back, and contours in patient coordinates."""

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from scipy.ndimage import label

from cmrseg.contours.qmass import Contours, ContourType, contour_numbers, unused_contours
from cmrseg.labels import Tissue

# Pixels that touch at a corner belong together, as a contour runs over corners too.
EIGHT_NEIGHBOURS = np.ones((3, 3), int)
# Clockwise steps (row, column) around a pixel, starting to the west.
AROUND = [(0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)]


def fill(points: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Pixels inside or on a closed polygon.

    points: (n, 2) x and y in pixels; None or fewer than 2 points is no contour. shape: (rows,
    columns). Returns bool. Drawn by Pillow with its outline, as in Ankenbrand et al. 2021.
    """
    image = Image.new("L", (shape[1], shape[0]), 0)
    if points is not None and len(points) >= 2:
        corners = [(float(x), float(y)) for x, y in points]
        ImageDraw.Draw(image).polygon(corners, outline=1, fill=1)
    return np.array(image, bool)


def rasterise(
    endocardium: np.ndarray | None,
    epicardium: np.ndarray | None,
    shape: tuple[int, int],
    published: bool = False,
) -> tuple[np.ndarray, int]:
    """Label map of one image from its two contours.

    Returns labels (rows, columns): cavity inside the endocardium, myocardium between the two;
    and the number of endocardial pixels outside the epicardium. These are cavity (uint8);
    `published` leaves the -1 that twice the epicardium minus the endocardium gives (int8).
    """
    inner, outer = fill(endocardium, shape), fill(epicardium, shape)
    outside = int((inner & ~outer).sum())
    if published:
        return 2 * outer.astype(np.int8) - inner.astype(np.int8), outside
    labels = np.where(outer, Tissue.MYO, Tissue.BACKGROUND).astype(np.uint8)
    labels[inner] = Tissue.LV
    return labels, outside


def label_images(
    contours: Contours, sources: pd.DataFrame
) -> tuple[dict[str, np.ndarray | None], pd.DataFrame]:
    """Label map of every file of an import, drawn on the file's own pixels.

    sources: table of the import. An image without contours is background where another
    slice of the same frame has contours, and None (nobody labelled it) where none has.
    Returns file -> (rows, columns) uint8 or None, for `placement.place_labels`, and a table of
    images whose endocardium leaves the epicardium (file, slice, frame, pixels).
    Raises ValueError where contours are drawn on another matrix than the images', or belong to
    no image of the raw data (`unused_contours`).
    """
    unused_contours(contours, sources)
    labelled = {frame for _, frame, _ in contours.points}
    labels: dict[str, np.ndarray | None] = {}
    leaving = []
    for row in contour_numbers(sources).itertuples(index=False):
        if row.frame not in labelled:
            labels[row.file] = None
            continue
        shape = (row.rows, row.columns)
        if shape != contours.shape:
            raise ValueError(
                f"contours are drawn on {contours.shape} (rows, "
                f"columns), but {row.file} has {shape}; draw them on the images that are imported"
            )
        inner, outer = (contours.points.get((row.slice, row.frame, kind)) for kind in ContourType)
        labels[row.file], outside = rasterise(inner, outer, shape)
        if outside:
            leaving.append((row.file, row.slice, row.frame, outside))
    return labels, pd.DataFrame(leaving, columns=["file", "slice", "frame", "pixels"])


def contours_of(labels: np.ndarray) -> dict[ContourType, np.ndarray]:
    """The two contours of one label map, through the centres of the outermost pixels.

    labels: (rows, columns) of Tissue. Only the largest connected part and its outer border
    count: a contour has neither holes nor islands. Returns (n, 2) x and y; a tissue that is
    absent has no contour. Filling them gives the label map again.
    """
    cavity = labels == Tissue.LV
    heart = cavity | (labels == Tissue.MYO)
    regions = {ContourType.ENDOCARDIUM: cavity, ContourType.EPICARDIUM: heart}
    # An epicardium without myocardium would be a second endocardium.
    if not (labels == Tissue.MYO).any():
        del regions[ContourType.EPICARDIUM]
    return {kind: outline(region) for kind, region in regions.items() if region.any()}


def outline(region: np.ndarray) -> np.ndarray:
    """Outer border of the largest connected part of a bool image, clockwise, as (n, 2) x and y.

    Moore neighbour tracing: from each border pixel on to the next one around it, until the
    first step would be made again. At least 2 points. Raises ValueError for an empty region.
    """
    if not region.any():
        raise ValueError("the region is empty, so it has no outline; expected at least one pixel")
    parts, _ = label(region, structure=EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts.ravel())
    inside = np.pad(parts == 1 + sizes[1:].argmax(), 1)
    start = tuple(int(i) for i in np.argwhere(inside)[0])
    # The first pixel in reading order has nothing to its west.
    pixel, came_from = start, 0
    border = [start]
    first_step = None
    while True:
        for turn in range(1, 9):
            direction = (came_from + turn) % 8
            row, column = pixel[0] + AROUND[direction][0], pixel[1] + AROUND[direction][1]
            if inside[row, column]:
                break
        else:
            break  # a single pixel
        step = (pixel, direction)
        if first_step is None:
            first_step = step
        elif step == first_step:
            border.pop()
            break
        pixel = (row, column)
        border.append(pixel)
        # The search goes on behind the last empty pixel, seen from the new one.
        came_from = (direction + 5) % 8 if direction % 2 else (direction + 6) % 8
    if len(border) == 1:
        border.append(start)
    return np.array(border, float)[:, ::-1] - 1


def to_world(points: np.ndarray, z: int, affine: np.ndarray) -> np.ndarray:
    """Contour points (n, 2) of slice z of a cine as RAS millimetres (n, 3)."""
    indices = np.column_stack([points, np.full(len(points), z), np.ones(len(points))])
    return (indices @ affine.T)[:, :3]


def from_world(points_mm: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """RAS millimetres (n, 3) as voxel indices x, y, z (n, 3) of a cine."""
    homogeneous = np.column_stack([points_mm, np.ones(len(points_mm))])
    return (homogeneous @ np.linalg.inv(affine).T)[:, :3]
