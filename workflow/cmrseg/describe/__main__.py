"""Look through a folder of images and write a subject table and a study file for it.

`make describe FOLDER=<folder>` does the same.
"""

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from cmrseg.describe.files import GRID
from cmrseg.describe.look import look
from cmrseg.describe.written import report, study_file, subject_table, where
from cmrseg.files import replacing, write_table

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
# `results/published` belongs to the target of that name.
RESERVED = "published"


def parser() -> argparse.ArgumentParser:
    """The words of the command line."""
    made = argparse.ArgumentParser(prog="cmrseg.describe", description=__doc__)
    add = made.add_argument
    add("folder", type=Path, help="folder with the images of all subjects")
    add("--name", help="name of the study; by default that of the folder")
    add("--project", type=Path, default=Path(), help="top folder of cmrseg; by default this one")
    for key in GRID:
        add(f"--{key.replace('_', '-')}", type=float, help="for HDF5 files")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Describe the folder of the command line; the exit code."""
    given = parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    grid = {key: getattr(given, key) for key in GRID if getattr(given, key) is not None}
    try:
        describe(given.folder, given.name, given.project, grid)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def describe(folder: Path, name: str | None, project: Path, grid: dict[str, float]) -> None:
    """Write config/<name>.yaml and config/cohorts/<name>.tsv of a project, and print a report.

    Raises ValueError where nothing is found, or a file of that name is there already.
    """
    name = name or re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    if not NAME.fullmatch(name) or name == RESERVED:
        raise ValueError(f"name {name!r}: give --name with small letters, digits and _")
    study = project / "config" / f"{name}.yaml"
    table = project / "config/cohorts" / f"{name}.tsv"
    for path in (study, table):
        if path.exists():
            raise ValueError(f"{path}: exists already; remove it, or give --name <another name>")
    found = look(folder, grid)
    if not found.studies:
        told = "; ".join(f"{what}: {reason}" for what, reason in found.unclear)
        raise ValueError(f"{folder}: no subject can be read: {told}")
    rows = subject_table(found)
    raw = where(found.raw, project)
    text = study_file(found, name, f"config/cohorts/{name}.tsv", raw)
    table.parent.mkdir(parents=True, exist_ok=True)
    write_table(rows, table)
    with replacing(study) as path:
        path.write_text(text, "utf-8")
    print(report(found, rows))
    print(f"Written: {table} and {study}. Look at both; docs/describe.md says how to run them.")


if __name__ == "__main__":
    sys.exit(main())
