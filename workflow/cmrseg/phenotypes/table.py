"""The table of phenotypes: a row per subject with every measure, also as ukbb_cardiac has it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cmrseg.measure.aha_segments import LONG_AXIS_ROWS, SHORT_AXIS_ROWS
from cmrseg.measure.body import PER_M2, body_surface_m2
from cmrseg.measure.ventricles import VENTRICULAR


def phenotypes(
    rows: Iterable[Mapping[str, Any]],
    volumes: pd.DataFrame | None,
    measures: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Every measure of every subject, a row each, in the order of the subject table.

    rows: of the subject table, None where a cell is empty; known volumes, if it has any, are
    `known_edv_ml` and `known_esv_ml`. volumes: of the ventricles, a row per
    subject; None where the panel has no short axis. measures: tables of the other measures, by
    their key, each with a column `doubt`, which becomes `<measure>_doubt`. A value that is doubted
    is empty. Volumes and masses also come per body surface area, as `edv_ml_per_m2`, empty without
    height and weight. A subject without any measure has no row.
    """
    table = pd.DataFrame(list(rows)).astype({"subject": str}).dropna(axis="columns", how="all")
    table = table.rename(columns={key: f"known_{key}" for key in ("edv_ml", "esv_ml")})
    joined = {}
    if volumes is not None:
        kept = ["subject", *(measure.name for measure in VENTRICULAR), "heart_rate_bpm"]
        joined["ventricles"] = volumes[kept]
    for key, measured in measures.items():
        # A column without any text is read as numbers.
        doubt = measured["doubt"].astype(object).fillna("")
        # A copy has its columns in one piece; pandas warns where a further one joins many.
        kept = measured.drop(columns=["split", "doubt"]).copy()
        joined[key] = kept.assign(**{f"{key}_doubt": doubt})
    there = pd.Series(False, table.index)
    values = []
    for part in joined.values():
        there |= table["subject"].isin(part["subject"])
        values += [column for column in part.columns if column != "subject"]
        table = table.merge(part, on="subject", how="left")
    table = table[there.to_numpy()].reset_index(drop=True)
    for column in values:
        if column.endswith("_doubt"):
            measure = column.removesuffix("_doubt")
            table[column] = table[column].fillna(f"not measured: no labels for {measure}")
    if {"height_cm", "weight_kg"} <= set(table):
        body = table[["height_cm", "weight_kg"]].astype(float)
        table["bsa_m2"] = body_surface_m2(body["height_cm"], body["weight_kg"])
        for column in values:
            if column.endswith(PER_M2):
                table[f"{column}_per_m2"] = table[column] / table["bsa_m2"]
    return table


def ukbb_phenotypes(table: pd.DataFrame) -> pd.DataFrame:
    """The table of phenotypes with the columns of ukbb_cardiac that are in it, and its units.

    table: of `phenotypes`. Fractions become per cent. Subjects that the published program leaves
    out of a table have empty cells.
    """
    found = {"subject": table["subject"]}
    for ours, (theirs, factor) in UKBB_COLUMNS.items():
        if ours in table:
            found[theirs] = table[ours] * factor
    return pd.DataFrame(found).rename(columns={"subject": ""})


def _of_segments(
    ours: str, theirs: str, unit: str, segments: Iterable[str]
) -> dict[str, tuple[str, float]]:
    """Columns of segments. theirs: with {} for the segment, which they call Global for all."""
    names = {s: "Global" if s == "global" else s for s in segments}
    return {ours.format(s): (f"{theirs.format(name)} ({unit})", 1.0) for s, name in names.items()}


def _aha(pattern: str, ours: str, unit: str) -> dict[str, tuple[str, float]]:
    """Columns of the 16 segments and of all."""
    numbered = _of_segments(ours, f"{pattern}_AHA_{{}}", unit, SHORT_AXIS_ROWS[:-1])
    return numbered | _of_segments(ours, f"{pattern}_{{}}", unit, SHORT_AXIS_ROWS[-1:])


# Our column: that of the published tables, and by what ours is multiplied.
UKBB_COLUMNS: dict[str, tuple[str, float]] = {
    "edv_ml": ("LVEDV (mL)", 1),
    "esv_ml": ("LVESV (mL)", 1),
    "sv_ml": ("LVSV (mL)", 1),
    "ef": ("LVEF (%)", 100),
    "co_l_min": ("LVCO (L/min)", 1),
    "mass_g": ("LVM (g)", 1),
    "rv_edv_ml": ("RVEDV (mL)", 1),
    "rv_esv_ml": ("RVESV (mL)", 1),
    "rv_sv_ml": ("RVSV (mL)", 1),
    "rv_ef": ("RVEF (%)", 100),
    **_aha("WT", "wt_{}_mm", "mm"),
    **_aha("WT_Max", "wt_max_{}_mm", "mm"),
    **_aha("Ecc", "ecc_{}_percent", "%"),
    **_aha("Err", "err_{}_percent", "%"),
    **_of_segments("ell_{}_percent", "Ell_{}", "%", LONG_AXIS_ROWS),
    "lav_max_ml": ("LAV max (mL)", 1),
    "lav_min_ml": ("LAV min (mL)", 1),
    "la_sv_ml": ("LASV (mL)", 1),
    "la_ef": ("LAEF (%)", 100),
    "rav_max_ml": ("RAV max (mL)", 1),
    "rav_min_ml": ("RAV min (mL)", 1),
    "ra_sv_ml": ("RASV (mL)", 1),
    "ra_ef": ("RAEF (%)", 100),
    "aao_max_mm2": ("AAo max area (mm2)", 1),
    "aao_min_mm2": ("AAo min area (mm2)", 1),
    "aao_distensibility_per_1000_mmhg": ("AAo distensibility (10-3 mmHg-1)", 1),
    "dao_max_mm2": ("DAo max area (mm2)", 1),
    "dao_min_mm2": ("DAo min area (mm2)", 1),
    "dao_distensibility_per_1000_mmhg": ("DAo distensibility (10-3 mmHg-1)", 1),
}
