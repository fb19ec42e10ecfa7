"""Stacks as acquired and as imported, read from the study's folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.layout import folder_files, kaggle_files
from cmrseg.dicom.reading import read_file
from cmrseg.dicom.study import study_folder
from cmrseg.dicom.zipped import place_of
from cmrseg.figures.cleaning import Stack
from cmrseg.files import read_table
from cmrseg.sequences import USUAL, image_path, sources_path
from cmrseg.vectors import dot, unit

# NIfTI's directions in DICOM's.
LPS = np.array([-1, -1, 1])
# Resolutions after which the stack looks different, or its pictures.
ALONG = ("slice removed", "previous slice copied")
IN_PLANE = ("rotation", "rotated", "shifted", "scaling/padding/cropping")


def most_repaired(audit: pd.DataFrame, subjects: Sequence[str]) -> list[str]:
    """The subjects with most kinds of repairs along the stack, and in the plane of its pictures.

    audit: that of the cohort. subjects: the imported subjects. Two different subjects, or one if
    there is no other with repairs; the first subject if nothing was repaired in any.
    """
    chosen: list[str] = []
    for resolutions in (ALONG, IN_PLANE):
        there = audit["subject"].isin(subjects) & ~audit["subject"].isin(chosen)
        shown = audit[there & audit["resolution"].isin(resolutions)]
        kinds = shown.groupby("subject")["problem"].nunique()
        chosen += sorted(kinds.index, key=lambda name: (-kinds[name], name))[:1]
    return chosen or sorted(subjects)[:1]


def read_stack(row, raw: Path, settings: Mapping[str, str], image: Path) -> Stack:
    """A subject's slices as acquired, first frame each, and the cine made from them.

    row: of the subject table. raw: raw files of its shard. settings: layout and mode. image: the
    subject's folder of imported images. Files that the import ignored are not slices.
    """
    cine = Cine.load(image_path(image, USUAL))
    folder = study_folder(row, raw, settings)
    across = unit(cine.affine[:3, 2]) * LPS
    origin = cine.affine[:3, 3] * LPS
    before, spacing_mm, names, seen = [], [], [], set()
    lenient = settings["mode"] == "corrected"
    if settings["layout"] == "kaggle":
        listed = kaggle_files(folder, row.series)
    else:
        listed = folder_files(folder, row.series, lenient)
    for name in (name for names in listed.values() for name in names):
        try:
            frames = read_file(place_of(folder, name), name, lenient)
        except (NotDicomError, SubjectError):
            continue
        for frame in frames:
            position_mm = round(float(dot(frame.position_mm - origin, across)), 2)
            if (frame.folder, position_mm) not in seen:
                seen.add((frame.folder, position_mm))
                before.append((position_mm, frame.pixels))
                spacing_mm.append(frame.spacing_mm[0])
                names.append(frame.name)
    sources = read_table(sources_path(image, USUAL))
    shown = shown_slice(sources, names, len(cine.voxels[0]))
    return Stack(row.subject, before, spacing_mm, cine.voxels, cine.spacing_mm, *shown)


def shown_slice(
    sources: pd.DataFrame, names: Sequence[str], slices: int
) -> tuple[tuple[int, int] | None, str]:
    """The slice nearest to the middle whose picture cleaning changed, or else the nearest one.

    sources: table of the cine. names: files of the slices as acquired. slices: of the cine.
    Returns its numbers among `names` and in the cine, and how it was changed in words; (None, "")
    if no slice of the cine is made of one of these files.
    """
    first = sources[(sources["t"] == 0) & sources["file"].isin(names)]
    if first.empty:
        return None, ""
    words = [", ".join(_changes(row)) for row in first.to_dict("records")]
    far = (first["z"] - slices // 2).abs()
    order = sorted(range(len(first)), key=lambda n: (not words[n], far.iloc[n]))
    found = first.iloc[order[0]]
    return (list(names).index(found["file"]), int(found["z"])), words[order[0]]


def _changes(row: Mapping[str, Any]) -> list[str]:
    """What was done to a slice, in words, by its row of sources."""
    turned = row["rotation_deg"] + 90 * row["quarter_turns"]
    changes = {
        "mirrored": row["mirrored"],
        "resampled": (row["scale_y"], row["scale_x"]) != (1, 1),
        f"rotated by {abs(turned):.3g}°": turned % 360 != 0,
        "shifted": (row["shift_y"], row["shift_x"]) != (0, 0),
    }
    return [words for words, there in changes.items() if there]
