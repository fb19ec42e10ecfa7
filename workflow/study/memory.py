"""Snakemake's records of a study's results: without them outdated results cannot be detected."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

# Snakemake's folders of records, a file for each output, and of incomplete outputs.
MEMORY = Path(".snakemake")
KINDS = ("metadata", "incomplete")
# Also written by failed jobs, and not results.
BESIDE = ("logs", "benchmarks")


def forgotten(study: str) -> str:
    """A warning, if Snakemake has no records of a study's results: it then keeps all of them.

    Looks into the working directory. Empty if there are no results, or if there are records.
    """
    results = Path("results") / study
    if not any(_files(results)) or any(
        output.startswith(f"{results.as_posix()}/") for output in _remembered()
    ):
        return ""
    return (
        f"{results} has results, but {MEMORY} has no record of how they were made: edits since "
        f"then are not noticed. Copy the folder {MEMORY} from where they were made, or make all "
        "again with --forceall"
    )


def _files(results: Path) -> Iterator[Path]:
    folders = results.iterdir() if results.is_dir() else ()
    for folder in folders:
        if folder.name not in BESIDE:
            yield from (path for path in folder.rglob("*") if path.is_file())


def _remembered() -> Iterator[str]:
    """Outputs with a record; for long names, stored as nested folders, the first part."""
    for kind in KINDS:
        for note in (MEMORY / kind).glob("*"):
            coded = note.name.removeprefix("@")
            try:
                known = urlsafe_b64decode(coded[: len(coded) // 4 * 4])
            except binascii.Error:
                continue
            yield known.decode("utf-8", "replace")
