"""A model's labels against a reference: every image of a subject, and the subject."""

import math
from typing import Literal

import numpy as np
import pandas as pd

from cmrseg.known import around_drawn, drawn_in_part, known_tissues
from cmrseg.labels import SHORT_NAMES, UNLABELLED, Tissue
from cmrseg.measure.comparison import COMPARED
from cmrseg.measure.distance import slice_distances_mm
from cmrseg.measure.overlap import confusion_counts, dice
from cmrseg.measure.phases import phases
from cmrseg.measure.volumes import EndDiastole, curves_of_counts, measures, measures_at

# Name of each tissue in columns.
NAMES = SHORT_NAMES

# End diastole and end systole of the reference, all other labelled frames (of inflow, for one), and
# what Dice of all tissues together is called.
PHASES, OTHER, HEART = ("ed", "es"), "other", "heart"

# Whose end diastole and end systole a prediction is measured at.
Frames = Literal["own", "reference"]


def evaluate_cine(
    predicted: np.ndarray,
    reference: np.ndarray,
    spacing_mm: tuple[float, float, float],
    classes: int,
    subject: str,
    ed: EndDiastole = "max",
    reference_ed: EndDiastole = "max",
    frames: Frames = "own",
    es_frame: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float | str]]:
    """Compare the labels of one subject image by image and as a whole.

    predicted, reference: (t, z, y, x) integers of equal shape. spacing_mm: along z, y, x.
    classes: 4, or 3 where either side does not know the right ventricle, which then is background
    in both. Voxels that are UNLABELLED in either are left out, as are images that have no others.
    Where either side drew some tissues of a slice alone (`known_tissues`), as a cavity with nothing
    labelled around it, these end at their outline: cavity beyond it is a mistake. Of the others the
    frame's Dice and volume are nan.

    A heart has all of its tissues at any time. One that the reference has in no slice of a frame
    that is labelled in every slice was not annotated there (as a wall that is drawn at end diastole
    alone): whatever was predicted, its Dice of that frame is nan, it does not count in the
    subject's Dice, and its volume is unknown. A frame of background alone has no annotation. In a
    frame with unlabelled slices a tissue may be absent, and where it is predicted that is a
    mistake.

    Returns (images, frames, row). images: a row per image with subject, slice, frame, and per
    tissue dice_lv (nan where neither side has the tissue, or it was not annotated),
    hausdorff_lv_mm, distance_lv_mm (nan unless both have it), then the confusion counts bg_bg,
    bg_lv, ...: first the reference's class, then the prediction's. frames: a row per labelled
    frame with subject, frame, phase ("ed", "es" of the reference, "other"), images, and Dice of
    its images as one volume: dice_lv, ..., dice_heart of all tissues together. row: subject,
    images, Dice over all images as one volume, distances as means over slices (Bai et al. 2018),
    reference_* and predicted_* volumes, and dice_lv_ed, dice_lv_es, ... of the reference's end
    diastole and end systole, dice_lv_other of all other labelled frames as one volume.
    Both sides' volumes are of the same frames, those that are complete in both. frames "own": each
    side has its own end diastole (`ed` of the prediction, `reference_ed` of the reference) and
    systole among them. "reference": both are measured at the reference's, with end diastole by
    `reference_ed` and end systole by `phases`, or at `es_frame` if that is given. Without a
    complete frame volumes are nan, and with a single one beside frames that are labelled in part;
    with a single one alone those that need end systole.
    Raises ValueError naming the subject for unequal shapes, unknown labels, no labelled image, or
    an es_frame that is not complete.
    """
    if classes not in (3, 4):
        raise ValueError(f"subject {subject}: classes must be 3 or 4, got {classes}")
    if predicted.shape != reference.shape or reference.ndim != 4:
        raise ValueError(
            f"subject {subject}: prediction {predicted.shape} and reference {reference.shape} must "
            f"have one shape (t, z, y, x); were both made from the same image?"
        )
    eds = {"reference": reference_ed, "predicted": ed}
    count, slices, *plane = reference.shape
    reference, reference_open = _told(reference)
    predicted, predicted_open = _told(predicted)
    ignored = (reference == UNLABELLED) | (predicted == UNLABELLED)
    first = _with_classes(reference, ignored, classes).reshape(-1, *plane)
    second = _with_classes(predicted, ignored, classes).reshape(-1, *plane)
    try:
        counts = confusion_counts(first, second, classes)
    except ValueError as error:
        raise ValueError(f"subject {subject}: {error}") from error
    labelled = np.flatnonzero(counts.sum(axis=(1, 2)))
    if not labelled.size:
        raise ValueError(
            f"subject {subject}: no image is labelled in both prediction and reference; "
            f"leave the subject out of this evaluation"
        )
    by_frame = counts.reshape(count, slices, classes, classes)
    of_reference = _annotated(by_frame) & ~reference_open[:, :classes]
    annotated = of_reference & ~predicted_open[:, :classes]
    columns = _tissue_columns(first[labelled], second[labelled], counts[labelled], spacing_mm[1:])
    for tissue in list(Tissue)[1:classes]:
        columns[f"dice_{NAMES[tissue]}"][~annotated[labelled // slices, tissue]] = np.nan
    images = pd.DataFrame(
        {"subject": subject, "slice": labelled % slices, "frame": labelled // slices, **columns}
    ).sort_values(["slice", "frame"], ignore_index=True)
    row: dict[str, float | str] = {"subject": subject, "images": len(images)}
    for tissue in list(Tissue)[1:classes]:
        name = NAMES[tissue]
        whole = dice(by_frame[annotated[:, tissue]].sum(axis=(0, 1)))
        row[f"dice_{name}"] = float(whole[tissue])
        row[f"hausdorff_{name}_mm"] = float(images[f"hausdorff_{name}_mm"].mean())
        row[f"distance_{name}_mm"] = float(images[f"distance_{name}_mm"].mean())
    complete = np.flatnonzero(_complete(by_frame) & annotated[:, Tissue.LV])
    if len(complete) == 1 and len(set(labelled // slices)) > 1:
        # End diastole may be a frame that is labelled in part.
        complete = complete[:0]
    known = {"reference": of_reference, "predicted": ~predicted_open[:, :classes]}
    curves = _curves(by_frame, known, complete, spacing_mm, subject)
    at = None
    if frames == "reference" and len(complete):
        maps = first.reshape(reference.shape)
        ed_frame = int(measures(curves["reference"], ed=reference_ed)["ed_frame"])
        at = ed_frame, _end_systole(maps, complete, spacing_mm, subject, ed_frame, es_frame)
    if len(complete) == 1:
        at = int(complete[0]), None
    for side, own_curves in curves.items():
        found = {}
        if len(complete):
            found = measures_at(own_curves, *at) if at else measures(own_curves, ed=eds[side])
        for name in (*(name for name, *_ in COMPARED), "ed_frame", "es_frame"):
            row[f"{side}_{name}"] = found.get(name, math.nan)
    chosen = {phase: row[f"reference_{phase}_frame"] for phase in PHASES}
    for phase, frame in chosen.items():
        own = [] if frame != frame else [int(frame)]
        row |= _volume_dice(by_frame[own], annotated[own], f"_{phase}")
    others = np.setdiff1d(np.arange(count), list(chosen.values()))
    row |= _volume_dice(by_frame[others], annotated[others], f"_{OTHER}")
    table = []
    for frame, size in zip(*np.unique(images["frame"], return_counts=True), strict=True):
        phase = next((phase for phase in PHASES if chosen[phase] == frame), OTHER)
        about = {"subject": subject, "frame": frame, "phase": phase, "images": size}
        table.append(about | _volume_dice(by_frame[[frame]], annotated[[frame]]))
    return images, pd.DataFrame(table), row


def _volume_dice(by_frame: np.ndarray, known: np.ndarray, suffix: str = "") -> dict[str, float]:
    """Dice of some frames' slices as one volume, of each tissue and of all together.

    by_frame: (t, z, classes, classes). known: (t, classes) whether the reference knows the tissue
    there; where it does not in one of them, Dice is nan.
    """
    counts, annotated = by_frame.sum(axis=(0, 1)), np.asarray(known.all(axis=0))
    scores = np.where(annotated, dice(counts), np.nan)
    row = {f"dice_{NAMES[t]}{suffix}": float(scores[t]) for t in list(Tissue)[1 : len(counts)]}
    inside = counts[1:, 1:].trace()
    both = counts[1:].sum() + counts[:, 1:].sum()
    whole = annotated[1:].all() and both > 0
    return row | {f"dice_{HEART}{suffix}": float(2 * inside / both) if whole else math.nan}


def _told(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (t, z, y, x) as they are counted; (t, tissues) that a labelled slice leaves open."""
    known = known_tissues(labels)
    part = drawn_in_part(labels, known)
    return around_drawn(labels, known), (part[..., None] & ~known).any(axis=1)


def _annotated(counts: np.ndarray) -> np.ndarray:
    """(t, classes) whether the reference knows a tissue in a frame; counts: as in _curves."""
    return ~_complete(counts)[:, None] | (counts.sum(axis=(1, 3)) > 0)


def _complete(counts: np.ndarray) -> np.ndarray:
    """(t,) whether every slice of a frame is labelled; counts: as in _curves."""
    return (counts.sum(axis=(2, 3)) > 0).all(axis=1)


def _with_classes(labels: np.ndarray, ignored: np.ndarray, classes: int) -> np.ndarray:
    """The labels with UNLABELLED wherever ignored, and without tissues beyond `classes`."""
    labels = np.where(ignored, labels.dtype.type(UNLABELLED), labels)
    if classes <= Tissue.RV:
        labels[labels == Tissue.RV] = Tissue.BACKGROUND
    return labels


def _tissue_columns(
    first: np.ndarray, second: np.ndarray, counts: np.ndarray, spacing_mm: tuple[float, ...]
) -> dict[str, np.ndarray]:
    """Columns of the image table; first (reference), second: (n, y, x), counts: (n, k, k)."""
    classes = counts.shape[-1]
    spacing_y, spacing_x = spacing_mm
    tissues = list(Tissue)[1:classes]
    scores = dice(counts)
    columns = {f"dice_{NAMES[tissue]}": scores[:, tissue] for tissue in tissues}
    distances = {
        NAMES[tissue]: slice_distances_mm(first == tissue, second == tissue, (spacing_y, spacing_x))
        for tissue in tissues
    }
    columns |= {f"hausdorff_{name}_mm": pair[:, 0] for name, pair in distances.items()}
    columns |= {f"distance_{name}_mm": pair[:, 1] for name, pair in distances.items()}
    for a, b in np.ndindex(classes, classes):
        columns[f"{NAMES[Tissue(a)]}_{NAMES[Tissue(b)]}"] = counts[:, a, b]
    return columns


def _curves(
    counts: np.ndarray,
    known: dict[str, np.ndarray],
    complete: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
) -> dict[str, pd.DataFrame]:
    """Curves of both sides from (t, z, reference class, predicted class) counts.

    known: (t, classes) by side. complete: frames that count; those without a cavity of the
    reference do on neither side.
    """
    counted = np.isin(np.arange(len(counts)), complete)
    curves = {}
    # Summing over the other side's class leaves each side's own voxels.
    for side, axes in (("reference", (1, 3)), ("predicted", (1, 2))):
        voxels = np.where(counted[:, None] & known[side], counts.sum(axis=axes), np.nan)
        curves[side] = curves_of_counts(voxels, spacing_mm, subject, counts.shape[-1])
    return curves


def _end_systole(
    labels: np.ndarray,
    complete: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
    ed_frame: int,
    es_frame: int | None,
) -> int | None:
    """The reference's end systole: es_frame if it is given, else that of `phases`, None if unknown.

    labels: (t, z, y, x) `Tissue`. complete: frames that are labelled in every slice.
    """
    if es_frame is None:
        found = phases(labels, complete, spacing_mm[1] * spacing_mm[2], ed_frame).es
        return None if found < 0 else found
    if es_frame not in complete:
        raise ValueError(
            f"subject {subject}: es_frame {es_frame} of the subject table is not labelled in every "
            f"slice by both sides; choose one of {', '.join(map(str, complete))} (from 0)"
        )
    return es_frame
