"""Files that are complete or not there, and tables whose ids stay text."""

import glob
import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error.

    Works for files and for folders (create the folder yourself). On an error the
    temporary is removed and whatever stood at `path` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a killed process could not remove; nobody else writes the same file.
    for left in path.parent.glob(f".partial-*-{glob.escape(path.name)}"):
        _remove(left)
    # Suffixes are kept, as many writers choose their format by them.
    temporary = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield temporary
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_plain(path: str | Path) -> None:
    """Raise ValueError naming what is there and no file: a folder, a pipe or a device.

    Reading a pipe waits for ever, and a device may have no end.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise ValueError(f"{path}: is a folder, a pipe or a device, expected a file")


# Columns that look like numbers but are names: "071" and "71" are two subjects.
TEXT_COLUMNS = (
    *("subject", "study", "series", "split", "faults", "image", "detail"),
    *("model", "cohort", "labeller", "reference", "set"),
    *("pid", "PatientID", "dir", "file"),
    *("id", "patient", "volunteer", "published", "recomputed", "sound"),
)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a TSV (or .tsv.gz) with ids as text; an empty text cell is ''.

    Only an empty cell of another column is a missing value: NA and None are names.

    Raises ValueError naming the file where it cannot be read as a table.
    """
    check_plain(path)
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            dtype=dict.fromkeys(TEXT_COLUMNS, str),
            keep_default_na=False,
            na_values=[""],
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a tab-separated table ({error})") from error
    for name in table.columns.intersection(TEXT_COLUMNS):
        table[name] = table[name].fillna("")
    return table


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a TSV (or .tsv.gz) whose bytes depend on its content alone."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        # Neither a name nor a time in the header: the temporary's name has the process's number.
        zipped = (
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) if str(path).endswith(".gz") else file
        )
        with zipped:
            table.to_csv(zipped, sep="\t", index=False, lineterminator="\n")


def sha256(path: str | Path) -> str:
    """sha256 of a file, or of a folder's files with their relative names, as hexadecimal text.

    Raises FileNotFoundError naming a path that is absent.
    """
    path = Path(path)
    if not path.exists():
        # Else it would have the sum of an empty folder.
        raise FileNotFoundError(f"{path}: no such file or folder")
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for inner in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{inner.relative_to(path).as_posix()} {sha256(inner)}\n".encode())
    return digest.hexdigest()
