"""What the page offers as downloads: label maps, images, contours, tables, files of others."""

import gzip
import io
import math
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from app.contents import Labelled, Loaded
from app.dicom import cvi42_file, dicom_files
from app.edits import SHOWN
from app.folders import bids_files, bundle_files
from app.kept import voxels_path
from app.measured import frames_csv, measures_csv, result
from app.report import report_pdf
from app.session import Refused, Session
from app.uploads import stem
from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.contours.raster import contours_of, outline, to_world
from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.layouts.nifti import turned_back
from cmrseg.measure.by_sequence import has_phases
from cmrseg.orientation import turn_between

EDITS = "edited.csv"
# The free text of a NIfTI-1 header.
DESCRIP = slice(148, 228)
# Columns of a contour's point.
POINT = ("x_px", "y_px", "x_mm", "y_mm", "z_mm")


def label_map(session: Session) -> Cine:
    """Label maps on the grid of the uploaded file; of DICOM files, on that of the import."""
    loaded, labelled = result(session)
    with session.editing:
        labels = np.fromfile(session.folder / SHOWN, np.uint8).reshape(loaded.shape)
    return _as_uploaded(loaded, Cine(labels, labelled.affine, labelled.interval_s))


def image(session: Session) -> Cine:
    """The cine on whose grid the labels are."""
    loaded, labelled = result(session)
    voxels = np.load(voxels_path(session), allow_pickle=False)
    return _as_uploaded(loaded, Cine(voxels, labelled.affine, labelled.interval_s))


def _as_uploaded(loaded: Loaded, cine: Cine) -> Cine:
    return cine if loaded.file_affine is None else turned_back(cine, loaded.file_affine)


def contours_zip(session: Session) -> bytes:
    """Contours on the grid of `label_map`: a table of points, and of a short axis a file for QMass.

    contours.csv: contour, slice and frame (from 1), x and y in pixels (from 0, whole numbers are
    centres), and the place in RAS mm; of other sequences the largest piece of each tissue.
    edited: whether somebody changed the labels of the slice. edited.csv lists them.
    contours.con: endocardium and epicardium; it counts from 0. Raises Refused for still images,
    whose scars have any number of pieces, and where the slices of the uploaded file are not along
    its third axis.
    """
    loaded, labelled = result(session)
    if not labelled.sequence.is_cine:
        raise Refused("There are contours of cines only; download the labels.", 404)
    if loaded.file_affine is not None:
        turn = turn_between(loaded.file_affine, labelled.affine)
        if not turn[2, 2]:
            raise Refused(
                "The slices of this file do not run along its third axis, so contours cannot be "
                "written in its pixels. Download the label maps, or reorder the file's axes to x, "
                "y, slices.",
                409,
            )
    cine = label_map(session)
    pages = _slices_in_file(loaded, labelled)
    frames, slices = cine.voxels.shape[:2]
    points: dict[tuple[int, int, ContourType], np.ndarray] = {}
    parts = []
    for t, z in np.ndindex(frames, slices):
        labels = cine.voxels[t, z]
        if has_phases(labelled.sequence):
            outlines = contours_of(labels)
            points |= {(z, t, kind): xy for kind, xy in outlines.items()}
            found = {kind.name.lower(): xy for kind, xy in outlines.items()}
            if (labels == Tissue.RV).any():
                found["rv"] = outline(labels == Tissue.RV)
        else:
            found = _outlines(labels, labelled.tissues)
        for name, xy in found.items():
            place = to_world(xy, z, cine.affine)
            table = pd.DataFrame(np.column_stack([xy, place]), columns=list(POINT))
            table["edited"] = "yes" if (t, pages[z]) in labelled.edited else "no"
            table.insert(0, "frame", t + 1)
            table.insert(0, "slice", z + 1)
            table.insert(0, "contour", name)
            parts.append(table)
    if not parts:
        raise Refused("Nothing is segmented, so there are no contours.", 409)
    text = pd.concat(parts).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    files: dict[str, str | bytes] = {"contours.csv": text}
    if has_phases(labelled.sequence):
        rows, columns = cine.voxels.shape[2:]
        with tempfile.TemporaryDirectory(dir=session.folder) as folder:
            path = Path(folder) / "contours.con"
            write_con(Contours(stem(loaded.name), (rows, columns), points), path)
            files["contours.con"] = path.read_bytes()
    if labelled.edited:
        files[EDITS] = edited_csv(session)
    return packed(files)


def edited_slices(session: Session) -> pd.DataFrame:
    """Slices that were edited by hand: frame and slice as on the page, and that of the file.

    All from 1; slice_in_file is along the third axis of the label map, empty where slices run
    along another one.
    """
    loaded, labelled = result(session)
    places = {page: place for place, page in enumerate(_slices_in_file(loaded, labelled), start=1)}
    rows = [(t + 1, z + 1, places.get(z, "")) for t, z in sorted(labelled.edited)]
    return pd.DataFrame(rows, columns=["frame", "slice", "slice_in_file"])


def edited_csv(session: Session) -> str:
    return edited_slices(session).to_csv(index=False, lineterminator="\n")


def _slices_in_file(loaded: Loaded, labelled: Labelled) -> list[int]:
    """The page's number, from 0, of each slice along the third axis of the label map."""
    slices, rows, columns = loaded.shape[1:]
    numbers = np.broadcast_to(np.arange(slices)[None, :, None, None], (1, slices, rows, columns))
    cine = _as_uploaded(loaded, Cine(numbers.astype(np.int16), labelled.affine))
    along = cine.voxels[0, :, 0, 0]
    is_third = len(along) == slices and (cine.voxels[0] == along[:, None, None]).all()
    return [int(number) for number in along] if is_third else []


def labels_file(session: Session) -> bytes:
    """The label map (.nii.gz); its header says that slices were edited by hand, if any were."""
    loaded, labelled = result(session)
    content = _saved(label_map(session), session.folder)
    if not labelled.edited:
        return content
    count, all_slices = len(labelled.edited), math.prod(loaded.shape[:2])
    note = f"{count} of {all_slices} slices edited by hand; the page's table lists them"
    header = bytearray(gzip.decompress(content))
    header[DESCRIP] = note.encode().ljust(DESCRIP.stop - DESCRIP.start, b"\0")
    return gzip.compress(bytes(header), 1, mtime=0)


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A zip file whose bytes depend on its content alone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _outlines(labels: np.ndarray, tissues: tuple[Tissue, ...]) -> dict[str, np.ndarray]:
    return {
        SHORT_NAMES[tissue]: outline(labels == tissue)
        for tissue in tissues
        if (labels == tissue).any()
    }


def download(session: Session, what: str, ed_frame: int, es_frame: int) -> tuple[str, bytes]:
    """Name and content of a download. Raises Refused for one that does not exist."""
    name = stem(result(session)[0].name)
    if what == "labels":
        return f"{name}_labels.nii.gz", labels_file(session)
    if what == "edited":
        return f"{name}_edited.csv", edited_csv(session).encode()
    if what == "image":
        return f"{name}_image.nii.gz", _saved(image(session), session.folder)
    if what == "contours":
        return f"{name}_contours.zip", contours_zip(session)
    if what == "dicom":
        return f"{name}_dicom.zip", packed(dicom_files(session, ed_frame, es_frame))
    if what == "cvi42":
        return f"{name}_cvi42.zip", cvi42_file(session)
    if what == "bids":
        edited = edited_slices(session)
        files = bids_files(session, labels_file(session), edited, ed_frame, es_frame)
        return f"{name}_bids.zip", packed(files)
    if what == "monai":
        bundle, files = bundle_files(session)
        return f"{bundle}.zip", packed(files)
    if what == "frames":
        return f"{name}_frames.csv", frames_csv(session).encode()
    if what == "report":
        return f"{name}_report.pdf", report_pdf(session, ed_frame, es_frame)
    if what == "measures":
        text = measures_csv(session, ed_frame, es_frame)
        # Spreadsheet programs need this mark to recognise UTF-8; without it µ is shown wrongly.
        return f"{name}_measures.csv", b"\xef\xbb\xbf" + text.encode()
    raise Refused("This download does not exist.", 404)


def _saved(cine: Cine, folder: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "saved.nii.gz"
        cine.save(path)
        return path.read_bytes()
