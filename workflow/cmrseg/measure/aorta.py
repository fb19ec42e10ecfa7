"""Areas and distensibility of the aorta, and the pulse pressures that it needs.

As in Bai et al. 2018, doi:10.1186/s12968-018-0471-x, and their program ukbb_cardiac.
"""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.files import check_plain
from cmrseg.labels import SHORT_NAMES, UNLABELLED, Tissue
from cmrseg.measure.lumen_edge import edge_areas_mm2
from cmrseg.measure.pieces import largest_piece
from cmrseg.measure.rows import Measure, Mode

AORTAE = (Tissue.AAO, Tissue.DAO)
# A lower pulse pressure is a failed reading.
LEAST_PRESSURE_MMHG = 10
# Central pulse pressure of the first imaging visit, two readings, in UK Biobank's fields.
PRESSURE_FIELDS = ("12678-2.0", "12678-2.1")
# Cells without a reading, in lower case.
ABSENT = {"", "na", "nan", "."}

# Distensibility is in 1/1000 per mmHg, which is the same as per 1000 mmHg.
AORTIC = (
    Measure("aao_max_mm2", Tissue.AAO, "", "area_max", "mm2", "largest"),
    Measure("aao_min_mm2", Tissue.AAO, "", "area_min", "mm2", "smallest"),
    Measure(
        "aao_distensibility_per_1000_mmhg",
        *(Tissue.AAO, "", "distensibility", "per_1000_mmhg", "distensibility"),
    ),
    Measure("dao_max_mm2", Tissue.DAO, "", "area_max", "mm2", "largest"),
    Measure("dao_min_mm2", Tissue.DAO, "", "area_min", "mm2", "smallest"),
    Measure(
        "dao_distensibility_per_1000_mmhg",
        *(Tissue.DAO, "", "distensibility", "per_1000_mmhg", "distensibility"),
    ),
)


def aortic_curve(labels: Cine, image: Cine | None = None) -> pd.DataFrame:
    """Areas in each frame (from 0): frame, and aao_mm2, aao_counted_mm2, aao_apart_mm2; dao_... .

    labels: (t, 1, y, x) of `Tissue`. image: the cine, whose edges say how areas change
    (`lumen_edge`). A vessel is its largest piece; what lies apart has a column of its own. counted:
    its pixels. <vessel>_mm2: as large on average, but as the edges in the image change; the same as
    counted without an image, and where too few edges are found. 0 where the vessel was missed, nan
    in a frame that nobody labelled, and in single frames without edges. Raises ValueError for
    several slices, and an image of another shape.
    """
    frames, slices = labels.voxels.shape[:2]
    if slices != 1:
        raise ValueError(f"the aortic cine has {slices} slices, expected 1; choose one plane")
    pixel_mm2 = math.prod(labels.spacing_mm[1:])
    table = pd.DataFrame({"frame": np.arange(frames)})
    labelled = (labels.voxels != UNLABELLED).any(axis=(1, 2, 3))
    for tissue in AORTAE:
        masks = labels.voxels[:, 0] == tissue
        vessel = np.stack([largest_piece(mask) for mask in masks])
        pixels = vessel.sum(axis=(1, 2)).astype(float)
        apart = masks.sum(axis=(1, 2)) - pixels
        name = SHORT_NAMES[tissue]
        counted = np.where(labelled, pixels * pixel_mm2, math.nan)
        table[f"{name}_mm2"] = counted if image is None else _by_edges(vessel, counted, image)
        table[f"{name}_counted_mm2"] = counted
        table[f"{name}_apart_mm2"] = np.where(labelled, apart * pixel_mm2, math.nan)
    return table


def _by_edges(vessel: np.ndarray, counted_mm2: np.ndarray, image: Cine) -> np.ndarray:
    """Areas from edges; the counted ones if there are too few edges, and 0 of a missed vessel."""
    areas = edge_areas_mm2(image.voxels[:, 0], vessel, image.spacing_mm[1:])
    if np.isnan(areas).all():
        return counted_mm2
    return np.where(counted_mm2 > 0, areas, counted_mm2)


def aortic_measures(
    curve: pd.DataFrame, pulse_pressure_mmhg: float, mode: Mode
) -> dict[str, float]:
    """Every measure of AORTIC by its column; nan where unknown.

    curve: of `aortic_curve`. Distensibility is (largest - smallest area) / smallest area / pulse
    pressure, nan where that is unknown or below LEAST_PRESSURE_MMHG. corrected: the largest piece
    counts, as a few pixels apart change distensibility by a tenth, with areas as its edges change,
    and frames in which the vessel was missed do not. compat: as published, all pixels count, and a
    missed frame has an area of 0.
    """
    known = pulse_pressure_mmhg >= LEAST_PRESSURE_MMHG
    pressure_mmhg = pulse_pressure_mmhg if known else math.nan
    return {m.name: _value(m, _areas_mm2(curve, m.tissue, mode), pressure_mmhg) for m in AORTIC}


def _areas_mm2(curve: pd.DataFrame, tissue: Tissue, mode: Mode) -> np.ndarray:
    """The areas that count: nan unless there are two, as one is no heartbeat."""
    name = SHORT_NAMES[tissue]
    if mode == "compat":
        areas = curve[f"{name}_counted_mm2"] + curve[f"{name}_apart_mm2"]
    else:
        areas = curve.loc[curve[f"{name}_mm2"] > 0, f"{name}_mm2"]
    return areas.dropna().to_numpy(float) if areas.notna().sum() > 1 else np.array([math.nan])


def _value(measure: Measure, areas_mm2: np.ndarray, pressure_mmhg: float) -> float:
    largest, smallest = float(areas_mm2.max()), float(areas_mm2.min())
    match measure.kind:
        case "largest":
            return largest
        case "smallest":
            return smallest
        case "distensibility":
            if smallest == 0:
                return math.nan
            return (largest - smallest) / smallest / pressure_mmhg * 1000
        case _:
            raise ValueError(f"measure {measure.name} is none of the aorta")


def read_blood_pressure(path: str | Path) -> dict[str, float]:
    """Pulse pressure in mmHg by subject: the mean of its readings, nan without any.

    path: CSV of UK Biobank with two rows of headers: names, then fields. The first column is the
    subject, as text; readings are in the columns PRESSURE_FIELDS. Raises ValueError naming the file
    where one of these is not there once, a reading is no number from 0, or a subject is there twice
    or without a name.
    """
    check_plain(path)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable CSV ({error})") from error
    fields = rows[1] if len(rows) > 1 else []
    for field in PRESSURE_FIELDS:
        if fields.count(field) != 1:
            raise ValueError(
                f"{path}: the second row names column {field} {fields.count(field)} times, "
                f"expected once; it has {', '.join(fields[1:6]) or 'no columns'}; export both "
                "header rows and the columns of central pulse pressure"
            )
    places = {field: fields.index(field) for field in PRESSURE_FIELDS}
    found: dict[str, float] = {}
    for number, row in enumerate(rows[2:], 3):
        if not any(row):
            continue
        if not row[0] or row[0] in found:
            what = f"subject {row[0]} for the second time" if row[0] else "no subject"
            raise ValueError(f"{path}: row {number} has {what}, expected each once; repair it")
        cells = {f: row[place] if place < len(row) else "" for f, place in places.items()}
        where = f"{path}: row {number}, subject {row[0]}"
        readings = [
            _reading(cell, f"{where}, column {f}")
            for f, cell in cells.items()
            if cell.lower() not in ABSENT
        ]
        found[row[0]] = sum(readings) / len(readings) if readings else math.nan
    return found


def _reading(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(
            f"{where}: pulse pressure is {cell!r}, expected mmHg, or an empty cell; repair it"
        )
    return value
