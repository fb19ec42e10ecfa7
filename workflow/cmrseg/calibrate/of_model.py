"""A model's calibration, from the volumes it measured in subjects with known ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cmrseg.calibrate.calibration import scale_of
from cmrseg.calibrate.cohort import FOLDS, Cohort, prepared
from cmrseg.calibrate.features import SMALLEST_EDV
from cmrseg.calibrate.intervals import MEASURES, interval
from cmrseg.calibrate.model_file import MeasureErrors, ModelCalibration
from cmrseg.calibrate.out_of_fold import Known, learn, out_of_fold
from cmrseg.calibrate.plain import Plain

# Digits of the errors in the file, more than any label map can tell.
DIGITS = 6
NO_FEATURES = {"covariates": [], "group": ""}


def calibrate_model(
    cohort: Cohort, settings: Mapping[str, Any], weights_sha256: str
) -> ModelCalibration:
    """Errors of one model in the subjects of some splits of a cohort.

    cohort: with the volumes of that model alone. settings: cohort (its name), splits, coverage, ed
    (rule for end-diastole in the volumes), seed. weights_sha256: of the model.
    Raises ValueError if there are too few subjects.
    """
    middle = float(cohort.known["edv_ml"].median())
    own = prepared(cohort, NO_FEATURES, SMALLEST_EDV * middle)
    learnt = own.known["split"].isin(settings["splits"]).to_numpy()
    measures: dict[str, MeasureErrors] = {}
    used = np.zeros(len(learnt), bool)
    for measure in [key for key in MEASURES if key in own.known and key in own.measured]:
        known = own.known_of(measure)
        usable = learnt & np.isfinite(known.values) & np.isfinite(known.sample.measured)
        if not usable.any():
            continue
        measures[measure] = _errors(known, usable, settings)
        used |= usable
    return ModelCalibration(
        settings["cohort"],
        tuple(sorted(settings["splits"])),
        int(used.sum()),
        len(set(own.patients[used])),
        settings["coverage"],
        settings["ed"],
        weights_sha256,
        measures,
    )


def _errors(known: Known, usable: np.ndarray, settings: Mapping[str, Any]) -> MeasureErrors:
    found = learn(known, usable, Plain(), settings["seed"])
    places = np.flatnonzero(usable)
    part = known._replace(
        sample=known.sample.take(places), values=known.values[places], weights=known.weights[places]
    )
    inside, width = np.zeros(len(places)), np.zeros(len(places))
    for of, distributions in out_of_fold(part, FOLDS, Plain(), settings["seed"], 1):
        ends = interval(distributions, known.measure, settings["coverage"])
        low, high = (ends[f"{known.measure}_{end}"] for end in ("low", "high"))
        inside[of] = (part.values[of] >= low) & (part.values[of] <= high)
        width[of] = high - low
    offset = None if found.offset is None else float(f"{found.offset:.{DIGITS}g}")
    measured = part.sample.measured
    errors = np.sort((part.values - measured) / scale_of(measured, offset))
    return MeasureErrors(
        offset,
        tuple(float(f"{error:.{DIGITS}g}") for error in errors),
        float(f"{measured.min():.{DIGITS}g}"),
        float(f"{measured.max():.{DIGITS}g}"),
        round(float(inside.mean()), 4),
        float(f"{width.mean():.{DIGITS}g}"),
    )
