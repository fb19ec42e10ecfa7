"""How far a subject's automatic labels can be trusted, judged by its known volumes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmrseg.splits import original

# Largest score of each set, as a fraction (Ankenbrand et al. 2021, doi:10.1002/mrm.28822).
THRESHOLDS = {"c05": 0.05, "c10": 0.10, "c15": 0.15}

COLUMNS = (
    "subject",
    "split",
    "edv_ml",
    "esv_ml",
    "true_edv_ml",
    "true_esv_ml",
    "edv_error",
    "esv_error",
    "score",
    "set",
)


def confidence_table(
    volumes: pd.DataFrame, subjects: pd.DataFrame, thresholds: Mapping[str, float] = THRESHOLDS
) -> pd.DataFrame:
    """Score of every subject in `volumes`: the larger of its two relative volume errors.

    volumes: subject, edv_ml, esv_ml of the automatic labels. subjects: subject, split, edv_ml,
    esv_ml as known. thresholds: largest score of each set. Returns the columns in COLUMNS, rows
    as in `volumes`: edv_error and esv_error are (automatic - known)/known, score is
    max(|edv_error|, |esv_error|), lower is better; set is the smallest set that holds the
    subject, '' for none. A rotated copy has the known volumes of its original. Sets are
    cumulative: a set is all subjects with a score up to its threshold. Errors and scores are
    fractions.
    Raises ValueError naming the subjects whose known volumes are missing or not positive.
    Score of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
    """
    known = subjects[["subject", "split", "edv_ml", "esv_ml"]].rename(
        columns={"edv_ml": "true_edv_ml", "esv_ml": "true_esv_ml"}
    )
    repeated = known.loc[known["subject"].duplicated(), "subject"].tolist()
    if repeated:
        raise ValueError(f"subjects {', '.join(repeated)} have more than one row of known volumes")
    table = volumes[["subject", "edv_ml", "esv_ml"]].assign(known=volumes["subject"].map(original))
    known = known.rename(columns={"subject": "known"})
    table = table.merge(known, on="known", how="left")
    usable = (table["true_edv_ml"] > 0) & (table["true_esv_ml"] > 0)
    if not usable.all():
        raise ValueError(
            f"subjects {', '.join(table.loc[~usable, 'subject'])} have no known volumes above 0; "
            f"fill edv_ml and esv_ml of the subject table or leave the subjects out"
        )
    for name in ("edv", "esv"):
        truth = table[f"true_{name}_ml"]
        table[f"{name}_error"] = (table[f"{name}_ml"] - truth) / truth
    table["score"] = np.maximum(table["edv_error"].abs(), table["esv_error"].abs())
    table["set"] = ""
    # From the widest to the narrowest, so that the smallest set has the last word.
    for name in sorted(thresholds, key=lambda name: thresholds[name], reverse=True):
        table.loc[table["score"] <= thresholds[name], "set"] = name
    return table[list(COLUMNS)]
