"""From subjects with a known value to the distribution of a measure in any subject."""

from typing import NamedTuple, Protocol

import numpy as np
from sklearn.model_selection import GroupKFold

from cmrseg.calibrate.conformal import Distributions, distributions, group_weights

# Errors are in units of the measured value plus this share of the median known value, so that a
# small end-systolic volume has no huge relative error.
SCALE_OFFSET = 0.1
# Fewest calibrating patients; with fewer a forest learns nothing, and 90 % has no meaning.
FEWEST = 30


class Fitted(Protocol):
    """Bias and spread of a measure, in units of its scale, as forests predict them, or without any.

    residuals: (m,) of the calibrating subjects, each predicted without its patient.
    """

    @property
    def residuals(self) -> np.ndarray: ...

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Model(Protocol):
    """What fits them: `forests.Settings` or `plain.Plain`."""

    def fit(
        self,
        features: np.ndarray,
        errors: np.ndarray,
        patients: np.ndarray,
        weights: np.ndarray,
        seed: int,
    ) -> Fitted: ...


class Sample(NamedTuple):
    """Subjects: features (n, f), measured (n,) by the labellers, patients, groups (n,) text."""

    features: np.ndarray
    measured: np.ndarray
    patients: np.ndarray
    groups: np.ndarray

    def take(self, which: np.ndarray) -> "Sample":
        return Sample(*(values[which] for values in self))


class Calibration(NamedTuple):
    """What calibrating subjects say of one measure.

    offset: added to a measured value to get its scale; None for a measure that is a fraction.
    groups, weights: (m,) of the calibrating subjects that were measured. known, known_weights:
    (k,) known values and weights of all, for subjects that were not measured.
    """

    fitted: Fitted
    offset: float | None
    groups: np.ndarray
    weights: np.ndarray
    known: np.ndarray
    known_weights: np.ndarray

    def distributions(
        self,
        sample: Sample,
        smallest_group: int,
        ratio: np.ndarray | None = None,
        own_ratio: np.ndarray | None = None,
    ) -> Distributions:
        """Distributions of subjects that are all measured.

        smallest_group: fewest calibrating subjects of a group with a distribution of its own.
        ratio, own_ratio: density of the new subjects over that of the calibrating ones, at the
        calibrating (m,) and at the new subjects (n,).
        """
        scale = scale_of(sample.measured, self.offset)
        bias, spread = self.fitted.predict(sample.features)
        weights, _ = group_weights(self.groups, sample.groups, smallest_group)
        weights = weights * self.weights * (1 if ratio is None else ratio)
        # The weight of a subject by design is unknown; the mean is that of a new one.
        own = np.full(len(scale), self.weights.mean()) if own_ratio is None else own_ratio
        return distributions(
            sample.measured + scale * bias, scale * spread, self.fitted.residuals, weights, own
        )

    def unmeasured(self, count: int) -> Distributions:
        """Distributions of subjects that were not measured: the known values of all others."""
        zero, one = np.zeros(count), np.ones(count)
        own = one * self.known_weights.mean()
        return distributions(zero, one, self.known, self.known_weights, own)


def calibration(
    sample: Sample,
    known: np.ndarray,
    weights: np.ndarray,
    model: Model,
    seed: int,
    is_fraction: bool,
    fewest: int = FEWEST,
) -> Calibration:
    """Learn from subjects with known values (m,) how far measured values are from them.

    weights: (m,) number of subjects that each stands for. is_fraction: errors of a fraction, such
    as EF, are not relative.
    Raises ValueError if fewer than `fewest` patients are measured, and if most measures of a volume
    equal the known ones.
    """
    middle = float(np.median(known))
    offset = None if is_fraction else SCALE_OFFSET * middle
    usable = np.isfinite(sample.measured)
    patients = len(set(sample.patients[usable]))
    if patients < fewest:
        raise ValueError(
            f"{patients} patients have known and measured values, calibration needs {fewest}; "
            f"add subjects with known values, or choose more splits"
        )
    part = sample.take(usable)
    errors = (known[usable] - part.measured) / scale_of(part.measured, offset)
    # EF may be known exactly where both volumes are off by the same factor.
    if not is_fraction and np.median(np.abs(errors)) == 0:
        raise ValueError(
            "the measures equal the known values of most subjects, so there is no error to "
            "calibrate; give the measures of a model, not the known values"
        )
    fitted = model.fit(part.features, errors, part.patients, weights[usable], seed)
    return Calibration(fitted, offset, part.groups, weights[usable], known, weights)


def folds_of(patients: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold (n,) of each subject, from 0; subjects of a patient are in the same fold."""
    fold = np.empty(len(patients), int)
    split = GroupKFold(count, shuffle=True, random_state=seed).split(patients, None, patients)
    for number, (_, held_out) in enumerate(split):
        fold[held_out] = number
    return fold


def scale_of(measured: np.ndarray, offset: float | None) -> np.ndarray:
    """The unit (n,) in which an error counts; offset: see Calibration."""
    return np.ones(len(measured)) if offset is None else measured + offset
