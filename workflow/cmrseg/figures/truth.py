"""Volumes of labellers beside the true ones."""

from collections.abc import Collection

import pandas as pd

from cmrseg.measure.agreement import ef_difference, good_ef_bad_volume
from cmrseg.splits import upright_rows

VOLUMES = ("edv_ml", "esv_ml", "ef")


def against_truth(evaluated: pd.DataFrame, splits: Collection[str] = ()) -> pd.DataFrame:
    """Volumes of labellers with the true ones of their subjects, and their errors.

    evaluated: tables of subjects of evaluations below each other, by label maps or by known
    volumes: labeller, subject, split, predicted_* and reference_* of VOLUMES. splits: those that
    are kept, all if there are none.
    Returns labeller, subject, split, edv_ml, esv_ml, ef (fraction), true_edv_ml, true_esv_ml,
    true_ef, abs_ef_error (fraction; nan where the labeller's end-diastolic volume is 0) and
    good_ef_bad_volume (see measure.agreement). A subject with a rotated copy is there as the copy;
    subjects without a true volume are absent.
    """
    chosen = upright_rows(evaluated)
    if splits:
        chosen = chosen[chosen["split"].isin(splits)]
    names = {f"predicted_{name}": name for name in VOLUMES}
    names |= {f"reference_{name}": f"true_{name}" for name in VOLUMES}
    table = chosen[["labeller", "subject", "split", *names]].rename(columns=names)
    table = table.dropna(subset=["true_edv_ml", "true_esv_ml"]).reset_index(drop=True)
    pairs = [table[name] for name in ("true_edv_ml", "true_esv_ml", "edv_ml", "esv_ml")]
    table["abs_ef_error"] = abs(ef_difference(*pairs))
    table["good_ef_bad_volume"] = good_ef_bad_volume(*pairs)
    return table
