"""Volumes of labellers compared with the true ones."""

from collections.abc import Collection

import pandas as pd

from cmrseg.measure.agreement import ef_difference, good_ef_bad_volume
from cmrseg.splits import upright_rows

VOLUMES = ("edv_ml", "esv_ml", "ef")


def against_truth(evaluated: pd.DataFrame, splits: Collection[str] = ()) -> pd.DataFrame:
    """Volumes of labellers with the true ones of their subjects, and their errors.

    evaluated: concatenated tables of subjects of evaluations, by label maps or by known
    volumes: labeller, subject, split, predicted_* and reference_* of VOLUMES. splits: the splits
    to keep, all if there are none.
    Returns labeller, subject, split, edv_ml, esv_ml, ef (fraction), true_edv_ml, true_esv_ml,
    true_ef, abs_ef_error (fraction; nan if the labeller's end-diastolic volume is 0) and
    good_ef_bad_volume (see measure.agreement). If a subject has a rotated copy, only the copy is
    included; subjects without a true volume are left out.
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
