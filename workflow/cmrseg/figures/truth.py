"""Volumes of labellers beside the true ones."""

import pandas as pd

from cmrseg.measure.agreement import ef_difference, good_ef_bad_volume
from cmrseg.splits import original, upright_rows

VOLUMES = ("edv_ml", "esv_ml", "ef")


def against_truth(volumes: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Volumes of labellers with the true ones of their subjects, and how far they are off.

    volumes: labeller, subject, edv_ml, esv_ml, ef. truth: subject, edv_ml, esv_ml. Returns the
    volumes with true_edv_ml, true_esv_ml, true_ef (fraction), abs_ef_error (fraction; nan where
    the labeller's end-diastolic volume is 0) and good_ef_bad_volume (see measure.agreement). A
    subject with a rotated copy is there as the copy, with the truth of either; subjects without
    truth are absent.
    """
    true = upright_rows(truth.dropna(subset=["edv_ml", "esv_ml"]))[["subject", "edv_ml", "esv_ml"]]
    true = true.assign(ef=(true["edv_ml"] - true["esv_ml"]) / true["edv_ml"])
    true = true.assign(known=true["subject"].map(original)).drop(columns="subject")
    true = true.rename(columns={name: f"true_{name}" for name in VOLUMES})
    shown = upright_rows(volumes)
    table = shown.assign(known=shown["subject"].map(original)).merge(true, on="known")
    pairs = [table[name] for name in ("true_edv_ml", "true_esv_ml", "edv_ml", "esv_ml")]
    table["abs_ef_error"] = abs(ef_difference(*pairs))
    table["good_ef_bad_volume"] = good_ef_bad_volume(*pairs)
    return table.drop(columns="known")
