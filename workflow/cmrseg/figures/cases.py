"""Images of the best, the median and the worst agreement, with their label maps."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.figures.overlays import Case
from cmrseg.sequences import USUAL, image_path
from cmrseg.splits import upright_rows

# LV cavity of the reference that an image needs to be shown.
LEAST_LV_PX = 50


def ranked(images: pd.DataFrame, per_rank: int = 3) -> pd.DataFrame:
    """Images of the best, the median and the worst agreement, as figures show them.

    images: rows with subject, slice, frame, dice_lv, dice_my and confusion counts. Ranked by the
    mean of both, of images that have both; by LV alone where none has, as the reference's muscle is
    not drawn anywhere. Only images in which the reference has at least LEAST_LV_PX pixels of LV: in
    others, at the ends of the stack, the worst is whether there is a heart at all, and contours
    show nothing. A subject is shown once per rank, one with a rotated copy as the copy.
    Returns the chosen rows with a column `kind`.
    """
    every = upright_rows(images)
    both = ["dice_lv", "dice_my"]
    scored = both if every[both].notna().all(axis=1).any() else both[:1]
    table = every.dropna(subset=scored)
    # Counts of the reference's LV, whatever the labeller made of it.
    lv_px = table.filter(regex="^lv_(bg|lv|my|rv)$").sum(axis=1)
    table = table[lv_px >= LEAST_LV_PX]
    table = table.assign(score=table[scored].mean(axis=1))
    table = table.sort_values(
        ["score", "subject", "slice", "frame"], ascending=[False, *[True] * 3]
    )
    middle = table.assign(far=(table["score"] - table["score"].median()).abs()).sort_values(
        ["far", "subject", "slice", "frame"]
    )
    kinds = {"best": table, "median": middle, "worst": table.iloc[::-1]}
    return pd.concat(
        [
            rows.drop_duplicates("subject").head(per_rank).assign(kind=k)
            for k, rows in kinds.items()
        ],
        ignore_index=True,
    )


def read_cases(
    rows: pd.DataFrame,
    images: Mapping[str, Path],
    predictions: Mapping[str, Path],
    references: Mapping[str, Path],
) -> list[Case]:
    """The images that `ranked` chose, with both label maps.

    images, predictions, references: folder of each subject.
    """
    cases = []
    for row in rows.itertuples(index=False):
        image, prediction, reference = (
            Cine.load(image_path(folders[row.subject], USUAL))
            for folders in (images, predictions, references)
        )
        at = (row.frame, row.slice)
        cases.append(
            Case(
                kind=row.kind,
                subject=row.subject,
                z=row.slice,
                frame=row.frame,
                image=image.voxels[at],
                prediction=prediction.voxels[at],
                reference=reference.voxels[at],
                affine=image.affine,
                dice_lv=row.dice_lv,
                dice_my=row.dice_my,
            )
        )
    return cases
