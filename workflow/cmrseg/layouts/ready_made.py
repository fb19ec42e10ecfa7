"""Import of a shard whose images are no DICOM: a cine per subject, or why there is none."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine, check_grid
from cmrseg.dicom.audit import COLUMNS, OTHER, UNREADABLE, Audit, SubjectError, without_folders
from cmrseg.files import write_table
from cmrseg.sequences import USUAL, image_path
from cmrseg.shards import SOURCES

logger = logging.getLogger(__name__)

# Takes the raw folder, the study and its audit; gives the cine and its sources (z, t, file).
# Raises SubjectError or ValueError where the study cannot be imported.
Reader = Callable[[Path, str, Audit], tuple[Cine, pd.DataFrame]]


def import_studies(
    rows: pd.DataFrame, raw: Path, images: Path, read: Reader
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<images>/<subject>/{sa.nii.gz,sources.tsv}` for every subject that can be read.

    rows: subject and study. Images are float32. Returns the audit and the (here empty) headers; a
    subject that cannot be read is in the audit with the reason, and has no folder.
    """
    audits = []
    for subject, study in rows[["subject", "study"]].itertuples(index=False):
        audit = Audit(subject)
        try:
            cine, sources = read(raw, study, audit)
            cine = single(cine)
        except SubjectError as error:
            audit.add(error.kind, error.image, error.detail)
        except ValueError as error:
            audit.add(UNREADABLE, "", _shortened(error, raw, study))
        except Exception as error:
            # Whatever else happens is the subject's failure, by name, and not the shard's.
            logger.exception("subject %s left out", subject)
            audit.add(OTHER, "", f"{type(error).__name__}: {_shortened(error, raw, study)}")
        else:
            target = images / subject
            target.mkdir()
            cine.save(image_path(target, USUAL))
            write_table(sources, target / SOURCES)
        audits.append(audit.table())
    headers = pd.DataFrame({"file": [], "dir": [], "pid": []}, dtype=str)
    joined = pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS)
    return joined, headers


def single(cine: Cine) -> Cine:
    """The cine as float32. Raises ValueError for what a file of it could not hold."""
    check_grid(cine)
    with np.errstate(over="ignore"):
        voxels = cine.voxels.astype(np.float32)
    if not np.isfinite(voxels).all():
        raise ValueError(
            f"grey values up to {abs(cine.voxels).max():g} are too large for single precision; "
            "repair the slope in the header"
        )
    return cine.like(voxels)


def _shortened(error: Exception, raw: Path, study: str) -> str:
    """An error's text with names below the study's folder, or below that of the raw data."""
    return without_folders(without_folders(str(error), raw / study), raw)
