"""Contours as text files, one per image and contour: reading, and conversion to labels.

File names of the Sunnybrook Cardiac Data (Radau et al. 2009, doi:10.54294/g80ruo).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.contours.qmass import ContourType, in_picture
from cmrseg.contours.raster import Drawn, draw
from cmrseg.files import check_plain

# IM-0001-0059-icontour-manual.txt: the inner contour of the image with InstanceNumber 59.
NAME = re.compile(r".*-(?P<number>\d+)-(?P<kind>[a-z]\d*)contour.*\.txt")
KINDS = {"i": ContourType.ENDOCARDIUM, "o": ContourType.EPICARDIUM}

# (InstanceNumber, type) -> (n, 2) x and y in pixels.
Points = Mapping[tuple[int, ContourType], np.ndarray]


def read_points(path: str | Path) -> np.ndarray:
    """The points of one contour, a line `x y` (column and row, in pixels) for each: (n, 2).

    Raises ValueError naming file and line of an invalid point, and a file without points.
    """
    check_plain(path)
    points = []
    for number, line in enumerate(Path(path).read_text(encoding="latin-1").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x, y = (float(word) for word in line.split())
        except ValueError:
            x = y = np.nan
        if not in_picture(np.array([[x, y]])).all():
            # The line may contain anything, so it is not quoted.
            raise ValueError(f"{path}: line {number}: expected a point 'x y' within an image")
        points.append((x, y))
    if not points:
        raise ValueError(f"{path}: has no points; export the contour again or remove the file")
    return np.array(points)


def read_folder(folder: Path) -> tuple[Points, list[Path]]:
    """All contours below a folder, and text files of other structures (papillary muscles).

    Raises ValueError if there is no contour, or two of the same image and kind.
    """
    found: dict[tuple[int, ContourType], Path] = {}
    others = []
    for path in sorted(folder.rglob("*.txt")):
        match = NAME.fullmatch(path.name)
        if match is None or match["kind"] not in KINDS:
            others.append(path)
            continue
        key = (int(match["number"]), KINDS[match["kind"]])
        if key in found:
            raise ValueError(
                f"{path.relative_to(folder)} and {found[key].relative_to(folder)} are the same "
                "contour of one image; set `annotation` to the folder of one observer"
            )
        found[key] = path
    if not found:
        raise ValueError(
            f"no contour below {folder.name}; expected files *-<InstanceNumber>-icontour*.txt"
        )
    return {key: read_points(path) for key, path in found.items()}, others


def label_images(
    points: Points, sources: pd.DataFrame, published: bool = False
) -> tuple[Drawn, list[int]]:
    """Label map of every file of an import, drawn on the file's own pixels.

    sources: table of an import (z, t, file, instance_number, rows, columns, copied, last_instance).
    A contour belongs to the image with its InstanceNumber. An image without contours is background
    where another slice of its frame has contours, as in QMass files, and None (not labelled) if
    none has. published: as of `raster.rasterise`.
    Returns the labels for `placement.place_labels`, and the InstanceNumbers of contours whose image
    was removed by cleaning.
    Raises ValueError for a number that matches no image or several, and for a contour without any
    point on its image.
    """
    files = sources[~sources["copied"].astype(bool)].drop_duplicates("file")
    wanted = {number for number, _ in points}
    numbers = files["instance_number"]
    repeated = numbers[numbers.duplicated() & numbers.isin(wanted)]
    if len(repeated):
        raise ValueError(
            f"InstanceNumber {repeated.iloc[0]} is used by several images, so its contours cannot "
            "be assigned; number the images of the study uniquely or use another form of contours"
        )
    last = int(sources["last_instance"].max())
    if foreign := sorted(number for number in wanted if not 0 < number <= last):
        raise ValueError(
            f"contours of InstanceNumber {foreign[0]} match no image: the study has 1 to {last}"
            "; are they from another study?"
        )
    labelled = set(files.loc[numbers.isin(wanted), "t"])
    images = []
    for row in files[files["t"].isin(labelled)].itertuples(index=False):
        inner, outer = (points.get((row.instance_number, kind)) for kind in ContourType)
        for contour in (inner, outer):
            if contour is not None and not on_image(contour, row.rows, row.columns):
                raise ValueError(
                    f"{row.file}: the contour lies outside the image ({row.rows} rows, "
                    f"{row.columns} columns); is it from another image?"
                )
        images.append((row.file, inner, outer, (row.rows, row.columns)))
    drawn = draw(images, published)
    labels = dict.fromkeys(sources["file"]) | drawn.labels
    return drawn._replace(labels=labels), sorted(wanted - set(numbers))


def on_image(contour: np.ndarray, rows: int, columns: int) -> bool:
    """Whether a contour (n, 2) has a point on an image of that size."""
    x, y = contour.T
    return bool(((x >= 0) & (x < columns) & (y >= 0) & (y < rows)).any())
