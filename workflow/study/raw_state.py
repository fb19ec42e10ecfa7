"""The state of a subject's raw files, so that an edit only re-runs that subject.

Snakemake identifies a folder by its time stamp, which changes with a new file in it, but not with
changes in subfolders. Only names, sizes and times are compared: content is not read. Standard
library only, as planning needs the state of every subject of a study.
"""

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

from cmrseg.annotations.point_forms import TABLE_ENDINGS
from cmrseg.contours.workspaces import ENDINGS
from cmrseg.layouts.inputs import HDF5_SUFFIXES, SUFFIXES, named_files, stems
from cmrseg.layouts.myops_files import ENDINGS as MYOPS
from cmrseg.layouts.myops_files import LABEL_ENDINGS, files_of_case, nifti_files
from cmrseg.layouts.ukbb_bulk import names_beside
from cmrseg.sequences import USUAL

# For layout png; see cmrseg.layouts.png.
DIMENSIONS = "patient_dimensions.tsv"
RAW, BY_HAND = "resources/raw/", "resources/downloads/{source}/by_hand"
# Snakemake leaves it in folders that it makes.
TIME_STAMP = ".snakemake_timestamp"
# Label volumes of single frames.
SINGLE_FRAME = re.compile(rf"(.+)_frame\d+(?:{'|'.join(map(re.escape, SUFFIXES))})")


def on_disk(raw: str, sources: Collection[str]) -> str:
    """The folder whose files users may edit; "" for downloaded sources.

    raw: folder of raw files. sources: names of the sources that can be downloaded. Downloaded files
    have the time stamp of their job; for a source put there by hand, its own folder is checked.
    """
    source = raw.removeprefix(RAW).split("/")[0] if raw.startswith(RAW) else ""
    if source not in sources:
        return raw
    by_hand = BY_HAND.format(source=source)
    linked = os.path.islink(RAW + source) or not os.path.exists(RAW + source)
    return by_hand if linked and os.path.isdir(by_hand) else ""


def image_state(
    layout: str, raw: str, row: Mapping[str, str], sequences: Iterable[str] = (USUAL,)
) -> str:
    """A hash of the state of a subject's images; "" if there are none.

    row: study and set of the subject table. sequences: those of the cohort. Paths are those of
    `docs/data.md`.
    """
    study, lines = f"{raw}/{row['study']}", []
    if layout == "kaggle":
        places = [f"{raw}/{row['set']}/{row['set']}/{row['study']}/study"]
    elif layout == "folder":
        places = [study]
    elif layout == "ukbb":
        places = [f"{study}/{s}_{frame}.nii.gz" for s in sequences for frame in ("ED", "ES")]
    elif layout == "ukbb_dicom":
        beside, names = names_beside(Path(raw), row["study"])
        places = [study, *(f"{beside}/{name}" for name in names)]
    elif layout == "nifti":
        own = list(sequences)
        found = [stem for sequence in own for stem in stems(study, sequence, len(own) == 1)]
        places = [f"{stem}{suffix}" for stem in found for suffix in SUFFIXES]
        # Others are only read without these, but then an edit of one that is not re-runs a subject.
        named = [file for sequence in own for file in named_files(Path(study), sequence)]
        places = list(dict.fromkeys([*places, *map(str, named)]))
    elif layout == "png":
        places = [f"{raw}/images/{row['study']}"]
        lines = _dimensions(raw, Path(row["study"]).name)
    elif layout in ("hdf5", "tagging"):
        places = [f"{study}{suffix}" for suffix in HDF5_SUFFIXES]
    elif layout == "myops":
        words = [word for sequence in sequences for word in MYOPS.get(sequence, ())]
        places = _of_case(raw, row["study"], words)
    else:
        raise ValueError(f"layout {layout}: where its images lie is not known; add it here")
    return _sum([*lines, *look(places)])


def label_state(
    layout: str, form: str, folder: str, row: Mapping[str, str], sequence: str = USUAL
) -> str:
    """The same for an annotator's labels of a subject.

    folder: that of the annotator. row: study, annotation and set of the subject table. sequence:
    the one that was labelled.
    """
    name = f"{folder}/{row['annotation']}"
    if form == "masks":
        places = [f"{folder}/{row['set']}/{row['set']}/{row['annotation']}/study"]
    elif form == "qmass":
        places = [f"{name}.con"]
    elif form == "cvi42":
        places = [f"{name}{ending}" for ending in ENDINGS]
    elif form in ("text", "frames"):
        places = [name]
    elif form == "nifti" and layout == "ukbb":
        places = [f"{name}/label_{sequence}_{frame}.nii.gz" for frame in ("ED", "ES")]
    elif form == "nifti":
        places = []
        for stem in stems(name, sequence):
            places += [f"{stem}{suffix}" for suffix in SUFFIXES] + _single_frames(stem)
    elif form == "tagging":
        places = [f"{folder}/{row['study']}{suffix}" for suffix in HDF5_SUFFIXES]
    elif form == "hdf5":
        places = [f"{name}{suffix}" for suffix in HDF5_SUFFIXES]
    elif form == "points":
        places = [f"{name}/{sequence}{ending}" for ending in TABLE_ENDINGS]
    elif form == "myops":
        places = _of_case(folder, row["annotation"], LABEL_ENDINGS)
    else:
        raise ValueError(f"form {form}: where its labels lie is not known; add it here")
    return _sum(look(places))


def table_state(raw: str) -> str:
    """The same for the tables of known volumes in a raw folder."""
    names = os.listdir(raw) if os.path.isdir(raw) else []
    return _sum(look(f"{raw}/{name}" for name in names if name.endswith(".csv")))


def look(places: Iterable[str]) -> list[str]:
    """A line for each file at some paths, or in them if they are folders: name, size, time.

    Links are followed; in a linked folder only links to files, so that circular links end.
    """
    lines: list[str] = []
    for place in places:
        try:
            found = os.stat(place)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode):
            _look_below(place, "", lines, linked=False)
        elif stat.S_ISREG(found.st_mode):
            lines.append(_line(os.path.basename(place), found))
    return sorted(lines)


def _look_below(folder: str, name: str, lines: list[str], linked: bool) -> None:
    # Up to hundreds of thousands of files: no Path is made, and scandir gives the kind of entry.
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == TIME_STAMP:
                    continue
                if entry.is_dir():
                    link = entry.is_symlink()
                    if not (link and linked):
                        _look_below(entry.path, f"{name}{entry.name}/", lines, link or linked)
                elif entry.is_file():
                    lines.append(_line(f"{name}{entry.name}", entry.stat()))
    except OSError as error:
        # The import reports this error for the subject.
        lines.append(f"{name} {error.strerror}")


def _dimensions(raw: str, name: str) -> list[str]:
    """The header and a study's rows of the table of sizes, which is one for all studies."""
    head, rows = _rows(f"{raw}/{DIMENSIONS}")
    chosen = [rows.get(known, []) for known in dict.fromkeys((name, name.removesuffix("_rot90")))]
    return [*head, *(row for found in chosen for row in found)]


def _single_frames(name: str) -> list[str]:
    """Label volumes of single frames: `<name>_frame<fff>.nii.gz`."""
    folder, _, stem = name.rpartition("/")
    return [f"{folder}/{found}" for found in _frames(folder).get(stem, [])]


def _of_case(folder: str, case: str, words: Iterable[str]) -> list[str]:
    """The files of a case of MyoPS whose names end with some words."""
    try:
        return [f"{folder}/{name}" for name in files_of_case(_nifti_files(folder), case, words)]
    except ValueError:
        # A file of another case, which the import refuses: whatever is there counts.
        return [folder]


def _line(name: str, found: os.stat_result) -> str:
    return f"{name} {found.st_size} {found.st_mtime_ns}"


def _sum(lines: list[str]) -> str:
    if not lines:
        return ""
    # Names may be any bytes.
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


# Tables and folders shared by many subjects are read once in a run.


@cache
def _frames(folder: str) -> dict[str, list[str]]:
    """Names of the label volumes of single frames in a folder, by the part before the frame."""
    found: dict[str, list[str]] = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if match := SINGLE_FRAME.fullmatch(name):
            found.setdefault(match[1], []).append(name)
    return found


@cache
def _nifti_files(folder: str) -> list[str]:
    return nifti_files(folder)


@cache
def _rows(table: str) -> tuple[list[str], dict[str, list[str]]]:
    """Header, and rows by each of their cells, of a tab-separated table.

    Empty if it cannot be read; the import reports this.
    """
    try:
        head, *rows = Path(table).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return [], {}
    found: dict[str, list[str]] = {}
    for row in rows:
        for cell in dict.fromkeys(row.split("\t")):
            found.setdefault(cell, []).append(row)
    return [head], found
