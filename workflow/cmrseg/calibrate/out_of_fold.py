"""Distributions of subjects with known values, each from the subjects of other folds alone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cmrseg.calibrate.calibration import FEWEST, Calibration, Model, Sample, calibration, folds_of
from cmrseg.calibrate.conformal import Distributions
from cmrseg.calibrate.crps import VOLUMES_ML, crps
from cmrseg.calibrate.intervals import COVERAGE, interval
from cmrseg.calibrate.shift import Ratio


class Known(NamedTuple):
    """Calibrating subjects: their sample (n), known values (n,) and weights (n,) of a measure."""

    sample: Sample
    values: np.ndarray
    weights: np.ndarray
    measure: str
    is_fraction: bool


def learn(
    known: Known, which: np.ndarray, model: Model, seed: int, fewest: int = FEWEST
) -> Calibration:
    """Calibration on some of the subjects."""
    return calibration(
        known.sample.take(which),
        known.values[which],
        known.weights[which],
        model,
        seed,
        known.is_fraction,
        fewest,
    )


def predicted(
    found: Calibration, sample: Sample, smallest_group: int, ratio: Ratio | None = None
) -> Iterator[tuple[np.ndarray, Distributions]]:
    """Places in the sample and their distributions: measured subjects, then the others.

    ratio: of densities, at the calibrating subjects that were measured and at the sample.
    """
    measured = np.isfinite(sample.measured)
    if measured.any():
        weights = {}
        if ratio is not None:
            weights = {"ratio": ratio.calibrating, "own_ratio": ratio.new[measured]}
        part = sample.take(measured)
        yield np.flatnonzero(measured), found.distributions(part, smallest_group, **weights)
    if not measured.all():
        yield np.flatnonzero(~measured), found.unmeasured(int((~measured).sum()))


def out_of_fold(
    known: Known, folds: int, model: Model, seed: int, smallest_group: int
) -> Iterator[tuple[np.ndarray, Distributions]]:
    """Places of the subjects of a fold and their distributions, learnt from all other folds.

    A fold has all subjects of its patients. FEWEST is of all folds together.
    """
    fold = folds_of(known.sample.patients, folds, seed)
    fewest = FEWEST * (folds - 1) // folds
    for number in range(folds):
        held_out = np.flatnonzero(fold == number)
        found = learn(known, fold != number, model, seed, fewest)
        for places, distributions in predicted(found, known.sample.take(held_out), smallest_group):
            yield held_out[places], distributions


class Scores(NamedTuple):
    """Of each subject (n,), the mean over repeated splits: CRPS on 0 to 599 ml, share of splits
    in which the interval held the known value, width of the interval."""

    crps: np.ndarray
    covered: np.ndarray
    width: np.ndarray


def repeated_scores(
    known: Known,
    repeats: int,
    folds: int,
    model: Model,
    seed: int,
    smallest_group: int,
    coverage: float = COVERAGE,
) -> Scores:
    """Scores of volumes over repeated splits into folds."""
    sums = Scores(*(np.zeros(len(known.values)) for _ in Scores._fields))
    for repeat in range(repeats):
        for places, found in out_of_fold(known, folds, model, seed + repeat, smallest_group):
            values = known.values[places]
            ends = interval(found, known.measure, coverage)
            low, high = (ends[f"{known.measure}_{end}"] for end in ("low", "high"))
            sums.crps[places] += crps(found.cumulative(VOLUMES_ML), values)
            sums.covered[places] += (values >= low) & (values <= high)
            sums.width[places] += high - low
    return Scores(*(values / repeats for values in sums))
