"""What a report says of images and model, and the sources of what is in its table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cmrseg.measure.person import BSA_NOTE, REFERENCE_NOTE

# First digits of a hash that identify weights.
HASH_DIGITS = 12


def image_words(
    shape: Sequence[int], spacing_mm: Sequence[float], interval_s: float, series: str = ""
) -> str:
    """Size of images (t, z, y, x) with spacing along z, y, x. interval_s: nan where unknown."""
    frames, slices, rows, columns = shape
    z, y, x = spacing_mm
    one = f"{columns} x {rows} pixels of {x:.3g} x {y:.3g} mm"
    words = f"{slices} slices of {one}, {z:.3g} mm apart" if slices > 1 else f"one slice of {one}"
    if frames > 1:
        words += f"; {frames} frames"
        words += f", {interval_s * 1000:.3g} ms apart" if math.isfinite(interval_s) else ""
    return f"{words}; series {series}" if series else words


def model_words(name: str, weights_sha256: str) -> str:
    return f"{name}, sha256 of its weights {weights_sha256[:HASH_DIGITS]}"


def notes_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sources and conventions of what is in rows of measures."""
    rows = list(rows)
    every = [about for row in rows for about in (row, row.get("indexed") or {})]
    notes = [REFERENCE_NOTE] if any("reference" in about for about in every) else []
    if any("indexed" in row for row in rows):
        notes.append(BSA_NOTE)
    origins = dict.fromkeys(str(row["origin"]) for row in rows if row.get("origin"))
    return [*notes, *(f"Interval: {origin}" for origin in origins)]
