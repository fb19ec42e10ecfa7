"""Scans of one digital patient: what is drawn anew when the patient is scanned again.

The heart of a row is drawn with its `seed` alone, so rows with the same seed are one patient. With
a column `scan` in the subject table, what belongs to an examination depends on seed and scan, and
no longer on the subject's name: the first scan is the same whoever has it, and a later one differs
in what its column `changed` names, and in nothing else. Plans of a study read this, too.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

NOISE, POSITION, BREATH_HOLDS = "noise", "position", "breath_holds"
SLICE_OFFSET, SCANNER = "slice_offset", "scanner"
# What may differ between two scans of a patient.
CHANGES = (NOISE, POSITION, BREATH_HOLDS, SLICE_OFFSET, SCANNER)


def has_scan(row: Mapping) -> bool:
    """Whether a row of a subject table says which scan of its patient it is."""
    scan = row.get("scan")
    return scan is not None and not pd.isna(scan)


def changes_of(cell: object) -> list[str]:
    """What a scan has drawn anew, by its cell `changed`. Raises ValueError for another word."""
    empty = cell is None or (isinstance(cell, float) and np.isnan(cell))
    words = [] if empty else [word for word in str(cell).split(",") if word]
    for word in words:
        if word not in CHANGES:
            raise ValueError(f"changed is '{word}', expected some of {', '.join(CHANGES)}")
    return words


def anew(row: Mapping, what: str) -> tuple[str, ...]:
    """Words that tell the random numbers of a scan from those of the patient's first one.

    what: one of CHANGES. Empty for the first scan, where the scan does not change it, and for rows
    without a scan.
    """
    if not has_scan(row) or int(row["scan"]) == 1 or what not in changes_of(row.get("changed")):
        return ()
    return ("scan", str(int(row["scan"])))


def examination(row: Mapping) -> tuple[str, ...]:
    """Words for the random numbers of noise and file names."""
    return ("of scan", *anew(row, NOISE)) if has_scan(row) else (str(row["subject"]),)
