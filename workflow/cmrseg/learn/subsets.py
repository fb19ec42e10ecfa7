"""Subsets of training slices: all, confidence sets, some volunteers, ED and ES.

The draws reproduce R's `sample()` (R >= 3.6, seed 42), and thus the published subsets of
Ankenbrand et al. 2021, image by image.
"""

import math
import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from cmrseg.measure.confidence import THRESHOLDS

Item = TypeVar("Item")

# The volunteer subsets are nested: 7 of all, 3 of these, 1 of these.
NESTED_VOLUNTEERS = (7, 3, 1)
SUBSET_SEED = 42
# All images of subjects with a score, more often the lower it is: MOST_OFTEN times at a score of 0,
# and by exp(-1) less often for each further SOFT_SCORE.
SOFT = "soft"
MOST_OFTEN, SOFT_SCORE = 4, 0.1
# Subsets by confidence scores.
SCORED = (*THRESHOLDS, SOFT)

# R converts the 32 bits of its Mersenne Twister to a number in [0, 1) with this factor.
R_UNIFORM_FACTOR = 2.3283064365386963e-10


class RSample:
    """R's `set.seed(seed)` and `sample(x, size)`: Mersenne Twister, rejection sampling."""

    def __init__(self, seed: int):
        scrambled = []
        state = seed % 2**32
        for _ in range(50 + 625):
            state = (69069 * state + 1) % 2**32
            scrambled.append(state)
        # R keeps the position in the first of its 625 words; it starts at the end of the state.
        key = np.array(scrambled[51:], np.uint32)
        self._twister = np.random.MT19937(0)
        self._twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624}}

    def below(self, count: int) -> int:
        """A random integer in 0...count - 1."""
        bits = math.ceil(math.log2(count)) if count > 1 else 0
        while True:
            value = 0
            for _ in range(0, bits + 1, 16):
                uniform = int(self._twister.random_raw()) * R_UNIFORM_FACTOR
                value = 65536 * value + math.floor(65536 * uniform)
            value &= (1 << bits) - 1
            if value < count:
                return value

    def sample(self, items: Sequence[Item], size: int) -> list[Item]:
        """`size` items without replacement, in the order of the draws."""
        pool = list(items)
        drawn = []
        for _ in range(size):
            chosen = self.below(len(pool))
            drawn.append(pool[chosen])
            # R moves the last item into the gap.
            pool[chosen] = pool[-1]
            pool.pop()
        return drawn


def select_subset(
    index: pd.DataFrame,
    subset: str,
    confidence: pd.DataFrame | None = None,
    nested: tuple[int, ...] = NESTED_VOLUNTEERS,
) -> pd.DataFrame:
    """Index rows of a subset, in the order of the index.

    index: rows of the slices to choose from (subject, slice, frame, lv_pixels ...). subset: `all`;
    `c05 c10 c15` (subjects whose score is at most 0.05, 0.10, 0.15); `soft` (rows of subjects with
    low scores several times, see SOFT); `v7 v3 v1` (all slices of that many subjects); `r7 r3 r1`
    (as many slices, drawn from all); `esed` (end-systolic and end-diastolic frames of all
    subjects) and `r_esed`. confidence: table with subject and score, needed for confidence sets
    and `soft` only; subjects without a score (nan) are never chosen.
    Subjects and slices are sorted by their names before drawing, so the order of the index has
    no influence. Steps of `nested` that ask for more subjects than there are are skipped.
    Raises ValueError for unknown subsets, too few subjects or an empty result.
    """
    if subset == "all":
        return index
    if subset in THRESHOLDS:
        return _confident(index, subset, confidence)
    if subset == SOFT:
        return _repeated(index, confidence)
    if subset == "esed":
        return index[_esed(index)]
    match = re.fullmatch(r"([vr])(\d+)|r_(esed)", subset)
    if match is None or (match[2] and int(match[2]) not in nested):
        names = [f"{kind}{count}" for kind in "vr" for count in nested]
        names = ["all", *SCORED, *names, "esed", "r_esed"]
        raise ValueError(f"subset {subset!r} is unknown, expected one of {', '.join(names)}")
    subjects = sorted(set(index["subject"]))
    if match[2] and int(match[2]) > len(subjects):
        raise ValueError(
            f"subset {subset} needs {match[2]} subjects, there are {len(subjects)} "
            f"({', '.join(subjects)}); choose a smaller subset"
        )
    draw = RSample(SUBSET_SEED)
    volunteers = draw_subjects(draw, subjects, nested)
    wanted = _esed(index) if match[3] else index["subject"].isin(volunteers[int(match[2])])
    if match[1] == "v":
        return index[wanted]
    # All random subsets use one permutation, so smaller ones are part of larger ones.
    ordered = index.sort_values(["subject", "slice", "frame"]).index
    permuted = draw.sample(list(ordered), len(ordered))
    return index[index.index.isin(permuted[: int(wanted.sum())])]


def draw_subjects(
    draw: RSample, subjects: Sequence[str], nested: tuple[int, ...] = NESTED_VOLUNTEERS
) -> dict[int, list[str]]:
    """Subjects of the nested volunteer subsets by their number, each in the order of the draws.

    Steps of `nested` that ask for more subjects than there are are skipped.
    """
    chosen = list(subjects)
    volunteers = {}
    for count in nested:
        if count <= len(chosen):
            chosen = draw.sample(chosen, count)
            volunteers[count] = chosen
    return volunteers


def corrected_epochs(epochs: int, count_all: int, count_subset: int) -> int:
    """Epochs on a subset that show as many images as `epochs` epochs on all.

    round(epochs x count_all / count_subset), halves to even, as in Ankenbrand et al. 2021.
    """
    return round(epochs * count_all / count_subset)


def is_corrected(subset: str) -> bool:
    """Whether epochs are corrected; the published confidence sets were trained without."""
    return subset != "all" and subset not in SCORED


def esed_frames(index: pd.DataFrame) -> pd.DataFrame:
    """End-systolic and end-diastolic frame of each subject: columns subject, es, ed.

    Smallest and largest sum of lv_pixels over the slices of a frame; the first frame on ties.
    Frames whose cavity is not known in every slice (column whole is 0) are neither. If a subject
    has no other frames, those with the most slices are compared.
    """
    if "whole" in index:
        some = index.groupby("subject")["whole"].transform("max")
        index = index[index["whole"] == some]
        slices = index.groupby(["subject", "frame"])["lv_pixels"].transform("size")
        most = slices.groupby(index["subject"]).transform("max")
        index = index[(index["whole"] == 1) | (slices == most)]
    lv = index.groupby(["subject", "frame"])["lv_pixels"].sum().unstack("frame")
    frames = pd.DataFrame({"es": lv.idxmin(axis=1), "ed": lv.idxmax(axis=1)})
    return frames.astype(int).reset_index()


def _esed(index: pd.DataFrame) -> pd.Series:
    frames = esed_frames(index).set_index("subject")
    es, ed = (index["subject"].map(frames[name]) for name in ("es", "ed"))
    return (index["frame"] == es) | (index["frame"] == ed)


def _confident(index: pd.DataFrame, subset: str, confidence: pd.DataFrame | None) -> pd.DataFrame:
    scores = _scores(index, subset, confidence)
    chosen = index[scores <= THRESHOLDS[subset]]
    if chosen.empty:
        raise ValueError(
            f"subset {subset}: no subject has a score of at most {THRESHOLDS[subset]}, "
            f"the best of those to choose from is {scores.min():.3f}; choose "
            "a larger set or a better labeller"
        )
    return chosen


def _repeated(index: pd.DataFrame, confidence: pd.DataFrame | None) -> pd.DataFrame:
    """Rows as often as the scores of their subjects say; equal ones are neighbours."""
    scores = _scores(index, SOFT, confidence)
    times = (MOST_OFTEN * np.exp(-scores / SOFT_SCORE)).fillna(0).round().astype(int)
    chosen = index.loc[index.index.repeat(times)]
    if chosen.empty:
        raise ValueError(
            f"subset {SOFT}: the best score of those to choose from is {scores.min():.3f}, which "
            "is too large; choose a better labeller"
        )
    return chosen


def _scores(index: pd.DataFrame, subset: str, confidence: pd.DataFrame | None) -> pd.Series:
    """The score of the subject of each row, nan where it has none."""
    if confidence is None:
        raise ValueError(f"subset {subset} needs the confidence table of the labeller")
    scores = confidence.set_index("subject")["score"]
    unknown = sorted(set(index["subject"]) - set(scores.index))
    if unknown:
        raise ValueError(
            f"subset {subset}: no row in the confidence table for subjects {', '.join(unknown)}; "
            "make the confidence table of this cohort again"
        )
    mapped: pd.Series = index["subject"].map(scores)
    return mapped
