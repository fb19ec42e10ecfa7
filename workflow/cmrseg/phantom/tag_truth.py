"""True strain of tagged slices, in closed form from the motion of the heart's wall.

In a slice across the long axis all landmarks have one height at end-diastole, so that they are
turned by one angle, and lengths in the slice only depend on distances from the axis.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.tag_series import LEVELS, planned_tags
from cmrseg.ring import FIRST_SPOKE_DEG, MIDWALL, SPOKES, WALLS
from cmrseg.vectors import dot


@dataclass(frozen=True)
class Strain:
    """Green strain of a ring of landmarks in its slice.

    radial: (24,) from endo- to epicardium along each spoke. circumferential: (24, 7), from each
    spoke to the next one along each wall.
    """

    radial: np.ndarray
    circumferential: np.ndarray


def true_strain(heart: Heart, plane: Plane, shift_mm: np.ndarray, phase: float) -> Strain:
    """Green strain at a phase of the material that is in a slice at end-diastole.

    shift_mm: of the heart by the slice's breath-hold. Of h' and q' in `heart`, squared radii q at
    rest between endo- and epicardium become (q - endo) / (dh'/dh) + endo * squeeze.
    """
    apex = heart.apex_mm + np.asarray(shift_mm, float)
    height = float(dot(apex - np.asarray(plane.position_mm), heart.axis))
    right = np.asarray(plane.row_direction, float)
    down = np.asarray(plane.column_direction, float)
    angles = np.radians(FIRST_SPOKE_DEG + np.arange(SPOKES) * (360 / SPOKES))
    cos = np.cos(angles) * dot(right, heart.towards_rv)
    cos = cos + np.sin(angles) * dot(down, heart.towards_rv)
    sin = np.cos(angles) * dot(right, heart.towards_inferior)
    sin = sin + np.sin(angles) * dot(down, heart.towards_inferior)
    endo, epi = (q[:, None] for q in heart.at_rest(np.full(SPOKES, height), cos, sin))
    rest = np.sqrt(endo) + (np.sqrt(epi) - np.sqrt(endo)) * (np.arange(WALLS) / (WALLS - 1))
    state = heart.state(phase)
    slope = 1 - state.bend * height / heart.length_mm
    squeeze = heart.squeeze(np.full(SPOKES, height), cos, sin, state)[:, None]
    moved = np.sqrt((rest**2 - endo) / slope + endo * squeeze)
    radial = ((moved[:, -1] - moved[:, 0]) / (rest[:, -1] - rest[:, 0])) ** 2
    return Strain((radial - 1) / 2, (_between2(moved) / _between2(rest) - 1) / 2)


def _between2(radius: np.ndarray) -> np.ndarray:
    """Squared distance from each spoke to the next one at distances (24, 7) from the axis."""
    after = np.roll(radius, -1, axis=0)
    return radius**2 + after**2 - 2 * radius * after * np.cos(2 * np.pi / SPOKES)


def strain_curves(
    row: Mapping,
    parameters: HeartParameters,
    protocol: Protocol,
    settings: ViewSettings,
    frames: int,
) -> pd.DataFrame:
    """Mean Green strain in percent of each slice in each frame of a beat, a row each.

    err_green_percent: radial, of the whole wall. ecc_green_percent: circumferential, mid-wall.
    """
    heart = Heart(parameters)
    rows = []
    for z, (plane, shift) in enumerate(
        zip(*planned_tags(row, parameters, protocol, settings), strict=True)
    ):
        for frame in range(frames):
            strain = true_strain(heart, plane, shift, frame / frames)
            rows.append(
                {
                    "subject": str(row["subject"]),
                    "slice": z,
                    "frame": frame,
                    "err_green_percent": round(100 * strain.radial.mean(), 9),
                    "ecc_green_percent": round(100 * strain.circumferential[:, MIDWALL].mean(), 9),
                }
            )
    return pd.DataFrame(rows)


def end_systolic(curves: pd.DataFrame, es_frame: int) -> dict[str, float]:
    """Columns of truth.tsv from `strain_curves`: tag_<level>_<strain> at end-systole."""
    here = curves[curves["frame"] == es_frame].set_index("slice")
    return {
        f"tag_{level}_{name}": float(here[name][z])
        for z, level in enumerate(LEVELS)
        for name in ("err_green_percent", "ecc_green_percent")
    }
