"""Volume curves without a truth: smooth and closed, and the muscle keeps its volume."""

import numpy as np

from cmrseg.labels import SHORT_NAMES
from cmrseg.quality.planes import TISSUES

# Fewer frames have no curve.
LEAST_FRAMES = 4


def curve_values(voxels: np.ndarray) -> dict[str, float]:
    """Columns of a subject; voxels: (t, z, classes) of `planes.areas`.

    roughness_lv, roughness_my, roughness_rv: mean difference of a frame's volume from the mean of
    the frames before and after it, as a share of the largest volume. opening: step from the last
    frame to the first one, as a share of the largest volume, less the largest step between other
    neighbours. stroke_ratio: stroke volume of the right ventricle over that of the left one, as a
    logarithm, 0 where they are equal. muscle_change: standard deviation of the muscle's volume over
    its mean. my_per_lv: muscle over the largest cavity. missed_frames: share of frames without
    cavity. slices: number of slices with any label. Columns that need a curve are nan below
    LEAST_FRAMES frames, those of a tissue where it is absent.
    """
    volume = voxels.sum(axis=1)
    columns: dict[str, float] = {}
    for tissue in TISSUES:
        columns[f"roughness_{SHORT_NAMES[tissue]}"] = _roughness(volume[:, tissue])
    cavity, muscle, right = (volume[:, t] for t in TISSUES)
    columns["opening"] = _opening(cavity)
    columns["stroke_ratio"] = _log_ratio(np.ptp(right), np.ptp(cavity))
    columns["muscle_change"] = float(muscle.std() / muscle.mean()) if muscle.any() else np.nan
    columns["my_per_lv"] = _log_ratio(muscle.mean(), cavity.max())
    columns["missed_frames"] = float((cavity == 0).mean())
    columns["slices"] = float((voxels[..., 1:].sum(axis=(0, 2)) > 0).sum())
    return columns


def _roughness(volume: np.ndarray) -> float:
    if len(volume) < LEAST_FRAMES or not volume.any():
        return np.nan
    between = (np.roll(volume, 1) + np.roll(volume, -1)) / 2
    return float(abs(volume - between).mean() / volume.max())


def _opening(volume: np.ndarray) -> float:
    if len(volume) < LEAST_FRAMES or not volume.any():
        return np.nan
    steps = abs(np.diff(volume))
    return float((abs(volume[0] - volume[-1]) - steps.max()) / volume.max())


def _log_ratio(a: float, b: float) -> float:
    return float(np.log(a / b)) if a > 0 and b > 0 else np.nan
