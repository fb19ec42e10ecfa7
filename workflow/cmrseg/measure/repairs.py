"""What a repair of the import is worth: the same examination with and without a fault."""

from collections.abc import Mapping

import pandas as pd

ON, OFF = "on", "off"
VOLUMES = ("edv_ml", "esv_ml", "ef")
# Changes against the intact examination; of volumes as a share of it, of the EF its difference.
ERRORS = ("edv_error", "esv_error", "ef_error")
SUBJECT_COLUMNS = (
    *("labeller", "repair", "fault", "severity", "unit", "patient", "subject"),
    *VOLUMES,
    *(f"intact_{name}" for name in VOLUMES),
    *ERRORS,
)
COLUMNS = (
    *("labeller", "fault", "severity", "unit", "repair", "n", "lost"),
    *(f"{name}_{statistic}" for name in ERRORS for statistic in ("mean", "abs", "max")),
)


def worth_of_repairs(
    volumes: Mapping[str, Mapping[str, pd.DataFrame]], rows: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Errors of volumes that faults cause, with the import's repairs on and off.

    volumes: by labeller, then ON and OFF: tables of volumes (subject, VOLUMES) of the same
    rows, imported with and without repairs. rows: subject, patient, fault, severity (None where
    it has none), unit of the severity; each patient has one row with an empty fault. Errors are
    the differences from the intact examination of the same patient, imported alike; EDV and ESV
    as a share of it.
    By subject (SUBJECT_COLUMNS), and by labeller, fault, severity and repair (COLUMNS): n
    examinations with volumes, `lost` without, mean of the errors, of their sizes (abs), and the
    largest size (max). Severity is nan where a fault has none.
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
    found = []
    for labeller, by_repair in volumes.items():
        for repair in (ON, OFF):
            values = by_repair[repair].set_index("subject")[list(VOLUMES)].astype(float)
            own = values.reindex(faulty["subject"]).to_numpy()
            other = values.reindex(twins.reindex(faulty["patient"])).to_numpy()
            errors = own - other
            errors[:, :2] /= other[:, :2]
            table = faulty.assign(labeller=labeller, repair=repair)
            for names, block in (
                (VOLUMES, own),
                ([f"intact_{name}" for name in VOLUMES], other),
                (ERRORS, errors),
            ):
                table[list(names)] = block
            found.append(table)
    subjects = pd.concat(found, ignore_index=True)[list(SUBJECT_COLUMNS)]
    keys = ["labeller", "fault", "severity", "unit", "repair"]
    groups = subjects.groupby(keys, sort=False, dropna=False)
    summary = [dict(zip(keys, key, strict=True)) | _summary(part) for key, part in groups]
    return subjects, pd.DataFrame(summary)[list(COLUMNS)]


def _summary(part: pd.DataFrame) -> dict[str, float]:
    """Statistics of the errors of one fault."""
    lost = int(part["edv_error"].isna().sum())
    found: dict[str, float] = {"n": len(part) - lost, "lost": lost}
    for name in ERRORS:
        found[f"{name}_mean"] = part[name].mean()
        found[f"{name}_abs"] = part[name].abs().mean()
        found[f"{name}_max"] = part[name].abs().max()
    return found
