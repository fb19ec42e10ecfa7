"""Examinations in files of their own: NIfTI, HDF5, zip files of UK Biobank, the published PNG."""

from collections.abc import Mapping
from pathlib import Path

from cmrseg.describe.found import Found, entries
from cmrseg.dicom.audit import Audit
from cmrseg.layouts import hdf5, tagging
from cmrseg.layouts.inputs import (
    HDF5_SUFFIXES,
    LABELS,
    SUFFIXES,
    TAGGING_GRID,
    case_of,
    sequence_named,
    without_suffix,
)
from cmrseg.layouts.myops_files import ENDINGS, LABEL_ENDINGS, files_of_case, nifti_files
from cmrseg.layouts.nifti import read_cine
from cmrseg.layouts.nifti_files import existing
from cmrseg.layouts.plain_hdf5 import item, opened
from cmrseg.layouts.png import DIMENSIONS
from cmrseg.layouts.ukbb_bulk import NAME, names_in
from cmrseg.sequences import SEQUENCES, USUAL

# What the import raises for a file that it cannot read.
UNREADABLE = (ValueError, OSError, EOFError)
# What HDF5 files of cines do not say.
GRID = ("spacing_mm", "slice_distance_mm", "frame_interval_ms")
PAIR = "_ED"
CHALLENGE = "myops_"


def in_bulk(folder: Path) -> Found | None:
    """Zip files of UK Biobank, of all participants or in a folder of each."""
    found = Found("ukbb_dicom", folder)
    held: dict[str, list[str]] = {}
    for name in names_in(folder):
        held.setdefault(NAME.fullmatch(name)["eid"], []).append(name)  # type: ignore[index]
    for path in entries(folder):
        if path.is_dir() and names_in(path):
            held[path.name] = names_in(path)
    found.studies = {study: f"{len(names)} bulk files, not opened" for study, names in held.items()}
    return found if held else None


def in_hdf5(folder: Path, grid: Mapping[str, float]) -> Found | None:
    """HDF5 files, of mouse cines or of tagged cines.

    grid: spacing_mm, slice_distance_mm and frame_interval_ms, which files of cines do not say.
    Raises ValueError where they are needed and not given, or where a folder has files of both.
    """
    files = [path for path in entries(folder) if path.name.endswith(HDF5_SUFFIXES)]
    if not files:
        return None
    found = Found("", folder)
    for path in files:
        study = without_suffix(path.name)
        try:
            layout, labelled, words = _stored(path)
        except ValueError as error:
            found.unclear.append((path.name, str(error)))
            continue
        if found.layout not in ("", layout):
            raise ValueError(f"{folder}: has files of cines and of tagged cines; separate them")
        found.layout = layout
        found.studies[study] = words
        if labelled:
            found.labelled.add(study)
    if found.layout == "tagging":
        found.settings = {"sequences": ["tag"], **TAGGING_GRID, **grid}
        found.annotators = {"landmarks": "tagging"} if found.labelled else {}
    elif found.layout:
        missing = [key for key in GRID if key not in grid]
        if missing:
            raise ValueError(
                f"{folder}: HDF5 files do not say how large voxels are; give "
                + " ".join(f"--{key.replace('_', '-')} <number>" for key in missing)
            )
        found.settings = dict(grid)
        found.annotators = {"labels": "hdf5"} if found.labelled else {}
    return found


def _stored(path: Path) -> tuple[str, bool, str]:
    """Layout of an HDF5 file, whether it holds labels, and what it holds in words."""
    with opened(path) as file:
        if (rows := item(file, tagging.IMAGES)) is not None:
            labelled = item(file, tagging.POINTS) is not None
            return "tagging", labelled, f"{len(rows)} tagged cines of one slice"
        if (stored := item(file, hdf5.IMAGES)) is None:
            raise ValueError(f"neither {hdf5.IMAGES} nor {tagging.IMAGES} is in it")
        labelled = item(file, hdf5.MASKS) is not None and item(file, hdf5.FRAMES) is not None
        shape = " x ".join(map(str, stored.shape))
        return "hdf5", labelled, f"cine of {shape} (row, column, slice, frame)"


def in_published_png(folder: Path) -> Found | None:
    """The archive of images and masks of Ankenbrand et al. 2021."""
    if not (folder / DIMENSIONS).is_file() or not (folder / "images").is_dir():
        return None
    found = Found("png", folder)
    found.studies = {p.name: "PNG files, not opened" for p in entries(folder / "images")}
    found.labelled = {name for name in found.studies if (folder / "masks" / name).is_dir()}
    found.annotators = {"labels": "frames"} if found.labelled else {}
    return found


def in_challenge(folder: Path) -> Found | None:
    """The files of the MyoPS challenge, by its names."""
    files = [f for f in nifti_files(folder) if Path(f).name.lower().startswith(CHALLENGE)]
    found = Found("myops", folder)
    for file in files:
        name = Path(file).name
        if sequence_named(name) in ENDINGS:
            case = case_of(name).lower().removeprefix(CHALLENGE)
            found.studies.setdefault(case, "")
    for case in found.studies:
        held = [key for key, words in ENDINGS.items() if files_of_case(files, case, words)]
        found.studies[case] = f"still images {', '.join(held)}"
        if files_of_case(files, case, LABEL_ENDINGS):
            found.labelled.add(case)
    found.settings = {"sequences": list(ENDINGS)}
    found.annotators = {"labels": "myops"} if found.labelled else {}
    return found if found.studies else None


def in_pairs(folder: Path) -> Found | None:
    """NIfTI files of end-diastole and end-systole, in a folder for each subject."""
    found, labelled = Found("ukbb", folder), set()
    held = {}
    for path in (p for p in entries(folder) if p.is_dir()):
        keys = [key for key in SEQUENCES if existing(path, f"{key}{PAIR}")]
        if keys:
            held[path.name] = keys
            drawn = [key for key in keys if existing(path, f"label_{key}{PAIR}")]
            labelled |= set(drawn)
            found.labelled |= {path.name} if drawn else set()
        else:
            found.unclear.append((path.name, "no file <sequence>_ED.nii.gz"))
    found.studies = {s: f"end-diastole and end-systole of {_words(k)}" for s, k in held.items()}
    _set_sequences(found, {key for keys in held.values() for key in keys})
    found.annotators = {
        f"labels_{key}": {"form": "nifti", "sequence": key} for key in SEQUENCES if key in labelled
    }
    return found if held else None


def in_nifti(folder: Path) -> Found | None:
    """Cines or still images as NIfTI, which are read to see whether they can be."""
    found, present = Found("nifti", folder), set()
    for path in entries(folder):
        images = {}
        if path.is_dir():
            for key in SEQUENCES:
                files = existing(path, key)
                named = [p for p in entries(path) if sequence_named(p.name) == key]
                if len(files or named) == 1:
                    images[key] = (files or named)[0]
                elif files or named:
                    found.unclear.append((path.name, f"several files of {SEQUENCES[key].name}"))
        elif path.name.endswith(SUFFIXES) and not LABELS.search(path.name.lower()):
            images[USUAL] = path
        if images:
            present |= _readable(found, without_suffix(path.name), images)
        elif path.is_dir() and any(p.name.endswith(SUFFIXES) for p in entries(path)):
            reason = "no NIfTI file with the name of a sequence, such as sa.nii.gz"
            found.unclear.append((path.name, reason))
        else:
            found.unclear.append((path.name, "no NIfTI image"))
    _set_sequences(found, present)
    return found if found.studies else None


def _readable(found: Found, study: str, images: Mapping[str, Path]) -> set[str]:
    """Note what files hold; the sequences of those that can be read."""
    words = {}
    for key, path in images.items():
        try:
            cine = read_cine(path, Audit(study), SEQUENCES[key])
        except UNREADABLE as error:
            found.unclear.append((path.name, str(error)))
            continue
        frames, slices = cine.voxels.shape[:2]
        words[key] = f"{SEQUENCES[key].name} of {slices} slices and {frames} frames"
    if words:
        found.studies[study] = ", ".join(words.values())
    return set(words)


def _set_sequences(found: Found, present: set[str]) -> None:
    if present and present != {USUAL}:
        found.settings = {"sequences": [key for key in SEQUENCES if key in present]}


def _words(keys: list[str]) -> str:
    return ", ".join(SEQUENCES[key].name for key in keys)
