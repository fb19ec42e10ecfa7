"""From an upload to a cine in the session's folder."""

import re
import shutil
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from app.checks import NO_SPACING, spacing_fault
from app.samples import make_sample
from app.series import GONE, LISTED, offer, read_series, used, withdraw
from app.session import Loaded, Offer, Refused, Session
from cmrseg.apply import read_images
from cmrseg.cine import UNREADABLE, Cine
from cmrseg.fetch.unpack import unpack
from cmrseg.files import check_plain, replacing
from cmrseg.layouts.hdf5 import IMAGES
from cmrseg.layouts.inputs import HDF5_SUFFIXES, SUFFIXES
from cmrseg.layouts.plain_hdf5 import item, opened
from cmrseg.nifti_header import affine_mm, read_header

# File extensions accepted for upload.
UPLOADS = (".zip", *SUFFIXES, *HDF5_SUFFIXES)
UPLOADED = (
    f"a NIfTI ({', '.join(SUFFIXES)}) or HDF5 file ({', '.join(HDF5_SUFFIXES)}), or a .zip of "
    "DICOM files or of one such file"
)
# Spacing of an HDF5 file until the user enters it; the file itself has none.
UNKNOWN_MM = (1.0, 1.0, 1.0)
# Folders of an upload and of the content of a zip, which then has the zip's name.
RECEIVED, UNPACKED = "received", "unpacked"
# Needs about 9 GB of memory for segmentation. The largest real cines are a fifth of this size.
MOST_VOXELS = 150_000_000
# Percentiles of a cine that are shown black and white.
WINDOW = (1, 99.7)
# Names that archive programs add.
ADDED = ("__MACOSX", ".DS_Store", "Thumbs.db")


def upload_suffix(name: str) -> str:
    """The extension of an upload. Raises Refused naming the supported ones."""
    for suffix in UPLOADS:
        if name.lower().endswith(suffix):
            return suffix
    raise Refused(f"{safe_name(name)} is not a supported file type: choose {UPLOADED}.", 415)


def safe_name(name: str) -> str:
    """A file name that is safe to show, to use in other names and in tables."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", last).lstrip("_.-")[:80] or "upload"


def received(session: Session, name: str) -> Path:
    """Path of an uploaded file; it keeps its name as far as possible."""
    suffix, own = upload_suffix(name), stem(safe_name(name))
    folder = session.folder / RECEIVED
    folder.mkdir(exist_ok=True)
    return folder / f"{own}{suffix}"


def stem(name: str) -> str:
    for suffix in UPLOADS:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def load_upload(session: Session, path: Path, name: str, most_bytes: int) -> None:
    """Import an upload and delete it, even if it cannot be read.

    DICOM files of several series are kept to choose from. most_bytes: also the size limit of the
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
            images = images_in(folder)
        else:
            images = path
        if images.is_dir():
            _load_dicom(session, images, name)
        else:
            _load_file(session, images, name)
            withdraw(session)
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.rmtree(path.parent, ignore_errors=True)


def load_series(session: Session, offered: Offer, chosen: str) -> None:
    """Import series of the kept files. chosen: as `series` of `read_images`."""
    if session.offer is not offered:
        raise Refused(GONE, 409)
    session.doing = "Reading the images"
    _load_dicom(session, offered.folder, offered.name, chosen)


def _load_dicom(session: Session, folder: Path, name: str, chosen: str = "") -> None:
    """Import the short-axis cine of a folder of DICOM files, and keep these to choose from."""
    cine, audit, table = read_series(session, folder, name, stem(name), chosen)
    notes = _repairs(audit[~audit["problem"].isin(LISTED)])
    _keep(session, cine, name, None, notes, series=used(table))
    offer(session, folder, name, table)


def _load_file(session: Session, path: Path, name: str) -> None:
    """Import a NIfTI or an HDF5 file."""
    affine, given_mm = None, None
    if path.name.endswith(HDF5_SUFFIXES):
        _check_hdf5(path)
        given_mm = UNKNOWN_MM
    else:
        affine = _file_affine(path)
    found = read_images(path, stem(name), spacing_mm=given_mm)
    notes = _repairs(found.audit)
    _keep(session, found.cine, name, affine, notes, has_spacing=given_mm is None)


def load_sample(session: Session, name: str) -> None:
    """Make a sample of the digital heart and import it like an upload."""
    session.doing = "Simulating a scan of the digital heart"
    cine, truth = make_sample(name, session.progress)
    _keep(session, cine, f"digital_heart_{name}", None, [truth], is_sample=True)
    withdraw(session)


def images_in(folder: Path) -> Path:
    """The images of an unpacked zip: its one NIfTI or HDF5 file, or the folder of DICOM files."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in ADDED for part in path.parts)
    ]
    single = (*SUFFIXES, *HDF5_SUFFIXES)
    volumes = [f for f in files if f.name.lower().endswith(single) and not f.name.startswith("._")]
    if len(volumes) > 1:
        raise ValueError(
            f"the zip contains {len(volumes)} NIfTI or HDF5 files; include only the short-axis cine"
        )
    if not files:
        raise ValueError(
            "the zip contains no files; include the DICOM files, or one NIfTI or HDF5 file"
        )
    if not volumes:
        return folder
    # The name may be anything, and readers do not accept extensions in capitals.
    name = safe_name(volumes[0].name)
    return volumes[0].rename(volumes[0].with_name(f"{stem(name)}{upload_suffix(name)}"))


def _file_affine(path: Path) -> np.ndarray:
    """Affine of a NIfTI file in mm; checks its size before reading voxels."""
    check_plain(path)
    try:
        header = read_header(path)
        shape, affine = header.get_data_shape(), affine_mm(header)
    except UNREADABLE as error:
        raise ValueError(f"{path.name}: not a readable NIfTI ({error})") from error
    _check_voxels(shape)
    return affine


def _check_hdf5(path: Path) -> None:
    """Check the size of an HDF5 file's images before reading them."""
    with opened(path) as file:
        images = item(file, IMAGES)
        if isinstance(images, h5py.Dataset) and images.shape:
            _check_voxels(images.shape)


def _check_voxels(shape: tuple[int, ...]) -> None:
    voxels = np.prod(np.array(shape, float))
    if voxels > MOST_VOXELS:
        raise ValueError(
            f"{voxels / 1e6:.0f} million voxels are more than the {MOST_VOXELS / 1e6:.0f} million "
            "that the app supports; use the workflow (predict_all) on a larger machine"
        )


def _keep(
    session: Session,
    cine: Cine,
    name: str,
    file_affine: np.ndarray | None,
    notes: list[str],
    has_spacing: bool = True,
    is_sample: bool = False,
    series: str = "",
) -> None:
    _check_voxels(cine.voxels.shape)
    session.progress(1, 1)
    low, high = np.percentile(cine.voxels[:, :, ::2, ::2], WINDOW)
    shown = (cine.voxels.astype(np.float32) - low) * (255 / max(high - low, 1e-6))
    shown = np.clip(shown, 0, 255).astype(np.uint8)
    # The previous images stay until the new ones are completely written.
    with replacing(session.folder / "cine.npy") as voxels:
        with open(voxels, "wb") as file:
            np.save(file, cine.voxels, allow_pickle=False)
        with replacing(session.folder / "image.u8") as picture:
            shown.tofile(picture)
    session.labelled = None
    (session.folder / "labels.u8").unlink(missing_ok=True)
    session.loaded = Loaded(
        number=session.next_number(),
        name=name,
        shape=cine.voxels.shape,
        affine=cine.affine,
        file_affine=file_affine,
        spacing_mm=cine.spacing_mm,
        spacing_fault=spacing_fault(cine.spacing_mm) if has_spacing else NO_SPACING,
        interval_s=cine.frame_interval_s,
        notes=notes,
        is_sample=is_sample,
        series=series,
    )


def _repairs(audit: pd.DataFrame) -> list[str]:
    """Rows of an audit as text; identical rows are counted."""
    counts = Counter(zip(audit["problem"], audit["resolution"], strict=True))
    return [
        f"{problem[:1].upper()}{problem[1:]}: {resolution}" + (f" ({n} times)" if n > 1 else "")
        for (problem, resolution), n in counts.items()
    ]
