"""Import of UK Biobank's bulk files: a cine for each sequence from zips of DICOM files.

Series are told by the manifests, and where these lack a file by its SeriesDescription. In mode
corrected each sequence is cleaned like any DICOM study; mode compat is the published conversion.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import NAMES, read_cvi42
from cmrseg.contours.workspaces import workspace_of
from cmrseg.dicom.audit import (
    COLUMNS,
    DAMAGED_FRAME,
    MIXED_SERIES,
    NO_CONTOURS,
    NO_IMAGES,
    OTHER,
    TWO_PATIENTS,
    TWO_SLICES,
    UNCLEAR,
    Audit,
    SubjectError,
    without_folders,
)
from cmrseg.dicom.conversion import cine_of
from cmrseg.dicom.geometry import largest_mode, normal
from cmrseg.dicom.header_table import joined_rows, named_rows
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.instances import across_midnight, one_for_each_time, without_copies
from cmrseg.dicom.slice_order import in_order
from cmrseg.dicom.slices import Numbered, planes
from cmrseg.layouts.ready_made import checked, import_sequences
from cmrseg.layouts.ukbb_bulk import find_bulk
from cmrseg.layouts.ukbb_files import SubjectFiles, audit_others, find_files, without_files
from cmrseg.layouts.ukbb_published import published_cine, published_slices, published_view
from cmrseg.layouts.ukbb_series import NUMBERED, Choice, Files, files_of, one_series
from cmrseg.layouts.ukbb_views import same_view, views_of
from cmrseg.sequences import USUAL

logger = logging.getLogger(__name__)

MODES = ("corrected", "compat")


class _Subject:
    """A subject's files, and what was read of them so far."""

    def __init__(
        self,
        found: SubjectFiles,
        settings: Mapping[str, Any],
        workspace: Path | None,
        audit: Audit,
    ):
        self.found, self.settings, self.workspace = found, settings, workspace
        self.audit = audit
        self.patients: dict[str, str] = {}

    def image(self, sequence: str) -> tuple[Cine, pd.DataFrame]:
        """The cine of a sequence and its sources. Raises SubjectError where there is none."""
        audit = Audit(self.audit.subject)
        try:
            return self._image(sequence, audit)
        finally:
            # What concerns a whole sequence is audited under its name.
            self.audit.rows += [
                (subject, problem, resolution, image or sequence, detail)
                for subject, problem, resolution, image, detail in audit.rows
            ]

    def _image(self, sequence: str, audit: Audit) -> tuple[Cine, pd.DataFrame]:
        files = files_of(self.found.described, sequence)
        if not files.names:
            raise without_files(sequence, self.found)
        published = self.settings["mode"] == "compat"
        choice = Choice(published, partial(self._contoured, audit))
        frames = self._frames(files, published, audit)
        names = [set(part) for part in files.parts.values()]
        parts = [part for own in names if (part := [f for f in frames if _file(f) in own])]
        if published:
            slices = published_slices(parts, sequence, files.is_mixed, choice, audit)
            return published_cine(slices, audit)
        planes_of = _slices(parts, sequence, files.is_mixed, choice, audit)
        cine, sources = cine_of(
            planes_of,
            [frame for plane in planes_of for _, frame in plane],
            audit,
            self.settings["max_size_px"],
            is_stack=sequence == USUAL,
            # All are acquired as scanners show hearts, and so do the published networks know them:
            # a short axis of 210 columns and 208 rows is no turned picture.
            upright=False,
        )
        return in_order(cine, sources, sequence)

    def _contoured(self, audit: Audit) -> Collection[str]:
        """The images with contours that can be used; those of a damaged workspace are not known."""
        if self.workspace is None:
            return ()
        try:
            images = read_cvi42(self.workspace)
        except ValueError as error:
            audit.add(NO_CONTOURS, "", str(error))
            return ()
        return {image for image, found in images.items() if NAMES & set(found)}

    def _frames(self, files: Files, published: bool, audit: Audit) -> list[Frame]:
        """The frames of a sequence's files; published: without those that cannot be read."""
        read = self.found.read(files.names, audit)
        if published and read.frames:
            for failure in read.failures:
                detail = f"{failure.kind[0]}: {failure.detail}"
                audit.add(DAMAGED_FRAME, failure.image, detail)
            read.failures = []
        read.check(self.found.folder.name, any_series=True)
        for frame in read.frames:
            self.patients.setdefault(frame.patient, frame.name)
        if len(self.patients) > 1:
            first, other = list(self.patients.values())[:2]
            raise SubjectError(
                TWO_PATIENTS,
                other,
                f"PatientID is another one than in {first}; sort the files by patient",
            )
        if published:
            return read.frames
        return without_copies(across_midnight(read.frames), audit)


def import_shard(
    rows: pd.DataFrame,
    raw: Path,
    images: Path,
    settings: Mapping[str, Any],
    sequences: Sequence[str],
    contours: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `<images>/<subject>/<sequence>.nii.gz`, and its sources, for all that can be read.

    rows: subject, study (eid, or the folder with its files) and series (instance of the visit, as
    "3_0"; "" is "2_0"). raw: holds the files of `ukbb_bulk.find_bulk`. settings: mode "corrected"
    or "compat" (as published), max_size_px (longer side after scaling in mode corrected, or None).
    sequences: of `ukbb_series.SEQUENCES`. contours: folder with a workspace of cvi42 for each
    subject, by the column `annotation` of its row; of repeated series the contoured one counts.
    A subject lacks what cannot be read, with the reason in the audit, and stops no other. Returns
    the audit and the headers of all files that were opened.
    """
    if settings["mode"] not in MODES:
        raise ValueError(f"mode is {settings['mode']!r}, expected one of {', '.join(MODES)}")
    audits: list[pd.DataFrame] = []
    headers: list[pd.DataFrame] = []
    for row in rows.to_dict("records"):
        subject, study, series = (row[key] for key in ("subject", "study", "series"))
        audit = Audit(subject)
        try:
            folder, names = _bulk(raw, study, series)
            found = find_files(folder, names, audit)
            audit_others(found, audit)
            workspace = None if contours is None else _workspace(contours, row["annotation"])
            own = _Subject(found, settings, workspace, audit)
            try:
                import_sequences(partial(_image, own, folder), sequences, images / subject, audit)
            finally:
                table = pd.DataFrame(list(found.headers.values()))
                headers.append(named_rows(table, subject, study, kaggle=False))
        except SubjectError as error:
            logger.warning("subject %s excluded: %s", subject, error)
            audit.add(error.kind, error.image, error.detail)
        except Exception as error:
            # Any other error excludes this subject; the shard goes on.
            logger.exception("subject %s excluded", subject)
            audit.add(OTHER, "", f"{type(error).__name__}: {without_folders(str(error), raw)}")
        audits.append(audit.table())
    joined = pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS)
    return joined, joined_rows(headers)


def _bulk(raw: Path, study: str, series: str) -> tuple[Path, list[str]]:
    try:
        return find_bulk(raw, study, series)
    except ValueError as error:
        raise SubjectError(NO_IMAGES, "", str(error)) from error


def _workspace(folder: Path, annotation: str) -> Path | None:
    try:
        return workspace_of(folder, annotation)
    except ValueError as error:
        raise SubjectError(OTHER, "", str(error)) from error


def _image(own: _Subject, folder: Path, sequence: str) -> tuple[Cine, pd.DataFrame]:
    return checked(partial(own.image, sequence), sequence, folder)


def _slices(
    parts: Sequence[Sequence[Frame]],
    sequence: str,
    is_mixed: bool,
    choice: Choice,
    audit: Audit,
) -> list[Numbered]:
    """The files of each slice of a sequence, by their places. parts: as `published_slices`."""
    if not is_mixed:
        chosen = [planes(_numbered(one_series(p, choice, audit))) for p in parts]
        for part in chosen:
            if len(part) > 1:
                _check_places(part, sequence, audit)
        found = [plane for part in chosen for plane in part]
    elif sequence == USUAL:
        found = [
            _numbered(one_series([f for _, f in plane], choice, audit))
            for plane in planes(_numbered(parts[0]))
        ]
        audit.add(MIXED_SERIES, parts[0][0].name, f"{len(found)} slices, by their places")
    else:
        view = _view(parts[0], sequence, choice, audit)
        found = planes(_numbered(view))
        if len(found) > 1:
            _check_places(found, sequence, audit)
    usual = largest_mode(len(plane) for plane in found)
    lone = len(found) == 1
    return [one_for_each_time(plane, audit, usual, lone) for plane in found]


def _check_places(found: Sequence[Numbered], sequence: str, audit: Audit) -> None:
    """Audit several slices of a series that is of one; refuse them in a view."""
    first, other = (plane[0][1].name for plane in found[:2])
    if sequence not in NUMBERED:
        raise SubjectError(
            OTHER,
            other,
            f"the series of {sequence} lies in {len(found)} planes, with {first} in another one; "
            "expected one plane: remove the files of the others",
        )
    audit.add(TWO_SLICES, first, f"{len(found)} slices in one series")


def _view(frames: Sequence[Frame], sequence: str, choice: Choice, audit: Audit) -> list[Frame]:
    """The frames of a view among those of all long axes, by the place of its plane.

    Where places do not tell the views, as published by the order of names. Raises SubjectError
    (UNCLEAR) where neither does.
    """
    views: list[list[Frame]] = []
    for plane in planes(_numbered(frames)):
        own = [frame for _, frame in plane]
        across = normal(own[0].orientation)
        near = (v for v in views if same_view(normal(v[0].orientation), across))
        if (view := next(near, None)) is None:
            views.append(own)
        else:
            view.extend(own)
    found = views_of([normal(view[0].orientation) for view in views])
    image = frames[0].name
    if found is None:
        try:
            own = published_view(frames, sequence)
        except SubjectError as error:
            raise SubjectError(
                UNCLEAR,
                image,
                f"{len(views)} long-axis planes; places do not tell the views: {error.detail}",
            ) from None
        audit.add(MIXED_SERIES, image, f"{sequence} by the order of names")
        return own
    if sequence not in found:
        raise SubjectError(
            NO_IMAGES, "", f"among the long-axis planes are only {', '.join(sorted(found))}"
        )
    audit.add(MIXED_SERIES, image, f"{sequence} by the place of its plane")
    return one_series(views[found.index(sequence)], choice, audit)


def _numbered(frames: Sequence[Frame]) -> Numbered:
    return [(frame.instance_number, frame) for frame in frames]


def _file(frame: Frame) -> str:
    """The file of a frame, which may be one of an object of many."""
    return frame.name.partition("#")[0]
