"""Images with the contours of a prediction and its reference: best, median and worst cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cmrseg.figures import style
from cmrseg.figures.picture import (
    DASHED,
    SOLID,
    TISSUES,
    draw_picture,
    heart_centre,
    heart_width_mm,
)
from cmrseg.labels import COLOURS, NAMES, SHORT_NAMES, Tissue


@dataclass(frozen=True)
class Case:
    """One image with two label maps.

    image (rows, cols); prediction, reference (rows, cols) Tissue numbers; affine (4, 4) of the
    cine, indices (x, y, z) to RAS mm, x along the columns. kind: row of the figure ("best", ...).
    z, frame: indices of the slice and the frame. dice: of some tissues, nan if one is in neither
    map.
    """

    kind: str
    subject: str
    z: int
    frame: int
    image: np.ndarray
    prediction: np.ndarray
    reference: np.ndarray
    affine: np.ndarray
    dice: Mapping[Tissue, float]


@style.styled
def figure(
    cases: Sequence[Case], prediction: str = "model", reference: str = "reference"
) -> Figure:
    """One row per kind of case, contours of prediction (solid) and reference (dashed).

    cases: in the order of rows and columns; prediction, reference: names for the legend.
    Raises ValueError if there is no case or shapes of a case differ.
    """
    if not cases:
        raise ValueError("figure overlays: no cases, expected at least one")
    for case in cases:
        if not case.image.shape == case.prediction.shape == case.reference.shape:
            raise ValueError(
                f"figure overlays: subject {case.subject}: image {case.image.shape}, prediction "
                f"{case.prediction.shape} and reference {case.reference.shape} must have one shape"
            )
    kinds = list(dict.fromkeys(case.kind for case in cases))
    columns = max(sum(case.kind == kind for case in cases) for kind in kinds)
    cell_mm = min(56.0, style.TWO_COLUMNS_MM / columns)
    width = max(cell_mm * columns, style.ONE_COLUMN_MM)
    result = style.figure_mm(width, cell_mm * len(kinds))
    panels = result.subplots(len(kinds), columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    # One scale for all pictures.
    shown_mm = max(heart_width_mm((c.reference, c.prediction), c.affine) for c in cases)
    for row, kind in enumerate(kinds):
        for column, case in enumerate(case for case in cases if case.kind == kind):
            _draw(panels[row, column], case, shown_mm)
        panels[row, 0].text(
            -0.04,
            0.5,
            kind.capitalize(),
            transform=panels[row, 0].transAxes,
            rotation=90,
            ha="right",
            va="center",
            weight="bold",
            fontsize=7.5,
        )
    shown = [
        t for t in TISSUES if any(((c.prediction == t) | (c.reference == t)).any() for c in cases)
    ]
    handles = [Line2D([], [], color=COLOURS[tissue], label=NAMES[tissue]) for tissue in shown]
    handles.append(Line2D([], [], color=style.INK, label=prediction))
    handles.append(Line2D([], [], color=style.INK, linestyle=DASHED, label=reference))
    rows = style.legend_above(result, handles, width)
    result.set_figheight((4 + 4 * rows + (cell_mm + 5) * len(kinds)) / style.MM_PER_INCH)
    return result


def _draw(axes: Axes, case: Case, shown_mm: float) -> None:
    maps = (case.reference, case.prediction)
    layers = list(zip(maps, (DASHED, SOLID), strict=True))
    centre = heart_centre(maps)
    draw_picture(axes, case.image, case.affine, layers, centre, shown_mm=shown_mm)
    dice = ", ".join(
        f"{SHORT_NAMES[tissue].upper()} " + (f"{value:.2f}" if np.isfinite(value) else "–")
        for tissue, value in case.dice.items()
    )
    axes.set_title(
        f"{case.subject}, slice {case.z + 1}, frame {case.frame + 1}\nDice {dice}",
        fontsize=6.5 if len(case.dice) <= 2 else 5.5,
        weight="normal",
        pad=2.5,
    )
