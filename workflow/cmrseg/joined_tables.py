"""Tables of shards as one table, without holding more than one of them in memory."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cmrseg.files import check_plain, replacing


def join_tables(paths: Sequence[str | Path], target: str | Path) -> None:
    """Write the rows of some TSVs (or .tsv.gz) below each other to `target`, cells as they are.

    A column that some of them lack is empty in their rows; columns come in the order in which they
    first appear. Cohorts have tens of millions of rows, of image files or of frames and segments.
    Raises ValueError naming a file that is no table.
    """
    columns: dict[str, None] = {}
    for path in paths:
        columns |= dict.fromkeys(_read(path, rows=0).columns)
    with replacing(target) as temporary, open(temporary, "wb") as file:
        # Neither a name nor a time in the header, as in `files.write_table`.
        packed = str(target).endswith(".gz")
        joined = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file
        with joined:
            about = {"sep": "\t", "index": False, "lineterminator": "\n"}
            pd.DataFrame(columns=list(columns)).to_csv(joined, **about)
            for path in paths:
                table = _read(path).reindex(columns=list(columns), fill_value="")
                table.to_csv(joined, header=False, **about)


def _read(path: str | Path, rows: int | None = None) -> pd.DataFrame:
    """Cells as text; rows: as many at most."""
    check_plain(path)
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, nrows=rows)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a tab-separated table ({error})") from error
