"""Known volumes of digital subjects as the Second Annual Data Science Bowl gives them."""

import pandas as pd


def truth_tables(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Known volumes in ml as the competition gives them: file name -> table, one row per study."""
    studies = rows.drop_duplicates("study")
    tables = {}
    for name in ("train", "validate"):
        part = studies[studies["set"] == name]
        tables[f"{name}.csv"] = pd.DataFrame(
            {"Id": part["study"], "Systole": part["esv_ml"], "Diastole": part["edv_ml"]}
        )
    test = studies[studies["set"] == "test"]
    volumes = [
        (f"{study}_{phase}", volume)
        for study, edv, esv in zip(test["study"], test["edv_ml"], test["esv_ml"], strict=True)
        for phase, volume in (("Diastole", edv), ("Systole", esv))
    ]
    solution = pd.DataFrame(volumes, columns=["Id", "Volume"])
    tables["solution.csv"] = solution.assign(Usage="Private")
    return tables
