"""Subjects of UK Biobank as zips of DICOM files, small and seeded."""

import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.layouts.ukbb_dicom import import_shard
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.scanner import Plane, short_axis_planes
from cmrseg.phantom.ukbb_dicom import series_files, write_zip, write_zips
from cmrseg.phantom.views import flow_plane, long_axis_views

FRAMES, ROWS, COLUMNS, SLICES, INTERVAL_MS = 6, 20, 16, 5, 150.0
CORRECTED = {"mode": "corrected", "max_size_px": 256}
COMPAT = {**CORRECTED, "mode": "compat"}
COMMON = {"Modality": "MR", "Manufacturer": "SIEMENS", "SamplesPerPixel": 1}
COMMON |= {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "ImageType": ["ORIGINAL", "PRIMARY", "M"]}
COMMON |= {"PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16}
COMMON |= {"HighBit": 15, "PixelRepresentation": 0}
EVERYTHING = ["sa", "la_2ch", "la_3ch", "la_4ch", "ao"]


@cache
def planes(seed: int = 1) -> dict[str, list[Plane]]:
    """Planes of one examination by sequence; the short axis from base to apex."""
    (row,) = draw_subjects(1, seed=seed).to_dict("records")
    heart = draw_parameters(row, FRAMES)
    short = short_axis_planes(
        heart,
        rows=ROWS,
        columns=COLUMNS,
        spacing_mm=8.0,
        slice_distance_mm=10.0,
        thickness_mm=8.0,
        count=SLICES,
    )
    views = long_axis_views(heart, short[0])
    wide = {
        f"la_{view}": [replace(plane, rows=COLUMNS, columns=ROWS)] for view, plane in views.items()
    }
    return {"sa": short, **wide, "ao": [flow_plane(heart, short[0])], "tag": short[1:4]}


def pictures(sequence: str, slice_: int, plane: Plane, frames: int = FRAMES) -> np.ndarray:
    """Grey values (t, rows, columns) that differ between sequences, slices and frames."""
    rng = np.random.default_rng([len(sequence), ord(sequence[-1]), ord(sequence[-3:][0]), slice_])
    images = rng.integers(50, 900, (1, plane.rows, plane.columns))
    return (images + np.arange(frames)[:, None, None]).astype(float)


def acquired(sequences=EVERYTHING, seed: int = 1) -> dict:
    """Planes and images of each slice of some sequences."""
    places = planes(seed)
    return {s: [(p, pictures(s, n, p)) for n, p in enumerate(places[s])] for s in sequences}


def write_subject(folder: Path, eid: str, sequences=EVERYTHING, seed: int = 1) -> list[Path]:
    return write_zips(folder, eid, acquired(sequences, seed), INTERVAL_MS, COMMON)


def series(eid: str, sequence: str, number: int, description: str, n: int = 0, **options) -> list:
    """Files of one more series: slice n of a sequence, acquired in the order of `number`.

    options: plane, images, and elements in place of the usual ones.
    """
    plane = options.pop("plane", None) or planes()[sequence][n]
    images = options.pop("images", pictures(sequence, n, plane))
    return series_files(eid, plane, images, number, description, INTERVAL_MS, {**COMMON, **options})


def rewritten(path: Path, change, manifest: str = "manifest.csv") -> None:
    """Change what a zip file holds: `change` takes name -> bytes, the manifest among them."""
    with zipfile.ZipFile(path) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    content = change(content) or content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name if name != "manifest.csv" else manifest, data)


def imported(raw: Path, sequences=("sa",), settings=CORRECTED, study="", **options):
    """Audit of subject 1000001, imported to `images` beside the raw folder."""
    return both_tables(raw, sequences, settings, study, **options)[0]


def both_tables(raw: Path, sequences=("sa",), settings=CORRECTED, study="", **options):
    """Audit and headers of the same import."""
    images = raw.parent / "images"
    images.mkdir(exist_ok=True)
    rows = {"subject": ["1000001"], "study": [study or "1000001"]}
    rows["series"] = [options.pop("series", "")]
    rows["annotation"] = [options.pop("annotation", "")]
    return import_shard(pd.DataFrame(rows), raw, images, settings, sequences, **options)


def zip_of(folder: Path, field: int, written: list, eid: str = "1000001") -> Path:
    path = folder / f"{eid}_{field}_2_0.zip"
    write_zip(path, eid, written)
    return path


def image(raw: Path, sequence: str = "sa") -> Cine:
    """An image of subject 1000001 as imported."""
    return Cine.load(raw.parent / f"images/1000001/{sequence}.nii.gz")


def stored(sequence: str) -> np.ndarray:
    """Images (t, z, y, x) as they were written, in the order of their numbers."""
    found = planes()[sequence]
    return np.stack([pictures(sequence, n, p) for n, p in enumerate(found)], axis=1)


def told(audit: pd.DataFrame) -> list[tuple[str, str]]:
    """Problem and image of each row."""
    return list(audit[["problem", "image"]].itertuples(index=False, name=None))
