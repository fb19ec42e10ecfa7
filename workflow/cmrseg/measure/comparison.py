"""How measures of the same subjects agree: the rows of a summary that are about volumes."""

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import (
    bland_altman,
    icc_agreement,
    paired_t_test,
    pearson,
    spearman,
    summary,
)

# Measures of a subject that are compared: name in volumes.measures, tissue, quantity, unit.
COMPARED = (
    ("edv_ml", "lv", "edv", "_ml"),
    ("esv_ml", "lv", "esv", "_ml"),
    ("sv_ml", "lv", "sv", "_ml"),
    ("ef", "lv", "ef", ""),
    ("mass_g", "my", "mass", "_g"),
    ("es_mass_g", "my", "es_mass", "_g"),
    ("rv_edv_ml", "rv", "edv", "_ml"),
    ("rv_esv_ml", "rv", "esv", "_ml"),
    ("rv_sv_ml", "rv", "sv", "_ml"),
    ("rv_ef", "rv", "ef", ""),
)

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


def agreements(subjects: pd.DataFrame) -> list[dict]:
    """Rows of a summary that say how predicted_* and reference_* measures of subjects agree."""
    rows = []
    for name, tissue, quantity, unit in COMPARED:
        pair = subjects.reindex(columns=[f"predicted_{name}", f"reference_{name}"]).to_numpy(float)
        if np.isnan(pair).all():
            continue
        predicted, reference = pair.T
        limits = bland_altman(predicted, reference)
        limits |= {"mean_low": limits.pop("bias_low"), "mean_high": limits.pop("bias_high")}
        found = limits | pearson(predicted, reference) | icc_agreement(pair)
        found |= spearman(predicted, reference) | paired_t_test(predicted, reference)
        difference = {"measure": f"{quantity}_difference{unit}", "tissue": tissue}
        rows.append({**difference, **found, **summary(predicted - reference)})
        absolute = {"measure": f"{quantity}_abs_difference{unit}", "tissue": tissue}
        rows.append({**absolute, **summary(np.abs(predicted - reference))})
    return rows
