"""Landmarks in a tagged cine: strain of each slice for the page, and its downloads."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.contents import Loaded, Tracked
from app.session import Refused, Session
from app.uploads import stem
from cmrseg.cine import Cine
from cmrseg.figures.strain_layers import LAYER_LOOKS
from cmrseg.figures.tagging_movie import WALL_COLOURS, Film, write_film
from cmrseg.measure.aha_segments import GLOBAL
from cmrseg.measure.ring_curves import Ring, curve, ring_curves
from cmrseg.measure.ring_segments import levels_in_order
from cmrseg.measure.strain_times import peak_of
from cmrseg.phenotypes.tagging_table import strain_table
from cmrseg.points import points_table
from cmrseg.results.tagging_hdf5 import ResultSlice, write_results

# Landmarks for display, (t, z, 168, 2), in the session's folder.
POINTS = "points.f32"
KIND, GREEN = "strain", "green_percent"
# Around the heart strain is negative; beyond these a peak in per cent is no heart's.
USUAL_PERCENT = {"circumferential": (-45.0, -3.0), "radial": (0.0, 150.0)}


def result(session: Session) -> tuple[Loaded, Tracked]:
    """The result of a session. Raises Refused if there is none."""
    if session.loaded is None or session.tracked is None:
        raise Refused("There are no landmarks yet; track the images first.", 409)
    return session.loaded, session.tracked


def _key(look: Any) -> str:
    return f"{look.direction}_{look.layer}"


def measured(session: Session) -> dict[str, Any]:
    """Strain of each slice at end-systole, its peak and its curves, in per cent; frames from 0."""
    _, tracked = result(session)
    at_es = tracked.curves.loc[tracked.curves["phase"] == "es", "frame"]
    es = int(at_es.iloc[0]) if len(at_es) else None
    slices = [
        _slice(tracked, z, level, es)
        for z, level in levels_in_order(range(tracked.points.shape[1])).of_slice.items()
    ]
    everything = {
        _key(look): curve(tracked.curves, look.direction, look.layer, GLOBAL, GREEN)
        for look in LAYER_LOOKS
    }
    return {
        "kind": KIND,
        "es": es,
        "lines": [
            {
                "key": _key(look),
                "name": look.label,
                "colour": look.colour,
                "dashed": look.dashes != "-",
            }
            for look in LAYER_LOOKS
        ],
        "walls": WALL_COLOURS,
        "slices": slices,
        "all": _values(everything, es, tracked.interval_s),
        "warnings": [*tracked.warnings, *_doubts(slices, es)],
    }


def _slice(tracked: Tracked, z: int, level: str, es: int | None) -> dict[str, Any]:
    """What the page shows of a slice; without landmarks no curves."""
    points = tracked.points[:, z : z + 1]
    about: dict[str, Any] = {"level": level, "values": {}, "curves": {}}
    if not np.isfinite(points[0]).any():
        return about
    spacing_mm = tracked.spacing_mm[1], tracked.spacing_mm[2]
    table = ring_curves(Ring(points, spacing_mm, {0: "mid"}))
    curves = {
        _key(look): curve(table, look.direction, look.layer, GLOBAL, GREEN) for look in LAYER_LOOKS
    }
    about["curves"] = {key: [_known(value) for value in values] for key, values in curves.items()}
    about["values"] = _values(curves, es, tracked.interval_s)
    return about


def _values(curves: dict[str, np.ndarray], es: int | None, interval_s: float) -> dict[str, Any]:
    """At end-systole and the peak of each curve, by its key."""
    found = {}
    for look in LAYER_LOOKS:
        values = curves[_key(look)]
        peak = peak_of(values, look.direction)
        found[_key(look)] = {
            "es": None if es is None or not len(values) else _known(values[es]),
            "peak": _known(peak.value),
            "frame": _known(peak.frame),
            "ms": _known(1000 * peak.frame * interval_s),
        }
    return found


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _doubts(slices: list[dict[str, Any]], es: int | None) -> list[str]:
    """What is implausible about the strain of slices."""
    found = []
    if es is None:
        found.append("End-systole is unknown: some endocardial landmarks are.")
    for number, about in enumerate(slices, start=1):
        if not about["curves"]:
            found.append(f"No heart was found in slice {number}.")
            continue
        for key, words in (("circumferential_midwall", "Ecc"), ("radial_wall", "Err")):
            peak = about["values"][key]["peak"]
            low, high = USUAL_PERCENT[key.partition("_")[0]]
            if peak is not None and not low <= peak <= high:
                found.append(
                    f"Slice {number}: a peak {words} of {peak:.0f} % is implausible for a heart; "
                    "look at the landmarks."
                )
    return found


# -- downloads -------------------------------------------------------------------------------


def download(session: Session, what: str, slice_: str) -> tuple[str, bytes]:
    """Name and content of a download. slice_: of a film, from 1, as the request says it.

    Points are in px of the image as it was imported, which is a download, too. Raises Refused for
    one that does not exist.
    """
    loaded, tracked = result(session)
    name = stem(loaded.name)
    image = Cine(np.load(session.folder / "cine.npy", "r"), tracked.affine, tracked.interval_s)
    if what == "points":
        return f"{name}.points.tsv", _tsv(_from_1(points_table(tracked.points, image)))
    if what == "strain":
        return f"{name}_strain.tsv", _tsv(_about(_from_1(strain_table(tracked.curves)), tracked))
    if what == "curves":
        return f"{name}_strain_curves.tsv", _tsv(_from_1(tracked.curves))
    if what == "image":
        return f"{name}_image.nii.gz", _saved(session.folder, "a.nii.gz", image.save)
    if what == "results":
        return f"{name}.result.h5", _results(session.folder, tracked, name, image)
    if what == "film":
        return _film(session.folder, tracked, name, image, slice_)
    raise Refused("This download does not exist.", 404)


def _from_1(table: pd.DataFrame) -> pd.DataFrame:
    """Frames and slices count from 1 on the page and in its tables."""
    counted = [c for c in ("frame", "slice", "es_frame", "peak_frame") if c in table]
    table = table.assign(**{column: table[column] + 1 for column in counted})
    if "slices" not in table:
        return table
    told = [",".join(str(int(z) + 1) for z in text.split(",")) for text in table["slices"]]
    return table.assign(slices=told)


def _about(table: pd.DataFrame, tracked: Tracked) -> pd.DataFrame:
    return table.assign(model=tracked.model, weights_sha256=tracked.weights_sha256)


def _tsv(table: pd.DataFrame) -> bytes:
    text = table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    return str(text).encode()


def _results(folder: Path, tracked: Tracked, name: str, image: Cine) -> bytes:
    rows, columns = image.voxels.shape[2:]
    spacing_mm = tracked.spacing_mm[1], tracked.spacing_mm[2]
    slices = [
        ResultSlice(name, z, tracked.points[:, z], tracked.box[0, z], spacing_mm, (rows, columns))
        for z in range(tracked.points.shape[1])
        if np.isfinite(tracked.points[0, z]).any()
    ]
    return _saved(folder, "a.h5", lambda path: write_results(slices, path))


def _film(folder: Path, tracked: Tracked, name: str, image: Cine, slice_: str) -> tuple[str, bytes]:
    count = image.voxels.shape[1]
    if not (slice_.isascii() and slice_.isdecimal() and 1 <= int(slice_) <= count):
        raise Refused(f"The slice of a film must be 1 to {count}.")
    z = int(slice_) - 1
    if not np.isfinite(tracked.points[0, z]).any():
        raise Refused(f"Slice {slice_} has no landmarks to show.", 409)
    film = Film(
        name,
        f"{name}, slice {slice_}",
        np.asarray(image.voxels[:, z]),
        tracked.points[:, z],
        (tracked.spacing_mm[1], tracked.spacing_mm[2]),
        1000 * tracked.interval_s,
    )
    return f"{name}_slice{slice_}.gif", _saved(folder, "a.gif", lambda path: write_film(film, path))


def _saved(folder: Path, name: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / name
        write(path)
        return path.read_bytes()
