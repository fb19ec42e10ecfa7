"""Volumes from label maps: one curve per tissue, and the measures of a subject."""

import logging
import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from cmrseg.known import known_tissues
from cmrseg.labels import UNLABELLED, Tissue, values_of
from cmrseg.measure.by_sequence import check_plane, curve_columns
from cmrseg.measure.ventricles import VENTRICULAR, ventricular_measures
from cmrseg.sequences import SEQUENCES, USUAL, Sequence

logger = logging.getLogger(__name__)

MM3_PER_ML = 1000
MM2_PER_CM2 = 100

# Which labelled frame is end diastole: the first one, the one with the largest LV cavity, or the
# first one if its cavity is nearly the largest: a triggered cine may end a little above its start.
EndDiastole = Literal["first", "max", "first_if_near"]
ED_RULES = ("first", "max", "first_if_near")
# Part of the largest volume that is near it.
NEAR = 0.98

# Column of each tissue in a table of curves of the short axis.
CURVES = curve_columns(SEQUENCES[USUAL])

MEASURES = (*(measure.name for measure in VENTRICULAR), "heart_rate_bpm", "ed_frame", "es_frame")


def voxel_volume_ml(spacing_mm: tuple[float, float, float]) -> float:
    """Volume of a voxel in ml; spacing_mm is the distance of voxel centres along z, y, x.

    Raises ValueError if a spacing is not positive and finite.
    """
    if not all(math.isfinite(s) and s > 0 for s in spacing_mm):
        raise ValueError(f"spacing_mm must be three positive numbers, got {tuple(spacing_mm)}")
    return math.prod(spacing_mm) / MM3_PER_ML


def pixel_volume_ml(
    columns: int,
    rows: int,
    column_spacing_mm: float,
    row_spacing_mm: float,
    slice_distance_mm: float,
    size_px: int,
) -> float:
    """Volume in ml of one pixel of an image that was scaled and padded to size_px x size_px.

    columns, rows and the spacings are those before scaling: the longer side became size_px, so a
    pixel grew by max(columns, rows)/size_px in both directions. Padding alone changes nothing.
    Rule of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
    """
    scale = max(columns, rows) / size_px
    return voxel_volume_ml((slice_distance_mm, row_spacing_mm, column_spacing_mm)) * scale**2


def count_voxels(
    labels: np.ndarray, subject: str = "", shown: tuple[Tissue, ...] = SEQUENCES[USUAL].tissues
) -> np.ndarray:
    """Voxels of each tissue in each frame.

    labels: (t, z, y, x) integers. shown: tissues that maps of the sequence may hold. Returns
    (t, tissues) float64 in the order of Tissue. A tissue is
    nan in a frame of which any slice does not tell of it (`known_tissues`), as one without any
    labelled voxel or, of the muscle, with the cavity alone: its sum would be too small, not zero.
    Other UNLABELLED voxels (such as a border added by a rotation) count as nothing.
    Raises ValueError naming the subject for other shapes and for values that are no tissue.
    """
    if labels.ndim != 4 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"subject {subject}: labels must be integers (t, z, y, x), "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    told = values_of(shown)
    if labels.min(initial=0) < 0:
        raise ValueError(
            f"subject {subject}: labels have the value {labels.min()}, expected "
            f"{', '.join(map(str, told))} or {UNLABELLED} (unlabelled)"
        )
    frames, slices = labels.shape[:2]
    counts = np.zeros((frames, slices, len(Tissue)))
    for t, z in np.ndindex(frames, slices):
        values = np.bincount(labels[t, z].ravel(), minlength=UNLABELLED + 1)
        counts[t, z, told] = values[told]
        if values[told].sum() + values[UNLABELLED] != labels[t, z].size:
            wrong = sorted(set(np.flatnonzero(values).tolist()) - {*told, UNLABELLED})
            raise ValueError(
                f"subject {subject}: frame {t + 1}, slice {z + 1} (from 1) has labels {wrong}, "
                f"expected {', '.join(map(str, told))} or {UNLABELLED} (unlabelled)"
            )
    counts[~known_tissues(labels, shown)] = np.nan
    return counts.sum(axis=1)


def volume_curves(
    labels: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
    tissues: tuple[Tissue, ...] | None = None,
    sequence: Sequence = SEQUENCES[USUAL],
) -> pd.DataFrame:
    """Curves of one subject: a row per frame with subject, frame, lv_ml, my_ml, rv_ml.

    labels: (t, z, y, x). spacing_mm: distance of voxel centres along z, y, x; along z that is slice
    thickness plus gap. tissues: those that the labeller knows, all of the sequence unless given;
    the others' columns are nan. sequence: decides on the columns; of one that is a single plane
    areas, as la_cm2. Raises ValueError naming the subject where such a one has several. Frames that
    are not labelled in every slice keep their row, as nan, so that the number of rows stays the
    number of frames of the cine; a frame with the cavity alone has lv_ml and no my_ml. Voxels are
    counted as in Bai et al. 2018, doi:10.1186/s12968-018-0471-x: no islands removed, nothing
    clipped at the base.
    """
    counts = count_voxels(labels, subject, sequence.tissues)
    check_plane(sequence, labels.shape[1], subject)
    return curves_of_counts(counts, spacing_mm, subject, tissues, sequence)


def curves_of_counts(
    counts: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
    tissues: tuple[Tissue, ...] | None = None,
    sequence: Sequence = SEQUENCES[USUAL],
) -> pd.DataFrame:
    """As volume_curves, from (t, tissues) voxel counts in the order of Tissue."""
    size = voxel_volume_ml(spacing_mm)
    if not sequence.volumetric:
        size = spacing_mm[1] * spacing_mm[2] / MM2_PER_CM2
    values = counts * size
    table = pd.DataFrame({"subject": subject, "frame": np.arange(len(counts))})
    for tissue, column in curve_columns(sequence).items():
        known = tissues is None or tissue in tissues
        table[column] = values[:, tissue] if known else np.nan
    return table


def heart_rate_bpm(frames: int, frame_interval_s: float) -> float:
    """Beats per minute of a cine that covers one beat; nan where the interval is unknown.

    A single frame covers no beat, whatever its interval.
    """
    return 60 / (frames * frame_interval_s) if frames > 1 else math.nan


def missed_frames(curves: pd.DataFrame) -> list[int]:
    """Labelled frames without an LV cavity, from 0, of a heart that has one in other frames.

    No heart empties itself: the cavity was not found there. None where no frame has a cavity.
    """
    volumes = curves["lv_ml"]
    return curves["frame"][(volumes == 0) & (volumes.max() > 0)].astype(int).tolist()


def measures(
    curves: pd.DataFrame, frame_interval_s: float = math.nan, ed: EndDiastole = "max"
) -> dict[str, float]:
    """The measures of one subject from its curves (see volume_curves).

    ed: "max" takes the frame with the largest LV cavity as end diastole, "first" the first frame
    (Bai et al. 2018), "first_if_near" the first one if it has at least NEAR of the largest cavity,
    else that with the largest. End systole is the frame with the smallest LV cavity. Only labelled
    frames count, so "first" is the first labelled one; among equal frames the first is taken.
    Frames are those of the left ventricle also for the right one. With a single labelled frame end
    systole is unknown, and what needs it is nan.
    Frames in which the cavity was missed (`missed_frames`) are neither, and a warning. End systole
    is unknown where the smallest cavity found is beside one (the cine is a cycle), end diastole
    where the rule asks for one, and both where one frame alone has a cavity.
    ef and rv_ef are fractions, nan where the end-diastolic volume is 0. co_l_min and heart_rate_bpm
    are nan where the interval is, or the cine has one frame.
    Raises ValueError naming the subject if no frame is labelled in every slice.
    """
    subject, labelled = curves["subject"].iloc[0], curves[curves["lv_ml"].notna()]
    if labelled.empty:
        raise ValueError(
            f"subject {subject}: none of {len(curves)} frames is labelled in "
            f"every slice, expected at least one; complete the labels or leave the subject out"
        )
    if ed not in ED_RULES:
        raise ValueError(f"ed must be one of {', '.join(ED_RULES)}, got {ed!r}")
    frames, lv_ml = labelled["frame"].tolist(), labelled["lv_ml"].to_numpy()
    missed = np.isin(frames, missed_frames(curves))
    largest = int(lv_ml.argmax())
    near = lv_ml[0] >= NEAR * lv_ml[largest]
    diastole = 0 if ed == "first" or (ed == "first_if_near" and near) else largest
    systole = int(np.where(missed, np.inf, lv_ml).argmin())
    beside_missed = missed[systole - 1] or missed[(systole + 1) % len(missed)]
    alone = len(frames) - missed.sum() == 1
    es_frame = None if alone or beside_missed else frames[systole]
    # Of a lone labelled frame it is said that it is end diastole; of a lone one found it is not.
    ed_frame = None if missed[diastole] or (alone and missed.any()) else frames[diastole]
    if missed.any():
        logger.warning("subject %s: %s", subject, _missed_in_words(curves, ed_frame, es_frame))
    return measures_at(curves, ed_frame, es_frame, frame_interval_s)


def _missed_in_words(curves: pd.DataFrame, ed_frame: int | None, es_frame: int | None) -> str:
    """Which frames have no cavity, and what is unknown by it."""
    ends = (("end-diastole", ed_frame), ("end-systole", es_frame))
    unknown = [name for name, frame in ends if frame is None]
    numbers = ", ".join(str(frame + 1) for frame in missed_frames(curves))
    left = f"{' and '.join(unknown)} unknown" if unknown else "these are not taken for end-systole"
    return f"no LV cavity was found in frames {numbers} (from 1) of {len(curves)}: {left}"


def measures_at(
    curves: pd.DataFrame,
    ed_frame: int | None,
    es_frame: int | None,
    frame_interval_s: float = math.nan,
) -> dict[str, float]:
    """As measures, with end diastole and end systole at given frames.

    ed_frame, es_frame: None where it is unknown; what needs it is nan. A ventricle without a voxel
    in a frame, and with some in others, was missed there: its volume is unknown, not 0. Raises
    ValueError naming the subject if a frame is not there or not labelled in every slice.
    """
    subject = curves["subject"].iloc[0]
    rows = []
    for frame in (ed_frame, es_frame):
        if frame is None:
            rows.append(pd.Series(math.nan, list(CURVES.values())))
            continue
        row = curves[curves["frame"] == frame]
        if row.empty or row["lv_ml"].isna().any():
            raise ValueError(
                f"subject {subject}: frame {frame + 1} (from 1) is not labelled in every slice, or "
                f"is none of {len(curves)} frames; choose another"
            )
        rows.append(row.iloc[0])
    diastole, systole = rows
    volumes_ml = {
        tissue: (_volume_ml(curves, diastole, tissue), _volume_ml(curves, systole, tissue))
        for tissue in CURVES
    }
    rate_bpm = heart_rate_bpm(len(curves), frame_interval_s)
    return {
        **ventricular_measures(volumes_ml, rate_bpm),
        "heart_rate_bpm": rate_bpm,
        "ed_frame": math.nan if ed_frame is None else ed_frame,
        "es_frame": math.nan if es_frame is None else es_frame,
    }


def _volume_ml(curves: pd.DataFrame, row: pd.Series, tissue: Tissue) -> float:
    """Volume of a tissue in a frame; that of a ventricle is nan where it was missed there."""
    column = CURVES[tissue]
    volume = float(row[column])
    missed = tissue != Tissue.MYO and volume == 0 and curves[column].max() > 0
    return math.nan if missed else volume


def volumes_table(
    curves: pd.DataFrame, frame_interval_s: Mapping[str, float], ed: EndDiastole = "max"
) -> pd.DataFrame:
    """One row per subject: subject and its measures, in the order of the curves' subjects.

    curves: rows of volume_curves of all subjects. frame_interval_s: by subject, nan if unknown.
    Raises ValueError naming the subjects that have curves but no interval.
    """
    subjects = list(dict.fromkeys(curves["subject"]))
    missing = [subject for subject in subjects if subject not in frame_interval_s]
    if missing:
        raise ValueError(
            f"subjects {', '.join(missing)} have curves but no frame interval; give nan if unknown"
        )
    groups = dict(iter(curves.groupby("subject", sort=False)))
    rows = [{"subject": s, **measures(groups[s], frame_interval_s[s], ed)} for s in subjects]
    return pd.DataFrame(rows, columns=["subject", *MEASURES])
