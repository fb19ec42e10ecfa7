"""What Snakemake remembers of a study's results: without that nothing tells old ones from new."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from study_tables import StudyError

# Where Snakemake keeps what outputs were made of, a file for each, and which are being made.
MEMORY = Path(".snakemake")
KINDS = ("metadata", "incomplete")
# Written by jobs that fail, too, and no results.
BESIDE = ("logs", "benchmarks")


def check_remembered(study: str) -> None:
    """Refuse results of which Snakemake does not know how they were made: it would keep them all.

    Looks into the working directory. Raises StudyError naming the folder of the study.
    """
    results = Path("results") / study
    if not any(_files(results)) or any(
        output.startswith(f"{results.as_posix()}/") for output in _remembered()
    ):
        return
    raise StudyError(
        f"{results} has results, but {MEMORY} does not say what they were made of, and old ones "
        f"would pass for new; bring the folder {MEMORY} along from where they were made, or remove "
        f"{results}"
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
