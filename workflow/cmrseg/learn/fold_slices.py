"""Slices of a fold: what a member of a cross-validation is trained on, and validated on."""

import os
import shutil
from pathlib import Path

import pandas as pd

from cmrseg.files import replacing, write_table
from cmrseg.learn.slices import FILES, Slices
from cmrseg.splits import original

# Split of the index for slices that were to validate on: without folds they are for that alone.
UNUSED = "unused"


def divide_slices(
    slices: str | Path, folds: pd.DataFrame, fold: int, folder: str | Path
) -> pd.DataFrame:
    """Write slices in which the subjects of a fold are validated on, and no others.

    slices: folder of `make_slices`. folds: subject, fold; a rotated copy is in the fold of its
    original. Images and labels are links to those of `slices`, or copies where links are not
    possible; the index has split `validate` in the rows of the fold, and `unused` where that was.
    Returns the index. Raises ValueError where no slice is of the fold.
    """
    index = Slices.load(slices).index.copy()
    fold_of = folds.set_index("subject")["fold"]
    own = index["subject"].map(original).map(fold_of) == fold
    if not own.any():
        raise ValueError(
            f"{slices}: no labelled slice is of the subjects in fold {fold} "
            f"({', '.join(folds['subject'][folds['fold'] == fold])}); add labels, or choose fewer "
            "folds"
        )
    index["split"] = (
        index["split"].where(index["split"] != "validate", UNUSED).mask(own, "validate")
    )
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name in FILES[:2]:
            _link(Path(slices) / name, temporary / name)
        write_table(index, temporary / FILES[2])
    return index


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
