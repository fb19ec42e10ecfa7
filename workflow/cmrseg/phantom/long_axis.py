"""The 2-, 3- and 4-chamber views and the aortic view of a digital patient, as UK Biobank has them.

Pictures lie as those of the UK Biobank (Bai et al. 2018, doi:10.1186/s12968-018-0471-x): columns of
la_4ch and ao run to the patient's left and rows to the back, columns of la_2ch run to the front and
rows to the feet.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.phantom.atria import place_mm, upper_labels, upper_of
from cmrseg.phantom.geometry import Coordinates
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.scanner import ScannerSettings, acquire, ventricles_at
from cmrseg.sequences import SEQUENCES
from cmrseg.vectors import dot, unit

LONG_AXES = ("la_2ch", "la_3ch", "la_4ch")
# Angle of the 2-chamber view around the long axis: both its ends lie beyond the right ventricle.
TWO_CHAMBERS_DEG = 92.0
# How far from the long axis (0) to the mitral valve's middle (1) the views go through the base.
TO_MITRAL = 0.8
# LPS directions that columns and rows of pictures follow as far as they can.
FOLLOWED = {
    "la_2ch": ((0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    "la_4ch": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}
# In the 3-chamber view the apex is on the right and so much higher than the base.
APEX_UP_DEG = 20.0


@dataclass(frozen=True)
class ViewSettings:
    """Matrix, pixels and slice of one view; spacing_mm: of the pixels."""

    rows: int
    columns: int
    spacing_mm: float
    thickness_mm: float = 6.0


def long_axis_planes(
    parameters: HeartParameters, settings: Mapping[str, ViewSettings]
) -> dict[str, Plane]:
    """The 2-, 3- and 4-chamber views as they are planned on a scanner, by name.

    All go through the apex and nearly the middle of the mitral valve, the 4-chamber view also
    through the middle of the tricuspid valve, the 3-chamber view through the aortic root.
    settings: by name. Raises ValueError if the parameters have no atria.
    """
    heart = Heart(parameters)
    upper = upper_of(heart, 0.0)

    base = upper.base_mm
    # Near the middle of the mitral valve during the beat, as planning compromises.
    x, y = upper.left.centre_mm
    late_x, late_y = upper_of(heart, parameters.es_phase).left.centre_mm
    middle_xy = TO_MITRAL * (x + late_x) / 2, TO_MITRAL * (y + late_y) / 2
    mitral = place_mm(heart, middle_xy, base)
    tricuspid = place_mm(heart, upper.right.centre_mm, base)
    root = place_mm(heart, upper.ring_mm, base)
    angle = math.radians(TWO_CHAMBERS_DEG)
    aside = math.cos(angle) * heart.towards_rv + math.sin(angle) * heart.towards_inferior
    third = {"la_2ch": mitral + aside, "la_3ch": root, "la_4ch": tricuspid}
    along = unit(mitral - heart.apex_mm)
    planes = {}
    for name in LONG_AXES:
        across = third[name] - heart.apex_mm
        across = unit(across - dot(across, along) * along)
        middle = heart.apex_mm + 0.62 * base * along
        if name == "la_4ch":
            middle = middle + 0.6 * heart.short_mm * across
        up = math.radians(APEX_UP_DEG)
        wanted, down = math.cos(up) * along - math.sin(up) * across, -across
        if name in FOLLOWED:
            wanted, down = (np.array(direction) for direction in FOLLOWED[name])
        row = unit(dot(wanted, along) * along + dot(wanted, across) * across)
        column = np.cross(np.cross(along, across), row)
        column = column if dot(column, down) > 0 else -column
        planes[name] = plane_around(middle, row, column, settings[name])
    return planes


def plane_around(middle_mm, row: np.ndarray, column: np.ndarray, settings: ViewSettings) -> Plane:
    """The plane around a point (LPS mm), with unit directions in which columns and rows count."""
    sides = (settings.columns - 1) * row + (settings.rows - 1) * column
    return Plane(
        tuple((middle_mm - settings.spacing_mm / 2 * sides).tolist()),
        tuple(row.tolist()),
        tuple(column.tolist()),
        settings.spacing_mm,
        settings.spacing_mm,
        settings.rows,
        settings.columns,
        settings.thickness_mm,
    )


def labels_of(sequence: str) -> Callable[[Heart, Coordinates, float], np.ndarray]:
    """What gives the labels of a long axis at points in the heart's coordinates, at a phase."""
    shown = [int(tissue) for tissue in SEQUENCES[sequence].tissues]

    def labels_at(heart: Heart, at: Coordinates, phase: float) -> np.ndarray:
        ventricles = ventricles_at(heart, at, phase)
        labels = np.where(ventricles == 0, upper_labels(heart, at, phase), ventricles)
        return np.where(np.isin(labels, shown), labels, Tissue.BACKGROUND).astype(np.uint8)

    return labels_at


def acquire_long_axis(
    parameters: HeartParameters,
    sequence: str,
    plane: Plane,
    phases: Sequence[float] | np.ndarray,
    scanner: ScannerSettings,
    rng: np.random.Generator,
    shift_mm=(0.0, 0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray]:
    """Images (t, rows, columns) of a long-axis view and its labels; arguments as of `acquire`."""
    labels_at = labels_of(sequence)
    return acquire(parameters, plane, phases, scanner, rng, shift_mm, labels_at)
