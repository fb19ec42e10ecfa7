"""One image as shown in all figures: grey values, contours, orientation marks, scale bar."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy import ndimage

from cmrseg.labels import COLOURS, UNLABELLED, Tissue

TISSUES = tuple(tissue for tissue in Tissue if tissue)
# Line styles of prediction and reference.
SOLID = "solid"
DASHED = (0, (2, 1))
SCALE_BAR_MM = 20.0
# For each RAS axis: the letters of its negative and positive end.
RAS_LETTERS = (("L", "R"), ("P", "A"), ("F", "H"))
# Half an octant: a second letter is added if the axis deviates by more than this.
OBLIQUE = float(np.sin(np.pi / 8))
# The heart in the short axis and its surroundings; the rest of the chest is not shown.
SHOWN_MM = 130.0
# Margin around hearts that need a larger picture, as in long axes.
MARGIN_MM = 10.0


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


def heart_centre(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """Centre (row, column) of all labels in the label maps (rows, cols), else of the image."""
    known = _labelled(maps)
    at = np.argwhere(known if known.any() else np.ones(known.shape, bool))
    y, x = (at.min(axis=0) + at.max(axis=0)) / 2
    return float(y), float(x)


def heart_width_mm(
    maps: Sequence[np.ndarray], affine: np.ndarray, least_mm: float = SHOWN_MM
) -> float:
    """Width of a picture that shows all labels of label maps (rows, cols), at least least_mm.

    affine: as in `orientation_marks`.
    """
    at = np.argwhere(_labelled(maps))
    if not len(at):
        return SHOWN_MM
    size_px = at.max(axis=0) + 1 - at.min(axis=0)
    size_mm = size_px[::-1] * np.linalg.norm(affine[:3, :2], axis=0)
    return max(least_mm, float(size_mm.max()) + 2 * MARGIN_MM)


def _labelled(maps: Sequence[np.ndarray]) -> np.ndarray:
    return np.any([(labels != UNLABELLED) & (labels > 0) for labels in maps], axis=0)


def draw_picture(
    axes: Axes,
    image: np.ndarray,
    affine: np.ndarray,
    layers: Sequence[tuple[np.ndarray, Any]],
    centre_px: tuple[float, float],
    marked: bool = True,
    shown_mm: float = SHOWN_MM,
) -> None:
    """Draw an image with the contours of label maps, shown_mm wide.

    image: (rows, cols). affine: (4, 4) of the cine, indices (x, y, z) to RAS mm, x along the
    columns. layers: label maps (rows, cols) and their line styles, the first one below the
    others. centre_px: (row, column) of the centre shown, within the image.
    marked: with orientation marks and a scale bar.
    """
    dx_mm, dy_mm = np.linalg.norm(affine[:3, :2], axis=0)
    rows, columns = image.shape
    low, high = np.percentile(image, (1, 99.5))
    axes.imshow(
        image,
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1e-6),
        aspect=dy_mm / dx_mm,
        interpolation="bicubic",
        interpolation_stage="data",
    )
    for labels, line in layers:
        for tissue in TISSUES:
            if (labels == tissue).any():
                axes.contour(
                    _filled(labels, tissue),
                    levels=[0.5],
                    colors=[COLOURS[tissue]],
                    linewidths=0.9 if line == SOLID else 1.1,
                    linestyles=[line],
                )
    y, x = centre_px
    half_x = min(shown_mm / 2 / dx_mm, (columns - 1) / 2)
    half_y = min(shown_mm / 2 / dy_mm, (rows - 1) / 2)
    x = float(np.clip(x, half_x - 0.5, columns - 0.5 - half_x))
    y = float(np.clip(y, half_y - 0.5, rows - 0.5 - half_y))
    axes.set_xlim(x - half_x, x + half_x)
    axes.set_ylim(y + half_y, y - half_y)
    if not marked:
        return
    white: dict[str, Any] = {
        "color": "white",
        "fontsize": 6,
        "path_effects": [withStroke(linewidth=1.4, foreground="black")],
    }
    marks = orientation_marks(affine)
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
        end,
        level - 0.015 * 2 * half_y,
        f"{SCALE_BAR_MM:g} mm",
        ha="right",
        va="bottom",
        **white,
    )


def _filled(labels: np.ndarray, tissue: Tissue) -> np.ndarray:
    """(rows, cols) 1 in a tissue and 0 outside, for a contour at 0.5.

    Of the wall only the epicardium is drawn, as the endocardium is the border of the cavity:
    the cavity is filled. The valve plane of long axes is no border of the wall: pixels that do not
    touch the wall are masked.
    """
    if tissue != Tissue.MYO:
        return (labels == tissue).astype(float)
    wall = labels == Tissue.MYO
    near = ndimage.binary_dilation(wall, np.ones((3, 3), bool))
    return np.ma.masked_array((wall | (labels == Tissue.LV)).astype(float), ~near)
