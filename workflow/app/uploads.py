"""Uploaded files by their names: what may be one, and which of an unpacked zip are the images."""

import re
from pathlib import Path

from app.session import Refused
from cmrseg.layouts.inputs import HDF5_SUFFIXES, SUFFIXES, sequence_named
from cmrseg.sequences import SEQUENCES, USUAL, Sequence, channels_of

# File extensions accepted for upload.
UPLOADS = (".zip", *SUFFIXES, *HDF5_SUFFIXES)
UPLOADED = (
    f"a NIfTI ({', '.join(SUFFIXES)}) or HDF5 file ({', '.join(HDF5_SUFFIXES)}), or a .zip of "
    "DICOM files or of one such file"
)
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


def stem(name: str) -> str:
    for suffix in UPLOADS:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


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
        plain = path.with_name(f"{stem(name)}{upload_suffix(name)}")
        if plain != path and plain.exists():
            raise ValueError(f"two files of the zip are called {plain.name}; rename one of them")
        path = path.rename(plain)
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
