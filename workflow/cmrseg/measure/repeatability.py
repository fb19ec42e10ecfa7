"""Repeatability: how far two examinations of the same patient agree, beside accuracy."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import bland_altman, summary
from cmrseg.measure.comparison import ALL
from cmrseg.measure.examinations import NOTHING

# Measures of the left ventricle that are compared; the first three also with known volumes.
MEASURES = ("edv_ml", "esv_ml", "sv_ml", "ef", "mass_g")
# The labeller whose values are the medians of calibrated distributions.
CALIBRATED = "calibrated"
PAIR_COLUMNS = (
    *("labeller", "patient", "first", "second", "changed", "measure"),
    *("first_value", "second_value", "difference", "known", "overlap"),
)
COLUMNS = (
    *("labeller", "changed", "measure", "pairs", "mean", "within_sd", "cv_percent"),
    *("bias", "bias_low", "bias_high", "lower", "upper", "overlapping"),
    *("known", "error_bias", "error_sd", "error_abs"),
)


def repeatability(
    volumes: Mapping[str, pd.DataFrame],
    scans: pd.DataFrame,
    known: pd.DataFrame | None = None,
    intervals: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs of examinations of the same patient, and how far they agree.

    volumes: tables of volumes by labeller (subject, and MEASURES that it has). scans: subject,
    patient, changed (what differs from the patient's first examination; NOTHING, or empty where
    that is unknown), a row each, the first examination of a patient first. known: true volumes
    (subject, edv_ml, esv_ml). intervals: calibrated volumes (subject, <measure>_low, _median,
    _high), which are a labeller of their own, CALIBRATED.
    Pairs (PAIR_COLUMNS): each later examination with the first one; difference is second - first;
    overlap: whether the intervals of both have a value in common, nan without intervals.
    Summary (COLUMNS), by labeller, by what changed and of all pairs but those with NOTHING changed:
    within_sd is the standard deviation of repeated measurements of one patient, the root of the
    mean squared difference over two (Bland and Altman 1996, doi:10.1136/bmj.313.7059.744),
    cv_percent the same of the mean; bias with 95 % confidence interval and limits of agreement of
    the differences; overlapping: share of pairs; and of both examinations against the number of
    `known` values: mean, sd, mean of the absolute errors. Values that are nan do not count.
    Raises ValueError if no patient was examined twice.
    """
    pairs = _pairs(scans)
    if pairs.empty:
        raise ValueError(
            "no patient has two examinations; give both the same `patient` in the subject table"
        )
    truth = None if known is None else _with_derived(known)
    tables = dict(volumes)
    if intervals is not None:
        medians = intervals.filter(regex="^subject$|_median$")
        tables[CALIBRATED] = medians.rename(columns=lambda name: name.removesuffix("_median"))
    found = []
    for labeller, table in tables.items():
        own = intervals if labeller == CALIBRATED else None
        for measure in [m for m in MEASURES if m in table and table[m].notna().any()]:
            found.append(_measured(pairs, table, measure, truth, own).assign(labeller=labeller))
    every = pd.concat(found, ignore_index=True)[list(PAIR_COLUMNS)]
    rows = []
    for (labeller, measure), part in every.groupby(["labeller", "measure"], sort=False):
        names = {"labeller": labeller, "measure": measure}
        for changed, some in part.groupby("changed", sort=False):
            if changed:
                rows.append({**names, "changed": changed, **_agreement(some)})
        rows.append({**names, "changed": ALL, **_agreement(part[part["changed"] != NOTHING])})
    return every, pd.DataFrame(rows)[list(COLUMNS)]


def _pairs(scans: pd.DataFrame) -> pd.DataFrame:
    """Each later examination of a patient with the first one."""
    rows = [
        {"patient": patient, "first": own["subject"].iloc[0], "second": later, "changed": changed}
        for patient, own in scans.groupby("patient", sort=False)
        for later, changed in zip(own["subject"][1:], own["changed"][1:], strict=True)
    ]
    return pd.DataFrame(rows, columns=["patient", "first", "second", "changed"])


def _with_derived(known: pd.DataFrame) -> pd.DataFrame:
    """Known volumes with what follows from them."""
    stroke = known["edv_ml"] - known["esv_ml"]
    return known.assign(sv_ml=stroke, ef=stroke / known["edv_ml"])


def _measured(
    pairs: pd.DataFrame,
    table: pd.DataFrame,
    measure: str,
    truth: pd.DataFrame | None,
    intervals: pd.DataFrame | None,
) -> pd.DataFrame:
    """The pairs with both values of a measure, the known one, and whether intervals overlap."""
    values = table.set_index("subject")[measure].astype(float)
    first, second = (values.reindex(pairs[side]).to_numpy() for side in ("first", "second"))
    true = np.full(len(pairs), math.nan)
    if truth is not None and measure in truth:
        true = truth.set_index("subject")[measure].reindex(pairs["first"]).to_numpy(float)
    overlap = np.full(len(pairs), math.nan)
    if intervals is not None and f"{measure}_low" in intervals:
        ends = intervals.set_index("subject")[[f"{measure}_low", f"{measure}_high"]]
        low_1, high_1 = ends.reindex(pairs["first"]).to_numpy(float).T
        low_2, high_2 = ends.reindex(pairs["second"]).to_numpy(float).T
        overlap = ((low_1 <= high_2) & (low_2 <= high_1)).astype(float)
        overlap[np.isnan(low_1 + high_1 + low_2 + high_2)] = math.nan
    return pairs.assign(
        measure=measure,
        first_value=first,
        second_value=second,
        difference=second - first,
        known=true,
        overlap=overlap,
    )


def _agreement(pairs: pd.DataFrame) -> dict[str, float]:
    first, second = (pairs[f"{side}_value"].to_numpy(float) for side in ("first", "second"))
    both = ~np.isnan(first + second)
    limits = bland_altman(second, first)
    mean = float((first[both] + second[both]).mean() / 2) if both.any() else math.nan
    squares = (second[both] - first[both]) ** 2
    within = math.sqrt(squares.mean() / 2) if both.any() else math.nan
    # A patient's first examination counts once, however many later ones there are.
    once = ~pairs["first"].duplicated().to_numpy()
    known = pairs["known"].to_numpy(float)
    errors = np.concatenate([(first - known)[once], second - known])
    of_errors, shares = summary(errors), pairs["overlap"].dropna()
    return {
        "pairs": int(both.sum()),
        "mean": mean,
        "within_sd": within,
        "cv_percent": 100 * within / mean if mean else math.nan,
        **{name: limits[name] for name in ("bias", "bias_low", "bias_high", "lower", "upper")},
        "overlapping": float(shares.mean()) if len(shares) else math.nan,
        "known": of_errors["n"],
        "error_bias": of_errors["mean"],
        "error_sd": of_errors["sd"],
        "error_abs": summary(np.abs(errors))["mean"],
    }
