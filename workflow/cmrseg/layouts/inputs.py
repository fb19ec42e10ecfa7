"""What lies at a path that somebody names: a folder of DICOM files, or a cine in one file.

Standard library only, as plans ask for the places of files.
"""

import re
from pathlib import Path
from typing import NamedTuple

from cmrseg.sequences import SEQUENCES, USUAL, Sequence, channels_of, image_path

# Endings of NIfTI files.
SUFFIXES = (".nii.gz", ".nii")
# Endings of HDF5 files.
HDF5_SUFFIXES = (".h5", ".hdf5")
# The other sequence that DICOM and HDF5 files are searched for, where a model is of it.
TAGGED = "tag"
# Rows of a file of the layout tagging.
TAGGING_ROWS = re.compile(r"\d{1,7}(,\d{1,7})*")
# What these files do not say, about as in UK Biobank.
TAGGING_GRID = {"slice_distance_mm": 20.0, "frame_interval_ms": 41.0}
# What names of files also call a sequence.
ALSO_CALLED = {"c0": ("bssfp",), "de": ("lge",)}
# Files that are called so are label maps of a sequence.
LABELS = re.compile(r"(^|[^a-z])(labels?|seg|segmentation|masks?|gt|gd|truth)([^a-z]|$)")


def stems(study: str, sequence: str, lone: bool = False) -> list[str]:
    """Where the file of a sequence may be, without its suffix, below a folder with all studies.

    `<study>/<sequence>`; of the short axis, which many studies have alone, also `<study>`. lone: so
    it may be of any sequence, as the study has no other.
    """
    return [study] * (lone or sequence == USUAL) + [f"{study}/{sequence}"]


def named_files(folder: Path, sequence: str) -> list[Path]:
    """NIfTI files of a folder whose names end with that of a sequence: `<case>_C0.nii.gz`.

    Capitals do not matter. None where there is no such folder.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if sequence_named(path.name) == sequence)


def sequence_named(name: str) -> str | None:
    """The sequence that the name of a NIfTI file ends with; None where it has no such name."""
    if not name.endswith(SUFFIXES):
        return None
    stem = without_suffix(name).lower()
    if LABELS.search(stem):
        return None
    for key in SEQUENCES:
        if any(_ends_with(stem, word) for word in (key, *ALSO_CALLED.get(key, ()))):
            return key
    return None


def case_of(name: str) -> str:
    """What the name of a file says before that of its sequence: the patient, as a rule."""
    stem, key = without_suffix(name), sequence_named(name)
    words = sorted((key or "", *ALSO_CALLED.get(key or "", ())), key=len, reverse=True)
    word = next(word for word in words if _ends_with(stem.lower(), word))
    return stem[: len(stem) - len(word)].rstrip("_-. ")


def _ends_with(stem: str, word: str) -> bool:
    return re.search(rf"(^|[^a-z0-9]){re.escape(word)}$", stem) is not None


class Found(NamedTuple):
    """Layout of the raw data, their folder, and the name of the study in it."""

    layout: str
    raw: Path
    study: str


def find_images(path: Path, wanted: str = USUAL) -> Found:
    """Where the images of one subject are.

    path: a folder of DICOM files, a folder with sa.nii.gz or with one NIfTI file, or such a file,
    or an HDF5 file. wanted: the sequences of a model, as `la_4ch` or `c0,de,t2`; a folder has
    `<sequence>.nii.gz` or `<case>_<sequence>.nii.gz` for each. DICOM and HDF5 are of short axes,
    or of tagged ones.
    Raises ValueError where there is nothing, a file that is neither NIfTI nor HDF5, a choice of
    images, or files of several patients.
    """
    if not path.exists():
        raise ValueError(f"{path}: does not exist; give a folder or a NIfTI file")
    place, sequences = path.resolve(), channels_of(wanted)
    if len(sequences) > 1:
        return _of_channels(path, place, sequences)
    (sequence,) = sequences
    if place.is_file():
        if place.name.endswith(HDF5_SUFFIXES):
            _check_read_as(path, "an HDF5 file is", sequence)
            layout = "tagging" if sequence.key == TAGGED else "hdf5"
            return Found(layout, place.parent, without_suffix(place.name))
        if not place.name.endswith(SUFFIXES):
            raise ValueError(
                f"{path}: a file must be NIfTI or HDF5; give the folder of the DICOM files"
            )
        return Found("nifti", place.parent, without_suffix(place.name))
    if image_path(place, sequence.key).is_file():
        return Found("nifti", place.parent, place.name)
    volumes = sorted(file.name for file in place.iterdir() if file.name.endswith(SUFFIXES))
    if len(volumes) > 1 and len(named_files(place, sequence.key)) == 1:
        return Found("nifti", place.parent, place.name)
    if len(volumes) > 1:
        words = "short-axis cine" if sequence.key == USUAL else f"file of {sequence.name}"
        raise ValueError(f"{path}: has {len(volumes)} NIfTI files; name the {words}")
    if volumes:
        return Found("nifti", place, without_suffix(volumes[0]))
    _check_read_as(path, "a folder of DICOM files is", sequence)
    return Found("folder", place.parent, place.name)


def _check_read_as(path: Path, what: str, sequence: Sequence) -> None:
    if sequence.key not in (USUAL, TAGGED):
        raise ValueError(
            f"{path}: {what} read as a short-axis cine, and the model labels {sequence.name} "
            f"({sequence.key}); give a NIfTI file of these"
        )


def _of_channels(path: Path, place: Path, sequences: tuple[Sequence, ...]) -> Found:
    """A folder with a file for each of several sequences, of one patient."""
    if not place.is_dir():
        raise ValueError(f"{path}: is no folder; give {example_of(sequences)}")
    files = []
    for sequence in sequences:
        exact = image_path(place, sequence.key)
        found = [exact] if exact.is_file() else named_files(place, sequence.key)
        if not found:
            raise ValueError(
                f"{path}: has no {sequence.name} ({sequence.key}); give {example_of(sequences)}"
            )
        if len(found) > 1:
            raise ValueError(
                f"{path}: {found[0].name} and {found[1].name} are both {sequence.name} "
                f"({sequence.key}); keep one of them"
            )
        files.append(found[0].name)
    check_one_case(str(path), files)
    return Found("nifti", place.parent, place.name)


def check_one_case(where: str, names: list[str]) -> None:
    """Raise ValueError where files, each named after its sequence, are not of one patient."""
    cases = {name: case_of(name) for name in names}
    first = names[0]
    other = next((name for name in names if cases[name] != cases[first]), None)
    if other is not None:
        raise ValueError(
            f"{where}: {first} and {other} have the names of two patients, {cases[first]!r} and "
            f"{cases[other]!r}; put the files of one patient into the folder"
        )


def example_of(sequences: tuple[Sequence, ...]) -> str:
    """The files that a model of several sequences takes, in words."""
    names = [f"<case>_{sequence.key.upper()}.nii.gz" for sequence in sequences]
    return f"a folder with one file for each sequence: {', '.join(names)}"


def without_suffix(name: str) -> str:
    """A file's name without the ending of NIfTI or HDF5 files."""
    for suffix in (*SUFFIXES, *HDF5_SUFFIXES):
        name = name.removesuffix(suffix)
    return name
