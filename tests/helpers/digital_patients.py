"""Digital patients as UK Biobank's zip files: written, imported, and labelled by an expert."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.layouts.ukbb_dicom import import_shard
from cmrseg.phantom.patients import with_build
from cmrseg.phantom.population import draw_subjects

SEQUENCES = ["sa", "la_2ch", "la_4ch", "ao"]
CONTOURED = SEQUENCES[:3]
SMALL = {"rows": 64, "columns": 68, "spacing_mm": 4.0}
SCAN = {
    "scanner": "1.5T", "frames": 10, "rows": 56, "columns": 52, "spacing_mm": 4.0,
    "slice_distance_mm": 12.0, "thickness_mm": 8.0, "breath_hold_shift_mm": 1.0,
}  # fmt: skip


def patients(eids: Sequence[str]) -> pd.DataFrame:
    """Rows of healthy patients."""
    table = draw_subjects(len(eids), 8, list(eids), diseases=["healthy"] * len(eids))
    table = with_build(table)
    return table.assign(annotation=table["study"], series="", set="")


def scan(sequences: Sequence[str] = SEQUENCES, **changes) -> dict:
    """Settings of the digital heart's scanner for some sequences."""
    views = {key: SMALL for key in sequences if key != "sa"}
    return {**SCAN, "sequences": list(sequences), "views": views, **changes}


class Examined:
    """Patients that were imported from the folder `raw` in a mode, and their labels."""

    def __init__(
        self,
        rows: pd.DataFrame,
        raw: Path,
        folder: Path,
        mode: str = "corrected",
        sequences: Sequence[str] = SEQUENCES,
    ):
        self.rows, self.raw, self.folder = rows, raw, folder
        self.images = folder / "images"
        self.images.mkdir(parents=True)
        settings = {"mode": mode, "max_size_px": 256}
        self.audit, _ = import_shard(rows, raw, self.images, settings, sequences)

    def carry(self, sequence: str, form: str = "cvi42", who: str = "expert") -> pd.DataFrame:
        """Carry an annotator's labels of a sequence; returns the audit."""
        about = {"form": form, "layout": "ukbb_dicom", "folder": f"annotations/{who}"}
        labels = self.labels(sequence)
        labels.mkdir()
        settings = {**about, "sequence": sequence}
        return carry_shard(self.rows, who, settings, self.raw, self.images, labels)

    def labels(self, sequence: str) -> Path:
        """The folder of the label maps of a sequence."""
        return self.folder / f"labels_{sequence}"

    def image(self, subject: str, sequence: str) -> Cine:
        return Cine.load(self.images / subject / f"{sequence}.nii.gz")

    def label(self, subject: str, sequence: str) -> Cine:
        return Cine.load(self.labels(sequence) / subject / f"{sequence}.nii.gz")
