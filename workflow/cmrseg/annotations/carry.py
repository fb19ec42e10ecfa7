"""Manual labels (or those of a phantom) on the grid of the imported cine."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.annotations.doubts import frames_without_muscle, other_numbers
from cmrseg.annotations.drawn import cvi42, masks, qmass, text
from cmrseg.annotations.frames import frames
from cmrseg.annotations.landmarks import points, tagging
from cmrseg.annotations.myops import myops
from cmrseg.annotations.point_forms import POINT_FORMS
from cmrseg.annotations.sparse import hdf5
from cmrseg.annotations.subject import (
    NO_MUSCLE,
    NUMBERS,
    UNREADABLE,
    Subject,
    frames_in_words,
)
from cmrseg.annotations.volumes import pair, volumes
from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import Damaged
from cmrseg.dicom.audit import COLUMNS, Audit, without_folders
from cmrseg.labels import Tissue
from cmrseg.points import save_points
from cmrseg.sequences import SEQUENCES, image_path, points_path
from cmrseg.shards import folders_with
from cmrseg.splits import original

logger = logging.getLogger(__name__)

# Gives uint8 (t, z, y, x) on the grid of a subject's image; of POINT_FORMS (t, z, point, 2), places
# (y, x) in px, nan where unknown. None where the annotator did not label it. Problems go to the
# subject's audit, or raise a ValueError naming the file.
Carrier = Callable[[Subject], np.ndarray | None]

CARRIERS: dict[str, Carrier] = {
    "masks": masks,
    "qmass": qmass,
    "text": text,
    "cvi42": cvi42,
    "nifti": volumes,
    "frames": frames,
    "hdf5": hdf5,
    "myops": myops,
    "tagging": tagging,
    "points": points,
}


def carry_shard(
    rows: pd.DataFrame,
    annotator: str,
    settings: Mapping[str, Any],
    raw: Path,
    images: Path,
    labels: Path,
) -> pd.DataFrame:
    """Write `<labels>/<subject>/<sequence>.nii.gz` for every subject that the annotator labelled.

    Of POINT_FORMS it is `<sequence>.points.tsv.gz`.
    rows: subject table (subject, set, annotation). settings: form; folder of the annotator below
    raw; layout of the cohort; sequence that was labelled; numbers of the annotator's label files,
    number -> tissue, if they are not ours; first_pixel of contours, if it is not 0. images:
    imported images of the shard. The function of each form documents where its files are. Labels
    are uint8; unlabelled pixels are UNLABELLED. A rotated copy gets the rotated labels. Returns the
    audit, with the columns of that of the import; images are relative to the annotator's folder or,
    where they are DICOM files, to the study's. A subject with unreadable labels is excluded. Raises
    ValueError naming subject and file if no labels can be read at all, which points to an error in
    the study; damaged workspaces of cvi42 do not.
    """
    by_subject = rows.set_index("subject")
    audits, failed = [], []
    carried: list[str] = []
    missing: list[str] = []
    sequence = settings["sequence"]
    for subject, folder in folders_with([images], sequence).items():
        source = original(subject)
        item = Subject(
            by_subject.loc[source],
            raw / settings["folder"],
            images / source,
            Cine.load(image_path(images / source, sequence)),
            Audit(subject),
            SEQUENCES[sequence],
            settings.get("numbers", {}),
            settings.get("first_pixel", 0),
            raw,
        )
        try:
            found = _carried(item, settings)
        except (OSError, ValueError) as error:
            # A damaged workspace says nothing about the study; other errors may.
            if not isinstance(error, Damaged):
                failed.append(ValueError(f"subject {subject}: labels of {annotator}: {error}"))
            item.audit.add(UNREADABLE, "", without_folders(str(error), item.folder))
            found = None
        else:
            (missing if found is None else carried).append(subject)
        audits.append(_logged(item.audit))
        if found is None:
            continue
        (labels / subject).mkdir()
        image = Cine.load(image_path(folder, sequence))
        if settings["form"] in POINT_FORMS:
            found = found if subject == source else _turned(found, image)
            save_points(found, image, points_path(labels / subject, sequence))
            continue
        if subject != source:
            found = np.rot90(found, 1, axes=(-2, -1))
        image.like(found).save(image_path(labels / subject, sequence))
    if failed and not carried:
        raise failed[0]
    _summarise(annotator, len(audits), carried, missing)
    return pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS)


def _carried(subject: Subject, settings: Mapping[str, Any]) -> np.ndarray | None:
    carrier = pair if settings["layout"] == "ukbb" else CARRIERS[settings["form"]]
    carried = carrier(subject)
    if carried is None or settings["form"] in POINT_FORMS:
        return carried
    if Tissue.MYO not in subject.sequence.drawn:
        return carried
    if doubt := other_numbers(carried):
        subject.audit.add(NUMBERS, subject.annotation, doubt)
    if without := frames_without_muscle(carried):
        subject.audit.add(
            NO_MUSCLE,
            subject.annotation,
            f"{frames_in_words(without)}: a network would learn that there is no myocardium; if "
            "it was not drawn, save the pixels around the cavity as 255 (unlabelled)",
        )
    return carried


def _turned(points: np.ndarray, turned: Cine) -> np.ndarray:
    """Points (..., 2), (y, x), in the copy of their image that is turned by a right angle."""
    y, x = np.moveaxis(points, -1, 0)
    return np.stack([turned.voxels.shape[2] - 1 - x, y], axis=-1)


def _logged(audit: Audit) -> pd.DataFrame:
    for subject, problem, resolution, image, detail in audit.rows:
        logger.warning(
            "subject %s: %s%s: %s; %s",
            *(subject, f"{image}: " if image else "", problem, detail, resolution),
        )
    return audit.table()


def _summarise(annotator: str, total: int, carried: list[str], missing: list[str]) -> None:
    """One line for a shard; a warning if only some of its subjects are labelled."""
    text = f"labelled by {annotator}: {len(carried)} of {total} subjects"
    if missing:
        text += f"; no labels of {', '.join(missing)}"
    logger.log(logging.WARNING if missing and carried else logging.INFO, text)
