"""The report of one subject of a study: what a model made of its images."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.figures.column_names import in_words
from cmrseg.figures.report import Curve, Report, Strip, rows_of
from cmrseg.figures.report_words import image_words, model_words, notes_of
from cmrseg.figures.units import units_of
from cmrseg.files import read_table, sha256
from cmrseg.measure.by_sequence import (
    curve_columns,
    curve_unit,
    has_phases,
    measures_of,
    measures_of_curve,
)
from cmrseg.measure.person import Person, by_person
from cmrseg.measure.volumes import missed_frames
from cmrseg.sequences import Sequence as Images
from cmrseg.sequences import image_path

# Also given by the table of volumes, without being a measure of a ventricle.
RATE = "heart_rate_bpm"


def report_of(
    images: str | Path,
    labels: str | Path,
    channels: Sequence[Images],
    tables: Mapping[str, str],
    model: Mapping[str, str],
    person: Person,
    title: str = "",
) -> Report:
    """The report of a subject.

    images, labels: its folders in the shards of images and of label maps. channels: the sequences
    that the model sees; labels lie on the grid of the first one. tables: paths of volumes and
    curves (empty path: none), of the audit of the import, and of intervals (or empty). model: name,
    and path of weights. title: as typed; no name of a subject is added to it.
    """
    first, subject = channels[0], Path(images).name
    cines = [Cine.load(image_path(images, channel.key)) for channel in channels]
    found = Cine.load(image_path(labels, first.key)).voxels
    curve = _of(tables["curves"], subject).reset_index(drop=True)
    values, marks = _values(tables["volumes"], subject, curve, first)
    units = units_of(curve[list(curve_columns(first).values())].to_numpy(float))
    ends = _of(tables["intervals"], subject).iloc[0].to_dict() if tables["intervals"] else {}
    rows = _rows(values, units.factor, {"ml": units.volume, "g": units.mass}, person, ends)
    factor = units.factor if curve_unit(first) == "ml" else 1.0
    return Report(
        title=title,
        facts=_facts(cines[0], first, model, marks, person),
        strips=_strips(cines, found, channels, marks),
        affine=cines[0].affine,
        rows=rows_of(rows),
        curves=[
            Curve(tissue, curve[column].to_numpy(float) * factor)
            for tissue, column in curve_columns(first).items()
            if curve[column].max() > 0
        ],
        unit=units.volume if curve_unit(first) == "ml" else "cm²",
        interval_s=cines[0].frame_interval_s,
        marks=marks if first.is_cine else [],
        warnings=[*_warnings(curve, first), *([doubt] if (doubt := person.doubt()) else [])],
        notes=[
            *notes_of(rows),
            *_no_intervals(ends, rows),
            *_repairs(_of(tables["audit"], subject)),
        ],
    )


def _no_intervals(ends: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why there are no intervals, of a model that could have some."""
    has_some = not ends or any("low" in row for row in rows)
    return [] if has_some else [f"{ends['origin'][:1].upper()}{ends['origin'][1:]}."]


def _of(path: str, subject: str) -> pd.DataFrame:
    table = read_table(path)
    return table[table["subject"].astype(str) == subject]


def _values(
    path: str, subject: str, curve: pd.DataFrame, first: Images
) -> tuple[dict[str, float], list[tuple[str, int]]]:
    """Measures by their column, and the frames (from 0) that are shown, with their names."""
    if has_phases(first):
        row = _of(path, subject).iloc[0]
        values = {measure.name: float(row[measure.name]) for measure in measures_of(first)}
        frames = [("ED", row["ed_frame"]), ("ES", row["es_frame"])]
        marks = [(name, int(frame)) for name, frame in frames if not math.isnan(frame)]
        return values | {RATE: float(row[RATE])}, marks or [("", 0)]
    # Nothing is known of what a model does not label, or did not find.
    values = {key: value for key, value in measures_of_curve(curve, first).items() if value > 0}
    if not first.is_cine:
        return values, [("", 0)]
    areas = curve[list(curve_columns(first).values())].max(axis=0)
    areas = curve[curve_columns(first)[first.phase_tissue]] if first.phase_tissue else areas
    if not areas.max() > 0:
        return values, [("", 0)]
    return values, [("largest", int(areas.idxmax())), ("smallest", int(areas[areas > 0].idxmin()))]


def _rows(
    values: Mapping[str, float],
    factor: float,
    named: Mapping[str, str],
    person: Person,
    ends: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Rows of measures; ends: a row of a table of intervals, or nothing."""
    rows = []
    for key, value in values.items():
        if not math.isfinite(value):
            continue
        words = in_words(key)
        unit = named.get(words.unit, words.unit)
        times = words.factor * (factor if words.unit in named else 1)
        shown = value * times
        added = by_person(key, shown, unit, person)
        low, high = (ends.get(f"{key}_{end}", math.nan) for end in ("low", "high"))
        if math.isfinite(low + high):
            added |= {"low": low * times, "high": high * times, "origin": ends["origin"]}
        rows.append({"key": key, "name": words.name, "value": shown, "unit": unit, **added})
    return rows


def _facts(
    cine: Cine,
    first: Images,
    model: Mapping[str, str],
    marks: Sequence[tuple[str, int]],
    person: Person,
) -> list[tuple[str, str]]:
    images = image_words(cine.voxels.shape, cine.spacing_mm, cine.frame_interval_s)
    facts = [
        ("Model", model_words(model["name"], sha256(model["weights"]))),
        ("Images", f"{first.name}: {images}"),
    ]
    if shown := [f"{name} {frame + 1} (by volume)" for name, frame in marks if name]:
        text = ", ".join(shown)
        facts.append(("Frames", text if has_phases(first) else text.replace("volume", "area")))
    return [*facts, *([("Person", said)] if (said := person.said()) else [])]


def _strips(
    cines: Sequence[Cine],
    labels: np.ndarray,
    channels: Sequence[Images],
    marks: Sequence[tuple[str, int]],
) -> list[Strip]:
    if len(cines) > 1:
        pairs = zip(channels, cines, strict=True)
        return [Strip(c.contrast, 0, cine.voxels[0], labels[0]) for c, cine in pairs]
    return [
        Strip(f"{name}, frame {frame + 1}" if name else "", frame, cines[0].voxels[frame], one)
        for name, frame in marks
        for one in [labels[frame]]
    ]


def _warnings(curve: pd.DataFrame, first: Images) -> list[str]:
    if not has_phases(first):
        return []
    if missed := missed_frames(curve):
        numbers = ", ".join(str(frame + 1) for frame in missed)
        return [f"No LV cavity was found in frame {numbers}: check end-diastole and end-systole."]
    return [] if curve["lv_ml"].max() > 0 else ["No LV cavity was found in any image."]


def _repairs(audit: pd.DataFrame) -> list[str]:
    """What the import repaired, each kind once."""
    pairs = audit[["problem", "resolution"]].astype(str).drop_duplicates()
    said = "; ".join(f"{problem}: {done}" for problem, done in pairs.itertuples(index=False))
    return [f"Repaired in the import: {said}."] if said else []
