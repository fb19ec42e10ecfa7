"""The config file of a study's results, so that no other study of the same name replaces them."""

import os
from collections.abc import Iterable
from pathlib import Path

from study.tables import StudyError, read_yaml

NOTE = "results/{study}/config_file.txt"


def check_owner(study: str, files: Iterable[str | Path]) -> None:
    """Refuse a study whose results belong to another existing config file with the same name.

    files: config files of this run. A file that was edited, moved or renamed is the same study.
    Raises StudyError naming both files.
    """
    note, own = Path(NOTE.format(study=study)), naming_file(study, files)
    if own is None or not note.is_file():
        return
    other = note.read_text("utf-8").strip()
    if not os.path.isfile(other) or os.path.samefile(own, other) or not _names(other, study):
        return
    raise StudyError(
        f"{own}: {note.parent} holds the results of {other}, which is also `study: {study}`; give "
        f"one of them another name. If {own} is to replace them, remove {note}"
    )


def note_owner(study: str, files: Iterable[str | Path]) -> None:
    """Save the path of the config file with the results, once there are any."""
    note, own = Path(NOTE.format(study=study)), naming_file(study, files)
    if own is not None and note.parent.is_dir():
        note.write_text(f"{own}\n", "utf-8")


def naming_file(study: str, files: Iterable[str | Path]) -> str | None:
    """The last config file with the study's name; relative if it is in this folder."""
    own = [file for file in files if _names(file, study)]
    if not own:
        return None
    path = os.path.relpath(own[-1])
    return os.path.abspath(own[-1]) if path.startswith(os.pardir) else path


def _names(file: str | Path, study: str) -> bool:
    try:
        return str(read_yaml(str(file)).get("study")) == study
    except StudyError:
        return False
