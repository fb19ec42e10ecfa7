"""Learning to judge labels from subjects with a truth; each is judged without its patient."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from cmrseg.calibrate.calibration import folds_of
from cmrseg.quality.features import ABOUT
from cmrseg.quality.model import (
    OF_IMAGES,
    Chance,
    Judge,
    Judged,
    of_slices,
    picture_dice,
    picture_table,
    summaries,
    with_unusual,
)
from cmrseg.quality.reasons import limits_of
from cmrseg.quality.trees import Boosting, Trees, boosted

FOLDS = 4
# Fewer patients teach nothing about others.
LEAST_PATIENTS = 8
OF_PICTURES = Boosting(trees=80, depth=4, rate=0.08, least_leaf=20)
OF_SUBJECTS = Boosting(trees=40, depth=2, rate=0.05, least_leaf=6)
# More pictures than this take long and tell no more; so many are drawn.
MOST_PICTURES = 8000
# Of a robust spread: quartiles of a normal distribution are this many standard deviations apart.
QUARTILES = 1.349
# Predicted Dice at which probabilities are stored.
KNOTS = np.linspace(0, 1, 101)
LEAST_SPREAD = 1e-6


class Known(NamedTuple):
    """Subjects with a truth.

    pictures, subjects: tables of `features` with a column `dice`, nan where unknown. patients: of
    each row of `subjects`.
    """

    pictures: pd.DataFrame
    subjects: pd.DataFrame
    patients: np.ndarray

    def take(self, which: np.ndarray) -> "Known":
        """Some of the subjects (n,), and their pictures."""
        subjects = self.subjects[which].reset_index(drop=True)
        inside = self.pictures["subject"].isin(subjects["subject"])
        return Known(self.pictures[inside].reset_index(drop=True), subjects, self.patients[which])


class Learnt(NamedTuple):
    """A judge of all subjects that it learnt from, and what judges without their patients say."""

    judge: Judge
    own: Judged


def learn(
    known: Known, usual: dict[str, tuple[float, float]] | None, threshold: float, seed: int
) -> Learnt:
    """Learn from subjects with a truth.

    usual: of images that the labeller was trained on (`usual_images`); None for those of the
    subjects themselves. threshold: labels of a lower Dice need a look. Pictures and subjects are
    predicted by trees that were fitted without their patients, in FOLDS folds, and each fold has
    probabilities of its own, from the other folds. Raises ValueError for fewer than LEAST_PATIENTS
    patients.
    """
    there = known.subjects["dice"].notna().to_numpy()
    known = known.take(there)
    if (count := len(set(known.patients))) < LEAST_PATIENTS:
        raise ValueError(
            f"{count} patients with labels and a reference, expected at least {LEAST_PATIENTS}; "
            "name more splits, or a cohort with more"
        )
    usual = usual or usual_images(known.subjects)
    fold = folds_of(known.patients, FOLDS, seed)
    # Without one fold, and without any two.
    without: list[tuple[int, ...]] = [(a,) for a in range(FOLDS)] + list(
        combinations(range(FOLDS), 2)
    )
    fitted = {left: _of_pictures(known.take(~np.isin(fold, left)), usual, seed) for left in without}
    parts = []
    for held_out in range(FOLDS):
        others = {a: fitted[tuple(sorted((a, held_out)))] for a in range(FOLDS) if a != held_out}
        judge = _finished(known, fold, others, fitted[(held_out,)], usual, threshold, seed)
        part = known.take(fold == held_out)
        parts.append(judge.judge(part.pictures, part.subjects))
    own = Judged(*(pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)))
    alone = {a: fitted[(a,)] for a in range(FOLDS)}
    of_all = _of_pictures(known, usual, seed)
    return Learnt(_finished(known, fold, alone, of_all, usual, threshold, seed), own)


def usual_images(subjects: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Median and robust spread of what describes the images of some subjects.

    What is known of none, as contrast where nobody drew the wall, is left out.
    """
    found = {}
    for name in OF_IMAGES:
        if subjects[name].isna().all():
            continue
        low, middle, high = np.nanquantile(subjects[name].to_numpy(float), [0.25, 0.5, 0.75])
        found[name] = float(middle), max(float(high - low) / QUARTILES, LEAST_SPREAD)
    return found


def _of_pictures(known: Known, usual: dict[str, tuple[float, float]], seed: int) -> Trees:
    """Trees of the pictures with a known Dice that are labelled."""
    table = known.pictures
    table = table[table["dice"].notna() & (table["pixels"] > 0)]
    if len(table) > MOST_PICTURES:
        chosen = np.random.default_rng(seed).choice(len(table), MOST_PICTURES, replace=False)
        table = table.iloc[np.sort(chosen)]
    target = table["dice"].to_numpy(float)
    table = picture_table(table, known.subjects, usual)
    names = [name for name in table if name not in (*ABOUT, "dice")]
    return boosted(table, names, target, OF_PICTURES, seed)


def _finished(
    known: Known,
    fold: np.ndarray,
    without: dict[int, Trees],
    of_pictures: Trees,
    usual: dict[str, tuple[float, float]],
    threshold: float,
    seed: int,
) -> Judge:
    """A judge from trees of pictures: its subjects are those of the folds of `without`.

    without: fold -> trees that were fitted without it. of_pictures: those that are kept.
    """
    pictures, tables = [], []
    for number, trees in without.items():
        part = known.take(fold == number)
        predicted = picture_dice(trees, usual, part.pictures, part.subjects)
        pictures.append(predicted.assign(dice=part.pictures["dice"]))
        table = summaries(predicted, with_unusual(part.subjects, usual))
        tables.append(table.assign(fold=number))
    table = pd.concat(tables, ignore_index=True)
    table = table[table["pixel_dice"].notna()]
    names = [name for name in table if name not in ("subject", "dice", "fold")]
    left = (table["dice"] - table["pixel_dice"]).to_numpy(float)
    # Probabilities need predictions of subjects that the trees of subjects have not seen.
    expected = np.zeros(len(table))
    for number in without:
        inside = (table["fold"] == number).to_numpy()
        trees = boosted(table[~inside], names, left[~inside], OF_SUBJECTS, seed)
        expected[inside] = table["pixel_dice"][inside] + trees.predict(table[inside])
    joined = pd.concat(pictures, ignore_index=True)
    slices = of_slices(joined.drop(columns="dice"))
    truth = joined.groupby(["subject", "slice"])["dice"].mean().rename("dice")
    slices = slices.join(truth, on=["subject", "slice"])
    return Judge(
        threshold=threshold,
        pictures=of_pictures,
        subjects=boosted(table, names, left, OF_SUBJECTS, seed),
        usual=usual,
        slice_chance=chance(slices["predicted_dice"], slices["dice"], threshold),
        subject_chance=chance(pd.Series(expected), table["dice"], threshold),
        limits=limits_of(known.pictures, known.subjects, threshold),
    )


def chance(predicted: pd.Series, dice: pd.Series, threshold: float) -> Chance:
    """Probability of a Dice below the threshold, by predicted Dice.

    The mean of two: isotonic regression (Zadrozny and Elkan 2002, doi:10.1145/775047.775151), in
    which a predicted Dice of 0 is below and one of 1 above the threshold; and the share of errors
    that would lead there, which falls less steeply where labels are few. Of n labels none is more
    certain than 1 in n + 2 (rule of succession).
    """
    there = predicted.notna().to_numpy() & dice.notna().to_numpy()
    value, true = predicted.to_numpy(float)[there], dice.to_numpy(float)[there]
    fit = IsotonicRegression(increasing=False, out_of_bounds="clip")
    fit.fit([0.0, *value, 1.0], [1.0, *(true < threshold), 0.0])
    errors = np.sort(true - value)
    led_there = np.searchsorted(errors, threshold - KNOTS, "left") / len(value)
    least = 1 / (len(value) + 2)
    return Chance(KNOTS, np.clip((fit.predict(KNOTS) + led_there) / 2, least, 1 - least))
