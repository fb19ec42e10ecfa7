"""A model's labels against a reference: every image of a subject, and the subject."""

import math
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import pandas as pd

from cmrseg.labels import Region, Tissue
from cmrseg.measure.by_sequence import (
    check_plane,
    has_phases,
    measures_of,
    measures_of_curve,
)
from cmrseg.measure.comparison import COMPARED
from cmrseg.measure.distance import slice_distances_mm
from cmrseg.measure.lesions import LESION_MEASURES, WALL
from cmrseg.measure.overlap import dice
from cmrseg.measure.pairs import NAMES, Pair, pair_of
from cmrseg.measure.phases import phases
from cmrseg.measure.regions import region_scores
from cmrseg.measure.volumes import EndDiastole, curves_of_counts, measures, measures_at
from cmrseg.sequences import SEQUENCES, USUAL, Sequence

# End diastole and end systole of the reference, all other labelled frames (of inflow, for one), and
# what Dice of all tissues together is called.
PHASES, OTHER, HEART = ("ed", "es"), "other", "heart"

# Whose end diastole and end systole a prediction is measured at.
Frames = Literal["own", "reference"]


def evaluate_cine(
    predicted: np.ndarray,
    reference: np.ndarray,
    spacing_mm: tuple[float, float, float],
    tissues: tuple[Tissue, ...],
    subject: str,
    ed: EndDiastole = "max",
    reference_ed: EndDiastole = "max",
    frames: Frames = "own",
    es_frame: int | None = None,
    sequence: Sequence = SEQUENCES[USUAL],
    regions: Collection[Region] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float | str]]:
    """Compare the labels of one subject image by image and as a whole.

    predicted, reference: (t, z, y, x) integers of equal shape. spacing_mm: along z, y, x. tissues:
    those that both sides know, in the order of the registry; others are background in both.
    sequence: what the images are. regions: those that both tell of as a whole; unless given, those
    of whose tissues both know all. Voxels that are UNLABELLED in either are left out,
    as are images that have no others. Where either side drew some tissues of a slice alone
    (`known_tissues`), as a cavity with nothing labelled around it, these end at their outline:
    cavity beyond it is a mistake. Of the others the frame's Dice and volume are nan.

    A heart has all of its tissues at any time. One that the reference has in no slice of a frame
    that is labelled in every slice was not annotated there (as a wall that is drawn at end diastole
    alone): whatever was predicted, its Dice of that frame is nan, it does not count in the
    subject's Dice, and its volume is unknown. A frame of background alone has no annotation. In a
    frame with unlabelled slices a tissue may be absent, and where it is predicted that is a
    mistake. A heart may have no lesion (`regions`): its volume is 0 then, its Dice nan, and what
    was predicted of it is a volume of its own.

    Returns (images, frames, row). images: a row per image with subject, slice, frame, and per
    tissue dice_lv (nan where neither side has the tissue, or it was not annotated),
    hausdorff_lv_mm, distance_lv_mm (nan unless both have it), then the confusion counts bg_bg,
    bg_lv, ...: first the reference's tissue, then the prediction's. frames: a row per labelled
    frame with subject, frame, phase ("ed", "es" of the reference, "other"), images, and Dice of
    its images as one volume: dice_lv, ..., dice_heart of all tissues together. row: subject,
    images, Dice over all images as one volume, distances as means over slices (Bai et al. 2018),
    and dice_lv_ed, dice_lv_es, ... of the reference's end diastole and end systole, dice_lv_other
    of all other labelled frames as one volume. Where both sides know lesions, the columns of
    `regions`. Where the left ventricle of a short axis is among the tissues, reference_* and
    predicted_* volumes; elsewhere no frame is end diastole or end systole, and reference_* and
    predicted_* are the measures of the sequence (by_sequence), of frames that are complete in both;
    those of the wall are nan where a side has a part of it that the other does not know.
    Both sides' volumes are of the same frames, those that are complete in both. frames "own": each
    side has its own end diastole (`ed` of the prediction, `reference_ed` of the reference) and
    systole among them. "reference": both are measured at the reference's, with end diastole by
    `reference_ed` and end systole by `phases`, or at `es_frame` if that is given. Without a
    complete frame volumes are nan, and with a single one beside frames that are labelled in part;
    with a single one alone those that need end systole.
    Raises ValueError naming the subject for unequal shapes, unknown labels, no labelled image, or
    an es_frame that is not complete.
    """
    pair = pair_of(reference, predicted, tissues, spacing_mm, subject, sequence.tissues)
    images = _image_table(pair)
    row: dict[str, Any] = {"subject": subject, "images": len(images)}
    for tissue in tissues:
        name = NAMES[tissue]
        whole = dice(pair.counts[pair.scored[:, pair.place(tissue)]].sum(axis=(0, 1)))
        row[f"dice_{name}"] = float(whole[pair.place(tissue)])
        row[f"hausdorff_{name}_mm"] = float(images[f"hausdorff_{name}_mm"].mean())
        row[f"distance_{name}_mm"] = float(images[f"distance_{name}_mm"].mean())
    row |= region_scores(pair, regions)
    if not has_phases(sequence):
        row |= _measures(pair, sequence) if measures_of(sequence) else {}
    elif Tissue.LV in tissues:
        eds = {"reference": reference_ed, "predicted": ed}
        row |= _volumes(pair, eds, frames, es_frame)
    chosen = {phase: row.get(f"reference_{phase}_frame", math.nan) for phase in PHASES}
    for phase, frame in chosen.items():
        row |= _volume_dice(pair, [] if frame != frame else [int(frame)], f"_{phase}")
    others = np.setdiff1d(np.arange(len(pair.counts)), list(chosen.values()))
    row |= _volume_dice(pair, others, f"_{OTHER}")
    table = []
    for frame, size in zip(*np.unique(images["frame"], return_counts=True), strict=True):
        phase = next((phase for phase in PHASES if chosen[phase] == frame), OTHER)
        about = {"subject": subject, "frame": frame, "phase": phase, "images": size}
        table.append(about | _volume_dice(pair, [frame]))
    return images, pd.DataFrame(table), row


def _volumes(
    pair: Pair, eds: dict[str, EndDiastole], frames: Frames, es_frame: int | None
) -> dict[str, float]:
    """Volumes of both sides, reference_* and predicted_*, with their frames; nan if unknown."""
    complete = pair.complete
    curves = _curves(pair, complete)
    at: tuple[int | None, int | None] | None = None
    if frames == "reference" and len(complete):
        ed_frame = measures(curves["reference"], ed=eds["reference"])["ed_frame"]
        at = None, None
        if not math.isnan(ed_frame):
            at = int(ed_frame), _end_systole(pair, complete, int(ed_frame), es_frame)
    if len(complete) == 1:
        at = int(complete[0]), None
    row = {}
    for side, own_curves in curves.items():
        found = {}
        if len(complete):
            found = measures_at(own_curves, *at) if at else measures(own_curves, ed=eds[side])
        for name in (*(measure.name for measure in COMPARED), "ed_frame", "es_frame"):
            row[f"{side}_{name}"] = found.get(name, math.nan)
    return row


def _measures(pair: Pair, sequence: Sequence) -> dict[str, float]:
    """Measures of both sides of a sequence without phases, reference_* and predicted_*."""
    check_plane(sequence, pair.counts.shape[1], pair.subject)
    row: dict[str, float] = {}
    complete = pair.complete
    others = [tissue for tissue in WALL if tissue not in pair.tissues]
    wall_in_part = any(np.isin(side, others).any() for side in (pair.reference, pair.predicted))
    for side, curve in _curves(pair, complete, sequence).items():
        found = measures_of_curve(curve, sequence, complete)
        if wall_in_part:
            of_wall = [m.name for m in LESION_MEASURES if m.name in found and m.kind != "mass"]
            found |= dict.fromkeys(of_wall, math.nan)
        row |= {f"{side}_{name}": value for name, value in found.items()}
    return row


def _volume_dice(pair: Pair, frames: Any, suffix: str = "") -> dict[str, float]:
    """Dice of some frames' slices as one volume, of each tissue and of all together.

    Where a side does not know a tissue in one of them, Dice is nan.
    """
    counts = pair.counts[frames].sum(axis=(0, 1))
    annotated = np.asarray(pair.annotated[frames].all(axis=0))
    scores = np.where(pair.scored[frames].all(axis=0), dice(counts), np.nan)
    row = {f"dice_{NAMES[t]}{suffix}": float(scores[pair.place(t)]) for t in pair.tissues}
    inside = counts[1:, 1:].trace()
    both = counts[1:].sum() + counts[:, 1:].sum()
    whole = annotated[1:].all() and both > 0
    return row | {f"dice_{HEART}{suffix}": float(2 * inside / both) if whole else math.nan}


def _image_table(pair: Pair) -> pd.DataFrame:
    """A row per labelled image, see `evaluate_cine`."""
    labelled, slices, plane = pair.labelled, pair.counts.shape[1], pair.reference.shape[2:]
    counts = pair.counts.reshape(-1, *pair.counts.shape[2:])[labelled]
    first = pair.reference.reshape(-1, *plane)[labelled]
    second = pair.predicted.reshape(-1, *plane)[labelled]
    frame, (_, spacing_y, spacing_x) = labelled // slices, pair.spacing_mm
    scores = dice(counts)
    columns = {}
    for tissue in pair.tissues:
        place = pair.place(tissue)
        columns[f"dice_{NAMES[tissue]}"] = np.where(
            pair.scored[frame, place], scores[:, place], np.nan
        )
    distances = {
        NAMES[tissue]: slice_distances_mm(first == tissue, second == tissue, (spacing_y, spacing_x))
        for tissue in pair.tissues
    }
    columns |= {f"hausdorff_{name}_mm": both[:, 0] for name, both in distances.items()}
    columns |= {f"distance_{name}_mm": both[:, 1] for name, both in distances.items()}
    for a, b in np.ndindex(counts.shape[1:]):
        columns[f"{pair.names[a]}_{pair.names[b]}"] = counts[:, a, b]
    table = {"subject": pair.subject, "slice": labelled % slices, "frame": frame, **columns}
    return pd.DataFrame(table).sort_values(["slice", "frame"], ignore_index=True)


def _curves(
    pair: Pair, complete: np.ndarray, sequence: Sequence = SEQUENCES[USUAL]
) -> dict[str, pd.DataFrame]:
    """Curves of both sides; frames that are not complete count on neither side."""
    counted = np.isin(np.arange(len(pair.counts)), complete)
    curves = {}
    # Summing over the other side's tissue leaves each side's own voxels.
    for side, axes in (("reference", (1, 3)), ("predicted", (1, 2))):
        voxels = np.where(counted[:, None] & pair.known[side], pair.counts.sum(axis=axes), np.nan)
        by_tissue = np.full((len(voxels), len(Tissue)), np.nan)
        by_tissue[:, [0, *pair.tissues]] = voxels
        curves[side] = curves_of_counts(
            by_tissue, pair.spacing_mm, pair.subject, pair.tissues, sequence
        )
    return curves


def _end_systole(
    pair: Pair, complete: np.ndarray, ed_frame: int, es_frame: int | None
) -> int | None:
    """The reference's end systole: es_frame if it is given, else that of `phases`, None if unknown.

    complete: frames that are labelled in every slice.
    """
    if es_frame is None:
        area_mm2 = pair.spacing_mm[1] * pair.spacing_mm[2]
        found = phases(pair.reference, complete, area_mm2, ed_frame).es
        return None if found < 0 else found
    if es_frame not in complete:
        raise ValueError(
            f"subject {pair.subject}: es_frame {es_frame} of the subject table is not labelled in "
            f"every slice by both sides; choose one of {', '.join(map(str, complete))} (from 0)"
        )
    return es_frame
