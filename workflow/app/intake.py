"""From an upload to a cine in the session's folder."""

import re
import shutil
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from app.checks import NO_SPACING, spacing_fault
from app.samples import MOUSE_SAMPLE, make_sample
from app.series import GONE, LISTED, offer, read_series, used, withdraw
from app.session import Loaded, Offer, Refused, Session
from cmrseg.apply import other_kind, read_images
from cmrseg.cine import UNREADABLE, Cine
from cmrseg.dicom.audit import Audit
from cmrseg.fetch.unpack import unpack
from cmrseg.files import check_plain, replacing
from cmrseg.layouts.hdf5 import IMAGES
from cmrseg.layouts.inputs import HDF5_SUFFIXES, SUFFIXES, check_one_case, sequence_named
from cmrseg.layouts.nifti import read_cine
from cmrseg.layouts.plain_hdf5 import item, opened
from cmrseg.nifti_header import affine_mm, is_placed, read_header
from cmrseg.orientation import same_grid
from cmrseg.sequences import SEQUENCES, USUAL, Sequence, channels_of, labelled_sequence

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
# Sequences that may lie on one grid, so that a zip may hold several.
STILLS = tuple(key for key, sequence in SEQUENCES.items() if not sequence.is_cine)
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
            _load_dicom(session, images[0], name)
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
    _load_dicom(session, offered.folder, offered.name, chosen)


def _load_dicom(session: Session, folder: Path, name: str, chosen: str = "") -> None:
    """Import the short-axis cine of a folder of DICOM files, and keep these to choose from."""
    cine, audit, table = read_series(session, folder, name, stem(name), chosen)
    notes = repairs(audit[~audit["problem"].isin(LISTED)])
    keep(session, [cine], name, None, notes, series=used(table))
    offer(session, folder, name, table)


def _load_file(session: Session, path: Path, name: str, wanted: str) -> None:
    """Import a NIfTI or an HDF5 file."""
    if path.name.endswith(HDF5_SUFFIXES):
        _check_hdf5(path)
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
    """Import NIfTI files of several sequences, named after them, on one grid."""
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
    (first, cine), *others = found.items()
    for key, other in others:
        if not same_grid(other, cine):
            sizes = ["x".join(map(str, one.voxels.shape[:0:-1])) for one in (other, cine)]
            raise ValueError(
                f"{SEQUENCES[key].name} ({key}, {sizes[0]} voxels) lie on another grid than "
                f"{SEQUENCES[first].name} ({first}, {sizes[1]} voxels); register and resample them "
                "to one grid first"
            )
    notes, placed = repairs(audit.table()), is_placed(read_header(paths[0]))
    keys = tuple(found)
    keep(session, list(found.values()), name, affines[0], notes, sequences=keys, placed=placed)


def load_sample(session: Session, name: str) -> None:
    """Make a sample of the digital heart and import it like an upload."""
    session.doing = "Simulating a scan of the digital heart"
    cine, truth = make_sample(name, session.progress)
    placed = name != MOUSE_SAMPLE
    sample = f"digital_heart_{name}"
    keep(session, [cine], sample, None, [truth], is_sample=True, placed=placed)
    withdraw(session)


def images_in(folder: Path, wanted: str = USUAL) -> list[Path]:
    """The images of an unpacked zip: its one NIfTI or HDF5 file, or the folder of DICOM files.

    wanted: the sequences of the model that is chosen. Of several NIfTI files, those that are named
    after these, or after still images that may lie on one grid.
    """
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in ADDED for part in path.parts)
    ]
    single = (*SUFFIXES, *HDF5_SUFFIXES)
    volumes = [f for f in files if f.name.lower().endswith(single) and not f.name.startswith("._")]
    if len(volumes) > 1:
        return _named(volumes, channels_of(wanted))
    if not files:
        raise ValueError(
            "the zip contains no files; include the DICOM files, or one NIfTI or HDF5 file"
        )
    if not volumes:
        return [folder]
    # The name may be anything, and readers do not accept extensions in capitals.
    name = safe_name(volumes[0].name)
    return [volumes[0].rename(volumes[0].with_name(f"{stem(name)}{upload_suffix(name)}"))]


def _named(volumes: list[Path], wanted: tuple[Sequence, ...]) -> list[Path]:
    """Those of several files that are named after sequences, in the order of the model's.

    Raises ValueError where the names do not tell which files count.
    """
    called: dict[str, list[Path]] = {}
    for path in volumes:
        # Readers do not accept extensions in capitals.
        name = safe_name(path.name)
        path = path.rename(path.with_name(f"{stem(name)}{upload_suffix(name)}"))
        called.setdefault(sequence_named(path.name) or "", []).append(path)
    keys = [sequence.key for sequence in wanted]
    if len(keys) == 1 and len(called.get(keys[0], [])) == 1:
        return called[keys[0]]
    stills = [key for key in (*keys, *STILLS) if key in called and key in STILLS]
    stills = list(dict.fromkeys(stills))
    if len(stills) > 1 or (len(keys) > 1 and stills):
        for key in stills:
            if len(called[key]) > 1:
                first, second = (path.name for path in called[key][:2])
                raise ValueError(
                    f"{first} and {second} are both {SEQUENCES[key].name} ({key}); include one"
                )
        return [called[key][0] for key in stills]
    if keys == [USUAL]:
        which = "the short-axis cine"
    elif len(keys) == 1:
        which = f"the {wanted[0].name} ({keys[0]})"
    else:
        which = f"one file for each sequence, named {example_names(wanted)}"
    raise ValueError(f"the zip contains {len(volumes)} NIfTI or HDF5 files; include only {which}")


def example_names(channels: tuple[Sequence, ...] | list[Sequence]) -> str:
    """Names that the files of some sequences may have, in words."""
    return ", ".join(f"case_{channel.key.upper()}.nii.gz" for channel in channels)


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


def voxels_path(session: Session, loaded: Loaded | None = None, key: str = "") -> Path:
    """The voxels of one of a session's images; of the first one unless another is named."""
    is_first = loaded is None or key in ("", loaded.sequences[0])
    return session.folder / ("cine.npy" if is_first else f"cine_{key}.npy")


def keep(
    session: Session,
    cines: list[Cine],
    name: str,
    file_affine: np.ndarray | None,
    notes: list[str],
    has_spacing: bool = True,
    is_sample: bool = False,
    series: str = "",
    sequences: tuple[str, ...] = (USUAL,),
    placed: bool = True,
) -> None:
    """Take images on one grid into a session. Arguments as those of `Loaded`."""
    _check_voxels((len(cines), *cines[0].voxels.shape))
    session.progress(1, 1)
    cine, *others = cines
    # The previous images stay until the new ones are completely written.
    with replacing(session.folder / "cine.npy") as voxels:
        with open(voxels, "wb") as file:
            np.save(file, cine.voxels, allow_pickle=False)
        with replacing(session.folder / "image.u8") as picture, open(picture, "wb") as file:
            for one in cines:
                _shown(one.voxels).tofile(file)
    for old in session.folder.glob("cine_*.npy"):
        old.unlink()
    for key, other in zip(sequences[1:], others, strict=True):
        np.save(session.folder / f"cine_{key}.npy", other.voxels, allow_pickle=False)
    session.labelled = None
    (session.folder / "labels.u8").unlink(missing_ok=True)
    one_plane = not SEQUENCES[sequences[0]].volumetric and cine.voxels.shape[1] == 1
    fault = spacing_fault(cine.spacing_mm, one_plane) if has_spacing else NO_SPACING
    session.loaded = Loaded(
        number=session.next_number(),
        name=name,
        shape=cine.voxels.shape,
        affine=cine.affine,
        file_affine=file_affine,
        spacing_mm=cine.spacing_mm,
        spacing_fault=fault,
        interval_s=cine.frame_interval_s,
        notes=notes,
        is_sample=is_sample,
        series=series,
        sequences=sequences,
        placed=placed,
    )


def _shown(voxels: np.ndarray) -> np.ndarray:
    """An image in 8 bits, for display."""
    low, high = np.percentile(voxels[:, :, ::2, ::2], WINDOW)
    shown = (voxels.astype(np.float32) - low) * (255 / max(high - low, 1e-6))
    return np.clip(shown, 0, 255).astype(np.uint8)


def repairs(audit: pd.DataFrame) -> list[str]:
    """Rows of an audit as text; identical rows are counted."""
    counts = Counter(zip(audit["problem"], audit["resolution"], strict=True))
    return [
        f"{problem[:1].upper()}{problem[1:]}: {resolution}" + (f" ({n} times)" if n > 1 else "")
        for (problem, resolution), n in counts.items()
    ]
