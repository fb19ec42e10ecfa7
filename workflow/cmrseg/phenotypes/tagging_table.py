"""Strain by tagging of one subject as a table to read: a row per direction, layer and place."""

import math

import numpy as np
import pandas as pd

from cmrseg.measure.ring_strain import LAYERS
from cmrseg.measure.strain_times import peak_of

COLUMNS = (
    *("direction", "layer", "place", "es_percent", "peak_percent", "time_to_peak_ms"),
    *("es_frame", "peak_frame"),
)
# Rows of `in_words`: all of one subject without segments.
MOST_SHOWN = 28


def strain_tables(details: pd.DataFrame) -> pd.DataFrame:
    """The rows of `strain_table` of each subject of a table of details, by its `subject`."""
    tables = [
        strain_table(own).assign(subject=subject)
        for subject, own in details.groupby("subject", sort=False)
    ]
    empty = pd.DataFrame(columns=["subject", *COLUMNS])
    return pd.concat(tables, ignore_index=True)[list(empty)] if tables else empty


def in_words(table: pd.DataFrame, most: int = MOST_SHOWN) -> str:
    """The first rows of `strain_tables` as text, strain with one digit."""
    text = table.head(most).to_string(index=False, float_format="{:.1f}".format, na_rep="")
    return text + (f"\n... {len(table) - most} more rows" if len(table) > most else "")


def strain_table(details: pd.DataFrame) -> pd.DataFrame:
    """Green strain at end-systole and its peak: COLUMNS, frames from 0.

    details: those of the measure `tagging` of one subject. place: a level, `global`, or the number
    of an AHA segment where segments are known. Empty cells are unknown.
    """
    rows = []
    for layer in LAYERS:
        ours = (details["direction"] == layer.direction) & (details["layer"] == layer.key)
        for place, curve in details[ours].groupby("place", sort=False):
            rows.append((layer.direction, layer.key, str(place), *_said(curve, layer.direction)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"es_frame": "Int64", "peak_frame": "Int64"})


def _said(curve: pd.DataFrame, direction: str) -> tuple[float, float, float, float, float]:
    """What COLUMNS say of one curve behind its place."""
    values, times_ms = curve["green_percent"].to_numpy(float), curve["time_ms"].to_numpy(float)
    at_es = np.flatnonzero(curve["phase"] == "es")
    es_frame = float(at_es[0]) if len(at_es) else math.nan
    es = float(values[at_es[0]]) if len(at_es) else math.nan
    peak = peak_of(values, direction)
    time_ms = math.nan if math.isnan(peak.frame) else float(times_ms[int(peak.frame)])
    return es, peak.value, time_ms, es_frame, peak.frame
