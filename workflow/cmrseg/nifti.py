"""Import of a homogeneous NIfTI cohort: end-diastolic and end-systolic volumes of each subject."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import COLUMNS, NO_IMAGES, OTHER, UNREADABLE, without_folders
from cmrseg.files import write_table
from cmrseg.shards import IMAGE, SOURCES

logger = logging.getLogger(__name__)

# The two frames of the cine, in this order.
FRAMES = ("ED", "ES")


def read_frames(folder: Path, pattern: str) -> Cine:
    """The volumes of end-diastole and end-systole as a cine of two frames.

    pattern: file name with {frame}. Raises ValueError naming the file that is missing,
    unreadable, on another grid, or not finite.
    """
    cines = [Cine.load(folder / pattern.format(frame=frame)) for frame in FRAMES]
    first, second = cines
    same_grid = np.allclose(first.affine, second.affine, atol=1e-3)
    if first.voxels.shape != second.voxels.shape or not same_grid:
        raise ValueError(
            f"{folder}: {pattern.format(frame='ED')} {first.voxels.shape} and "
            f"{pattern.format(frame='ES')} {second.voxels.shape} must lie on one grid"
        )
    for frame, cine in zip(FRAMES, cines, strict=True):
        if not np.isfinite(cine.voxels).all():
            count = int((~np.isfinite(cine.voxels)).sum())
            raise ValueError(
                f"{folder / pattern.format(frame=frame)}: {count} voxels are not finite; repair "
                "the file"
            )
    return Cine(np.concatenate([cine.voxels for cine in cines]), first.affine)


def import_shard(rows: pd.DataFrame, raw: Path, images: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<images>/<subject>/sa.nii.gz`, a cine of two frames, for every subject.

    rows: subject and study. raw: folder with `<study>/sa_ED.nii.gz` and `sa_ES.nii.gz`.
    Returns the audit and the (here empty) headers; a subject that cannot be read is in the audit
    and has no folder.
    """
    audit = []
    for subject, study in rows[["subject", "study"]].itertuples(index=False):
        folder = raw / study
        if not folder.is_dir():
            audit.append((subject, *NO_IMAGES, "", f"no folder {folder.name}"))
            continue
        try:
            cine = read_frames(folder, "sa_{frame}.nii.gz")
        except ValueError as error:
            audit.append((subject, *UNREADABLE, "", without_folders(str(error), folder)))
            continue
        except Exception as error:
            # Whatever else happens is the subject's failure, by name, and not the shard's.
            logger.exception("subject %s left out", subject)
            detail = f"{type(error).__name__}: {without_folders(str(error), folder)}"
            audit.append((subject, *OTHER, "", detail))
            continue
        target = images / subject
        target.mkdir()
        cine.like(cine.voxels.astype(np.float32)).save(target / IMAGE)
        sources = [
            (z, t, f"sa_{frame}.nii.gz")
            for t, frame in enumerate(FRAMES)
            for z in range(cine.voxels.shape[1])
        ]
        write_table(pd.DataFrame(sources, columns=["z", "t", "file"]), target / SOURCES)
    headers = pd.DataFrame({"file": [], "dir": [], "pid": []}, dtype=str)
    return pd.DataFrame(audit, columns=COLUMNS), headers
