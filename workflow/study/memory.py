"""What Snakemake remembers of a study's results: without that nothing tells old ones from new."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

# Where Snakemake keeps what outputs were made of, a file for each, and which are being made.
MEMORY = Path(".snakemake")
KINDS = ("metadata", "incomplete")
# Written by jobs that fail, too, and no results.
BESIDE = ("logs", "benchmarks")


def forgotten(study: str) -> str:
    """A warning, if Snakemake does not know how a study's results were made: it keeps them all.

    Looks into the working directory. Empty where there are no results, or where it knows.
    """
    results = Path("results") / study
    if not any(_files(results)) or any(
        output.startswith(f"{results.as_posix()}/") for output in _remembered()
    ):
        return ""
    return (
        f"{results} has results, but {MEMORY} does not say what they were made of: edits since "
        f"then are not noticed. Bring the folder {MEMORY} along from where they were made, or make "
        "all anew with --forceall"
    )


def _files(results: Path) -> Iterator[Path]:
    folders = results.iterdir() if results.is_dir() else ()
    for folder in folders:
        if folder.name not in BESIDE:
            yield from (path for path in folder.rglob("*") if path.is_file())


def _remembered() -> Iterator[str]:
    """Outputs that Snakemake knows; of long ones, which are folders of folders, the first part."""
    for kind in KINDS:
        for note in (MEMORY / kind).glob("*"):
            coded = note.name.removeprefix("@")
            try:
                known = urlsafe_b64decode(coded[: len(coded) // 4 * 4])
            except binascii.Error:
                continue
            yield known.decode("utf-8", "replace")
