"""The history of a training as a table."""

from typing import Any

import pandas as pd


def result_row(history: pd.DataFrame) -> dict[str, Any]:
    """Row of the epoch whose weights are saved: the last, or the best with early stopping."""
    last = history.iloc[-1]
    return (history.iloc[int(last["best_epoch"])] if "best_epoch" in history else last).to_dict()
