"""Automatic volumes held against known ones."""

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import good_ef_bad_volume, max_volume_error, summary
from cmrseg.measure.comparison import ALL, SUMMARY_COLUMNS, agreements
from cmrseg.splits import original, upright_rows


def against_known(volumes: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A labeller's volumes held against known ones: a table per subject, and their agreement.

    volumes: subject, edv_ml, esv_ml, and split where it is another one to this labeller. known:
    columns of known_volumes.KNOWN_COLUMNS. A rotated copy counts instead of its
    original. Subjects: subject, split, set, predicted_* and reference_* (edv_ml, esv_ml, sv_ml,
    ef as fraction; nan where EDV is 0), max_volume_error (the larger relative one, a fraction) and
    good_ef_bad_volume (see measure.agreement). Agreement: columns of
    `comparison.SUMMARY_COLUMNS`, where split also has the sets as `set <name>` if they are not the
    splits. Raises ValueError naming subjects without known volumes.
    """
    ours = upright_rows(volumes[["subject", "edv_ml", "esv_ml"]])
    ours = ours.assign(known=ours["subject"].map(original))
    theirs = known.rename(columns={"subject": "known"})
    table = ours.merge(theirs, on="known", suffixes=("", "_known"), how="left")
    absent = table.loc[table["edv_ml_known"].isna() | table["esv_ml_known"].isna(), "subject"]
    if len(absent):
        raise ValueError(
            f"subjects {', '.join(absent[:5])} have no known volumes; fill edv_ml and esv_ml of "
            "the subject table, or take the cohort out of `evaluate`"
        )
    if "split" in volumes:
        table["split"] = table["subject"].map(volumes.set_index("subject")["split"])
    subjects = table[["subject", "split", "set"]].assign(
        **_measures("predicted", table["edv_ml"], table["esv_ml"]),
        **_measures("reference", table["edv_ml_known"], table["esv_ml_known"]),
    )
    pairs = [subjects[f"{s}_{v}_ml"] for s in ("reference", "predicted") for v in ("edv", "esv")]
    subjects["max_volume_error"] = max_volume_error(*pairs)
    subjects["good_ef_bad_volume"] = good_ef_bad_volume(*pairs)
    parts = {ALL: subjects}
    parts |= {str(name): part for name, part in subjects.groupby("split")}
    if (subjects["split"] != subjects["set"]).any():
        parts |= {f"set {name}": part for name, part in subjects.groupby("set")}
    rows = [
        {"split": name, "level": "subject", **row}
        for name, part in sorted(parts.items(), key=lambda item: (item[0] == ALL, item[0]))
        for row in [*agreements(part), *_shares(part)]
    ]
    return subjects, pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _shares(subjects: pd.DataFrame) -> list[dict]:
    """The larger volume error of subjects, and how many have a good EF in spite of it."""
    return [
        {"measure": name, "tissue": "lv", **summary(subjects[name].to_numpy(float))}
        for name in ("max_volume_error", "good_ef_bad_volume")
    ]


def _measures(side: str, edv_ml: pd.Series, esv_ml: pd.Series) -> dict[str, pd.Series]:
    sv_ml = edv_ml - esv_ml
    found = {"edv_ml": edv_ml, "esv_ml": esv_ml, "sv_ml": sv_ml}
    found["ef"] = (sv_ml / edv_ml).where(edv_ml > 0, np.nan)
    return {f"{side}_{name}": values for name, values in found.items()}
