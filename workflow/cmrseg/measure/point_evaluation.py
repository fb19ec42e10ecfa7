"""Points of a labeller against those of a reference: every image of a subject, and the subject."""

import math
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.boxes import box_of
from cmrseg.cine import Cine
from cmrseg.measure.aha_segments import GLOBAL
from cmrseg.measure.boxes import box_overlap
from cmrseg.measure.ring_curves import Ring, curve, ring_curves
from cmrseg.measure.ring_segments import central_slices, levels_in_order
from cmrseg.measure.strain_times import cavity_area_mm2, extreme_frame
from cmrseg.ring import CORNERS, LANDMARKS, SPOKES, WALLS

# Strains that are compared at end-systole: name in columns, direction, layer.
STRAINS = (
    ("ecc_green_midwall", "circumferential", "midwall"),
    ("err_green_wall", "radial", "wall"),
)
PLACES = ("basal", "mid", "apical", GLOBAL)
STRAIN_COLUMNS = tuple(f"{name}_es_{place}_percent" for name, *_ in STRAINS for place in PLACES)


def evaluate_rings(
    placed: np.ndarray, truth: np.ndarray, image: Cine, subject: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare landmarks of one subject image by image and as a whole.

    placed, truth: (t, z, 168, 2), (y, x) in px of the image, nan where unknown. Points count that
    both know; `missed` are those that the reference alone knows. Returns (images, row). images: a
    row per image that the reference knows, with subject, slice, frame, points, missed, error_px and
    error_mm, the mean distance, rmse_mm, and still_error_mm, the distance of landmarks that stay
    where the reference has them in the first frame. row: the same of all images together, each
    point once; error_wall0_mm (endocardium) to error_wall6_mm (epicardium); error_es_mm and
    still_error_es_mm of end-systole, the frame in which the reference's cavity is smallest
    (es_frame, nan where that is unknown); and predicted_* and reference_* mid-wall circumferential
    and radial Green strain at that frame, of the slices, in order from base to apex, and of all.
    Raises ValueError naming the subject for other shapes, and where the reference knows no point.
    """
    known = _both(placed, truth, subject)
    spacing_mm = image.spacing_mm[1:]
    apart_px, apart_mm, still_mm = _distances(placed, truth, spacing_mm)
    missed = np.isfinite(truth).all(axis=-1) & ~known
    images = []
    for frame, z in np.argwhere((known | missed).any(axis=2)).tolist():
        at = known[frame, z]
        mm = apart_mm[frame, z][at]
        images.append(
            {
                **{"subject": subject, "slice": z, "frame": frame, "points": int(at.sum())},
                "missed": int(missed[frame, z].sum()),
                "error_px": _mean(apart_px[frame, z][at]),
                "error_mm": _mean(mm),
                "rmse_mm": math.sqrt(_mean(mm**2)),
                "still_error_mm": _mean(still_mm[frame, z]),
            }
        )
    table = pd.DataFrame(images).sort_values(["slice", "frame"], ignore_index=True)
    levels = levels_in_order(range(truth.shape[1]))
    central = central_slices(levels.of_slice)
    es = extreme_frame(cavity_area_mm2(truth, spacing_mm)[:, central].sum(axis=1), largest=False)
    row: dict[str, Any] = {
        **{"subject": subject, "images": len(table), "points": int(known.sum())},
        "missed": int(missed.sum()),
        "error_px": _mean(apart_px[known]),
        "error_mm": _mean(apart_mm[known]),
        "rmse_mm": math.sqrt(_mean(apart_mm[known] ** 2)),
        "still_error_mm": _mean(still_mm),
        "still_rmse_mm": math.sqrt(_mean(still_mm**2)),
    }
    by_wall = np.where(known, apart_mm, np.nan).reshape(-1, SPOKES, WALLS)
    for wall in range(WALLS):
        row[f"error_wall{wall}_mm"] = _mean(by_wall[..., wall])
    row["es_frame"] = math.nan if es is None else float(es)
    row["error_es_mm"] = math.nan if es is None else _mean(apart_mm[es][known[es]])
    row["still_error_es_mm"] = math.nan if es is None else _mean(still_mm[es])
    for side, points in (("predicted", placed), ("reference", truth)):
        curves = ring_curves(Ring(points, spacing_mm, levels.of_slice))
        for name, direction, layer in STRAINS:
            for place in PLACES:
                values = curve(curves, direction, layer, place, "green_percent")
                there = es is not None and len(values)
                row[f"{side}_{name}_es_{place}_percent"] = values[es] if there else math.nan
    return table, row


def evaluate_boxes(
    placed: np.ndarray, truth: np.ndarray, image: Cine, subject: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare boxes of the first frame: their overlap, and how far their corners are off.

    placed: (t, z, 2, 2), corners (y, x) in px, the smaller ones first. truth: of the same form, or
    landmarks (t, z, 168, 2), whose box is that of `box_of`. Returns (images, row) as
    `evaluate_rings`: iou, 0 where no box was placed, and error_px and error_mm of the corners.
    Raises ValueError naming the subject where the reference has no box.
    """
    shape = image.voxels.shape[2:]
    boxes = truth[0] if truth.shape[2] == CORNERS else box_of(truth[0], (shape[0], shape[1]))
    known = _both(placed[:1], boxes[None], subject)[0]
    apart_px, apart_mm, _ = _distances(placed[:1], boxes[None], image.spacing_mm[1:])
    there = np.isfinite(boxes).all(axis=(1, 2))
    iou = np.nan_to_num(box_overlap(placed[0], boxes))
    table = pd.DataFrame(
        {
            **{"subject": subject, "slice": np.flatnonzero(there), "frame": 0},
            "missed": (~known.all(axis=1))[there].astype(int),
            "iou": iou[there],
            "error_px": [_mean(apart_px[0, z][known[z]]) for z in np.flatnonzero(there)],
            "error_mm": [_mean(apart_mm[0, z][known[z]]) for z in np.flatnonzero(there)],
        }
    )
    row = {
        **{"subject": subject, "images": len(table), "missed": int(table["missed"].sum())},
        "iou": float(table["iou"].mean()),
        "error_px": _mean(apart_px[0][known]),
        "error_mm": _mean(apart_mm[0][known]),
    }
    return table, row


def _both(placed: np.ndarray, truth: np.ndarray, subject: str) -> np.ndarray:
    """Which points (t, z, p) both know. Raises ValueError for other shapes, or none to compare."""
    if placed.shape != truth.shape:
        raise ValueError(
            f"subject {subject}: points {placed.shape}, those of the reference {truth.shape} "
            f"(t, z, point, 2); expected as many, {LANDMARKS} of a ring or {CORNERS} of a box"
        )
    known = np.isfinite(truth).all(axis=-1)
    if not known.any():
        raise ValueError(
            f"subject {subject}: the reference has no point to compare with; leave the subject out"
        )
    return known & np.isfinite(placed).all(axis=-1)


def _distances(
    placed: np.ndarray, truth: np.ndarray, spacing_mm: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances (t, z, p) in px and mm, and in mm of points that stay where they were at first."""
    away, still = placed - truth, truth[:1] - truth
    y_mm, x_mm = spacing_mm
    apart_px = np.hypot(away[..., 0], away[..., 1])
    apart_mm = np.hypot(away[..., 0] * y_mm, away[..., 1] * x_mm)
    return apart_px, apart_mm, np.hypot(still[..., 0] * y_mm, still[..., 1] * x_mm)


def _mean(values: np.ndarray) -> float:
    """Mean of the values that are known, nan where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan
