"""From an upload to a cine in the session's folder."""

import shutil
from pathlib import Path

import h5py
import numpy as np

from app.contents import Offer
from app.dicom import kept_headers
from app.kept import check_voxels, keep, repairs
from app.samples import MOUSE_SAMPLE, make_sample
from app.series import GONE, LISTED, offer, read_series, used, withdraw
from app.session import Refused, Session
from app.uploads import images_in, safe_name, stem, upload_suffix
from cmrseg.apply import other_kind, read_images
from cmrseg.cine import UNREADABLE, Cine
from cmrseg.dicom.audit import Audit
from cmrseg.fetch.unpack import unpack
from cmrseg.files import check_plain
from cmrseg.layouts.hdf5 import IMAGES
from cmrseg.layouts.inputs import HDF5_SUFFIXES, TAGGED, check_one_case, sequence_named
from cmrseg.layouts.matched import RESAMPLED, matched
from cmrseg.layouts.nifti import read_cine
from cmrseg.layouts.plain_hdf5 import item, opened
from cmrseg.layouts.tagging import IMAGES as TAGGED_IMAGES
from cmrseg.nifti_header import affine_mm, is_placed, read_header
from cmrseg.sequences import SEQUENCES, USUAL, labelled_sequence

# Spacing of an HDF5 file until the user enters it; the file itself has none.
UNKNOWN_MM = (1.0, 1.0, 1.0)
# Of a sequence on another grid than the first one.
MOVED = (
    "{file} lies on another grid than {first} and was resampled by its place in the patient, not "
    "registered: {detail}"
)
USUAL_GRID = (
    "The file does not say the slice distance and the time between frames: usual ones are shown; "
    "strain depends on neither."
)
# Folders of an upload and of the content of a zip, which then has the zip's name.
RECEIVED, UNPACKED = "received", "unpacked"


def received(session: Session, name: str) -> Path:
    """Path of an uploaded file; it keeps its name as far as possible."""
    suffix, own = upload_suffix(name), stem(safe_name(name))
    folder = session.folder / RECEIVED
    folder.mkdir(exist_ok=True)
    return folder / f"{own}{suffix}"


def load_upload(
    session: Session, path: Path, name: str, most_bytes: int, wanted: str = USUAL
) -> None:
    """Import an upload and delete it, even if it cannot be read.

    DICOM files of several series are kept to choose from. wanted: the sequences of the model that
    is chosen on the page. most_bytes: also the size limit of the
    unpacked zip, as DICOM files are read into memory. Raises ValueError, Refused or SubjectError
    saying what is wrong with it.
    """
    folder = session.folder / UNPACKED / stem(path.name)
    try:
        session.doing = "Reading the images"
        if path.name.endswith(".zip"):
            session.doing = "Unpacking and reading the images"
            unpack(path, folder, most_bytes)
            path.unlink()
            images = images_in(folder, wanted)
        else:
            images = [path]
        if len(images) > 1:
            _load_sequences(session, images, name)
            withdraw(session)
        elif images[0].is_dir():
            _load_dicom(session, images[0], name, sequence=TAGGED if wanted == TAGGED else USUAL)
        else:
            _load_file(session, images[0], name, wanted)
            withdraw(session)
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.rmtree(path.parent, ignore_errors=True)


def load_series(session: Session, offered: Offer, chosen: str) -> None:
    """Import series of the kept files. chosen: as `series` of `read_images`."""
    if session.offer is not offered:
        raise Refused(GONE, 409)
    session.doing = "Reading the images"
    _load_dicom(session, offered.folder, offered.name, chosen, offered.sequence)


def _load_dicom(
    session: Session, folder: Path, name: str, chosen: str = "", sequence: str = USUAL
) -> None:
    """Import the cine of a folder of DICOM files, and keep these to choose from.

    sequence: the short axis, or tagged cines.
    """
    found, table = read_series(session, folder, name, stem(name), chosen, sequence)
    notes = repairs(found.audit[~found.audit["problem"].isin(LISTED)])
    keep(
        session,
        [found.cine],
        name,
        None,
        notes,
        series=used(table),
        sequences=(sequence,),
        headers=kept_headers(folder, found.sources),
    )
    offer(session, folder, name, table, sequence)


def _load_file(session: Session, path: Path, name: str, wanted: str) -> None:
    """Import a NIfTI or an HDF5 file."""
    if path.name.endswith(HDF5_SUFFIXES) and wanted == TAGGED:
        _check_hdf5(path, TAGGED_IMAGES)
        found = read_images(path, stem(name), sequence=wanted)
        notes = [*repairs(found.audit), USUAL_GRID]
        keep(session, [found.cine], name, None, notes, sequences=(wanted,), placed=False)
        return
    if path.name.endswith(HDF5_SUFFIXES):
        _check_hdf5(path, IMAGES)
        found = read_images(path, stem(name), spacing_mm=UNKNOWN_MM)
        notes = repairs(found.audit)
        keep(session, [found.cine], name, None, notes, has_spacing=False, placed=False)
        return
    affine = _file_affine(path)
    # Whoever needs several has none of them in a lone file, and is told so with the model.
    sequence = labelled_sequence(wanted).key
    found = read_images(path, stem(name), sequence=sequence)
    notes, placed = repairs(found.audit), is_placed(read_header(path))
    keep(session, [found.cine], name, affine, notes, sequences=(sequence,), placed=placed)


def _load_sequences(session: Session, paths: list[Path], name: str) -> None:
    """Import NIfTI files of several sequences, named after them, on the grid of the first one."""
    check_one_case(name, [path.name for path in paths])
    found: dict[str, Cine] = {}
    affines, audit = [], Audit(stem(name))
    for path in paths:
        affines.append(_file_affine(path))
        key = sequence_named(path.name)
        assert key is not None  # as images_in chose them
        sequence = SEQUENCES[key]
        cine = read_cine(path, audit, sequence)
        if fault := other_kind(cine.voxels.shape, sequence):
            raise ValueError(f"{path.name}: {fault}")
        found[key] = cine
    (_, first), *_ = found.items()
    files = zip(found.values(), paths, strict=True)
    cines = [matched(cine, path, first, paths[0], audit) for cine, path in files]
    rows = audit.table()
    on_others = rows["problem"] == RESAMPLED[0]
    notes = repairs(rows[~on_others]) + [
        MOVED.format(file=row.image, first=paths[0].name, detail=row.detail)
        for row in rows[on_others].itertuples()
    ]
    keys, placed = tuple(found), is_placed(read_header(paths[0]))
    keep(session, cines, name, affines[0], notes, sequences=keys, placed=placed)


def load_sample(session: Session, name: str) -> None:
    """Make a sample of the digital heart and import it like an upload."""
    session.doing = "Simulating a scan of the digital heart"
    cine, truth = make_sample(name, session.progress)
    placed = name != MOUSE_SAMPLE
    sample = f"digital_heart_{name}"
    keep(session, [cine], sample, None, [truth], is_sample=True, placed=placed)
    withdraw(session)


def _file_affine(path: Path) -> np.ndarray:
    """Affine of a NIfTI file in mm; checks its size before reading voxels."""
    check_plain(path)
    try:
        header = read_header(path)
        shape, affine = header.get_data_shape(), affine_mm(header)
    except UNREADABLE as error:
        raise ValueError(f"{path.name}: not a readable NIfTI ({error})") from error
    check_voxels(shape)
    return affine


def _check_hdf5(path: Path, dataset: str) -> None:
    """Check the size of an HDF5 file's images before reading them."""
    with opened(path) as file:
        images = item(file, dataset)
        if isinstance(images, h5py.Dataset) and images.shape:
            check_voxels(images.shape)
