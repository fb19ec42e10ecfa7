"""Who the digital mice are: those of the published cohort, in a body thirteen times as large."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.phantom.geometry import classify, papillary_depth
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.population import Disease, Species, draw_parameters

# Shares are those of the 130 mice of Hanisah et al., doi:10.1016/j.jocmr.2026.102706 (controls,
# dilated cardiomyopathy, aortic constriction, infarct); groups are set so that all together have
# their EDV (66 +- 10 ul), EF (0.59 +- 0.11) and mass (105 +- 27 mg).
MOUSE_DISEASES = {
    "healthy": Disease(
        0.30, (0.063, 0.061), 0.006, 0.66, 0.05, (13.4, 1.7), 2.35, (0.02, 0.1), (0, 0.1)
    ),
    "dilated": Disease(
        0.39, (0.071, 0.068), 0.009, 0.56, 0.08, (13.2, 2.0), 2.2, (0.05, 0.15), (0, 0.1)
    ),
    "hypertrophic": Disease(
        0.22, (0.063, 0.060), 0.008, 0.61, 0.08, (16.6, 2.2), 2.3, (0.02, 0.1), (0, 0.15)
    ),
    "infarct": Disease(
        0.09, (0.076, 0.073), 0.010, 0.45, 0.08, (12.8, 1.7), 2.15, (0.3, 0.5), (0, 0.1)
    ),
}
MOUSE = Species(
    MOUSE_DISEASES,
    edv_ml=(0.035, 0.120),
    ef=(0.2, 0.82),
    male_share=0.6,
    digits=4,
    age_y=(0.3, 0.1, (0.1, 0.8)),
    heart_rate_bpm=(490, 45, (340, 620)),
    age_digits=2,
    magnification=13.0,
    beat_scale=0.14,
    # The axis lies nearer to that of the body; the chest is deep, and has little fat.
    long_axis=(0.45, -0.45, -0.77),
    build={
        "half_width_mm": 0.78,
        "half_depth_mm": 1.05,
        "fat_mm": 0.35,
        "muscle_mm": 0.8,
        "pericardial_fat_mm": 0.4,
    },
)
# Points per axis at which a heart is looked at for its papillary muscles.
SAMPLES = 32


def draw_mouse(row: Mapping, frames_per_beat: float) -> HeartParameters:
    """The mouse of a row, larger than life by MOUSE.magnification.

    The volumes of the row are those of blood: papillary muscles count as wall. frames_per_beat:
    see draw_parameters.
    """
    wanted = draw_parameters(row, frames_per_beat, MOUSE)
    parameters = wanted
    for _ in range(2):
        edv, esv = (
            volume + _muscle_ml(Heart(parameters), phase)
            for volume, phase in ((wanted.edv_ml, 0.0), (wanted.esv_ml, wanted.es_phase))
        )
        parameters = replace(parameters, edv_ml=edv, esv_ml=esv)
    return parameters


def is_muscle(heart: Heart, points_mm: np.ndarray, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Label map of points (..., 3), and which of them are in a papillary muscle."""
    at, state = heart.coordinates(points_mm), heart.state(phase)
    surfaces = heart.surfaces(at, state)
    labels = classify(at, surfaces, state)
    depth = papillary_depth(heart.papillary_heads, heart.length_mm, at, surfaces, state)
    return labels, (depth > 0) & (labels == Tissue.LV)


def _muscle_ml(heart: Heart, phase: float) -> float:
    """Volume of the papillary muscles at a phase, counted."""
    reach = 1.15 * heart.short_mm
    across = np.linspace(-reach, reach, SAMPLES)
    along = np.linspace(0, heart.length_mm, SAMPLES)
    h, x, y = np.meshgrid(along, across, across, indexing="ij")
    points = (
        heart.apex_mm
        - h[..., None] * heart.axis
        + x[..., None] * heart.towards_rv
        + y[..., None] * heart.towards_inferior
    )
    _, muscle = is_muscle(heart, points, phase)
    cell_mm3 = (along[1] - along[0]) * (across[1] - across[0]) ** 2
    return float(muscle.sum()) * cell_mm3 / 1000
