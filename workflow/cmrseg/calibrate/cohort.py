"""Calibrated volumes of a cohort, learnt from the subjects of one with known volumes."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cmrseg.calibrate.calibration import Model, Sample
from cmrseg.calibrate.conformal import Distributions
from cmrseg.calibrate.crps import PHASES, VOLUMES_ML, competition_table, crps
from cmrseg.calibrate.features import SMALLEST_EDV, covariates, labeller_features, measured_values
from cmrseg.calibrate.forests import Settings
from cmrseg.calibrate.intervals import MEASURES, interval
from cmrseg.calibrate.out_of_fold import Known, learn, out_of_fold, predicted
from cmrseg.calibrate.plain import Plain
from cmrseg.calibrate.shift import Ratio, density_ratio
from cmrseg.splits import original

FOLDS = 10
EVERYBODY = "all"
# Fewest calibrating subjects of a group with intervals of its own.
SMALLEST_GROUP = 50
# What a row's distribution was made of.
MEASURED, UNMEASURED = "labels", "known values alone"
# By method: what predicts bias and spread of a measure.
METHODS: dict[str, Model] = {"forests": Settings(), "plain": Plain()}


class Cohort(NamedTuple):
    """Tables of a cohort, each with a column `subject`.

    volumes: labeller -> edv_ml, esv_ml and maybe mass_g. known: split and known measures, empty
    where unknown. about: patient, and columns that serve as covariates or group.
    """

    volumes: Mapping[str, pd.DataFrame]
    known: pd.DataFrame
    about: pd.DataFrame


class Prepared(NamedTuple):
    """Subjects of a cohort: features and measured values by subject, known ones, groups."""

    features: pd.DataFrame
    measured: pd.DataFrame
    known: pd.DataFrame
    patients: np.ndarray
    groups: np.ndarray

    def known_of(self, measure: str) -> Known:
        sample = Sample(
            self.features.to_numpy(float),
            self.measured[measure].to_numpy(float),
            self.patients,
            self.groups,
        )
        values = self.known[measure].to_numpy(float)
        weights = np.ones(len(values))
        return Known(sample, values, weights, measure, MEASURES[measure].is_fraction)


def calibrate_cohort(
    calibrating: Cohort, new: Cohort | None, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Intervals, distributions and scores of the subjects of a cohort.

    new: another cohort than the calibrating one; None for that one itself, whose calibrating
    subjects are predicted out of fold, by patient. settings: splits of the calibrating subjects,
    method (of METHODS), covariates and group (columns of `about`; group may be ""), coverage, shift
    (`none`, or `weighted` for another cohort), seed.
    Returns (intervals: a row per measured or failed subject; distributions in the competition's
    format; scores of subjects with known values that were not learnt from).
    Raises ValueError where subjects, columns or known values are lacking.
    """
    middle = float(calibrating.known["edv_ml"].median())
    own = prepared(calibrating, settings, SMALLEST_EDV * middle)
    other = own if new is None else prepared(new, settings, SMALLEST_EDV * middle)
    learnt = own.known["split"].isin(settings["splits"]).to_numpy()
    ratio = None
    if new is not None and settings["shift"] == "weighted":
        first, second = own.features[learnt].align(other.features, join="inner", axis=1)
        ratio = density_ratio(first.to_numpy(float), second.to_numpy(float), settings["seed"])
    table = pd.DataFrame({"subject": other.features.index, "split": other.known["split"]})
    table["calibrating"] = learnt.astype(int) if new is None else 0
    table["group"] = other.groups
    table["made_of"] = np.where(other.measured["edv_ml"].notna(), MEASURED, UNMEASURED)
    cumulative: dict[str, np.ndarray] = {}
    scores: list[dict[str, Any]] = []
    for measure in [name for name in MEASURES if name in own.known and name in own.measured]:
        columns, probabilities = _one(
            own, learnt, None if new is None else other, measure, settings, ratio
        )
        table = table.assign(**columns)
        cumulative[measure] = probabilities
        scores += _scores(other, measure, columns, probabilities)
    table["calibrated_on"] = int((learnt & own.known["edv_ml"].notna()).sum())
    subjects = other.features.index.tolist()
    volumes = {measure: cumulative[measure] for measure in PHASES.values()}
    return table.reset_index(drop=True), competition_table(subjects, volumes), pd.DataFrame(scores)


def prepared(cohort: Cohort, settings: Mapping[str, Any], smallest_ml: float) -> Prepared:
    """Subjects of a cohort. settings: covariates and group. smallest_ml: see measured_values."""
    features = labeller_features(cohort.volumes)
    measured = measured_values(cohort.volumes, smallest_ml)
    # A rotated copy has the known values and the patient of its original.
    originals = features.index.map(original)
    known = cohort.known.set_index("subject").loc[originals].set_axis(features.index)
    known["sv_ml"] = known["edv_ml"] - known["esv_ml"]
    known["ef"] = known["sv_ml"] / known["edv_ml"]
    about = cohort.about.set_index("subject").loc[originals].set_axis(features.index)
    groups = np.full(len(features), EVERYBODY)
    if settings["group"]:
        groups = covariate_groups(about, settings["group"])
    if settings["covariates"]:
        features = features.join(covariates(about, list(settings["covariates"])))
    return Prepared(features, measured, known, about["patient"].to_numpy(str), groups)


def covariate_groups(about: pd.DataFrame, name: str) -> np.ndarray:
    """The group of each subject, as text. Raises ValueError if there is no such column."""
    if name not in about:
        raise ValueError(f"group {name} is no column; there are {', '.join(about.columns)}")
    return about[name].fillna("").astype(str).to_numpy(str)


def _one(
    own: Prepared,
    learnt: np.ndarray,
    other: Prepared | None,
    measure: str,
    settings: Mapping[str, Any],
    ratio: Ratio | None,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Interval columns and cumulative probabilities (n, 600) of a measure."""
    count = len((other or own).features)
    columns: dict[str, np.ndarray] = {}
    probabilities = np.full((count, len(VOLUMES_ML)), np.nan)
    for places, found in _distributions(own, learnt, other, measure, settings, ratio):
        probabilities[places] = found.cumulative(VOLUMES_ML)
        for name, values in interval(found, measure, settings["coverage"]).items():
            columns.setdefault(name, np.full(count, np.nan))[places] = values
    return columns, probabilities


def with_headers(rows: pd.DataFrame, headers: pd.DataFrame) -> pd.DataFrame:
    """Rows of a subject table with the columns of its headers, those of a subject's first image."""
    more = headers.columns.difference(rows.columns)
    first = headers.drop_duplicates("subject").set_index("subject")[more]
    return rows.join(first, on="subject")


def _distributions(
    own: Prepared,
    learnt: np.ndarray,
    other: Prepared | None,
    measure: str,
    settings: Mapping[str, Any],
    ratio: Ratio | None,
) -> Iterator[tuple[np.ndarray, Distributions]]:
    known, seed = own.known_of(measure), settings["seed"]
    fitting = METHODS[settings["method"]]
    usable = learnt & np.isfinite(known.values)
    if other is not None:
        fitted = learn(known, usable, fitting, seed)
        new = other.known_of(measure).sample
        among = (
            None
            if ratio is None
            else ratio._replace(
                calibrating=ratio.calibrating[(usable & np.isfinite(known.sample.measured))[learnt]]
            )
        )
        yield from predicted(fitted, new, SMALLEST_GROUP, among)
        return
    inside, outside = np.flatnonzero(usable), np.flatnonzero(~usable)
    part = known._replace(
        sample=known.sample.take(inside), values=known.values[inside], weights=known.weights[inside]
    )
    for places, found in out_of_fold(part, FOLDS, fitting, seed, SMALLEST_GROUP):
        yield inside[places], found
    if len(outside):
        fitted = learn(known, usable, fitting, seed)
        for places, found in predicted(fitted, known.sample.take(outside), SMALLEST_GROUP):
            yield outside[places], found


def _scores(
    subjects: Prepared, measure: str, columns: Mapping[str, np.ndarray], cumulative: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Rows by split: subjects with known values, share inside the interval, width, CRPS."""
    values = subjects.known[measure].to_numpy(float)
    low, high = (columns[f"{measure}_{end}"] for end in ("low", "high"))
    for split in sorted(set(subjects.known["split"])):
        which = (subjects.known["split"] == split).to_numpy() & np.isfinite(values)
        if not which.any():
            continue
        inside = (values >= low) & (values <= high)
        score = np.nan
        if measure in PHASES.values():
            score = float(crps(cumulative[which], values[which]).mean())
        yield {
            "measure": measure,
            "split": split,
            "subjects": int(which.sum()),
            "coverage": float(inside[which].mean()),
            "width": float(np.mean((high - low)[which])),
            "crps": score,
        }
