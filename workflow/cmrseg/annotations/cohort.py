"""An annotator's labels in a whole cohort: one audit, and labels without a subject."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.annotations.subject import NO_LABELS, NO_SUBJECT
from cmrseg.contours.workspaces import ENDINGS
from cmrseg.dicom.audit import Audit
from cmrseg.files import read_table
from cmrseg.layouts.inputs import SUFFIXES
from cmrseg.sequences import USUAL
from cmrseg.shards import folders_with, subject_folders

logger = logging.getLogger(__name__)

# Names listed in a log line; the table has all.
MOST_NAMES = 10
# Annotations lie among the images there, so other files are images.
AMONG_IMAGES = ("ukbb", "hdf5", "myops", "tagging")
VOLUME = re.compile(r"(?P<name>.+?)(_frame\d+)?(" + "|".join(map(re.escape, SUFFIXES)) + ")")


def collect_audit(
    rows: pd.DataFrame,
    annotator: str,
    settings: Mapping[str, Any],
    raws: Iterable[Path],
    audits: Iterable[str | Path],
    images: Iterable[str | Path],
    labels: Iterable[str | Path],
) -> pd.DataFrame:
    """The audits of an annotator's shards, joined, with what concerns the cohort at the end.

    rows: set and annotation of the whole cohort. settings: as of `carry_shard`. raws: raw
    data with the annotator's folder. audits, images, labels: of all shards. A file of the
    annotator's folder that has the name of no subject's annotation has a row, and imported
    subjects without labels have one together. Both are warnings.
    """
    joined = [read_table(path) for path in audits]
    imported = folders_with(images, settings["sequence"])
    labelled = subject_folders(labels)
    whole = Audit("")
    foreign = [name for raw in raws for name in of_no_subject(rows, settings, raw)]
    for name in foreign:
        whole.add(NO_SUBJECT, name, "no subject has an annotation of this name")
    missing = [subject for subject in imported if subject not in labelled]
    count = f"labelled by {annotator}: {len(labelled)} of {len(imported)} subjects"
    if missing:
        detail = f"{len(missing)} of {len(imported)}: {', '.join(missing)}"
        whole.add(NO_LABELS, "", detail)
        count += f"; not labelled: {_some(missing)}"
    if foreign:
        count += (
            f"; without subject: {_some(foreign)}; compare the names with the column annotation"
        )
    logger.log(logging.WARNING if missing or foreign else logging.INFO, count)
    return pd.concat([*joined, whole.table()], ignore_index=True)


def of_no_subject(rows: pd.DataFrame, settings: Mapping[str, Any], raw: Path) -> list[str]:
    """Files and folders next to the annotations of a cohort that match none of them.

    Relative to the annotator's folder. Only what could be an annotation by its kind counts.
    """
    form, folder = settings["form"], raw / settings["folder"]
    if settings["layout"] in AMONG_IMAGES and form != "points":
        return []
    places = [
        Path(row.set, row.set, row.annotation) if form == "masks" else Path(row.annotation)
        for row in rows.itertuples(index=False)
    ]
    expected = {part for place in places for part in (place, *place.parents)}
    found = []
    for parent in sorted({place.parent for place in places}):
        entries = sorted((folder / parent).iterdir()) if (folder / parent).is_dir() else []
        for entry in entries:
            name = None if entry.name.startswith(".") else _annotation(entry, settings)
            if name is not None and parent / name not in expected:
                found.append((parent / entry.name).as_posix())
    return found


def _annotation(entry: Path, settings: Mapping[str, Any]) -> str | None:
    """The annotation that a file or folder belongs to by its name; None for other kinds."""
    form = settings["form"]
    if form == "qmass":
        return entry.name.removesuffix(".con") if entry.suffix == ".con" else None
    if form == "cvi42":
        endings = [ending for ending in ENDINGS if entry.name.endswith(ending)]
        return entry.name.removesuffix(endings[0]) if endings else None
    if form == "nifti" and settings["sequence"] != USUAL:
        return entry.name if entry.is_dir() else None
    if form == "nifti":
        match = VOLUME.fullmatch(entry.name)
        return match["name"] if match else None
    return entry.name if entry.is_dir() else None


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
