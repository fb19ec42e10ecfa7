"""Grey values of an image within its labels: do blood and muscle look like blood and muscle?"""

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.quality.planes import Planes, areas, ratio, sums
from cmrseg.quality.topology import neighbouring

LV, MYO, RV = (int(t) for t in (Tissue.LV, Tissue.MYO, Tissue.RV))


def grey_values(planes: Planes) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Columns of pictures, each (t, z), and of the subject.

    Grey values are on a scale on which the subject's muscle is 0 and its blood 1 (means over all
    that is labelled). Of pictures: lv_grey, my_grey, rv_grey: means. lv_dark, rv_dark, my_bright:
    share of pixels on the wrong side of 0.5. edge: mean step from the cavity to the wall at its
    border. spread: standard deviation within the wall. Of the subject: contrast: (blood - muscle)
    over their sum. noise: of differences between neighbours in the wall. nan where a tissue is
    absent.
    """
    labels, image = planes.labels, planes.image
    found = areas(labels)
    total, count = (values.sum(axis=(0, 1)) for values in (sums(labels, image), found))
    blood, muscle = (float(total[t] / count[t]) if count[t] else np.nan for t in (LV, MYO))
    scale = blood - muscle
    # Where blood is darker than muscle the labels are wrong, or it is no bright-blood cine.
    contrast = scale / (abs(blood) + abs(muscle)) if blood or muscle else np.nan
    scaled = (image - muscle) / (scale if scale else np.nan)
    mean = ratio(sums(labels, scaled), found)
    squared = ratio(sums(labels, scaled * scaled), found)
    bright = ratio(sums(labels, scaled > 0.5), found)
    columns = {
        "lv_grey": mean[..., LV],
        "my_grey": mean[..., MYO],
        "rv_grey": mean[..., RV],
        "lv_dark": 1 - bright[..., LV],
        "rv_dark": 1 - bright[..., RV],
        "my_bright": bright[..., MYO],
        "edge": _edge(labels, scaled),
        "spread": np.sqrt(np.maximum(squared[..., MYO] - mean[..., MYO] ** 2, 0)),
    }
    return columns, {"contrast": contrast, "noise": _noise(labels, scaled)}


def _edge(labels: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """(t, z) mean of blood minus muscle over neighbours of which one is cavity and one is wall."""
    frames, slices = labels.shape[:2]
    total, count = np.zeros(frames * slices), np.zeros(frames * slices)
    for (a, b), (first, second) in zip(neighbouring(labels), neighbouring(scaled), strict=True):
        plane = a.shape[2] * a.shape[3]
        for inner, outer, sign in ((LV, MYO, 1), (MYO, LV, -1)):
            there = np.flatnonzero((a == inner) & (b == outer))
            step = sign * (first.ravel()[there] - second.ravel()[there])
            total += np.bincount(there // plane, step, len(total))
            count += np.bincount(there // plane, minlength=len(total))
    return ratio(total, count).reshape(frames, slices)


def _noise(labels: np.ndarray, scaled: np.ndarray) -> float:
    """Standard deviation of noise, from neighbours along a row that are both muscle.

    The median of differences ignores the few that lie on edges.
    """
    (_, _), (a, b) = neighbouring(labels)
    (_, _), (first, second) = neighbouring(scaled)
    inside = (a == MYO) & (b == MYO)
    if not inside.any():
        return float("nan")
    # 0.6745: the upper quartile of the normal distribution; a difference has the noise of two.
    return float(np.median(abs(first[inside] - second[inside])) / 0.6745 / np.sqrt(2))
