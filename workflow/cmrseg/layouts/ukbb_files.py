"""Which files a subject of UK Biobank has, and of which series each is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cmrseg.dicom.audit import (
    DAMAGED_UNKNOWN,
    DAMAGED_ZIP,
    MANIFEST_FILES,
    MANIFEST_LINES,
    NO_IMAGES,
    NO_MANIFEST,
    NOT_IN_MANIFEST,
    OTHER_SERIES,
    UNREADABLE,
    Audit,
    SubjectError,
)
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.layout import folder_files
from cmrseg.dicom.study_files import StudyFiles, read_study
from cmrseg.dicom.zipped import is_zip, members_by_folder, place_of
from cmrseg.layouts.ukbb_bulk import SEQUENCES
from cmrseg.layouts.ukbb_manifest import Manifest, is_manifest, read_manifest
from cmrseg.layouts.ukbb_series import called, files_of

# So many line numbers are named.
MOST_NAMED = 5


@dataclass
class SubjectFiles:
    """The files of a subject. folder: that their names are relative to.

    described: name -> series description. read: frames of the files that had to be opened for
    their description, by name, and the errors of those that could not be. headers: a row for each
    file that was opened.
    damaged: zip files that cannot be opened.
    """

    folder: Path
    described: dict[str, str] = field(default_factory=dict)
    frames: dict[str, list[Frame]] = field(default_factory=dict)
    failures: dict[str, SubjectError] = field(default_factory=dict)
    headers: dict[tuple[object, object], dict[str, object]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    def read(self, names: Sequence[str], audit: Audit) -> StudyFiles:
        """The frames of some files, of which those with a description are opened now."""
        known = [n for n in names if n in self.frames or n in self.failures]
        read = read_study(self.folder, {"": [n for n in names if n not in known]}, True, audit)
        self.note(read)
        read.frames += [frame for n in known for frame in self.frames.get(n, [])]
        read.failures += [self.failures[n] for n in known if n in self.failures]
        return read

    def note(self, read: StudyFiles) -> None:
        """Keep the headers of files, of which some are opened for several sequences."""
        self.headers |= {(row["dir"], row["file"]): row for row in read.headers}


def find_files(folder: Path, names: Sequence[str], audit: Audit) -> SubjectFiles:
    """List a subject's bulk files, and describe each file by its manifest, else by its header.

    folder, names: as of `ukbb_bulk.find_bulk`. Damaged zip files and manifests, lines that were
    ignored and files that a manifest lacks are audited. Raises SubjectError where no zip file can
    be opened.
    """
    found = SubjectFiles(folder)
    errors = []
    for name in names:
        try:
            listed = _files_below(folder, name)
        except SubjectError as error:
            audit.add(DAMAGED_ZIP, error.image, error.detail)
            found.damaged.append(error.image)
            errors.append(error)
        else:
            _describe(found, name, listed, audit)
    if errors and len(errors) == len(names):
        raise errors[0]
    return found


def _files_below(folder: Path, name: str) -> list[str]:
    """Files of a bulk file, packed or not, relative to the folder."""
    if is_zip(folder / name):
        by_folder = members_by_folder(folder / name, name)
    else:
        inner = folder_files(folder / name, zips=True)
        prefix = f"{name}/" if name else ""
        by_folder = {k: [f"{prefix}{file}" for file in files] for k, files in inner.items()}
    return [file for files in by_folder.values() for file in files]


def _describe(found: SubjectFiles, bulk: str, listed: list[str], audit: Audit) -> None:
    """Add the files of one bulk file."""
    manifests = [name for name in listed if is_manifest(name)]
    files = [name for name in listed if name not in manifests]
    described: dict[str, str] = {}
    for name in manifests:
        described |= _read_manifest(found.folder, name, audit).described
    if not manifests:
        audit.add(NO_MANIFEST, bulk, f"{len(files)} files")
    known = {name: described.get(PurePosixPath(name).name, "") for name in files}
    lacking = [name for name, told in known.items() if not told]
    if described and lacking:
        audit.add(NOT_IN_MANIFEST, lacking[0], f"{len(lacking)} of {len(files)} files of {bulk}")
    if absent := described.keys() - {PurePosixPath(name).name for name in files}:
        audit.add(MANIFEST_FILES, bulk, f"{len(absent)} of {len(described)}, as {min(absent)}")
    read = read_study(found.folder, {"": lacking}, True, audit)
    found.note(read)
    for frame in read.frames:
        name = frame.name.partition("#")[0]
        found.frames.setdefault(name, []).append(frame)
        known[name] = frame.origin.description
    for failure in read.failures:
        if failure.origin is None:
            audit.add(DAMAGED_UNKNOWN, failure.image, f"{failure.kind[0]}: {failure.detail}")
        else:
            found.failures[failure.image] = failure
            known[failure.image] = failure.origin.description
    # What is left has been audited as no image, or as unreadable.
    read_names = found.frames.keys() | found.failures.keys()
    found.described |= {n: told for n, told in known.items() if told or n in read_names}


def _read_manifest(folder: Path, name: str, audit: Audit) -> Manifest:
    try:
        manifest = read_manifest(place_of(folder, name).read_bytes())
    except (SubjectError, ValueError, OSError) as error:
        told = error.detail if isinstance(error, SubjectError) else str(error)
        audit.add(NO_MANIFEST, name, told)
        return Manifest()
    if lines := manifest.malformed:
        named = ", ".join(map(str, lines[:MOST_NAMED])) + ", ..." * (len(lines) > MOST_NAMED)
        audit.add(MANIFEST_LINES, name, f"{len(lines)} lines: {named}")
    return manifest


def audit_others(found: SubjectFiles, audit: Audit) -> None:
    """Count the files of the series that are of no sequence, a row for each kind of them."""
    imported = {
        name for sequence in SEQUENCES for name in files_of(found.described, sequence).names
    }
    others = [(called(told), n) for n, told in found.described.items() if n not in imported]
    firsts: dict[str, str] = {}
    for what, name in others:
        firsts.setdefault(what, name)
    for what, count in Counter(what for what, _ in others).items():
        audit.add(OTHER_SERIES, firsts[what], f"{count} files: {what}")


def without_files(sequence: str, found: SubjectFiles) -> SubjectError:
    """The error of a subject that lacks a sequence."""
    damaged = f"; {', '.join(found.damaged)} cannot be read" if found.damaged else ""
    return SubjectError(
        UNREADABLE if found.damaged else NO_IMAGES,
        "",
        f"no series of {sequence} among {len(found.described)} files{damaged}",
    )
