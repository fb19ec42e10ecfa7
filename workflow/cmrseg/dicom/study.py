"""Import of DICOM studies: from a folder of files to a cine, its audit and its sources."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import (
    COLUMNS,
    NO_IMAGES,
    OTHER,
    REPEATED_STACK,
    Audit,
    SubjectError,
    without_folders,
)
from cmrseg.dicom.choice import choose
from cmrseg.dicom.conversion import cine_of
from cmrseg.dicom.header_table import joined_rows, named_rows
from cmrseg.dicom.instances import across_midnight, without_copies
from cmrseg.dicom.layout import by_number, folder_files, kaggle_files
from cmrseg.dicom.slice_order import FROM_BASE, in_order
from cmrseg.dicom.slices import kaggle_slices, series_slices
from cmrseg.dicom.study_files import check_triggered, read_study
from cmrseg.files import write_table
from cmrseg.sequences import USUAL, image_path, sources_path

logger = logging.getLogger(__name__)

MODES = ("corrected", "compat", "unrepaired")
LAYOUTS = ("kaggle", "folder")


@dataclass(frozen=True)
class Imported:
    """One subject as imported.

    cine: float32. audit: columns of `audit.COLUMNS`. headers: one row per image file read.
    sources: one row per (z, t). rotated: in compat mode the turned copy of a wide cine. series:
    what else was in the folder (`choice.listing`), where the cine was chosen among series.
    """

    cine: Cine
    audit: pd.DataFrame
    headers: pd.DataFrame
    sources: pd.DataFrame
    rotated: Cine | None = None
    series: pd.DataFrame | None = None


def import_study(
    folder: Path, subject: str, settings: Mapping[str, Any], series: str = ""
) -> Imported:
    """Read and clean the short-axis series of one study, or the tagged ones.

    folder: Kaggle layout: the folder `study` with its `sax_*` folders; layout "folder": any
    folder with DICOM files below it. settings: mode "corrected", "compat" (as published), or in
    layout "kaggle" "unrepaired" (slices stacked as they are, `unrepaired`),
    layout "kaggle" or "folder", max_size_px (longer side after scaling, or None), and sequence
    "tag" for the tagged cine, in mode corrected of layout "folder"; "sa" if absent.
    series: "" for all series folders, "sax_10,sax_11" for these, "!sax_10" for all but these;
    "#7,#8" and "!#7" choose by SeriesNumber, "#7.2" the second series of that number, in mode
    corrected of layout "folder".
    In that mode and layout the cine is chosen among all series below the folder (`choice.choose`).
    Each file is opened once. Rules: Ankenbrand et al. 2021, doi:10.1002/mrm.28822, supplement.
    Raises SubjectError where the subject cannot be imported, ValueError for unknown settings.
    """
    return _import(folder, settings, series, Audit(subject), [])


def import_shard(
    rows: pd.DataFrame, raw: Path, images: Path, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Import the subjects of a table into `<images>/<subject>/{sa.nii.gz,sources.tsv}`.

    Of another sequence its name is that of the files (`image_path`, `sources_path`).
    rows: subject table (subject, study, series, set). raw: folder of the raw data, holding
    `<set>/<set>/<study>/study` (Kaggle layout) or `<study>`. images: folder to fill.
    A subject that cannot be imported is in the audit with its reason, and absent in `images`;
    it never stops the others. Returns the audit and the headers of all files, also of those
    subjects.
    """
    check_settings(settings)
    images.mkdir(parents=True, exist_ok=True)
    audits: list[pd.DataFrame] = []
    headers: list[pd.DataFrame] = []
    for row in rows.itertuples(index=False):
        audit = Audit(row.subject)
        folder = study_folder(row, raw, settings)
        try:
            imported = _import(folder, settings, row.series, audit, headers)
        except SubjectError as error:
            logger.warning("subject %s excluded: %s", row.subject, error)
            audit.add(error.kind, error.image, error.detail)
        except Exception as error:
            # Any other error excludes this subject; the shard goes on.
            logger.exception("subject %s excluded", row.subject)
            audit.add(OTHER, "", f"{type(error).__name__}: {without_folders(str(error), folder)}")
        else:
            _write(imported, images, row.subject, settings.get("sequence", USUAL))
        audits.append(audit.table())
    return (
        pd.concat(audits, ignore_index=True) if audits else pd.DataFrame(columns=COLUMNS),
        joined_rows(headers),
    )


def study_folder(row, raw: Path, settings: Mapping[str, Any]) -> Path:
    """Where the raw data of a subject table's row are."""
    if settings["layout"] == "kaggle":
        return raw / row.set / row.set / row.study / "study"
    return raw / row.study


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for unknown settings."""
    for key, allowed in (("mode", MODES), ("layout", LAYOUTS)):
        if settings[key] not in allowed:
            raise ValueError(f"{key} is {settings[key]!r}, expected one of {', '.join(allowed)}")
    if settings["mode"] == "unrepaired" and settings["layout"] != "kaggle":
        raise ValueError(f"mode is 'unrepaired' in layout {settings['layout']!r}, expected kaggle")
    sequence = settings.get("sequence", USUAL)
    plain = settings["mode"] == "corrected" and settings["layout"] == "folder"
    if sequence != USUAL and not (plain and sequence in FROM_BASE):
        raise ValueError(
            f"sequence is {sequence!r}, expected {USUAL}, or {' or '.join(FROM_BASE)} in mode "
            "corrected of layout folder"
        )


def _import(
    folder: Path,
    settings: Mapping[str, Any],
    series: str,
    audit: Audit,
    tables: list[pd.DataFrame],
) -> Imported:
    """Import one study; its headers go to `tables`, even if it then cannot be imported."""
    check_settings(settings)
    published = settings["mode"] == "compat"
    kaggle = settings["layout"] == "kaggle"
    if not folder.is_dir():
        shown = _below(folder, kaggle)
        raise SubjectError(NO_IMAGES, "", f"no folder {shown}; check the subject table's study")
    wanted = by_number(series)
    if wanted is not None and (kaggle or published):
        raise SubjectError(
            NO_IMAGES,
            "",
            f"series is {series!r}; choosing by SeriesNumber needs mode corrected and layout "
            "folder; name series folders instead",
        )
    lenient = not published
    folders = "" if wanted is not None else series
    files = kaggle_files(folder, folders) if kaggle else folder_files(folder, folders, lenient)
    if series:
        audit.add(REPEATED_STACK, "", f"series {series} of study {_study(folder, kaggle)}")
    read = read_study(folder, files, lenient, audit)
    headers = named_rows(pd.DataFrame(read.headers), audit.subject, _study(folder, kaggle), kaggle)
    tables.append(headers)
    read.check(_below(folder, kaggle), any_series=kaggle or published)
    frames = read.frames
    if published:
        check_triggered(frames)

    listing = None
    tagged = settings.get("sequence", USUAL) in FROM_BASE
    if kaggle or published:
        planes = kaggle_slices(frames, audit, published) if kaggle else series_slices(frames)
    else:
        frames = without_copies(across_midnight(frames), audit)
        planes, listing = choose(frames, wanted, audit, tagged)
        frames = [frame for plane in planes for _, frame in plane]
        read.check_chosen(frames, audit)
    if not planes:
        raise SubjectError(NO_IMAGES, "", f"no usable image file in {_below(folder, kaggle)}")
    chosen = not (kaggle or published)
    cine, sources = cine_of(
        planes,
        frames,
        audit,
        settings["max_size_px"],
        published=published,
        chosen=chosen,
        is_stack=not tagged,
        repaired=settings["mode"] != "unrepaired",
    )
    cine, sources = in_order(cine, sources, settings.get("sequence", USUAL))
    rotated = None
    if published and cine.voxels.shape[3] > cine.voxels.shape[2]:
        rotated = cine.like(np.rot90(cine.voxels, 1, axes=(-2, -1)))
    return Imported(cine, audit.table(), headers, sources, rotated, listing)


def _study(folder: Path, kaggle: bool) -> str:
    """Name of the study's folder."""
    return folder.parent.name if kaggle else folder.name


def _below(folder: Path, kaggle: bool) -> str:
    """Name of a study's folder below the raw data, wherever these are."""
    return "/".join(folder.parts[-4 if kaggle else -1 :])


def _write(imported: Imported, images: Path, subject: str, sequence: str) -> None:
    imported.cine.save(image_path(images / subject, sequence))
    write_table(imported.sources, sources_path(images / subject, sequence))
    if imported.rotated is not None:
        imported.rotated.save(image_path(images / f"{subject}_rot90", USUAL))
