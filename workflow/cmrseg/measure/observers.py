"""Two observers on the same images: differences of their volumes at fixed frames."""

import math

import pandas as pd

PERCENT_COLUMNS = ("edv_percent", "esv_percent", "sv_percent", "ef_percent")

# Name of the last row of the observer table.
MEAN = "mean"


def end_frames(counts: pd.DataFrame) -> pd.DataFrame:
    """Frames of the first observer's smallest and largest LV: subject, es_frame, ed_frame.

    counts: one row per image with subject, frame, first_px; summed over slices. The first of equal
    frames is taken. Subjects in the order of their first row.
    """
    sums = counts.groupby(["subject", "frame"])["first_px"].sum()
    rows = []
    for subject in dict.fromkeys(counts["subject"]):
        curve = sums[subject].sort_index()
        rows.append((subject, int(curve.idxmin()), int(curve.idxmax())))
    return pd.DataFrame(rows, columns=["subject", "es_frame", "ed_frame"])


def observer_table(counts: pd.DataFrame, frames: pd.DataFrame, ml_per_pixel: float) -> pd.DataFrame:
    """Percent differences of EDV, ESV, SV and EF of each subject, and their means.

    counts: one row per image with subject, frame, first_px, second_px (LV pixels of the first and
    the second observer). frames: subject, es_frame, ed_frame, the same for both observers: those
    of the first. Returns subject, edv_ml, esv_ml of the first observer, second_edv_ml,
    second_esv_ml, and PERCENT_COLUMNS = |second - first| x 100/first, one row per subject of
    `counts` and a last row `mean`. EF is (EDV - ESV)/EDV. A percentage of nothing, or of what was
    not labelled (counts of nan) or has no frame (nan), is nan and is left out of the mean.
    Raises ValueError naming a subject without frames, or without images at one of its frames.
    Definition of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
    """
    by_subject = frames.set_index("subject")
    sums = counts.groupby(["subject", "frame"])[["first_px", "second_px"]].sum(min_count=1)
    sums *= ml_per_pixel
    rows = []
    for subject in dict.fromkeys(counts["subject"]):
        if subject not in by_subject.index:
            raise ValueError(
                f"subject {subject} has counts but no end-systolic and -diastolic frame"
            )
        ed_frame, es_frame = by_subject.loc[subject, ["ed_frame", "es_frame"]]
        for frame in (ed_frame, es_frame):
            if not math.isnan(frame) and (subject, frame) not in sums.index:
                raise ValueError(
                    f"subject {subject} has no images of frame {frame + 1} (from 1), add its labels"
                )
        (first_edv, second_edv), (first_esv, second_esv) = (
            (math.nan, math.nan) if math.isnan(frame) else sums.loc[(subject, frame)]
            for frame in (ed_frame, es_frame)
        )
        first = _measures(first_edv, first_esv)
        second = _measures(second_edv, second_esv)
        percent = [_percent(a, b) for a, b in zip(first, second, strict=True)]
        rows.append((subject, first_edv, first_esv, second_edv, second_esv, *percent))
    volumes = ["edv_ml", "esv_ml", "second_edv_ml", "second_esv_ml"]
    table = pd.DataFrame(rows, columns=["subject", *volumes, *PERCENT_COLUMNS])
    means = table[[*volumes, *PERCENT_COLUMNS]].mean()
    return pd.concat([table, pd.DataFrame([{"subject": MEAN, **means}])], ignore_index=True)


def _measures(edv_ml: float, esv_ml: float) -> tuple[float, float, float, float]:
    sv_ml = edv_ml - esv_ml
    return edv_ml, esv_ml, sv_ml, sv_ml / edv_ml if edv_ml else math.nan


def _percent(first: float, second: float) -> float:
    return abs(second - first) * 100 / first if first else math.nan
