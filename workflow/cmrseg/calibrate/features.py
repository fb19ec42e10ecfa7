"""Features of a subject: what each labeller measured, how far labellers differ, covariates."""

from collections.abc import Mapping

import pandas as pd

# Below this share of the median known EDV the cavity was not found: labels failed. Infants of a
# cohort of adults have hearts of a twentieth.
SMALLEST_EDV = 0.03
VOLUMES = ("edv_ml", "esv_ml")
SEXES = {"F": 0.0, "M": 1.0}


def measured_values(tables: Mapping[str, pd.DataFrame], smallest_edv_ml: float) -> pd.DataFrame:
    """Median over labellers of each measure, by subject: edv_ml, esv_ml, sv_ml, ef and mass_g.

    tables: labeller -> subject, edv_ml, esv_ml and maybe mass_g. A subject that no labeller
    measured, or whose EDV is below smallest_edv_ml, has no values: its labels failed.
    """
    wide = _wide(tables)
    found = pd.DataFrame({name: wide[name].median(axis=1) for name in wide})
    found["sv_ml"] = found["edv_ml"] - found["esv_ml"]
    found["ef"] = found["sv_ml"] / found["edv_ml"]
    return found.where(found["edv_ml"] >= smallest_edv_ml)


def labeller_features(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Features by subject; missing values are nan.

    Of each measure the median over labellers, their standard deviation, and each labeller's
    difference from the median as a fraction of the median EDV, so that labellers of large and of
    small hearts are alike.
    """
    wide = _wide(tables)
    edv_ml = wide["edv_ml"].median(axis=1)
    edv_ml = edv_ml.where(edv_ml > 0)
    columns = {}
    for measure, values in wide.items():
        median = values.median(axis=1)
        columns[f"median {measure}"] = median
        if values.shape[1] > 1:
            columns[f"sd {measure}"] = values.std(axis=1)
            columns[f"share sd {measure}"] = values.std(axis=1) / edv_ml
            for labeller in values:
                columns[f"{labeller} {measure}"] = (values[labeller] - median) / edv_ml
    columns["ef"] = 1 - columns["median esv_ml"] / edv_ml
    return pd.DataFrame(columns)


def covariates(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Columns of a table by subject as numbers: sex 0 for F and 1 for M, other text missing.

    Raises ValueError naming a column that is absent or has no number at all.
    """
    absent = [name for name in names if name not in table]
    if absent:
        raise ValueError(
            f"covariates {', '.join(absent)} are no columns; there are {', '.join(table.columns)}"
        )
    found = {
        name: pd.to_numeric(table[name].map(lambda value: SEXES.get(value, value)), errors="coerce")
        for name in names
    }
    empty = [name for name, values in found.items() if values.isna().all()]
    if empty:
        raise ValueError(f"covariates {', '.join(empty)} have no number; leave them out")
    return pd.DataFrame(found, index=table.index).astype(float)


def _wide(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Measures that all labellers have: by measure, subjects by labellers."""
    if not tables:
        raise ValueError("calibration needs the volumes of at least one labeller")
    names = list(VOLUMES)
    if all("mass_g" in table and table["mass_g"].notna().any() for table in tables.values()):
        names.append("mass_g")
    indexed = {labeller: table.set_index("subject") for labeller, table in tables.items()}
    return {
        name: pd.DataFrame({labeller: table[name] for labeller, table in indexed.items()})
        for name in names
    }
