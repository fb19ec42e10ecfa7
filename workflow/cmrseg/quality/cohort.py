"""Tables of a cohort: what to look at first, and how good that order is where there is a truth."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cmrseg.labels import SHORT_NAMES
from cmrseg.quality.learn import Known
from cmrseg.quality.model import Judge, Judged
from cmrseg.quality.planes import TISSUES
from cmrseg.quality.reasons import picture_reasons, subject_reasons
from cmrseg.quality.scores import FIRST, aurc, brier, roc_area, worst_found
from cmrseg.splits import original

ROW = ("subject", "slice", "frame")
# Orders that need no learning, and whether higher values are better; the features that they are.
UNLEARNT = {"volume_jumps": -1, "agreement": 1}
OF_SUBJECTS = {"volume_jumps": "roughness_lv", "agreement": "agreement"}
OF_SLICES = {"volume_jumps": "time_jump_lv", "agreement": "agreement"}
PREDICTED = "predicted_dice"


class Measured(NamedTuple):
    """Features of a labeller's pictures and subjects, with a column `dice`, nan where unknown."""

    pictures: pd.DataFrame
    subjects: pd.DataFrame


class Tables(NamedTuple):
    """Subjects and slices, the one to look at first in the first row; and scores of that order."""

    subjects: pd.DataFrame
    slices: pd.DataFrame
    scores: pd.DataFrame


def with_dice(
    pictures: pd.DataFrame,
    subjects: pd.DataFrame,
    true_pictures: pd.DataFrame | None = None,
    true_subjects: pd.DataFrame | None = None,
) -> Measured:
    """Features with Dice, the mean over cavity, wall and right ventricle where these are known.

    true_*: tables `images` and `subjects` of an evaluation; None where there is no reference.
    """
    if true_pictures is None or true_subjects is None:
        return Measured(pictures.assign(dice=np.nan), subjects.assign(dice=np.nan))
    of_picture = true_pictures[[*ROW]].assign(dice=_mean_dice(true_pictures))
    of_subject = true_subjects[["subject"]].assign(dice=_mean_dice(true_subjects))
    return Measured(
        pictures.merge(of_picture, on=[*ROW], how="left", validate="one_to_one"),
        subjects.merge(of_subject, on="subject", how="left", validate="one_to_one"),
    )


def _mean_dice(table: pd.DataFrame) -> pd.Series:
    columns = [f"dice_{SHORT_NAMES[tissue]}" for tissue in TISSUES]
    return table[[name for name in columns if name in table]].mean(axis=1)


def known_subjects(
    measured: Measured, rows: Sequence[Mapping[str, Any]], splits: Collection[str]
) -> Known:
    """The subjects of some splits that have a Dice.

    rows: subject, patient and split. A rotated copy has the patient and split of its original.
    """
    about = pd.DataFrame(rows).set_index("subject")
    found = about.loc[measured.subjects["subject"].map(original)]
    which = found["split"].isin(list(splits)).to_numpy() & measured.subjects["dice"].notna()
    everyone = Known(*measured, found["patient"].to_numpy(str))
    return everyone.take(which.to_numpy())


def judged_tables(
    judge: Judge,
    measured: Measured,
    rows: Sequence[Mapping[str, Any]],
    unseen: Collection[str],
    own: Judged | None = None,
) -> Tables:
    """The tables of a cohort.

    rows: as of `known_subjects`. unseen: splits that the labeller did not learn from, whose
    subjects are scored. own: of subjects that the judge learnt from, by judges without their
    patients.
    """
    inside = own.subjects["subject"] if own is not None else pd.Series([], dtype=str)
    left = Measured(*(table[~table["subject"].isin(inside)] for table in measured))
    parts = [judge.judge(*left)] if len(left.subjects) else []
    parts += [own] if own is not None else []
    all_ = Judged(*(pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)))
    split = {row["subject"]: row["split"] for row in rows}
    slices = _slices(all_, measured, judge)
    subjects = _subjects(all_, slices, measured, judge)
    for table in (subjects, slices):
        table.insert(1, "split", table["subject"].map(original).map(split))
    subjects["out_of_fold"] = subjects["subject"].isin(inside).astype(int)
    scores = pd.DataFrame(
        [row for table in (subjects, slices) for row in _scores(table, unseen, judge.threshold)]
    )
    return Tables(subjects, slices, scores)


def _slices(judged: Judged, measured: Measured, judge: Judge) -> pd.DataFrame:
    table = judged.slices.merge(measured.pictures, on=[*ROW], how="left", validate="one_to_one")
    found = table[[*ROW, "predicted_dice"]].assign(needs_look=table["probability"])
    found["reasons"] = [picture_reasons(row, judge.limits) for row in table.to_dict("records")]
    names = {column: order for order, column in OF_SLICES.items() if column in measured.pictures}
    means = measured.pictures.groupby(["subject", "slice"])[[*names, "dice"]].mean()
    found = found.join(means.rename(columns=names), on=["subject", "slice"])
    return found.sort_values(["predicted_dice", "subject", "slice"], ignore_index=True)


def _subjects(
    judged: Judged, slices: pd.DataFrame, measured: Measured, judge: Judge
) -> pd.DataFrame:
    """Subjects, with the words of the slices that are expected to have most wrong pixels."""
    pixels = measured.pictures.groupby(["subject", "slice"])["pixels"].sum().rename("pixels")
    wrong = slices[slices["predicted_dice"] < judge.threshold].join(pixels, on=["subject", "slice"])
    wrong = wrong.assign(wrong=(1 - wrong["predicted_dice"]) * wrong["pixels"])
    wrong = wrong.sort_values(["wrong", "subject", "slice"], ascending=[False, True, True])
    of_slices = {name: rows.to_dict("records") for name, rows in wrong.groupby("subject")}
    table = judged.subjects.merge(measured.subjects, on="subject", validate="one_to_one")
    found = table[["subject", "predicted_dice"]].assign(needs_look=table["probability"])
    found["reasons"] = [
        subject_reasons(row, of_slices.get(row["subject"], []), judge.limits)
        for row in table.to_dict("records")
    ]
    for order, column in OF_SUBJECTS.items():
        if column in table:
            found[order] = table[column]
    found["dice"] = table["dice"]
    found = found.sort_values(["predicted_dice", "subject"], ignore_index=True)
    found.insert(1, "rank", np.arange(1, len(found) + 1))
    return found


def _scores(
    table: pd.DataFrame, unseen: Collection[str], threshold: float
) -> Iterator[dict[str, Any]]:
    """A row per order of the subjects, or slices, of some splits with a known Dice."""
    table = table[table["split"].isin(list(unseen)) & table["dice"].notna()]
    if table.empty:
        return
    dice, is_bad = table["dice"].to_numpy(float), (table["dice"] < threshold).to_numpy()
    level = "slices" if "slice" in table else "subjects"
    about = {"of": level, "count": len(table), "below_threshold": int(is_bad.sum())}
    for name, order in orders(table).items():
        row = {"order": name, "aurc": aurc(order, dice), "roc_auc": roc_area(order, is_bad)}
        row["worst_tenth_in_first_fifth"] = worst_found(order, dice)
        if name == PREDICTED:
            row["brier"] = brier(table["needs_look"].to_numpy(float), is_bad)
            row["mean_error"] = float(abs(table["predicted_dice"] - table["dice"]).mean())
        yield about | row
    chance = {"order": "random", "aurc": float(1 - dice.mean()), "roc_auc": 0.5}
    yield about | chance | {"worst_tenth_in_first_fifth": FIRST}


def orders(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Orders of subjects or slices by name, (n,) each, higher is better.

    table: rows with a known Dice. Besides the predicted Dice there are orders that need no
    learning, as far as they are known, and the perfect one.
    """
    found = {PREDICTED: table["predicted_dice"].to_numpy(float)}
    for name, sign in UNLEARNT.items():
        if name in table and table[name].notna().any():
            values = sign * table[name]
            # What is unknown is looked at first.
            found[name] = values.fillna(values.min() - 1).to_numpy(float)
    return found | {"perfect": table["dice"].to_numpy(float)}
