"""Studies whose import is tested, and what is expected of them."""

from pathlib import Path

import numpy as np

from dicom_builder import NORMAL, picture, write_study

CORRECTED = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
COMPAT = {**CORRECTED, "mode": "compat"}
FOLDER = {**CORRECTED, "layout": "folder"}


def clean_study(tmp_path: Path) -> Path:
    """A clean study of four slices of three frames; a fixture of those who need it."""
    folder = tmp_path / "train" / "train" / "7" / "study"
    write_study(folder)
    return folder


def found(imported):
    return list(imported.audit[["problem", "image"]].itertuples(index=False, name=None))


def expected_voxels(slices=4, frames=3, rows=12, columns=10):
    return np.array(
        [[picture(rows, columns, 5 + z, t + 1) for z in range(slices)] for t in range(frames)]
    )


def centred(row, column, rows, columns, spacing_mm, location_mm):
    """ImagePositionPatient of a plane whose middle is on the normal through the origin."""
    return (
        np.array(NORMAL) * location_mm
        - np.array(row) * (columns - 1) / 2 * spacing_mm
        - np.array(column) * (rows - 1) / 2 * spacing_mm
    )
