"""Measures of a labelled cine, for the page and as downloads."""

import io
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.checks import result_warnings
from app.intake import stem
from app.session import Labelled, Loaded, Refused, Session
from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.contours.raster import contours_of, outline, to_world
from cmrseg.labels import Tissue
from cmrseg.layouts.nifti import turned_back
from cmrseg.measure.ventricles import MYOCARDIUM_G_PER_ML
from cmrseg.measure.volumes import measures_at
from cmrseg.orientation import turn_between

# Below this end-diastolic volume in ml, volumes are in µL and masses in mg.
SMALL_ML = 1.0
# Measures on the page and in the table: key in `measures`, name, kind of quantity.
ROWS = (
    ("edv_ml", "LV end-diastolic volume", "volume"),
    ("esv_ml", "LV end-systolic volume", "volume"),
    ("sv_ml", "LV stroke volume", "volume"),
    ("ef", "LV ejection fraction", "fraction"),
    ("mass_g", "LV mass at end-diastole", "mass"),
    ("heart_rate_bpm", "Heart rate", "rate"),
    ("co_l_min", "Cardiac output", "flow"),
    ("rv_edv_ml", "RV end-diastolic volume", "volume"),
    ("rv_esv_ml", "RV end-systolic volume", "volume"),
    ("rv_ef", "RV ejection fraction", "fraction"),
)
# Columns of a contour's point.
POINT = ("x_px", "y_px", "x_mm", "y_mm", "z_mm")


def result(session: Session) -> tuple[Loaded, Labelled]:
    """The result of a session. Raises Refused if there is none."""
    if session.loaded is None or session.labelled is None:
        raise Refused("There is no segmentation yet; segment the images first.", 409)
    return session.loaded, session.labelled


def is_small(labelled: Labelled) -> bool:
    """Whether to show µL and mg: decided by the cavity, or by the voxel size if there is none."""
    most_ml = labelled.curves["lv_ml"].max()
    return bool(most_ml < SMALL_ML) if most_ml > 0 else labelled.species == "mouse"


def measured(session: Session, ed_frame: int, es_frame: int) -> dict[str, Any]:
    """Measures at the given frames (from 0), curves and warnings.

    Raises Refused for a frame that does not exist.
    """
    loaded, labelled = result(session)
    try:
        # A single frame has no systole.
        systole = es_frame if len(labelled.curves) > 1 else None
        values = measures_at(labelled.curves, ed_frame, systole, labelled.interval_s)
    except ValueError:
        raise Refused(f"Frames must be 1 to {len(labelled.curves)}.") from None
    small = is_small(labelled)
    units = {
        "volume": (1000, "µL") if small else (1, "ml"),
        "mass": (1000, "mg") if small else (1, "g"),
        "fraction": (100, "%"),
        "rate": (1, "bpm"),
        "flow": (1000, "ml/min") if small else (1, "l/min"),
    }
    rows = []
    for key, name, kind in ROWS:
        factor, unit = units[kind]
        if math.isfinite(values[key]):
            rows.append({"key": key, "name": name, "value": values[key] * factor, "unit": unit})
    labels = np.memmap(session.folder / "labels.u8", np.uint8, "r", shape=loaded.shape)
    found = result_warnings(labels, labelled.curves, ed_frame, es_frame, labelled.species)
    factor, unit = units["volume"]
    curves = {
        name: [v * factor if math.isfinite(v) else None for v in labelled.curves[name]]
        for name in ("lv_ml", "my_ml", "rv_ml")
    }
    return {
        "rows": rows,
        "unit": unit,
        "curves": curves,
        "ed": ed_frame,
        "es": es_frame,
        "found": {"ed": labelled.ed_frame, "es": labelled.es_frame},
        "warnings": [*labelled.warnings, *found],
    }


def frames_csv(session: Session) -> str:
    """A row per frame (from 1): time, volumes, mass; units are in the column names."""
    _, labelled = result(session)
    small = is_small(labelled)
    factor, volume, mass = (1000, "uL", "mg") if small else (1, "ml", "g")
    curves = labelled.curves
    table = pd.DataFrame({"frame": np.arange(1, len(curves) + 1)})
    if math.isfinite(labelled.interval_s):
        table["time_ms"] = (np.arange(len(curves)) * labelled.interval_s * 1000).round(3)
    table[f"lv_{volume}"] = curves["lv_ml"] * factor
    table[f"myocardium_{volume}"] = curves["my_ml"] * factor
    table[f"myocardium_{mass}"] = curves["my_ml"] * factor * MYOCARDIUM_G_PER_ML
    if Tissue.RV in labelled.tissues:
        table[f"rv_{volume}"] = curves["rv_ml"] * factor
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def measures_csv(session: Session, ed_frame: int, es_frame: int) -> str:
    """Measures and how they were obtained: columns measure, value, unit."""
    loaded, labelled = result(session)
    content = measured(session, ed_frame, es_frame)
    chosen = [
        ("end-diastolic frame", ed_frame, labelled.ed_frame),
        ("end-systolic frame", es_frame, labelled.es_frame),
    ]
    z, y, x = labelled.spacing_mm
    rows: list[tuple[str, Any, str]] = [
        ("images", loaded.name, ""),
        *([("series", loaded.series, "")] if loaded.series else []),
        ("model", labelled.model, ""),
        ("sha256 of its weights", labelled.weights_sha256, ""),
        *((row["name"], f"{row['value']:.6g}", row["unit"]) for row in content["rows"]),
    ]
    for name, frame, found in chosen:
        by = "largest or smallest cavity volume" if frame == found else "set manually"
        rows.append((name, frame + 1, f"of {loaded.shape[0]}, {by}"))
    rows += [
        ("voxel spacing along x", f"{x:.6g}", "mm"),
        ("voxel spacing along y", f"{y:.6g}", "mm"),
        ("slice spacing", f"{z:.6g}", "mm"),
    ]
    if math.isfinite(labelled.interval_s):
        rows.append(("time between frames", f"{labelled.interval_s * 1000:.6g}", "ms"))
    rows += [("warning", text, "") for text in content["warnings"]]
    rows.append(("use", "Research use, not a medical device", ""))
    table = pd.DataFrame(rows, columns=["measure", "value", "unit"])
    return table.to_csv(index=False, lineterminator="\n")


def label_map(session: Session) -> Cine:
    """Label maps on the grid of the uploaded file; of DICOM files, on that of the import."""
    loaded, labelled = result(session)
    labels = np.fromfile(session.folder / "labels.u8", np.uint8).reshape(loaded.shape)
    return _as_uploaded(loaded, Cine(labels, labelled.affine, labelled.interval_s))


def image(session: Session) -> Cine:
    """The cine on whose grid the labels are."""
    loaded, labelled = result(session)
    voxels = np.load(session.folder / "cine.npy", allow_pickle=False)
    return _as_uploaded(loaded, Cine(voxels, labelled.affine, labelled.interval_s))


def _as_uploaded(loaded: Loaded, cine: Cine) -> Cine:
    return cine if loaded.file_affine is None else turned_back(cine, loaded.file_affine)


def contours_zip(session: Session) -> bytes:
    """Contours on the grid of `label_map`: a table of points, and a file for QMass.

    contours.csv: contour, slice and frame (from 1), x and y in pixels (from 0, whole numbers are
    centres), and the place in RAS mm. contours.con: endocardium and epicardium; it counts from 0.
    Raises Refused where the slices of the uploaded file are not along its third axis.
    """
    loaded, labelled = result(session)
    if loaded.file_affine is not None:
        turn = turn_between(loaded.file_affine, labelled.affine)
        if not turn[2, 2]:
            raise Refused(
                "The slices of this file do not run along its third axis, so contours cannot be "
                "written in its pixels. Download the label maps, or reorder the file's axes to x, "
                "y, slices.",
                409,
            )
    cine = label_map(session)
    frames, slices = cine.voxels.shape[:2]
    points: dict[tuple[int, int, ContourType], np.ndarray] = {}
    parts = []
    for t, z in np.ndindex(frames, slices):
        labels = cine.voxels[t, z]
        outlines = contours_of(labels)
        points |= {(z, t, kind): xy for kind, xy in outlines.items()}
        found = {kind.name.lower(): xy for kind, xy in outlines.items()}
        if (labels == Tissue.RV).any():
            found["rv"] = outline(labels == Tissue.RV)
        for name, xy in found.items():
            place = to_world(xy, z, cine.affine)
            table = pd.DataFrame(np.column_stack([xy, place]), columns=list(POINT))
            table.insert(0, "frame", t + 1)
            table.insert(0, "slice", z + 1)
            table.insert(0, "contour", name)
            parts.append(table)
    if not parts:
        raise Refused("Nothing is segmented, so there are no contours.", 409)
    rows, columns = cine.voxels.shape[2:]
    with tempfile.TemporaryDirectory(dir=session.folder) as folder:
        path = Path(folder) / "contours.con"
        write_con(Contours(stem(loaded.name), (rows, columns), points), path)
        con = path.read_bytes()
    text = pd.concat(parts).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("contours.csv"), text, zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("contours.con"), con, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def download(session: Session, what: str, ed_frame: int, es_frame: int) -> tuple[str, bytes]:
    """Name and content of a download. Raises Refused for one that does not exist."""
    loaded, _ = result(session)
    name = stem(loaded.name)
    if what == "labels":
        return f"{name}_labels.nii.gz", _saved(label_map(session), session.folder)
    if what == "image":
        return f"{name}_image.nii.gz", _saved(image(session), session.folder)
    if what == "contours":
        return f"{name}_contours.zip", contours_zip(session)
    if what == "frames":
        return f"{name}_frames.csv", frames_csv(session).encode()
    if what == "measures":
        text = measures_csv(session, ed_frame, es_frame)
        # Spreadsheet programs need this mark to recognise UTF-8; without it µ is shown wrongly.
        return f"{name}_measures.csv", b"\xef\xbb\xbf" + text.encode()
    raise Refused("This download does not exist.", 404)


def _saved(cine: Cine, folder: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "saved.nii.gz"
        cine.save(path)
        return path.read_bytes()
