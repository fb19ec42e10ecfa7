"""Downloads that refer to the DICOM files of an upload: SEG, SR, contours for cvi42.

The files are deleted when they have been read; of each a header without pixels stays in memory.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from app.contents import Headers, Labelled
from app.measured import result, values_at
from app.session import Refused, Session
from cmrseg.export.own_pixels import OwnLabels, of_images
from cmrseg.export.source_images import read_sources
from cmrseg.measure.by_sequence import has_phases

NO_FILES = (
    "This needs images from DICOM files, whose headers it refers to; download the label maps "
    "(NIfTI) instead."
)


def kept_headers(folder: Path, table: pd.DataFrame | None) -> Headers | None:
    """The headers of the files that a cine was made of. table: of sources, None without DICOM."""
    if table is None:
        return None
    try:
        return Headers(table, read_sources(folder, table["file"].unique()))
    except ValueError as error:
        return Headers(table, None, str(error))


def dicom_files(session: Session, ed_frame: int, es_frame: int) -> dict[str, str | bytes]:
    """SEG and SR by their names. Raises Refused where there are none."""
    # Slow to load, and needed here alone.
    from cmrseg.export.dicom_cohort import dicom_objects
    from cmrseg.export.equipment import Author
    from cmrseg.export.own_images import Study

    headers, labelled, images = _own(session)
    measures = None
    if has_phases(labelled.sequence):
        frames = {"ed_frame": ed_frame, "es_frame": es_frame}
        measures = {**values_at(labelled, ed_frame, es_frame), **frames}
    study = Study(images, headers.sources, int(headers.table["copied"].astype(bool).sum()))
    try:
        made = dicom_objects(study, labelled.tissues, measures, Author(*drawn_by(labelled)))
    except ValueError as error:
        raise Refused(f"{error}.", 409) from error
    found: dict[str, str | bytes] = {}
    for ending, data in made.items():
        content = io.BytesIO()
        data.save_as(content, enforce_file_format=True)
        found[f"{labelled.sequence.key}{ending}"] = content.getvalue()
    return found


def cvi42_file(session: Session) -> bytes:
    """A workspace of cvi42 with the contours of all images. Raises Refused where there is none."""
    from cmrseg.contours.cvi42 import write_cvi42
    from cmrseg.export.workspace import workspace

    headers, labelled, images = _own(session)
    try:
        found = workspace(images, headers.sources, labelled.sequence.key)
    except ValueError as error:
        raise Refused(f"{error}.", 409) from error
    with tempfile.TemporaryDirectory(dir=session.folder) as folder:
        path = Path(folder) / "contours_cvi42.zip"
        write_cvi42(found.contours, path)
        return path.read_bytes()


def drawn_by(labelled: Labelled) -> tuple[str, str]:
    """Who drew the labels, and how: the model alone, or somebody who edited them, too."""
    if labelled.edited:
        return f"{labelled.model}, edited by hand", "SEMIAUTOMATIC"
    return labelled.model, "AUTOMATIC"


def _own(session: Session) -> tuple[Headers, Labelled, list[OwnLabels]]:
    """Labels on the pixels of the DICOM images, and the headers of these."""
    loaded, labelled = result(session)
    if loaded.headers is None:
        raise Refused(NO_FILES, 404)
    if loaded.headers.fault:
        raise Refused(f"{loaded.headers.fault}.", 409)
    labels = np.fromfile(session.folder / "labels.u8", np.uint8).reshape(loaded.shape)
    return loaded.headers, labelled, list(of_images(labels, loaded.headers.table))
