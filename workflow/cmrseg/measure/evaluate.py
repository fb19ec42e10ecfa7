"""A model's labels against a reference: every image, every subject, and the cohort."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.agreement import summary
from cmrseg.measure.comparison import ALL, COMPARED, SUMMARY_COLUMNS, agreements
from cmrseg.measure.distance import slice_distances_mm
from cmrseg.measure.overlap import accuracy, confusion_counts, dice, foreground
from cmrseg.measure.volumes import EndDiastole, curves_of_counts, measures

# Name of each tissue in columns.
NAMES = {Tissue.BACKGROUND: "bg", Tissue.LV: "lv", Tissue.MYO: "my", Tissue.RV: "rv"}

# Measures of agreement of label maps, and their unit.
OVERLAPS = (("dice", ""), ("hausdorff", "_mm"), ("distance", "_mm"))


def evaluate_cine(
    predicted: np.ndarray,
    reference: np.ndarray,
    spacing_mm: tuple[float, float, float],
    classes: int,
    subject: str,
    ed: EndDiastole = "max",
    reference_ed: EndDiastole = "max",
) -> tuple[pd.DataFrame, dict[str, float | str]]:
    """Compare the labels of one subject image by image and as a whole.

    predicted, reference: (t, z, y, x) integers of equal shape. spacing_mm: along z, y, x.
    classes: 4, or 3 where either side does not know the right ventricle, which then is background
    in both. Voxels that are UNLABELLED in either are left out, as are images that have no others.

    A heart has all of its tissues at any time. One that the reference has in no slice of a frame
    that is labelled in every slice was not annotated there (as a wall that is drawn at end diastole
    alone): whatever was predicted, its Dice of that frame is nan, it does not count in the
    subject's Dice, and its volume is unknown. A frame of background alone has no annotation. In a
    frame with unlabelled slices a tissue may be absent, and where it is predicted that is a
    mistake.

    Returns (images, row). images: a row per image with subject, slice, frame, and per tissue
    dice_lv (nan where neither side has the tissue, or it was not annotated), hausdorff_lv_mm,
    distance_lv_mm (nan unless both have it), then the confusion counts bg_bg, bg_lv, ...: first
    the reference's class, then the prediction's. row: subject, images, Dice over all of these
    images as one volume, distances as means over slices (Bai et al. 2018), and reference_* and
    predicted_* volumes.
    Both sides' volumes are of the same frames, those that are complete in both; each side has
    its own end diastole (`ed` of the prediction, `reference_ed` of the reference) and systole
    among them. Without a complete frame volumes are nan.
    Raises ValueError naming the subject for unequal shapes, unknown labels, or no labelled image.
    """
    if classes not in (3, 4):
        raise ValueError(f"subject {subject}: classes must be 3 or 4, got {classes}")
    if predicted.shape != reference.shape or reference.ndim != 4:
        raise ValueError(
            f"subject {subject}: prediction {predicted.shape} and reference {reference.shape} must "
            f"have one shape (t, z, y, x); were both made from the same image?"
        )
    eds = {"reference": reference_ed, "predicted": ed}
    frames, slices, *plane = reference.shape
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
    by_frame = counts.reshape(frames, slices, classes, classes)
    annotated = _annotated(by_frame)
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
    return images, {**row, **_volumes(by_frame, annotated, spacing_mm, subject, eds)}


def _annotated(counts: np.ndarray) -> np.ndarray:
    """(t, classes) whether the reference knows a tissue in a frame; counts: as in _volumes."""
    complete = (counts.sum(axis=(2, 3)) > 0).all(axis=1)
    return ~complete[:, None] | (counts.sum(axis=(1, 3)) > 0)


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


def _volumes(
    counts: np.ndarray,
    annotated: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
    eds: Mapping[str, EndDiastole],
) -> dict[str, float]:
    """Measures of both sides from (t, z, reference class, predicted class) counts.

    annotated: (t, classes). eds: how each side chooses end diastole. Frames without a cavity of
    the reference count on neither side.
    """
    complete = (counts.sum(axis=(2, 3)) > 0).all(axis=1) & annotated[:, Tissue.LV]
    result = {}
    # Summing over the other side's class leaves each side's own voxels.
    for side, axes in (("reference", (1, 3)), ("predicted", (1, 2))):
        known = complete[:, None] & (annotated if side == "reference" else True)
        voxels = np.where(known, counts.sum(axis=axes), np.nan)
        curves = curves_of_counts(voxels, spacing_mm, subject, counts.shape[-1])
        found = measures(curves, ed=eds[side]) if complete.any() else {}
        for name in (*(name for name, *_ in COMPARED), "ed_frame", "es_frame"):
            result[f"{side}_{name}"] = found.get(name, math.nan)
    return result


def summarise(images: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Statistics of an evaluation, by split and over all splits together.

    images, subjects: rows of evaluate_cine of all subjects, each with a column `split`.
    Returns the columns in SUMMARY_COLUMNS, a row per split, level, measure and tissue:
    - level "image" and "subject": dice, hausdorff_mm, distance_mm of lv, my, rv; values that are
      nan do not count in n.
    - level "image", as Ankenbrand et al. 2021 (doi:10.1002/mrm.28822): dice_published, in which an
      image without the tissue on either side counts as 1, also of the foreground = all tissues
      together; accuracy, the fraction of labelled pixels with the right class, tissue "all".
      Frames in which a tissue was predicted that nobody annotated there are left out.
    - level "subject": edv_difference_ml, esv_difference_ml, ef_difference (fraction), ... =
      prediction - reference. mean is the bias of Bland and Altman, lower and upper their limits
      of agreement, each with a 95 % interval (_low, _high); r is Pearson's correlation and icc
      ICC(A,1). ..._abs_difference_...: the same differences without sign.
    """
    rows = []
    for split in (*sorted(set(subjects["split"])), ALL):
        few = images if split == ALL else images[images["split"] == split]
        own = subjects if split == ALL else subjects[subjects["split"] == split]
        for level, table in (("image", few), ("subject", own)):
            key = {"split": split, "level": level}
            rows += [{**key, **row} for row in _overlaps(table)]
        rows += [{"split": split, "level": "image", **row} for row in _published(few)]
        rows += [{"split": split, "level": "subject", **row} for row in agreements(own)]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def overall_scores(summary: pd.DataFrame) -> dict[str, float]:
    """Mean scores of subjects over all splits, from a summary; named as in the subject table."""
    rows = summary[(summary["split"] == ALL) & (summary["level"] == "subject")]
    scores = {}
    for measure, unit in OVERLAPS:
        own = rows[rows["measure"] == measure + unit]
        for tissue, mean in zip(own["tissue"], own["mean"], strict=True):
            scores[f"{measure}_{tissue}{unit}"] = float(mean)
    return scores


def _overlaps(table: pd.DataFrame) -> list[dict]:
    rows = []
    for measure, unit in OVERLAPS:
        for name in list(NAMES.values())[1:]:
            column = f"{measure}_{name}{unit}"
            if column in table:
                key = {"measure": f"{measure}{unit}", "tissue": name}
                rows.append({**key, **summary(table[column].to_numpy())})
    return rows


def _published(images: pd.DataFrame) -> list[dict]:
    counts = image_counts(images)
    scores = dice(counts, absent="one")
    unknown = _not_annotated(images, counts)
    columns = {
        NAMES[Tissue(k)]: np.where(unknown[:, k], np.nan, scores[:, k])
        for k in range(1, counts.shape[-1])
    }
    whole = ~unknown.any(axis=1)
    columns["foreground"] = dice(foreground(counts), absent="one")[:, 1][whole]
    counts = counts[whole]
    rows = [
        {"measure": "dice_published", "tissue": name, **summary(values)}
        for name, values in columns.items()
    ]
    return [*rows, {"measure": "accuracy", "tissue": ALL, **summary(accuracy(counts))}]


def _not_annotated(images: pd.DataFrame, counts: np.ndarray) -> np.ndarray:
    """(n, classes) whether a tissue was predicted in an image's frame, but never annotated there.

    These have no Dice (see evaluate_cine) though there are voxels to count.
    """
    unknown = np.zeros(counts.shape[:2], bool)
    # Published tables have counts alone.
    known = [k for k in range(1, counts.shape[-1]) if f"dice_{NAMES[Tissue(k)]}" in images]
    for k in known:
        predicted = counts[:, :, k].sum(axis=1) + counts[:, k].sum(axis=1) > 0
        own = images[f"dice_{NAMES[Tissue(k)]}"].isna().to_numpy() & predicted
        frames = images[["subject", "frame"]].assign(own=own)
        unknown[:, k] = frames.groupby(["subject", "frame"])["own"].transform("any")
    return unknown


def image_counts(images: pd.DataFrame) -> np.ndarray:
    """Confusion counts (n, classes, classes) from the columns bg_bg, bg_lv, ... of an image table.

    Raises ValueError if the table has no such counts.
    """
    if "lv_my" not in images:
        raise ValueError(f"no confusion counts bg_bg, bg_lv, ... among {list(images.columns)}")
    names = [NAMES[tissue] for tissue in Tissue if f"bg_{NAMES[tissue]}" in images]
    columns = [f"{a}_{b}" for a in names for b in names]
    return images[columns].to_numpy().reshape(-1, len(names), len(names))
