"""How measures of the same subjects agree: the rows of a summary that are about volumes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmrseg.labels import SHORT_NAMES
from cmrseg.measure.agreement import (
    bland_altman,
    icc_agreement,
    paired_t_test,
    pearson,
    spearman,
    summary,
)
from cmrseg.measure.rows import Measure
from cmrseg.measure.ventricles import VENTRICULAR

# Measures of a subject that are compared.
COMPARED = tuple(measure for measure in VENTRICULAR if measure.compared)

# Name of the rows that take all splits together.
ALL = "all"

SUMMARY_COLUMNS = (
    *("split", "level", "measure", "tissue"),
    *("n", "mean", "sd", "median", "q25", "q75", "iqr", "mad"),
    *("mean_low", "mean_high", "lower", "lower_low", "lower_high"),
    *("upper", "upper_low", "upper_high"),
    *("r", "r_low", "r_high", "icc", "icc_low", "icc_high"),
    *("rho", "p"),
)


def agreements(subjects: pd.DataFrame, compared: Sequence[Measure] = COMPARED) -> list[dict]:
    """Rows of a summary that say how predicted_* and reference_* measures of subjects agree."""
    rows = []
    for measure in compared:
        unit = f"_{measure.unit}" if measure.unit else ""
        rows += pair_rows(
            subjects, measure.name, measure.summary, unit, SHORT_NAMES[measure.tissue]
        )
    return rows


def pair_rows(
    subjects: pd.DataFrame, name: str, quantity: str, unit: str, tissue: str
) -> list[dict]:
    """Rows of a summary about predicted_<name> and reference_<name>, none where both are unknown.

    quantity, unit, tissue: what the rows call it; unit: with its underscore, or "".
    """
    pair = subjects.reindex(columns=[f"predicted_{name}", f"reference_{name}"]).to_numpy(float)
    if np.isnan(pair).all():
        return []
    predicted, reference = pair.T
    limits = bland_altman(predicted, reference)
    limits |= {"mean_low": limits.pop("bias_low"), "mean_high": limits.pop("bias_high")}
    found = limits | pearson(predicted, reference) | icc_agreement(pair)
    found |= spearman(predicted, reference) | paired_t_test(predicted, reference)
    difference = {"measure": f"{quantity}_difference{unit}", "tissue": tissue}
    absolute = {"measure": f"{quantity}_abs_difference{unit}", "tissue": tissue}
    return [
        {**difference, **found, **summary(predicted - reference)},
        {**absolute, **summary(np.abs(predicted - reference))},
    ]
