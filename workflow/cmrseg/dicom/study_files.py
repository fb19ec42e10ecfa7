"""The files of a study, read one by one: frames, headers, and what could not be read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cmrseg.dicom.audit import (
    COMPRESSED,
    EMPTY_FOLDER,
    LOSSY,
    MISSING_TAG,
    NO_IMAGES,
    OTHER_DAMAGED,
    TWO_PATIENTS,
    Audit,
    SubjectError,
)
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.reading import open_file, quiet, read_frames
from cmrseg.dicom.series import kind_of
from cmrseg.dicom.zipped import place_of


@dataclass
class StudyFiles:
    """What was read of a study.

    headers: a row per image file. left_out: name and reason of files that are no MR image.
    failures: errors of files that could not be read, in order.
    """

    frames: list[Frame] = field(default_factory=list)
    headers: list[dict[str, object]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    failures: list[SubjectError] = field(default_factory=list)

    def check(self, folder: str, any_series: bool) -> None:
        """Raise SubjectError for a damaged file, no image, or several patients.

        any_series: a damaged file counts whatever its series; else only if its header does not
        tell one, as `check_chosen` sees the others.
        """
        for failure in self.failures:
            if any_series or failure.origin is None or not self.frames:
                raise failure
        if not self.frames:
            told = f"no image file in {folder}"
            if self.left_out:
                name, reason = self.left_out[0]
                told = f"no MR image among the files of {folder}; the first, {name}: {reason}"
            raise SubjectError(NO_IMAGES, "", told)
        _check_patient(self.frames, any_series)

    def check_chosen(self, chosen: Iterable[Frame], audit: Audit) -> None:
        """Raise the error of a damaged file that is of a chosen series; audit those of others."""
        chosen = list(chosen)
        series = {(f.series_number, kind_of(f.origin.image_type)) for f in chosen}
        identifiers = {f.origin.series for f in chosen}
        for failure in self.failures:
            origin, number = failure.origin, failure.series_number
            if origin is None or number is None:
                raise failure
            if number >= 0:
                same = (number, kind_of(origin.image_type)) in series
            else:
                # Without a number the identifier tells, if it is the same in all of a series.
                same = not (origin.series and len(identifiers) == 1) or bool(
                    identifiers & {"", origin.series}
                )
            if same:
                raise failure
            audit.add(OTHER_DAMAGED, failure.image, f"{failure.kind[0]}: {failure.detail}")


def read_study(
    folder: Path, files: Mapping[str, list[str]], lenient: bool, audit: Audit
) -> StudyFiles:
    """Open every file once; strays, empty folders and compression are audited.

    files: names relative to the study's folder, by their own folder. lenient: as in `open_file`.
    """
    read = StudyFiles()
    for name, listed in files.items():
        before, images = len(read.frames), len(read.headers)
        with quiet():
            for file in listed:
                _read_file(folder, file, lenient, read, audit)
        if len(read.headers) == images and name:
            detail = f"{len(listed)} files, no images" if listed else "no files"
            audit.add(EMPTY_FOLDER, name, detail)
        _audit_compression(read.frames[before:], lenient, audit)
    return read


def _read_file(folder: Path, file: str, lenient: bool, read: StudyFiles, audit: Audit) -> None:
    try:
        data, row = open_file(place_of(folder, file), file, lenient)
        place = {"dir": file.rpartition("/")[0], "file": file.rpartition("/")[2]}
        read.headers.append({**place, **row})
        read.frames += read_frames(data, file, lenient)
    except NotDicomError as error:
        read.left_out.append((file, str(error)))
        audit.add(error.kind, file, str(error))
    except SubjectError as error:
        read.failures.append(error)


def _audit_compression(frames: list[Frame], lenient: bool, audit: Audit) -> None:
    compressed = [f for f in frames if f.transfer_syntax]
    if compressed:
        detail = f"{len(compressed)} files: {compressed[0].transfer_syntax}"
        audit.add(COMPRESSED, compressed[0].name, detail)
    lossy = [f for f in frames if f.lossy]
    if lossy and lenient:
        audit.add(LOSSY, lossy[0].name, f"{len(lossy)} images")


def _check_patient(frames: list[Frame], with_empty: bool) -> None:
    """Refuse several patients; with_empty: a file without PatientID is another one's."""
    frames = [frame for frame in frames if with_empty or frame.patient]
    counts = Counter(frame.patient for frame in frames).most_common()
    if len(counts) > 1:
        usual, count = counts[0]
        other = next(frame for frame in frames if frame.patient != usual)
        raise SubjectError(
            TWO_PATIENTS,
            other.name,
            f"{len(counts)} values of PatientID, {len(frames) - count} of {len(frames)} "
            "files differ from the others; sort the files by patient",
        )


def check_triggered(frames: Iterable[Frame]) -> None:
    """Raise SubjectError for a frame without TriggerTime, by which the published way orders."""
    for frame in frames:
        if frame.trigger_ms != frame.trigger_ms:
            raise SubjectError(
                MISSING_TAG,
                frame.name,
                "TriggerTime is absent; export the series again with it or use mode corrected",
            )
