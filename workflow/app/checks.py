"""Plausibility checks of headers, user input and network output: messages for the page."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.volumes import missed_frames

# In-plane voxel size and slice spacing of short-axis cines, in mm.
SPACINGS = {
    "human": ((0.4, 4.0), (2.5, 25.0)),
    "mouse": ((0.05, 0.3), (0.3, 2.0)),
}
# End-diastolic volumes in ml: from a child's heart to a dilated one; mice have 40 to 130 µl.
EDV_ML = {"human": (15.0, 700.0), "mouse": (0.015, 0.3)}
# Duration of one beat in s: at most 600 to 900 beats per minute.
BEAT_S = {"human": (0.2, 3.0), "mouse": (0.06, 0.35)}
NO_SPACING = "The file does not contain its voxel size."
# Largest plausible volume change between neighbouring frames, as a fraction of the largest volume.
JUMP = 0.3
# With fewer frames per beat, larger changes are normal.
JUMP_FRAMES = 15
LEAST_SLICES = 3
FEW_SLICES = "One or two slices do not cover the heart: volumes are of these slices only."
# A frame set by hand is far from the extreme if its cavity differs by more than this part of the
# largest volume: the ejection fraction then moves by as many points.
FAR = 0.05
# Stroke volumes of a heart without shunt or leak agree; they may differ by this part of the larger.
STROKE_DIFFERENCE = 0.2
# In an outermost slice, a cavity smaller than this fraction of the largest one is its end.
END_SLICE = 0.4


def species(spacing_mm: Sequence[float]) -> str | None:
    """Species that a voxel size (z, y, x) suggests: a key of SPACINGS."""
    thickness, *plane = spacing_mm
    for name, (in_plane, between) in SPACINGS.items():
        if between[0] <= thickness <= between[1] and all(
            in_plane[0] <= s <= in_plane[1] for s in plane
        ):
            return name
    return None


def spacing_fault(spacing_mm: Sequence[float], one_plane: bool = False) -> str:
    """Why a spacing (z, y, x) is implausible, "" if it is plausible.

    one_plane: of a view without other slices, whose distance says nothing.
    """
    if not all(math.isfinite(s) and s > 0 for s in spacing_mm):
        return NO_SPACING
    low, high = SPACINGS["human"][0]
    if species(spacing_mm) or (one_plane and all(low <= s <= high for s in spacing_mm[1:])):
        return ""
    ranges = "; ".join(
        f"{name}: {a:g} to {b:g} mm in plane, slice spacing {c:g} to {d:g} mm"
        for name, ((a, b), (c, d)) in SPACINGS.items()
    )
    z, y, x = spacing_mm
    return (
        f"{x:.3g} x {y:.3g} mm in the plane with slices {z:.3g} mm apart are implausible for a "
        f"heart ({ranges})."
    )


def interval_fault(interval_s: float, frames: int, kind: str | None) -> str:
    """Why a frame interval given by the user is implausible, "" if it is plausible."""
    low, high = BEAT_S.get(kind or "", (0.06, 3.0))
    if low <= interval_s * frames <= high:
        return ""
    return (
        f"{frames} frames of {interval_s * 1000:.3g} ms are a beat of {interval_s * frames:.3g} s, "
        f"expected {low:g} to {high:g} s."
    )


def model_warnings(spacing_mm: Sequence[float], trained_mm: Sequence[float] | None) -> list[str]:
    """Reasons not to use a model on such images.

    trained_mm: voxel size of its training images, if known.
    """
    here = species(spacing_mm)
    if trained_mm is None:
        if here == "mouse":
            return [
                "These images have the voxel size of a mouse scan, and this model's record does "
                "not state its training data. A model trained on human hearts will fail on them."
            ]
        return []
    there = species(trained_mm)
    if here and there and here != there:
        return [
            f"These images have the voxel size of a {here} scan, but the model was trained on "
            f"{there} scans. Do not trust its segmentation."
        ]
    ratio = trained_mm[-1] / spacing_mm[-1]
    if not 0.4 <= ratio <= 2.5:
        return [
            f"The model learnt from pixels of {trained_mm[-1]:.3g} mm, these have "
            f"{spacing_mm[-1]:.3g} mm: hearts look larger or smaller than it knows them."
        ]
    return []


def result_warnings(
    labels: np.ndarray, curves: pd.DataFrame, ed_frame: int, es_frame: int, kind: str | None
) -> list[str]:
    """Warnings about label maps (t, z, y, x) and their volume curves."""
    found = []
    for tissue in (Tissue.LV, Tissue.MYO):
        if not (labels == tissue).any():
            found.append(f"No {NAMES[tissue]} was found in any image.")
    if missed := missed_frames(curves):
        numbers = ", ".join(str(frame + 1) for frame in missed)
        found.append(
            f"No LV cavity was found in {'frames' if len(missed) > 1 else 'frame'} {numbers}, "
            "which cannot be right. Check end-diastole and end-systole."
        )
    volumes = curves["lv_ml"].to_numpy()
    edv_ml, esv_ml = volumes[ed_frame], volumes[es_frame]
    if edv_ml <= 0:
        return found
    if len(volumes) == 1:
        found.append("There is only one frame: end-systole and ejection fraction are unknown.")
    elif ed_frame == es_frame:
        found.append("End-diastole and end-systole are the same frame.")
    if len(labels[0]) < LEAST_SLICES:
        found.append(FEW_SLICES)
    if esv_ml > edv_ml:
        found.append("The cavity is larger at end-systole than at end-diastole.")
    found += _far_from_extreme(volumes, ed_frame, es_frame)
    if len(volumes) >= JUMP_FRAMES:
        jumps = np.abs(np.diff(volumes)) / volumes.max()
        if jumps.max() > JUMP:
            first = int(jumps.argmax()) + 1
            found.append(
                f"The cavity's volume jumps by {jumps.max():.0%} of its largest one between "
                f"frames {first} and {first + 1}."
            )
    areas = (labels[ed_frame] == Tissue.LV).sum(axis=(1, 2))
    for slice_, name in ((0, "first"), (-1, "last")):
        if len(areas) > 2 and areas[slice_] > END_SLICE * areas.max():
            found.append(
                f"The {name} slice still contains the cavity at end-diastole: the stack may not "
                "cover the whole heart, so volumes may be too small."
            )
    low, high = EDV_ML.get(kind or "", (0, math.inf))
    if not low <= edv_ml <= high:
        found.append(f"An end-diastolic volume of {edv_ml:.3g} ml is implausible for a {kind}.")
    return found


def _far_from_extreme(volumes: np.ndarray, ed_frame: int, es_frame: int) -> list[str]:
    """Phases whose cavity is clearly not the largest, or the smallest."""
    found, filled = [], np.where(volumes > 0, volumes, np.inf)
    largest, smallest = int(volumes.argmax()), int(filled.argmin())
    most = volumes[largest]
    if most - volumes[ed_frame] > FAR * most:
        found.append(
            f"End-diastole is set to frame {ed_frame + 1}, whose cavity is "
            f"{1 - volumes[ed_frame] / most:.0%} smaller than the largest, in frame {largest + 1}."
        )
    if len(volumes) > 1 and volumes[es_frame] - volumes[smallest] > FAR * most:
        found.append(
            f"End-systole is set to frame {es_frame + 1}, whose cavity is "
            f"{volumes[es_frame] / volumes[smallest] - 1:.0%} larger than the smallest, in frame "
            f"{smallest + 1}."
        )
    return found


def stroke_warnings(lv: float, rv: float, unit: str) -> list[str]:
    """Whether the stroke volumes of the ventricles differ; nan where one is unknown."""
    larger = max(lv, rv)
    if not (math.isfinite(lv) and math.isfinite(rv) and larger > 0):
        return []
    if abs(lv - rv) <= STROKE_DIFFERENCE * larger:
        return []
    return [
        f"The stroke volumes of the LV ({lv:.3g} {unit}) and the RV ({rv:.3g} {unit}) differ. "
        "Without a shunt or a leaking valve they are nearly equal: check the basal slices and the "
        "RV."
    ]
