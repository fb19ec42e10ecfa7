"""Tables of several labellers or models in one."""

from collections.abc import Iterable, Sequence

import pandas as pd


def named(tables: Iterable[pd.DataFrame], names: Sequence[str], column: str) -> pd.DataFrame:
    """The concatenated tables, with the name of each in the first column."""
    parts = [table.assign(**{column: name}) for name, table in zip(names, tables, strict=True)]
    return pd.concat(parts, ignore_index=True)
