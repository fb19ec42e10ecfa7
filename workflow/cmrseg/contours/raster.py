"""Contours to label maps and back, and contours in patient coordinates.

Coordinates are x (column) and y (row) in pixels, where whole numbers are the centres of pixels.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeGuard

import contourpy
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, label

from cmrseg.contours.qmass import Contours, ContourType, contour_numbers, unused_contours
from cmrseg.labels import UNLABELLED, Tissue

# Pixels that touch at a corner are connected, as a contour may pass through corners.
EIGHT_NEIGHBOURS = np.ones((3, 3), int)
# Between a pixel inside (1) and one outside (0); a little less than half-way, so that pixels that
# touch at a corner stay together.
BORDER = 0.5 - 1e-6
# Edges that are looked at together; a file may hold any number.
EDGES = 4096
# An epicardium does not enclose the cavity if more than this share of the cavity lies outside, and
# further than this distance. Inaccurate drawing gives smaller values.
OUTSIDE_SHARE = 0.05
OUTSIDE_PX = 2.0

# An image to be drawn: its file, endocardium, epicardium, and (rows, columns).
Image2D = tuple[str, np.ndarray | None, np.ndarray | None, tuple[int, int]]


class Outside(NamedTuple):
    """The part of the endocardium outside the epicardium.

    pixels, their share of the endocardium's, and how far the furthest one lies from the pixels of
    the epicardium: between centres, less the half pixel to its border.
    """

    pixels: int
    share: float
    furthest_px: float

    @property
    def apart(self) -> bool:
        """Whether the epicardium does not enclose the cavity: one contour is misplaced."""
        return self.share > OUTSIDE_SHARE and self.furthest_px > OUTSIDE_PX


class Drawn(NamedTuple):
    """Labels of images from their contours, by file.

    labels: (rows, columns) uint8; None if the image is not labelled, or its contours contradict
    each other. outside: images whose endocardium crosses the epicardium. alone: images with only
    one contour, and which one.
    """

    labels: dict[str, np.ndarray | None]
    outside: dict[str, Outside]
    alone: dict[str, ContourType]


def fill(points: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre is inside a closed polygon.

    points: (n, 2) x and y in pixels, whole numbers at centres; None is no contour. shape: (rows,
    columns). Returns bool. A centre exactly on the line is inside at left and upper edges and
    outside at right and lower ones, and the other way round in every second row (left, right) and
    column (upper, lower): polygons that share an edge share no pixel, and points on half pixels, as
    some programs write them, neither move nor enlarge the area. Where a contour runs over itself,
    as where a hand closes it, what it goes around is inside (nonzero winding).
    """
    if not is_drawn(points):
        return np.zeros(shape, bool)
    upper, lower = (_turns(points, shape, above) != 0 for above in (True, False))
    return np.where(np.arange(shape[1]) % 2, lower, upper)


def _turns(points: np.ndarray, shape: tuple[int, int], above: bool) -> np.ndarray:
    """(rows, columns) how often a polygon goes around each centre.

    above: whether a centre on a horizontal line is inside where the polygon lies below it.
    """
    rows, columns = shape
    crossings = np.zeros(rows * (columns + 1))
    closed = np.concatenate([points, points[:1]])
    for begin in range(0, len(points), EDGES):
        _cross(closed[begin : begin + EDGES + 1], shape, above, crossings)
    return crossings.reshape(rows, columns + 1)[:, :-1].cumsum(axis=1)


def _cross(line: np.ndarray, shape: tuple[int, int], above: bool, crossings: np.ndarray) -> None:
    """Add 1 or -1 to `crossings` at the first centre of a row to the right of each cut."""
    rows, columns = shape
    start, end = line[:-1], line[1:]
    # An edge and its reverse cut a row at the very same place.
    down = start[:, 1] < end[:, 1]
    upper, lower = np.where(down[:, None], (start, end), (end, start))
    first, last = (
        np.clip(np.ceil(y) if above else np.floor(y) + 1, 0, rows).astype(int)
        for y in (upper[:, 1], lower[:, 1])
    )
    count = last - first
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    (x0, y0), (x1, y1) = upper[edge].T, lower[edge].T
    cut = x0 + (row - y0) * ((x1 - x0) / (y1 - y0))
    column = np.where(row % 2, np.floor(cut) + 1, np.ceil(cut))
    place = row * (columns + 1) + np.clip(column, 0, columns).astype(int)
    turns = np.where(down, 1, -1)[edge]
    crossings += np.bincount(place, turns, minlength=len(crossings))


def fill_with_outline(points: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """Pixels inside a polygon, and those that its line touches, as Ankenbrand et al. 2021 have it.

    Arguments as `fill`. Drawn by Pillow. The area is 5 to 7 % above that of the polygon of a
    cavity, and parts of pixels are cut off.
    """
    image = Image.new("L", (shape[1], shape[0]), 0)
    if is_drawn(points):
        corners = [(float(x), float(y)) for x, y in points]
        ImageDraw.Draw(image).polygon(corners, outline=1, fill=1)
    return np.array(image, bool)


def is_drawn(points: np.ndarray | None) -> TypeGuard[np.ndarray]:
    """Whether there is a contour; fewer than 2 points are none, as published."""
    return points is not None and len(points) >= 2


def rasterise(
    endocardium: np.ndarray | None,
    epicardium: np.ndarray | None,
    shape: tuple[int, int],
    published: bool = False,
) -> tuple[np.ndarray, Outside]:
    """Label map of one image from its two contours.

    Returns labels (rows, columns) uint8: cavity inside the endocardium, myocardium between the two;
    and what of the cavity lies outside the epicardium, which is cavity. With an endocardium only,
    the outer border of the wall is unknown: everything outside is UNLABELLED. With an epicardium
    only, everything inside is UNLABELLED: cavity or wall. `published` fills with the outline.
    """
    filled = fill_with_outline if published else fill
    inner, outer = filled(endocardium, shape), filled(epicardium, shape)
    return compose(inner, outer, is_drawn(endocardium), is_drawn(epicardium))


def compose(
    inner: np.ndarray, outer: np.ndarray, has_inner: bool, has_outer: bool
) -> tuple[np.ndarray, Outside]:
    """As `rasterise`, of the areas (rows, columns) inside the two, and which of them is drawn."""
    outside = Outside(0, 0.0, 0.0)
    around: int
    wall: int
    if has_inner and has_outer:
        outside = _outside(inner, outer)
        around, wall = Tissue.BACKGROUND, Tissue.MYO
    elif has_inner:
        around = wall = UNLABELLED
    else:
        around, wall = Tissue.BACKGROUND, UNLABELLED
    labels = np.where(outer, wall, around).astype(np.uint8)
    labels[inner] = Tissue.LV
    return labels, outside


def _outside(inner: np.ndarray, outer: np.ndarray) -> Outside:
    away = inner & ~outer
    if not away.any():
        return Outside(0, 0.0, 0.0)
    share = int(away.sum()) / int(inner.sum())
    if not outer.any():
        return Outside(int(away.sum()), share, float(np.hypot(*inner.shape)))
    # The epicardium runs between the centres of pixels.
    furthest_px = distance_transform_edt(~outer)[away].max() - 0.5
    return Outside(int(away.sum()), share, float(furthest_px))


def draw(images: Iterable[Image2D], published: bool = False) -> Drawn:
    """Labels of images that an observer reviewed; one without contours is background.

    images: file, endocardium, epicardium (None where there is none), and (rows, columns) of each.
    An image whose epicardium does not enclose the cavity (`Outside.apart`) has no labels.
    """
    drawn = Drawn({}, {}, {})
    for file, inner, outer, shape in images:
        labels, outside = rasterise(inner, outer, shape, published)
        drawn.labels[file] = None if outside.apart else labels
        if outside.pixels:
            drawn.outside[file] = outside
        if is_drawn(inner) != is_drawn(outer):
            kind = ContourType.ENDOCARDIUM if is_drawn(inner) else ContourType.EPICARDIUM
            drawn.alone[file] = kind
    return drawn


def label_images(contours: Contours, sources: pd.DataFrame, published: bool = False) -> Drawn:
    """Label map of every file of an import, drawn on the file's own pixels.

    sources: table of the import. An image without contours is background where another
    slice of the same frame has contours, and None (not labelled) if none has.
    published: as of `rasterise`. For `placement.place_labels`.
    Raises ValueError where contours are drawn on another matrix than the images', match no image of
    the raw data (`unused_contours`), or several.
    """
    unused_contours(contours, sources)
    labelled = {frame for (_, frame, _), points in contours.points.items() if is_drawn(points)}
    numbers = contour_numbers(sources)
    _check_one_image(contours, numbers)
    images = []
    for row in numbers[numbers["frame"].isin(labelled)].itertuples(index=False):
        shape = (row.rows, row.columns)
        if shape != contours.shape:
            raise ValueError(
                f"contours are drawn on {contours.shape} (rows, "
                f"columns), but {row.file} has {shape}; draw them on the imported images"
            )
        inner, outer = (contours.points.get((row.slice, row.frame, kind)) for kind in ContourType)
        images.append((row.file, inner, outer, shape))
    drawn = draw(images, published)
    return drawn._replace(labels=dict.fromkeys(numbers["file"]) | drawn.labels)


def _check_one_image(contours: Contours, numbers: pd.DataFrame) -> None:
    """Raise ValueError for contours whose slice and frame several images have."""
    drawn = {(slice_, frame) for slice_, frame, _ in contours.points}
    for (slice_, frame), files in numbers.groupby(["slice", "frame"])["file"]:
        if (slice_, frame) in drawn and len(files) > 1:
            raise ValueError(
                f"contours of slice {slice_}, frame {frame} (from 0) match {len(files)} images, "
                f"such as {files.iloc[0]} and {files.iloc[1]}: QMass numbers slices by series, "
                "and these share one; give each slice its own SeriesNumber, or use another form "
                "of contours"
            )


def contours_of(labels: np.ndarray) -> dict[ContourType, np.ndarray]:
    """The two contours of one label map, along the borders of its pixels.

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
    """Outer border of the largest connected part of a bool image, as (n, 2) x and y.

    Marching squares: half-way between the centres of a pixel inside and its neighbour outside,
    corners cut. No centre lies on it, and `fill` gives the part back with its holes filled. Raises
    ValueError for an empty region.
    """
    if not region.any():
        raise ValueError("the region is empty, so it has no contour; expected at least one pixel")
    parts, _ = label(region, structure=EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts.ravel())
    inside = np.pad(parts == 1 + sizes[1:].argmax(), 1).astype(float)
    lines = contourpy.contour_generator(z=inside).lines(BORDER)
    outer = max((np.asarray(line)[:-1] for line in lines), key=lambda xy: abs(signed_area(xy)))
    return np.round(outer * 2) / 2 - 1


def signed_area(points: np.ndarray) -> float:
    """Area of a closed polygon (n, 2) in square pixels; negative where it runs anticlockwise.

    As displayed, with y downwards.
    """
    x, y = (points - points[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def to_world(points: np.ndarray, z: int, affine: np.ndarray) -> np.ndarray:
    """Contour points (n, 2) of slice z of a cine as RAS millimetres (n, 3)."""
    indices = np.column_stack([points, np.full(len(points), z), np.ones(len(points))])
    return (indices @ affine.T)[:, :3]


def from_world(points_mm: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """RAS millimetres (n, 3) as voxel indices x, y, z (n, 3) of a cine."""
    homogeneous = np.column_stack([points_mm, np.ones(len(points_mm))])
    return (homogeneous @ np.linalg.inv(affine).T)[:, :3]
