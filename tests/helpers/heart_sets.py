"""Sets of digital hearts whose strain is known: each has four diseases, then other scanners."""

from dataclasses import replace

import numpy as np

from cmrseg.motion.tracking import track_points
from cmrseg.phantom.population import DISEASES, draw_parameters, draw_subjects
from wall_lines import View, four_chamber, short_axis, strains

FIELD_MM = 200.0
LEVELS = (0.3, 0.5, 0.7)  # of short-axis slices, from apex to base
SCANNERS = ("1.5T", "3T")
STRAINS = ("Ecc", "Err", "Ell")


def heart(
    seed: int, number: int, frames: int, pixel_mm: float, moving: bool = True
) -> tuple[str, list[View]]:
    """The disease of a heart of a set, its short-axis slices, and its 4-chamber view.

    moving: whether textures move with the tissue.
    """
    disease = list(DISEASES)[number % len(DISEASES)]
    scanner = SCANNERS[number // len(DISEASES) % len(SCANNERS)]
    row = draw_subjects(1, seed=1000 * seed + number, diseases=[disease]).iloc[0]
    parameters = replace(draw_parameters(row, frames=frames), moving_textures=moving)
    picture = frames, pixel_mm, FIELD_MM, scanner
    views = [short_axis(parameters, level, *picture) for level in LEVELS]
    return disease, [*views, four_chamber(parameters, *picture)]


def tracked_peaks(views: list[View], pixel_mm: float) -> np.ndarray:
    """Peaks of strain as tracked from the points of end-diastole."""
    return peaks([track_points(v.frames, (pixel_mm, pixel_mm), v.true_px[0]) for v in views], views)


def peaks(points: list[np.ndarray], views: list[View]) -> np.ndarray:
    """Peaks of Ecc, Err and Ell in %: means over the lines of all slices, then over time."""
    *short, (longitudinal, _) = [
        strains(p, view.closed) for p, view in zip(points, views, strict=True)
    ]
    around, across = (
        np.concatenate(lines, axis=1).mean(axis=1) for lines in zip(*short, strict=True)
    )
    return np.array([around.min(), across.max(), longitudinal.mean(axis=1).min()])
