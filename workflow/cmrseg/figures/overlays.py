"""Images with the contours of a prediction and its reference: best, median and worst cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from cmrseg.figures import style
from cmrseg.labels import COLOURS, NAMES, UNLABELLED, Tissue

TISSUES = (Tissue.LV, Tissue.MYO, Tissue.RV)
SCALE_BAR_MM = 20.0
# Of each RAS axis: the letter of its negative and of its positive end.
RAS_LETTERS = (("L", "R"), ("P", "A"), ("F", "H"))
# Half an octant: a second letter is written where the axis is further off than this.
OBLIQUE = float(np.sin(np.pi / 8))
# The heart and what is around it; the rest of the chest is not shown.
SHOWN_MM = 130.0


@dataclass(frozen=True)
class Case:
    """One image with two label maps.

    image (rows, cols); prediction, reference (rows, cols) Tissue numbers; affine (4, 4) of the
    cine, indices (x, y, z) to RAS mm, x along the columns. kind: row of the figure ("best", ...).
    z, frame: indices of the slice and the frame. Dice nan where a tissue is in neither map.
    """

    kind: str
    subject: str
    z: int
    frame: int
    image: np.ndarray
    prediction: np.ndarray
    reference: np.ndarray
    affine: np.ndarray
    dice_lv: float
    dice_my: float


def orientation_marks(affine: np.ndarray) -> tuple[str, str, str, str]:
    """Patient directions at the left, right, top and bottom of an image of the cine's rows/cols.

    affine: (4, 4), indices (x, y, z) to RAS mm; x runs to the right of the picture, y down.
    Returns one or two letters each, the main direction first: L left, R right, A front, P back,
    H head, F feet.
    """

    def letters(direction: np.ndarray) -> str:
        unit = direction / np.linalg.norm(direction)
        parts = sorted(zip(RAS_LETTERS, unit, strict=True), key=lambda part: -abs(part[1]))
        main, second = ((pair[int(length > 0)], abs(length)) for pair, length in parts[:2])
        return main[0] + (second[0] if second[1] > OBLIQUE else "")

    columns, rows = affine[:3, 0], affine[:3, 1]
    return letters(-columns), letters(columns), letters(-rows), letters(rows)


@style.styled
def figure(
    cases: Sequence[Case], prediction: str = "model", reference: str = "reference"
) -> Figure:
    """One row per kind of case, contours of prediction (solid) and reference (dashed).

    cases: in the order of rows and columns; prediction, reference: names for the legend.
    Raises ValueError where there is no case or shapes of a case differ.
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
    for row, kind in enumerate(kinds):
        for column, case in enumerate(case for case in cases if case.kind == kind):
            _draw(panels[row, column], case)
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
    handles.append(Line2D([], [], color=style.INK, linestyle=(0, (2, 1)), label=reference))
    rows = style.legend_above(result, handles, width)
    result.set_figheight((4 + 4 * rows + (cell_mm + 5) * len(kinds)) / style.MM_PER_INCH)
    return result


def _draw(axes: Axes, case: Case) -> None:
    dx_mm, dy_mm = np.linalg.norm(case.affine[:3, :2], axis=0)
    rows, columns = case.image.shape
    low, high = np.percentile(case.image, (1, 99.5))
    axes.imshow(
        case.image,
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1e-6),
        aspect=dy_mm / dx_mm,
        interpolation="bicubic",
        interpolation_stage="data",
    )
    for labels, line in ((case.reference, (0, (2, 1))), (case.prediction, "solid")):
        for tissue in TISSUES:
            # the outer border of the wall: its inner border is the cavity's
            filled = (labels == tissue) | ((tissue == Tissue.MYO) & (labels == Tissue.LV))
            if (labels == tissue).any():
                axes.contour(
                    filled.astype(float),
                    levels=[0.5],
                    colors=[COLOURS[tissue]],
                    linewidths=0.9 if line == "solid" else 1.1,
                    linestyles=[line],
                )
    known = ((case.reference != UNLABELLED) & (case.reference > 0)) | (case.prediction > 0)
    at = np.argwhere(known) if known.any() else np.argwhere(np.ones(case.image.shape, bool))
    y, x = (at.min(axis=0) + at.max(axis=0)) / 2
    half_x = min(SHOWN_MM / 2 / dx_mm, (columns - 1) / 2)
    half_y = min(SHOWN_MM / 2 / dy_mm, (rows - 1) / 2)
    x = float(np.clip(x, half_x - 0.5, columns - 0.5 - half_x))
    y = float(np.clip(y, half_y - 0.5, rows - 0.5 - half_y))
    axes.set_xlim(x - half_x, x + half_x)
    axes.set_ylim(y + half_y, y - half_y)
    white: dict[str, Any] = {
        "color": "white",
        "fontsize": 6,
        "path_effects": [withStroke(linewidth=1.4, foreground="black")],
    }
    marks = orientation_marks(case.affine)
    places = (
        (0.02, 0.5, "left", "center"),
        (0.98, 0.5, "right", "center"),
        (0.5, 0.98, "center", "top"),
        (0.5, 0.02, "center", "bottom"),
    )
    for text, (across, up, ha, va) in zip(marks, places, strict=True):
        axes.text(across, up, text, transform=axes.transAxes, ha=ha, va=va, **white)
    end = x + half_x - 0.05 * 2 * half_x
    level = y + half_y - 0.05 * 2 * half_y
    effects = [withStroke(linewidth=2.6, foreground="black")]
    axes.plot(
        [end - SCALE_BAR_MM / dx_mm, end],
        [level, level],
        color="white",
        linewidth=1.6,
        path_effects=effects,
        solid_capstyle="butt",
    )
    axes.text(
        end - SCALE_BAR_MM / dx_mm / 2,
        level - 0.015 * 2 * half_y,
        f"{SCALE_BAR_MM:g} mm",
        ha="center",
        va="bottom",
        **white,
    )
    dice = ", ".join(
        f"{name} {value:.2f}" if np.isfinite(value) else f"{name} –"
        for name, value in (("LV", case.dice_lv), ("MY", case.dice_my))
    )
    axes.set_title(
        f"{case.subject}, slice {case.z + 1}, frame {case.frame + 1}\nDice {dice}",
        fontsize=6.5,
        weight="normal",
        pad=2.5,
    )
