"""Why labels need a look, in words: which features are unusual."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

# Limits are quantiles of the good labels; fewer of them have none, and the usual ones count.
QUANTILE, LEAST_GOOD = 0.02, 50
# Reasons of a picture or subject that are named.
MOST_REASONS = 3
# Limits near 0 are no unit of how far beyond them a value is.
LEAST_UNIT = 0.05


class Reason(NamedTuple):
    """What an unusual value means. low, high: usual limits, nan for none on that side. words: of a
    value that is too low or too high."""

    low: float
    high: float
    too_low: str
    too_high: str


NONE = float("nan")

# Of a picture. The limits are wide: good labels of any network are within them.
PICTURES = {
    "cavity_open": Reason(NONE, 0.25, "", "cavity open"),
    "wall_apart": Reason(NONE, 0.05, "", "several pieces of cavity and wall"),
    "rv_apart": Reason(NONE, 0.3, "", "several pieces of right ventricle"),
    "holes": Reason(NONE, 0.01, "", "hole"),
    "ragged": Reason(NONE, 1.6, "", "ragged outline"),
    "time_overlap": Reason(0.55, NONE, "unlike the frames before and after", ""),
    "time_overlap_rv": Reason(0.4, NONE, "right ventricle unlike the frames before and after", ""),
    "time_jump_lv": Reason(NONE, 0.25, "", "jump of the cavity's area over time"),
    "time_jump_my": Reason(NONE, 0.25, "", "jump of the wall's area over time"),
    "slice_overlap": Reason(0.3, NONE, "unlike the neighbouring slices", ""),
    "slice_shift_mm": Reason(NONE, 12.0, "", "shifted against the neighbouring slices"),
    "lv_dark": Reason(NONE, 0.4, "", "cavity dark"),
    "my_bright": Reason(NONE, 0.4, "", "wall bright"),
    "rv_dark": Reason(NONE, 0.5, "", "right ventricle dark"),
    "edge": Reason(0.1, NONE, "no edge between cavity and wall", ""),
    "agreement": Reason(0.6, NONE, "members disagree", ""),
}
# Of a subject.
SUBJECTS = {
    "missed_frames": Reason(NONE, 0.0, "", "frames without cavity"),
    "roughness_lv": Reason(NONE, 0.1, "", "cavity volume jumps from frame to frame"),
    "roughness_my": Reason(NONE, 0.08, "", "muscle volume jumps from frame to frame"),
    "opening": Reason(NONE, 0.1, "", "volume curve not closed"),
    "stroke_ratio": Reason(
        -0.5, 0.5, "RV stroke volume far below LV", "RV stroke volume far above LV"
    ),
    "muscle_change": Reason(NONE, 0.12, "", "muscle volume changes over the beat"),
    "contrast": Reason(0.1, NONE, "little contrast between cavity and wall", ""),
    "noise": Reason(NONE, 0.5, "", "noisy images"),
    "agreement": Reason(0.7, NONE, "members disagree", ""),
}


REASONS = {"pictures": PICTURES, "subjects": SUBJECTS}
# Of "pictures" and of "subjects", by feature: lowest and highest usual value, nan for none.
Limits = dict[str, dict[str, tuple[float, float]]]
USUAL: Limits = {
    of: {name: (reason.low, reason.high) for name, reason in registry.items()}
    for of, registry in REASONS.items()
}


def limits_of(pictures: pd.DataFrame, subjects: pd.DataFrame, threshold: float) -> Limits:
    """Limits from subjects with a truth: what good labels rarely exceed.

    pictures, subjects: features and `dice`. Where fewer than LEAST_GOOD labels are good, the usual
    limits are taken.
    """
    found: Limits = {}
    for of, table in (("pictures", pictures), ("subjects", subjects)):
        good = table[table["dice"] >= threshold]
        found[of] = {}
        for name, reason in REASONS[of].items():
            values = good[name].dropna().to_numpy(float) if name in good else np.empty(0)
            found[of][name] = reason.low, reason.high
            if len(values) >= LEAST_GOOD:
                low, high = (float(np.quantile(values, q)) for q in (QUANTILE, 1 - QUANTILE))
                found[of][name] = (
                    low if np.isfinite(reason.low) else NONE,
                    high if np.isfinite(reason.high) else NONE,
                )
    return found


def reasons(row: Mapping[str, Any], of: str, limits: Limits = USUAL) -> list[str]:
    """What is unusual about a picture or subject, the most unusual first; at most MOST_REASONS.

    row: its features. of: "pictures" or "subjects".
    """
    found = sorted(_beyond(row, of, limits), key=lambda entry: -entry[0])
    return [words for _, words in found[:MOST_REASONS]]


def excess(row: Mapping[str, Any], limits: Limits = USUAL) -> float:
    """How far the features of a picture are beyond the limits, in sum; 0 if none is."""
    return sum(beyond for beyond, _ in _beyond(row, "pictures", limits))


def _beyond(row: Mapping[str, Any], of: str, limits: Limits) -> Iterator[tuple[float, str]]:
    """How far each feature is beyond its limit, in units of the usual one, and the words for it."""
    for name, reason in REASONS[of].items():
        value = row.get(name, NONE)
        low, high = limits[of][name]
        if value < low:
            yield (low - value) / max(abs(reason.low), LEAST_UNIT), reason.too_low
        elif value > high:
            yield (value - high) / max(abs(reason.high), LEAST_UNIT), reason.too_high


NOTHING, GAP = "nothing is labelled", "nothing is labelled between labelled slices"
# Slices that the words of a subject name.
MOST_SLICES = 2


def picture_reasons(row: Mapping[str, Any], limits: Limits = USUAL) -> str:
    """What is unusual about a picture, in words; "" for nothing. row: its features."""
    if row["pixels"] == 0:
        return GAP
    return ", ".join(reasons(row, "pictures", limits))


def subject_reasons(
    row: Mapping[str, Any], slices: Iterable[Mapping[str, Any]], limits: Limits = USUAL
) -> str:
    """What is unusual about a subject, in words; "" for nothing.

    row: its features. slices: its slices, each with slice and frame (from 0) and reasons, the worst
    first. In words slices and frames count from 1.
    """
    if row["missed_frames"] == 1 and not np.isfinite(row.get("slices", NONE)):
        return NOTHING
    named = [
        f"slice {entry['slice'] + 1}, frame {entry['frame'] + 1}: {entry['reasons']}"
        for entry in slices
        if entry["reasons"]
    ]
    return "; ".join([*named[:MOST_SLICES], *reasons(row, "subjects", limits)])
