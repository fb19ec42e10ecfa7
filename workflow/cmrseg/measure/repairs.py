"""What a repair of the import is worth: the same examination with and without a fault."""

from collections.abc import Iterable, Mapping

import pandas as pd

ON, OFF = "on", "off"
VOLUMES = {"edv": "edv_ml", "esv": "esv_ml", "ef": "ef"}
# Peak strain by registration, of all segments.
STRAIN = {"ecc": "ecc_global_percent", "err": "err_global_percent"}
# These change by a share of their value; of the others the difference counts.
RELATIVE = ("edv", "esv")
KEYS = ("labeller", "fault", "severity", "unit", "repair")
STATISTICS = ("mean", "abs", "max")


def worth_of_repairs(
    volumes: Mapping[str, Mapping[str, pd.DataFrame]], rows: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Errors of volumes and strain that faults cause, with the import's repairs on and off.

    volumes: by labeller, then ON and OFF: tables (subject, VOLUMES; of some labellers STRAIN, in
    percent) of the same rows, imported with and without repairs. rows: subject, patient, fault,
    severity (None where it has none), unit of the severity; each patient has one row with an empty
    fault. Errors are the differences from the intact examination of the same patient, imported
    alike, as shares: EDV and ESV of their intact value, EF and strain 0.01 for a percentage point.
    By subject, and by labeller, fault, severity and repair (KEYS): n examinations with volumes,
    `lost` without, of strain `strain_lost`; mean of the errors, of their sizes (abs), and the
    largest size (max). Severity is nan where a fault has none. Without strain there are no columns
    of it; a labeller without it has nan.
    Raises ValueError for a patient without an intact row, or with two.
    """
    about = rows.assign(severity=rows["severity"].astype(float))
    intact = about[about["fault"] == ""]
    for patient, own in about.groupby("patient", sort=False):
        count = int((own["fault"] == "").sum())
        if count != 1:
            raise ValueError(f"patient {patient} has {count} rows without a fault, expected one")
    twins = intact.set_index("patient")["subject"]
    faulty = about[about["fault"] != ""]
    tables = [table for by_repair in volumes.values() for table in by_repair.values()]
    strained = any(name in table for table in tables for name in STRAIN.values())
    measures = VOLUMES | (STRAIN if strained else {})
    names = list(measures.values())
    found = []
    for labeller, by_repair in volumes.items():
        for repair in (ON, OFF):
            values = by_repair[repair].set_index("subject").reindex(columns=names).astype(float)
            own = values.reindex(faulty["subject"]).reset_index(drop=True)
            intact_values = values.reindex(twins.reindex(faulty["patient"])).reset_index(drop=True)
            errors = own - intact_values
            for key, name in measures.items():
                if key in RELATIVE:
                    errors[name] /= intact_values[name]
                elif name.endswith("_percent"):
                    errors[name] /= 100
            table = faulty[["fault", "severity", "unit", "patient", "subject"]]
            table = table.assign(labeller=labeller, repair=repair).reset_index(drop=True)
            table = table[["labeller", "repair", *table.columns[:-2]]]
            errors.columns = pd.Index([f"{key}_error" for key in measures])
            found.append(
                pd.concat([table, own, intact_values.add_prefix("intact_"), errors], axis=1)
            )
    subjects = pd.concat(found, ignore_index=True)
    groups = subjects.groupby([*KEYS], sort=False, dropna=False)
    summary = [dict(zip(KEYS, key, strict=True)) | _summary(part, measures) for key, part in groups]
    return subjects, pd.DataFrame(summary)


def _summary(part: pd.DataFrame, measures: Iterable[str]) -> dict[str, float]:
    """Statistics of the errors of one fault."""
    lost = int(part["edv_error"].isna().sum())
    found: dict[str, float] = {"n": len(part) - lost, "lost": lost}
    if {*STRAIN} <= {*measures}:
        found["strain_lost"] = int(part["ecc_error"].isna().sum())
    for key in measures:
        errors = part[f"{key}_error"]
        values = (errors.mean(), errors.abs().mean(), errors.abs().max())
        found |= zip((f"{key}_error_{name}" for name in STATISTICS), values, strict=True)
    return found
