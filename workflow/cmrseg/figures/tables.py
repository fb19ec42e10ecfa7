"""Tables of several labellers or models in one."""

from collections.abc import Iterable, Sequence

import pandas as pd


def named(tables: Iterable[pd.DataFrame], names: Sequence[str], column: str) -> pd.DataFrame:
    """The concatenated tables, with the name of each in the first column."""
    # A copy has its columns in one piece; pandas warns where a further one joins many.
    parts = [
        table.copy().assign(**{column: name}) for name, table in zip(names, tables, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)
