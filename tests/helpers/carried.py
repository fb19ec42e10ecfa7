"""A study with labels given with its raw data, imported and carried."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine

ROWS = pd.DataFrame(
    [{"subject": "7", "study": "7", "series": "", "set": "train", "annotation": "7"}]
)
SETTINGS = {"mode": "corrected", "max_size_px": 256}


def carrier(folder: Path):
    """What carries the labels of study 7 in `raw` of a folder to its `images` and `labels`."""
    for name in ("images", "labels"):
        (folder / name).mkdir()
    return partial(_carried, folder)


def _carried(
    folder: Path, form: str, importer, layout: str, annotator: dict | None = None, **arguments
) -> np.ndarray:
    """Labels (t, z, y, x) as they are carried. annotator: further settings of it."""
    importer(ROWS, folder / "raw", folder / "images", **arguments)
    place = "." if layout == "ukbb" else "annotations/truth"
    settings = {
        "sequence": "sa",
        "form": form,
        "folder": place,
        "layout": layout,
        **(annotator or {}),
    }
    carry_shard(ROWS, "truth", settings, *(folder / name for name in ("raw", "images", "labels")))
    return Cine.load(folder / "labels/7/sa.nii.gz").voxels
