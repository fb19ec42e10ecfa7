"""The aortic cine of a digital patient, small and with labels of all frames."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.phantom.patient_files import write_shard

# A healthy young subject, whose aorta changes much.
PATIENT = {
    **{"subject": "5105", "study": "5105", "series": "", "split": "train", "faults": ""},
    **{"edv_ml": 172.8, "esv_ml": 75.5, "disease": "healthy", "sex": "M", "age_y": 43},
    **{"heart_rate_bpm": 68, "seed": 2025216867, "pulse_pressure_mmhg": 35.2},
    **{"height_cm": 171, "weight_kg": 68.0},
}
SETTINGS = {
    **{"scanner": "1.5T", "frames": 20, "rows": 96, "columns": 88, "spacing_mm": 2.4},
    **{"slice_distance_mm": 10.0, "thickness_mm": 8.0, "sequences": ["ao"]},
    "views": {"ao": {"rows": 96, "columns": 96, "spacing_mm": 2.0}},
}


def digital_aorta() -> tuple[Cine, np.ndarray]:
    """The cine (t, 1, y, x) and its labels."""
    with tempfile.TemporaryDirectory() as name:
        folder, study = Path(name), PATIENT["study"]
        write_shard(pd.DataFrame([PATIENT]), SETTINGS, folder)
        labels = Cine.load(folder / f"annotations/truth/{study}/ao.nii.gz").voxels
        return Cine.load(folder / f"{study}/ao.nii.gz"), labels
