"""Statistics of an evaluation of a cohort, from its tables of images and subjects."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import summary
from cmrseg.measure.comparison import ALL, COMPARED, SUMMARY_COLUMNS, agreements
from cmrseg.measure.evaluate import HEART, OTHER, PHASES
from cmrseg.measure.lesions import LESIONS
from cmrseg.measure.overlap import accuracy, dice, foreground
from cmrseg.measure.pairs import NAMES
from cmrseg.measure.regions import ABSENT, JOINED
from cmrseg.measure.rows import Measure

# Measures of agreement of label maps, and their unit.
OVERLAPS = (("dice", ""), ("hausdorff", "_mm"), ("distance", "_mm"))


def summarise(
    images: pd.DataFrame, subjects: pd.DataFrame, compared: Sequence[Measure] = COMPARED
) -> pd.DataFrame:
    """Statistics of an evaluation, by split and over all splits together.

    images, subjects: rows of evaluate_cine of all subjects, each with a column `split`. compared:
    measures of the sequence in which labellers are compared.
    Returns the columns in SUMMARY_COLUMNS, a row per split, level, measure and tissue:
    - level "image" and "subject": dice, hausdorff_mm, distance_mm of lv, my, rv; values that are
      nan do not count in n.
    - level "subject": dice_ed and dice_es, of the reference's end diastole and end systole, and
      dice_other, of all other labelled frames; tissue "heart" is all tissues together: twice the
      pixels with the same tissue over those of both. Where lesions are compared, the first three
      also of the regions wall and scar_edema, and false_volume_ml: of the subjects whose reference
      has no scar, no edema, or neither (scar_edema), of which n is the number, what of it was
      predicted.
    - level "image", as Ankenbrand et al. 2021 (doi:10.1002/mrm.28822): dice_published, in which an
      image without the tissue on either side counts as 1, also of the foreground = all tissues
      together; accuracy, the fraction of labelled pixels with the right class, tissue "all".
      Frames in which a tissue was predicted that nobody annotated there are left out.
    - level "subject": edv_difference_ml, esv_difference_ml, ef_difference (fraction), ... =
      prediction - reference. mean is the bias of Bland and Altman, lower and upper their limits
      of agreement, each with a 95 % interval (_low, _high); r is Pearson's correlation, icc
      ICC(A,1), rho Spearman's correlation, p that of the paired t-test.
      ..._abs_difference_...: the same differences without sign.
    """
    rows = []
    for split in (*sorted(set(subjects["split"])), ALL):
        few = images if split == ALL else images[images["split"] == split]
        own = subjects if split == ALL else subjects[subjects["split"] == split]
        for level, table in (("image", few), ("subject", own)):
            key = {"split": split, "level": level}
            rows += [{**key, **row} for row in _overlaps(table)]
        rows += [{"split": split, "level": "image", **row} for row in _published(few)]
        rows += [{"split": split, "level": "subject", **row} for row in agreements(own, compared)]
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
    for measure, unit in OVERLAPS:
        for region in JOINED:
            if (column := f"{measure}_{region.key}{unit}") in table:
                key = {"measure": f"{measure}{unit}", "tissue": region.key}
                rows.append({**key, **summary(table[column].to_numpy(float))})
    for region in ABSENT:
        if (column := f"false_{region.key}_ml") in table:
            key = {"measure": "false_volume_ml", "tissue": region.key}
            rows.append({**key, **summary(table[column].to_numpy(float))})
    for phase in (*PHASES, OTHER):
        for name in (*list(NAMES.values())[1:], HEART):
            if (column := f"dice_{name}_{phase}") in table:
                key = {"measure": f"dice_{phase}", "tissue": name}
                rows.append({**key, **summary(table[column].to_numpy(float))})
    return rows


def _published(images: pd.DataFrame) -> list[dict]:
    counts = image_counts(images)
    scores = dice(counts, absent="one")
    unknown = _not_annotated(images, counts)
    columns = {
        name: np.where(unknown[:, k], np.nan, scores[:, k])
        for k, name in enumerate(counted_names(images))
        if k
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
    """(n, k) whether a tissue was predicted in an image's frame, but never annotated there.

    These have no Dice (see evaluate_cine) though there are voxels to count.
    """
    unknown = np.zeros(counts.shape[:2], bool)
    may_be_absent = [NAMES[tissue] for tissue in LESIONS]
    # Published tables have counts alone.
    for k, name in enumerate(counted_names(images)):
        if f"dice_{name}" not in images or name in may_be_absent:
            continue
        predicted = counts[:, :, k].sum(axis=1) + counts[:, k].sum(axis=1) > 0
        own = images[f"dice_{name}"].isna().to_numpy() & predicted
        frames = images[["subject", "frame"]].assign(own=own)
        unknown[:, k] = frames.groupby(["subject", "frame"])["own"].transform("any")
    return unknown


def image_counts(images: pd.DataFrame) -> np.ndarray:
    """Confusion counts (n, k, k) from the columns bg_bg, bg_lv, ... of an image table.

    Raises ValueError if the table has no such counts.
    """
    names = counted_names(images)
    if len(names) < 2:
        raise ValueError(f"no confusion counts bg_bg, bg_lv, ... among {list(images.columns)}")
    columns = [f"{a}_{b}" for a in names for b in names]
    return images[columns].to_numpy().reshape(-1, len(names), len(names))


def counted_names(images: pd.DataFrame) -> list[str]:
    """Background and the tissues that an image table has counts of, as in its columns."""
    return [name for name in NAMES.values() if f"bg_{name}" in images]
