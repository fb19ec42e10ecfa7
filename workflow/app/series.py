"""The DICOM series of an upload: kept to choose from, and listed for the page."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from app.contents import Offer
from app.session import Refused, Session
from cmrseg.apply import Images, read_images
from cmrseg.dicom.audit import (
    NO_CINE,
    NO_TAGS,
    OTHER_SERIES,
    REPEATED_STACK,
    TWO_EXAMINATIONS,
    UNCLEAR,
)
from cmrseg.dicom.choice import UnclearError
from cmrseg.layouts.inputs import TAGGED
from cmrseg.sequences import USUAL

# Folder of the files from which other series can be chosen.
KEPT = "kept"
# Maximum length of a displayed description; a SeriesDescription is not longer.
MOST_SHOWN = 64
# Questions to the user if the cine cannot be identified.
QUESTIONS = {
    UNCLEAR: "Several series could be the {cine}; choose one from the list.",
    TWO_EXAMINATIONS: (
        "The files come from two examinations, and both may contain the {cine}; choose a "
        "series from the list."
    ),
    NO_CINE: ("No series looks like a {cine}; choose one from the list if you know that it is."),
}
CINES = {USUAL: "short-axis cine", TAGGED: "tagged cine"}
UNTAGGED = (
    "No series of these files shows the lines of tags; choose the tagged cine, or a model of other "
    "images."
)
MIXED = "These series come from two examinations; choose series of one examination."
GONE = "The files have been deleted; choose the file again."
# Shown in the list of series and not repeated in the notes.
LISTED = (OTHER_SERIES[0], REPEATED_STACK[0])


def read_series(
    session: Session,
    folder: Path,
    name: str,
    subject: str,
    chosen: str = "",
    sequence: str = USUAL,
) -> tuple[Images, pd.DataFrame]:
    """The cine of a folder of DICOM files, as it was imported, and the list of series.

    chosen: as `series` of `read_images`; empty to identify the cine automatically. sequence: the
    short axis, or tagged cines. Raises Refused with a question if that is ambiguous; the page then
    shows the list.
    """
    try:
        found = read_images(folder, subject, series=chosen, sequence=sequence)
    except UnclearError as error:
        if error.kind == NO_TAGS:
            raise Refused(UNTAGGED) from error
        if not chosen:
            offer(session, folder, name, error.series, sequence)
        questions = {TWO_EXAMINATIONS: MIXED} if chosen else QUESTIONS
        words = questions.get(error.kind, str(error))
        raise Refused(words.format(cine=CINES.get(sequence, CINES[USUAL]))) from error
    assert found.series is not None  # as for every folder
    return found, found.series


def offer(
    session: Session, folder: Path, name: str, table: pd.DataFrame, sequence: str = USUAL
) -> None:
    """Keep the files of an upload if there are several series to choose from.

    folder: one in a folder of its own, which becomes that of the session's kept files. table: of
    `choice.listing`.
    """
    place = session.folder / KEPT
    if folder.parent != place:
        withdraw(session)
        if len(table) == 1 and table["chosen"].all():
            return
        folder.parent.rename(place)
    session.offer = Offer(
        session.next_number(), name, place / folder.name, rows_of(table), sequence
    )


def withdraw(session: Session) -> None:
    """Delete the files kept for the choice of series."""
    session.offer = None
    shutil.rmtree(session.folder / KEPT, ignore_errors=True)


def wanted(session: Session, names: Any) -> tuple[Offer, str]:
    """The selection of series names, as `series` of `read_images`.

    Raises Refused if there are no files to choose from, or no such series.
    """
    if session.offer is None:
        raise Refused(GONE, 409)
    if not isinstance(names, list) or not names:
        raise Refused("Choose one or more series.")
    known = {row["name"] for row in session.offer.rows}
    if not all(isinstance(name, str) and name in known for name in names):
        raise Refused("This series does not exist.", 404)
    return session.offer, ",".join(dict.fromkeys(names))


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of `choice.listing` for the page, by examination and number."""
    rows: list[dict[str, Any]] = table.to_dict("records")
    several = table["examination"].nunique() > 1
    shared = several | table["number"].duplicated(keep=False)
    for row, told_apart in zip(rows, shared, strict=True):
        row["description"] = row["description"][:MOST_SHOWN]
        # File names distinguish series that share number and description.
        row["first"] = row["first"] if told_apart else ""
        row["examination"] = row["examination"] if several else 0
    return sorted(rows, key=lambda row: (row["examination"], row["number"], row["name"]))


def used(table: pd.DataFrame) -> str:
    """Names of the series that a cine was made of."""
    return ", ".join(row["name"] for row in rows_of(table) if row["chosen"])
