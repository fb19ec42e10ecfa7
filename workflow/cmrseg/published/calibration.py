"""Calibrated volumes of the Kaggle data, from studies that no U-Net was trained on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.calibrate.calibration import Sample
from cmrseg.calibrate.conformal import Distributions
from cmrseg.calibrate.crps import VOLUMES_ML, competition_table
from cmrseg.calibrate.features import (
    SMALLEST_EDV,
    covariates,
    labeller_features,
    measured_values,
)
from cmrseg.calibrate.forests import Settings
from cmrseg.calibrate.intervals import MEASURES, interval
from cmrseg.calibrate.out_of_fold import (
    Known,
    Scores,
    learn,
    out_of_fold,
    predicted,
    repeated_scores,
)
from cmrseg.measure.confidence import THRESHOLDS
from cmrseg.published.calibration_features import SCANS, scan_features
from cmrseg.published.kaggle import NETWORKS, UKBB, UNSEEN, ef_error_table, evaluated
from cmrseg.published.kaggle_tables import by_number, patient_of
from cmrseg.published.metadata import metadata_table, scored
from cmrseg.splits import original, upright_rows

# The confidence set that a network was trained on, by the part of its name.
TRAINED_ON = {"p05": "c05", "p10": "c10", "p15": "c15"}
# Labellers that are calibrated: the UK Biobank network, which knows no Kaggle image, and the
# U-Nets of the smallest training set, which leaves most studies unseen.
LABELLERS = (*(name for name in NETWORKS if "_p05_" in name), UKBB)

SETTINGS = Settings(trees=200, leaf=5, spread_leaf=10, features=0.3)
REPEATS, FOLDS, SEED = 10, 10, 1
# Everybody is of one group: field strength is a feature.
EVERYBODY, SMALLEST_GROUP = "all", 1
CALIBRATED = ("edv_ml", "esv_ml", "sv_ml", "ef")
TERTILES = ("low", "middle", "high")


def trained_on(set_: str, score: float, network: str) -> bool:
    """Whether a network was trained on a study: in its confidence set, and not of UNSEEN.

    Kaggle's training and test patients were both in the training sets.
    """
    if network == UKBB:
        return False
    limit = THRESHOLDS[TRAINED_ON[network.split("_")[1]]]
    return set_ != UNSEEN and score <= limit


def studies_table(folder: Path, labellers: tuple[str, ...] = LABELLERS) -> pd.DataFrame:
    """One row per study: patient, set, seen, weight, known values, sex; by study, sorted.

    seen: whether any of the labellers was trained on it. weight: number of studies that an unseen
    one stands for, 0 for seen ones. Networks were trained on a set of studies with small errors
    of the UK Biobank network, so the unseen ones alone have errors too large. Studies of that set
    which are in UNSEEN stand for those that were trained on.
    """
    score = upright_rows(scored(folder))
    score["study"] = score["subject"].map(original)
    table = metadata_table(folder).set_index("study")
    table = table[["set", "sex", "true_edv_ml", "true_esv_ml", "true_ef"]]
    table["score"] = score.set_index("study")["score"]
    table["patient"] = table.index.map(patient_of)
    trained = [
        any(trained_on(row.set, row.score, name) for name in labellers)
        for row in table.itertuples()
    ]
    # Both stacks of a patient show one heart: whoever saw one of them has seen the other.
    table["seen"] = pd.Series(trained, table.index).groupby(table["patient"]).transform("any")
    stratum = _stratum(table, labellers)
    unseen = stratum[~table["seen"]].value_counts()
    table["weight"] = (stratum.map(stratum.value_counts() / unseen)).where(~table["seen"], 0.0)
    table = table.rename(columns={f"true_{name}": name for name in ("edv_ml", "esv_ml", "ef")})
    table["sv_ml"] = table["edv_ml"] - table["esv_ml"]
    return table.loc[sorted(table.index, key=by_number)]


def _stratum(table: pd.DataFrame, labellers: tuple[str, ...]) -> pd.Series:
    """Whether one of the labellers could be trained on each study's patient, by the score."""
    sets = [TRAINED_ON[name.split("_")[1]] for name in labellers if name != UKBB]
    score = table.groupby("patient")["score"].transform("min")
    return score <= max((THRESHOLDS[name] for name in sets), default=0)


def sample_of(
    folder: Path, studies: pd.DataFrame, labellers: tuple[str, ...]
) -> tuple[np.ndarray, pd.DataFrame]:
    """Features (n, f) and measured values of all studies, in the order of `studies`."""
    errors = evaluated(ef_error_table(folder)).rename(columns={"study": "subject"})
    tables = {name: errors[errors["method"] == name] for name in labellers}
    tables = {
        name: table[["subject", "edv_ml", "esv_ml"]].reset_index(drop=True)
        for name, table in tables.items()
    }
    scans = metadata_table(folder).set_index("study")
    parts = [
        labeller_features(tables),
        covariates(scans, list(SCANS)),
        scan_features(folder, tuple(name for name in labellers if name != UKBB)),
    ]
    features = pd.concat([part.loc[studies.index] for part in parts], axis=1)
    smallest_ml = SMALLEST_EDV * float(studies["edv_ml"].median())
    return features.to_numpy(float), measured_values(tables, smallest_ml).loc[studies.index]


def known_of(
    studies: pd.DataFrame, features: np.ndarray, measured: pd.DataFrame, measure: str
) -> Known:
    """All studies as subjects with known values of a measure; seen ones have no weight."""
    sample = Sample(
        features,
        measured[measure].to_numpy(float),
        studies["patient"].to_numpy(),
        np.full(len(studies), EVERYBODY),
    )
    weights = studies["weight"].to_numpy(float)
    values = studies[measure].to_numpy(float)
    return Known(sample, values, weights, measure, MEASURES[measure].is_fraction)


def only(known: Known, which: np.ndarray) -> Known:
    """Some of the subjects."""
    return known._replace(
        sample=known.sample.take(which), values=known.values[which], weights=known.weights[which]
    )


def calibrated_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Intervals of every study, and the distributions of every patient as the competition had them.

    folder: folder of the published repository. Unseen studies are predicted out of fold. For seen
    ones nothing is guaranteed: their networks know their labels; column `seen` says so.
    """
    studies = studies_table(folder)
    features, measured = sample_of(folder, studies, LABELLERS)
    unseen = ~studies["seen"].to_numpy()
    table = studies[["patient", "set", "seen", *CALIBRATED]].rename(
        columns={name: f"known_{name}" for name in CALIBRATED}
    )
    cumulative = {}
    for measure in CALIBRATED:
        known = known_of(studies, features, measured, measure)
        probabilities = np.empty((len(studies), len(VOLUMES_ML)))
        columns: dict[str, np.ndarray] = {}
        for places, found in _every(known, unseen):
            probabilities[places] = found.cumulative(VOLUMES_ML)
            for name, values in interval(found, measure).items():
                columns.setdefault(name, np.empty(len(studies)))[places] = values
        table = table.assign(**columns)
        cumulative[measure] = probabilities
    patients = list(dict.fromkeys(studies["patient"]))
    # A patient with two stacks has one truth: the mean of both distributions.
    of_patient = {
        measure: pd.DataFrame(cumulative[measure])
        .groupby(studies["patient"].to_numpy())
        .mean()
        .loc[patients]
        .to_numpy()
        for measure in ("edv_ml", "esv_ml")
    }
    return table.reset_index(), competition_table(patients, of_patient)


def _every(known: Known, unseen: np.ndarray) -> Iterator[tuple[np.ndarray, Distributions]]:
    """Places and distributions of all studies."""
    places = np.flatnonzero(unseen)
    for inner, found in out_of_fold(only(known, places), FOLDS, SETTINGS, SEED, SMALLEST_GROUP):
        yield places[inner], found
    fitted = learn(known, unseen, SETTINGS, SEED)
    seen = np.flatnonzero(~unseen)
    for inner, found in predicted(fitted, known.sample.take(seen), SMALLEST_GROUP):
        yield seen[inner], found


def scores_table(folder: Path, repeats: int = REPEATS) -> pd.DataFrame:
    """Out-of-fold scores over repeated splits, a row per population, measure and group.

    Populations: `unseen`, the studies on which no labeller was trained, weighted as in
    `studies_table`; `unseen, train`, the same with the weights of Kaggle's training patients;
    `validate`, Kaggle's validation patients alone; `train as seen`, Kaggle's training patients
    with all ten U-Nets, most of which were trained on them: no fair score, but the one to compare
    with others that overlook it.
    """
    rows = unseen_rows(folder, repeats)
    every = (*NETWORKS, UKBB)
    studies = studies_table(folder, every)
    train = studies[studies["set"] == "train"].assign(weight=1.0)
    rows += _rows("train as seen", train, *_scored(folder, train, every, repeats))
    return pd.DataFrame(rows)


def unseen_rows(folder: Path, repeats: int) -> list[dict[str, Any]]:
    """Rows of `scores_table` for studies that no labeller was trained on."""
    studies = studies_table(folder)
    unseen = studies[~studies["seen"]]
    found = _scored(folder, unseen, LABELLERS, repeats)
    # Kaggle's training patients: the unseen ones, and for the seen ones those of UNSEEN which
    # the networks would have been trained on.
    train = (unseen["set"] == "train").astype(float)
    stand_in = _stratum(unseen, LABELLERS)
    train[stand_in] = (studies["seen"] & (studies["set"] == "train")).sum() / stand_in.sum()
    validate = (unseen["set"] == UNSEEN).astype(float)
    return [
        *_rows("unseen", unseen, *found),
        *_rows("unseen, train", unseen.assign(weight=train), *found),
        *_rows(UNSEEN, unseen.assign(weight=validate), *found),
    ]


def _scored(
    folder: Path, studies: pd.DataFrame, labellers: tuple[str, ...], repeats: int
) -> list[Scores]:
    features, measured = sample_of(folder, studies, labellers)
    return [
        repeated_scores(
            known_of(studies, features, measured, measure),
            repeats,
            FOLDS,
            SETTINGS,
            SEED,
            SMALLEST_GROUP,
        )
        for measure in ("edv_ml", "esv_ml")
    ]


def _rows(population: str, studies: pd.DataFrame, edv: Scores, esv: Scores) -> list[dict[str, Any]]:
    """Weighted means of scores over groups of studies: all, by sex, by tertile of the volume."""
    rows = []
    both = edv._replace(
        **{name: (getattr(edv, name) + getattr(esv, name)) / 2 for name in edv._fields}
    )
    for measure, scores in (("edv_ml", edv), ("esv_ml", esv), ("both", both)):
        groups = {"all": np.full(len(studies), True)}
        if measure != "both":
            groups |= {f"sex {sex}": (studies["sex"] == sex).to_numpy() for sex in ("F", "M")}
            rank = pd.qcut(studies[measure], len(TERTILES), labels=False).to_numpy()
            groups |= {f"volume {name}": rank == place for place, name in enumerate(TERTILES)}
        for group, which in groups.items():
            weights = studies["weight"].to_numpy() * which
            used = weights > 0
            rows.append(
                {
                    "population": population,
                    "measure": measure,
                    "group": group,
                    "studies": int(used.sum()),
                    "patients": studies["patient"][used].nunique(),
                }
                | {
                    name: round(float(np.average(values, weights=weights)), digits)
                    for (name, digits), values in zip(
                        {"crps": 6, "coverage": 4, "width_ml": 2}.items(), scores, strict=True
                    )
                }
            )
    return rows
