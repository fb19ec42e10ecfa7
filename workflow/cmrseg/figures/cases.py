"""Images of the best, the median and the worst agreement, with their label maps."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.figures.overlays import Case
from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.sequences import LEFT, SEQUENCES, USUAL, image_path
from cmrseg.sequences import Sequence as Sequence_
from cmrseg.splits import upright_rows

# Their Dice is shown, too, where labels hold them.
LESIONS = (Tissue.EDEMA, Tissue.SCAR)
# Pixels of the reference's cavity, or other first tissue, that an image needs to be shown.
LEAST_PX = 50


def best_labeller(
    subjects: pd.DataFrame,
    order: Sequence[str],
    seen: Collection[str],
    drawn: Sequence[Tissue] = LEFT,
) -> str:
    """The labeller with the highest Dice, on average over subjects and tissues.

    subjects: evaluated subjects with labeller, split and dice_lv, dice_my, ... order: labellers;
    the first of equal ones. seen: splits from which one of them learnt; subjects in these do not
    count, unless there are no others. drawn: tissues that every reference of the sequence contains.
    """
    unseen = subjects[~subjects["split"].isin(seen)]
    table = subjects if unseen.empty else unseen
    columns = [name for t in drawn if (name := f"dice_{SHORT_NAMES[t]}") in table]
    scores = table.groupby("labeller")[columns].mean().mean(axis=1).reindex(order).fillna(-1)
    return str(scores.idxmax())


def ranked(images: pd.DataFrame, per_rank: int = 3, drawn: Sequence[Tissue] = LEFT) -> pd.DataFrame:
    """Images of the best, the median and the worst agreement, as figures show them.

    images: rows with subject, slice, frame, dice_lv, dice_my, ... and confusion counts. drawn: the
    tissues that every reference of the sequence contains. Images with all of these tissues are
    ranked by the mean Dice; if there are none, as for a reference without myocardium, images are
    ranked by the first tissue. Only images in which the reference has at least LEAST_PX pixels of
    the first tissue are used: at the ends of the stack a low Dice only means that there is hardly
    any heart, and contours show nothing. A subject is shown once per rank; if it has a rotated
    copy, the copy is shown.
    Returns the chosen rows with a column `kind`.
    """
    every = upright_rows(images)
    known = [tissue for tissue in drawn if f"dice_{SHORT_NAMES[tissue]}" in every]
    if not known:
        raise ValueError(
            f"none of {', '.join(SHORT_NAMES[t] for t in drawn)} is compared; without one of these "
            "images cannot be ranked"
        )
    names = [SHORT_NAMES[tissue] for tissue in known]
    both = [f"dice_{name}" for name in names]
    scored = both if every[both].notna().all(axis=1).any() else both[:1]
    table = every.dropna(subset=scored)
    # Counts of the reference's first tissue, whatever its label by the labeller.
    counted = table.filter(regex=f"^{names[0]}_({'|'.join(SHORT_NAMES.values())})$")
    table = table[counted.sum(axis=1) >= LEAST_PX]
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
    sequence: Sequence_ = SEQUENCES[USUAL],
    shown: str = "",
) -> list[Case]:
    """The images of a sequence that `ranked` chose, with both label maps.

    images, predictions, references: folder of each subject. shown: key of another sequence on the
    same grid, whose images are taken instead.
    """
    cases = []
    tissues = [t for t in (*sequence.drawn, *LESIONS) if f"dice_{SHORT_NAMES[t]}" in rows]
    for row in rows.itertuples(index=False):
        image = Cine.load(image_path(images[row.subject], shown or sequence.key))
        prediction, reference = (
            Cine.load(image_path(folders[row.subject], sequence.key))
            for folders in (predictions, references)
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
                dice={tissue: getattr(row, f"dice_{SHORT_NAMES[tissue]}") for tissue in tissues},
            )
        )
    return cases
