"""Volumes of labellers compared with the true ones."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import ef_difference, good_ef_bad_volume
from cmrseg.splits import upright_rows

VOLUMES = ("edv_ml", "esv_ml", "ef")
# No labeller learnt from the cohort.
NOBODY: Mapping[str, Collection[str]] = MappingProxyType({})


def against_truth(
    evaluated: pd.DataFrame,
    splits: Collection[str] = (),
    seen: Mapping[str, Collection[str]] = NOBODY,
    ventricle: str = "lv",
) -> pd.DataFrame:
    """Volumes of labellers with the true ones of their subjects, and their errors.

    evaluated: concatenated tables of subjects of evaluations, by label maps or by known
    volumes: labeller, subject, split, predicted_* and reference_* of VOLUMES. splits: the splits
    to keep, all if there are none. seen: by labeller, the splits from which it learnt. ventricle:
    lv, or rv, whose columns are named so.
    Returns labeller, subject, split, seen (bool), edv_ml, esv_ml, ef (fraction), true_edv_ml,
    true_esv_ml, true_ef, abs_ef_error (fraction; nan if the labeller's end-diastolic volume is 0)
    and good_ef_bad_volume (see measure.agreement). If a subject has a rotated copy, only the copy
    is included; subjects without a true volume are left out.
    """
    chosen = upright_rows(evaluated)
    if splits:
        chosen = chosen[chosen["split"].isin(splits)]
    start = "" if ventricle == "lv" else f"{ventricle}_"
    names = {f"predicted_{start}{name}": name for name in VOLUMES}
    names |= {f"reference_{start}{name}": f"true_{name}" for name in VOLUMES}
    if absent := [name for name in names if name not in chosen]:
        raise ValueError(f"column {absent[0]} is missing; evaluate label maps with that ventricle")
    table = chosen[["labeller", "subject", "split", *names]].rename(columns=names)
    table = table.dropna(subset=["true_edv_ml", "true_esv_ml"]).reset_index(drop=True)
    if ventricle != "lv":
        # Labellers that do not segment this ventricle.
        known = table.groupby("labeller")["edv_ml"].transform("count") > 0
        table = table[known].reset_index(drop=True)
    learnt = [
        s in seen.get(who, ()) for who, s in zip(table["labeller"], table["split"], strict=True)
    ]
    table["seen"] = np.array(learnt, bool)
    pairs = [table[name] for name in ("true_edv_ml", "true_esv_ml", "edv_ml", "esv_ml")]
    table["abs_ef_error"] = abs(ef_difference(*pairs))
    table["good_ef_bad_volume"] = good_ef_bad_volume(*pairs)
    return table
