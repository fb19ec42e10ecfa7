"""Points of a labeller against the reference in a whole cohort, read from its shards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.measure.agreement import summary
from cmrseg.measure.comparison import ALL, SUMMARY_COLUMNS, pair_rows
from cmrseg.measure.point_evaluation import (
    PLACES,
    STRAINS,
    evaluate_boxes,
    evaluate_rings,
)
from cmrseg.points import read_points
from cmrseg.ring import CORNERS, WALLS
from cmrseg.sequences import image_path, points_path
from cmrseg.shards import labelled_folders, subject_folders
from cmrseg.splits import split_of, upright_rows

# What summaries are about: measure, its column in the table of subjects, and the part of the heart,
# wall 0 the endocardium, wall 6 the epicardium.
RING, BOX = "ring", "box"
MEASURES = (
    ("iou", "iou", BOX),
    ("error_px", "error_px", RING),
    ("error_mm", "error_mm", RING),
    ("rmse_mm", "rmse_mm", RING),
    *(("error_mm", f"error_wall{wall}_mm", f"wall {wall}") for wall in range(WALLS)),
    ("error_es_mm", "error_es_mm", RING),
    ("still_error_mm", "still_error_mm", RING),
    ("still_rmse_mm", "still_rmse_mm", RING),
    ("still_error_es_mm", "still_error_es_mm", RING),
    ("missed", "missed", RING),
)


@dataclass(frozen=True)
class PointLabels:
    """An annotator or a model that places points in a sequence of a cohort.

    shards: folders of its points.
    """

    name: str
    cohort: str
    shards: Iterable[str | Path]
    sequence: str

    def tables(self) -> dict[str, Path]:
        """The table of points of each subject that has one. Raises ValueError where there is none.

        Labellers write a folder for every subject; one without points was not tracked.
        """
        folders = labelled_folders(self.shards, self.cohort, self.name)
        paths = {subject: points_path(folder, self.sequence) for subject, folder in folders.items()}
        return {subject: path for subject, path in paths.items() if path.is_file()}


class PointEvaluation(NamedTuple):
    """Tables of a labeller in a cohort: by image and by subject, and their statistics.

    The first two are as of `evaluate_rings` or `evaluate_boxes` with the split behind the subject.
    """

    images: pd.DataFrame
    subjects: pd.DataFrame
    summary: pd.DataFrame


def evaluate_point_labels(
    labeller: PointLabels,
    reference: PointLabels,
    images: Iterable[str | Path],
    splits: Mapping[str, str],
) -> PointEvaluation:
    """Hold a labeller's points against the reference, of subjects in which both placed some.

    images: shards of the images that the points lie in. Landmarks are compared as `evaluate_rings`,
    two corners as `evaluate_boxes`. The summary counts a subject with a rotated copy once, as the
    copy. Raises ValueError where there is no subject.
    """
    if reference.sequence != labeller.sequence:
        raise ValueError(
            f"cohort {labeller.cohort}: {labeller.name} labels {labeller.sequence}, its reference "
            f"{reference.name} {reference.sequence}; compare points of one sequence"
        )
    predicted, true = labeller.tables(), reference.tables()
    folders = subject_folders(images)
    tables, rows = [], []
    for subject in [name for name in predicted if name in true]:
        image = Cine.load(image_path(folders[subject], labeller.sequence))
        placed, truth = (read_points(side[subject], image) for side in (predicted, true))
        compare = evaluate_boxes if placed.shape[2] == CORNERS else evaluate_rings
        table, row = compare(placed, truth, image, subject)
        split = split_of(splits)(subject)
        table.insert(1, "split", split)
        tables.append(table)
        rows.append({"subject": subject, "split": split, **row})
    if not rows:
        raise ValueError(
            f"cohort {labeller.cohort}: no subject has points of both {labeller.name} and the "
            f"reference {reference.name}; take {labeller.name} out of `evaluate`"
        )
    per_image, per_subject = pd.concat(tables, ignore_index=True), pd.DataFrame(rows)
    found = summarise_points(upright_rows(per_image), upright_rows(per_subject))
    return PointEvaluation(per_image, per_subject, found)


def summarise_points(images: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Statistics of an evaluation of points, by split and over all splits together.

    images, subjects: tables of a `PointEvaluation`. Returns SUMMARY_COLUMNS, a row per split,
    level, measure and tissue, which is the part that the measure is of: "ring" or "box", "wall 0"
    to "wall 6", or of strain "basal", "mid", "apical" or "global". Strains at end-systole, of level
    "subject", are compared as volumes are: ecc_green_midwall_es_difference_percent is prediction -
    reference, in points.
    """
    rows = []
    for split in (*sorted(set(subjects["split"])), ALL):
        few = images if split == ALL else images[images["split"] == split]
        own = subjects if split == ALL else subjects[subjects["split"] == split]
        for level, table in (("image", few), ("subject", own)):
            key = {"split": split, "level": level}
            rows += [{**key, **row} for row in _measures(table, "iou" in subjects)]
        for name, *_ in STRAINS:
            for place in PLACES:
                compared = pair_rows(
                    own, f"{name}_es_{place}_percent", f"{name}_es", "_percent", place
                )
                rows += [{"split": split, "level": "subject", **row} for row in compared]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _measures(table: pd.DataFrame, of_boxes: bool) -> list[dict]:
    return [
        {
            **{"measure": measure, "tissue": BOX if of_boxes else part},
            **summary(table[column].to_numpy(float)),
        }
        for measure, column, part in MEASURES
        if column in table
    ]


def overall_point_scores(summary: pd.DataFrame) -> dict[str, float]:
    """Mean scores of subjects over all splits, from a summary, by measure and part."""
    rows = summary[(summary["split"] == ALL) & (summary["level"] == "subject")]
    keys = (f"{row.measure} {row.tissue}" for row in rows.itertuples())
    return dict(zip(keys, np.asarray(rows["mean"], float).tolist(), strict=True))
