"""Contours of chambers in cvi42 workspaces to label maps, and their end-diastole and end-systole.

Coordinates are x (column) and y (row) in pixels, where whole numbers are the centres of pixels. The
program does not document where its coordinates begin. Whole numbers at centres are what the
published label maps assume, and what those do who place such points in the patient by
ImagePositionPatient, which is a centre.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from cmrseg.contours.cvi42 import LONG_AXIS, SHORT_AXIS, Contours
from cmrseg.contours.points import on_image
from cmrseg.contours.qmass import ContourType
from cmrseg.contours.raster import Drawn, Outside, compose, fill, is_drawn
from cmrseg.contours.workspaces import image_of
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.sequences import SEQUENCES, USUAL

MODES = ("corrected", "compat")
# Pixels are filled on a canvas so many times as fine, of which every fourth is kept.
PUBLISHED_FACTOR = 4
# The numbers of the published label maps, all of which a frame has to have. Of the frames behind
# end-diastole the one with the smallest sum of them (-1), or the largest (1), is end-systole.
PUBLISHED_NUMBERS = {
    "sa": {Tissue.LV: 1, Tissue.MYO: 2, Tissue.RV: 3},
    "la_2ch": {Tissue.LA: 1},
    "la_4ch": {Tissue.LA: 1, Tissue.RA: 2},
}
PUBLISHED_SIGN = {"sa": -1, "la_2ch": 1, "la_4ch": 1}

# Contours of one image by name.
OfImage = Mapping[str, np.ndarray]


class Chambers(NamedTuple):
    """Labels of an import's images from their contours.

    drawn: labels by file. one_atrium: files with one of two atria alone. others: how often a
    contour of the images is of another kind, by its name. elsewhere: images of contours of the
    sequence that are not among the import's.
    """

    drawn: Drawn
    one_atrium: list[str]
    others: Counter[str]
    elsewhere: set[str]


def kinds_of(sequence: str) -> dict[Tissue, tuple[str, ...]]:
    """Names of the contours of each tissue in a sequence, in the order in which they are painted.

    Raises ValueError for a sequence whose chambers have no contours.
    """
    if sequence == USUAL:
        return SHORT_AXIS
    shown = SEQUENCES[sequence].tissues
    kinds = {t: names for t, names in LONG_AXIS.items() if t in shown}
    if not kinds:
        raise ValueError(
            f"contours of {sequence} in cvi42 workspaces are not known; expected sa or a long axis"
        )
    return kinds


def fill_published(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels inside a polygon as the published label maps have them.

    points: (n, 2) x and y in pixels. shape: (rows, columns). Returns bool. The points are rounded
    to quarters of a pixel, the polygon is filled with its border on a canvas of four times the
    size, and every fourth pixel from the first counts. Pixels are those that OpenCV's `fillPoly`
    fills, but for one in a million. Bai et al. 2018, doi:10.1186/s12968-018-0471-x.
    """
    size = (shape[1] * PUBLISHED_FACTOR, shape[0] * PUBLISHED_FACTOR)
    canvas = Image.new("L", size, 0)
    pen = ImageDraw.Draw(canvas)
    corners = [(int(x), int(y)) for x, y in np.rint(points * PUBLISHED_FACTOR)]
    pen.polygon(corners, fill=1)
    # Pillow omits the border where it has the colour of the area. Where a line is half-way between
    # two pixels, from right to left it takes the one that OpenCV takes.
    for edge in zip(corners, [*corners[1:], corners[0]], strict=True):
        pen.line([max(edge), min(edge)], fill=1)
    return np.array(canvas, bool)[::PUBLISHED_FACTOR, ::PUBLISHED_FACTOR]


def cvi42_labels(
    contours: OfImage, rows: int, columns: int, sequence: str, mode: str
) -> np.ndarray:
    """Label map (rows, columns) uint8 of one image; other contours are ignored.

    contours: name -> (n, 2) x and y in pixels. mode: `corrected` has pixels whose centre is inside
    (`raster.fill`), and UNLABELLED what was not drawn, as `raster.rasterise`: all around a cavity
    or atrium alone, inside of an epicardium alone, the whole image where the epicardium does not
    enclose the cavity. `compat` has what was published: `fill_published`, all else background.
    Raises ValueError for an unknown mode.
    """
    labels, outside = _painted(contours, (rows, columns), sequence, mode)
    return np.full_like(labels, UNLABELLED) if outside.apart else labels


def _painted(
    contours: OfImage, shape: tuple[int, int], sequence: str, mode: str
) -> tuple[np.ndarray, Outside]:
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    filled = fill if mode == "corrected" else fill_published
    areas, known = {}, {}
    for tissue, names in kinds_of(sequence).items():
        drawn = [xy for name in names if is_drawn(xy := contours.get(name))]
        areas[tissue], known[tissue] = np.zeros(shape, bool), bool(drawn)
        for xy in drawn:
            areas[tissue] |= filled(xy, shape)
    if mode == "corrected" and sequence == USUAL:
        inner, outer = areas[Tissue.LV], areas[Tissue.MYO]
        labels, outside = compose(inner, outer, known[Tissue.LV], known[Tissue.MYO])
        labels[areas[Tissue.RV] & ~inner & ~outer] = Tissue.RV
        return labels, outside
    part = mode == "corrected" and any(known.values()) and not all(known.values())
    labels = np.full(shape, UNLABELLED if part else Tissue.BACKGROUND, np.uint8)
    for tissue, area in areas.items():
        labels[area] = tissue
    return labels, Outside(0, 0.0, 0.0)


def label_images(contours: Contours, sources: pd.DataFrame, sequence: str, mode: str) -> Chambers:
    """Label map of every file of an import, drawn on the file's own pixels.

    contours: of a workspace (`cvi42.read_cvi42`). sources: table of an import (z, t, file, rows,
    columns, copied). Contours belong to the file that is named by their image's SOPInstanceUID. An
    image without contours of the sequence is background where another slice of its frame has some,
    and None (not labelled) if none has. mode: as of `cvi42_labels`.
    Raises ValueError naming the file whose image has no point of one of its contours.
    """
    kinds = kinds_of(sequence)
    names = {name for of_tissue in kinds.values() for name in of_tissue}
    files = sources[~sources["copied"].astype(bool)].drop_duplicates("file")
    files = files.assign(image=[image_of(file) for file in files["file"]])
    wanted = {
        image
        for image, found in contours.items()
        if any(name in names and is_drawn(xy) for name, xy in found.items())
    }
    drawn = Drawn({}, {}, {})
    drawn.labels.update(dict.fromkeys(sources["file"]))
    one_atrium = []
    labelled = set(files.loc[files["image"].isin(wanted), "t"])
    for row in files[files["t"].isin(labelled)].itertuples(index=False):
        found = {n: xy for n, xy in contours.get(row.image, {}).items() if n in names}
        for name, xy in found.items():
            if is_drawn(xy) and not on_image(xy, row.rows, row.columns):
                raise ValueError(
                    f"{row.file}: its {name} lies outside the image ({row.rows} rows, "
                    f"{row.columns} columns); is it from another image?"
                )
        labels, outside = _painted(found, (row.rows, row.columns), sequence, mode)
        drawn.labels[row.file] = None if outside.apart else labels
        if outside.pixels:
            drawn.outside[row.file] = outside
        there = {t for t in kinds if any(is_drawn(found.get(name)) for name in kinds[t])}
        if mode == "compat" or not there or there == set(kinds):
            continue
        if sequence != USUAL:
            one_atrium.append(row.file)
        elif (Tissue.LV in there) != (Tissue.MYO in there):
            inner, outer = ContourType
            drawn.alone[row.file] = inner if Tissue.LV in there else outer
    others = Counter(
        name for image in files["image"] for name in contours.get(image, {}) if name not in names
    )
    return Chambers(drawn, one_atrium, others, wanted - set(files["image"]))


def published_frames(labels: np.ndarray, sequence: str) -> tuple[int, int] | None:
    """End-diastole and end-systole of a cine as they were chosen for the published networks.

    labels: (t, z, y, x) of Tissue, of a short axis, or a two- or four-chamber view. Frames count
    that have background and each of the sequence's tissues, and nothing else; the first frame
    of the cine needs some tissue. The first that counts is end-diastole; of three or more the
    later one with the smallest sum of label values is end-systole, in long axes the one with the
    largest, by their published numbers; of two the other one. Returns None where there are fewer,
    or the first frame of the cine has no tissue. Raises ValueError for another sequence.
    Bai et al. 2018, doi:10.1186/s12968-018-0471-x.
    """
    if sequence not in PUBLISHED_NUMBERS:
        raise ValueError(
            f"sequence {sequence}: frames were published for {', '.join(PUBLISHED_NUMBERS)} alone"
        )
    numbers = PUBLISHED_NUMBERS[sequence]
    expected = np.array(sorted([Tissue.BACKGROUND, *numbers]))
    whole = [t for t, frame in enumerate(labels) if np.array_equal(np.unique(frame), expected)]
    if len(whole) < 2 or not ((labels[0] != Tissue.BACKGROUND) & (labels[0] != UNLABELLED)).any():
        return None
    sums = [sum(n * int((labels[t] == k).sum()) for k, n in numbers.items()) for t in whole[1:]]
    return whole[0], whole[1 + int(np.argmax(np.multiply(sums, PUBLISHED_SIGN[sequence])))]
