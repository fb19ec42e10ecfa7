"""Patients, scan parameters and sets of the Kaggle data in the published study."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import summary
from cmrseg.measure.confidence import THRESHOLDS, confidence_table
from cmrseg.published.kaggle_tables import (
    automatic_volumes,
    by_number,
    images,
    known_volumes,
    read,
    sizes,
)
from cmrseg.published.numbers import numbers_table
from cmrseg.splits import upright_rows

# Published names of the sets, and of the studies in no set.
BINS = {"c05": "p05", "c10": "p10", "c15": "p15", "": "rest"}

# Columns of the published table, and their names here.
RENAMED = {
    "pid": "study",
    "set": "set",
    "bin": "bin",
    "score": "score",
    "EF": "true_ef",
    "Diastole": "true_edv_ml",
    "Systole": "true_esv_ml",
    "PatientsSex": "sex",
    "PatientsAgeYears": "age_y",
    "MagneticFieldStrength": "field_strength_t",
    "PatientID": "patient",
    "ModelName": "scanner",
    "SoftwareVersion": "software",
    "SequenceName": "sequence",
    "EchoTime": "echo_time_ms",
    "RepetitionTime": "repetition_time_ms",
    "FlipAngle": "flip_angle_deg",
    "PixelBandwidth": "pixel_bandwidth_hz",
    "NumberOfAverages": "averages",
    "NumberOfPhaseEncodingSteps": "phase_encoding_steps",
    "PercentSampling": "sampling_percent",
    "PhaseEncodingDirection": "phase_encoding",
    "SliceThickness": "slice_thickness_mm",
    "sliceSpacing": "slice_distance_mm",
    "Rows": "acquired_rows",
    "Columns": "acquired_columns",
    "acquired_spacing_y_mm": "acquired_spacing_y_mm",
    "acquired_spacing_x_mm": "acquired_spacing_x_mm",
    "Y": "rows",
    "X": "columns",
    "pixelSpacingY": "spacing_y_mm",
    "pixelSpacingX": "spacing_x_mm",
    "scaleFactor": "scale",
    "inconsistentMetadata": "inconsistent_metadata",
}

# The second measurement of a patient; it is excluded so that every patient counts once.
SECOND = "_b"

# Published age groups: name, age above, age up to.
AGES = (("<= 17", -1, 17), ("> 17-30", 17, 30), ("> 30-50", 30, 50), ("> 50", 50, np.inf))

# Published ranges: quantity with unit, and the columns with its values.
RANGES = {
    "echo time, ms": ["echo_time_ms"],
    "repetition time, ms": ["repetition_time_ms"],
    "pixel bandwidth, Hz": ["pixel_bandwidth_hz"],
    "slice thickness, mm": ["slice_thickness_mm"],
    "phase encoding steps": ["phase_encoding_steps"],
    "smaller dimension, px": ["smaller_px"],
    "larger dimension, px": ["larger_px"],
    "pixel spacing, mm": ["acquired_spacing_y_mm", "acquired_spacing_x_mm"],
}

# Published statistics of the bins: id, unit, column, and the published bins.
BIN_STATISTICS = (
    ("K3g", "", "true_ef", tuple(BINS.values())),
    ("K3h", ", ml", "true_edv_ml", tuple(BINS.values())),
    ("K3i", ", ml", "true_esv_ml", ("p05", "p15", "rest")),
)

# Published counts: quantity of a group, column, values. Three of the bins were published.
SEX = ("sex", {"F": "F", "M": "M"})
FIELD = ("field_strength_t", {"1.5 T": 1.5, "3 T": 3.0})
BINS_COUNTED = ("p05", "p10", "rest")

# Sizes in pixels after scaling, X and Y, with a published number of studies.
SIZES = (
    *((192, 256), (256, 192), (218, 256), (256, 256), (230, 256)),
    *((208, 256), (256, 218), (204, 256), (120, 160)),
)

# Scores were published with fewer digits than were used to compute them.
EXACT_SCORE = 1e-12

# Published names of the cumulative sets, and the largest score of each.
SETS = {f"{round(100 * limit)} %": limit for limit in THRESHOLDS.values()}

# Kaggle's partitions.
VALIDATE, TEST = "validate", "test"


def metadata_table(folder: Path) -> pd.DataFrame:
    """One row per study, sorted by number, with the columns of RENAMED.

    folder: folder of the published repository. set: Kaggle's partition. score: confidence of the
    labels of the study, not of its rotated copy, as a fraction; bin: p05 up to 0.05, p10 up to
    0.10, p15 up to 0.15, rest. true_ef is a fraction; both measurements of a patient have the same
    truth.
    acquired_... is before cleaning; rows, columns and spacing_... are after cleaning.
    """
    table = read(folder, "patient_metadata.tsv")
    spacing = table["PixelSpacing"].str.strip("[]").str.split(", ", expand=True).astype(float)
    table[["acquired_spacing_y_mm", "acquired_spacing_x_mm"]] = spacing
    scores = scored(folder).set_index("subject").loc[table["pid"]]
    table["score"] = scores["score"].to_numpy()
    table["bin"] = scores["set"].map(BINS).to_numpy()
    table = table[list(RENAMED)].rename(columns=RENAMED)
    return table.sort_values("study", key=lambda ids: ids.map(by_number), ignore_index=True)


def scored(folder: Path) -> pd.DataFrame:
    """Confidence of all ids, including rotated copies, from the automatic and the true volumes."""
    return confidence_table(automatic_volumes(folder), known_volumes(folder))


def numbers(folder: Path) -> pd.DataFrame:
    """K3d to K3q: confidence, sets, patients, scanners, problems of the conversion.

    sound: the training parts of the sets without Kaggle's test patients.
    """
    table = metadata_table(folder)
    return numbers_table(
        [
            *_scores(folder),
            *_sets(folder),
            *_bins(table),
            *_patients(table[~table["study"].str.endswith(SECOND)]),
            ("K3o", "studies", len(table), ""),
            ("K3o", "inconsistent", int(table["inconsistent_metadata"].sum()), ""),
            *_log(folder),
            *_dimensions(folder),
        ]
    )


def _scores(folder: Path) -> Iterator[tuple]:
    published = read(folder, "confidence_by_patient.tsv").set_index("Id")["confidence"]
    ours = scored(folder).set_index("subject")["score"]
    difference = (ours - published.reindex(ours.index)).abs()
    yield "K3d", "scores", len(published), ""
    yield "K3d", "scores equal to the published", int((difference < EXACT_SCORE).sum()), ""


def _sets(folder: Path) -> Iterator[tuple]:
    """Cumulative sets of the studies, each in one orientation, and their images."""
    table = upright_rows(scored(folder))
    listed = images(folder)["subject"].value_counts()
    table = table.assign(images=table["subject"].map(listed).astype(int))
    yield "K3e", "images in one orientation", int(table["images"].sum()), ""
    for name, threshold in SETS.items():
        own = table[table["score"] <= threshold]
        training, validation = own[own["split"] != VALIDATE], own[own["split"] == VALIDATE]
        clean = training[training["split"] != TEST]
        for part, rows in (("", own), ("validation ", validation)):
            yield "K3e", f"{name} set, {part}studies", len(rows), ""
            yield "K3e", f"{name} set, {part}images", int(rows["images"].sum()), ""
        pairs = int(training["images"].sum()), int(clean["images"].sum())
        yield "K3e", f"{name} set, training studies", len(training), len(clean)
        yield "K3e", f"{name} set, training images", *pairs


def _bins(table: pd.DataFrame) -> Iterator[tuple]:
    for name in BINS.values():
        own = table[table["bin"] == name]
        yield "K3f", f"{name} studies", len(own), ""
        for id_, unit, column, given in BIN_STATISTICS:
            if name in given:
                found = summary(own[column])
                for statistic in ("mean", "sd", "median"):
                    yield id_, f"{name} {statistic}{unit}", found[statistic], ""
        if name in BINS_COUNTED:
            yield from _counts("K3j", name, own, *SEX)
            yield from _counts("K3k", name, own, *FIELD)


def _counts(
    id_: str,
    group: str,
    table: pd.DataFrame,
    column: str,
    values: dict[str, str] | dict[str, float],
) -> Iterator[tuple]:
    for name, value in values.items():
        yield id_, f"{group} {name}", int((table[column] == value).sum()), ""


def _patients(table: pd.DataFrame) -> Iterator[tuple]:
    yield "K3l", "patients", len(table), ""
    yield from _counts("K3l", "patients", table, *SEX)
    yield from _counts("K3l", "patients", table, *FIELD)
    age_y = table["age_y"]
    for name, above, up_to in AGES:
        yield "K3m", f"age {name} years", int(((age_y > above) & (age_y <= up_to)).sum()), ""
    yield "K3m", "smallest age, years", float(age_y.min()), ""
    yield "K3m", "largest age, years", float(age_y.max()), ""
    sides = table[["acquired_rows", "acquired_columns"]]
    table = table.assign(smaller_px=sides.min(axis=1), larger_px=sides.max(axis=1))
    for quantity, columns in RANGES.items():
        values = table[columns].to_numpy()
        yield "K3n", f"{quantity}, smallest", float(values.min()), ""
        yield "K3n", f"{quantity}, largest", float(values.max()), ""


def _log(folder: Path) -> Iterator[tuple]:
    names = ["pid", "problem", "resolution", "image", "extra"]
    log = read(folder, "conversion.log", names=names)
    yield "K3p", "lines of the log", len(log), ""
    for problem, rows in log.groupby("problem"):
        yield "K3p", f"{problem}, events", len(rows), ""
        yield "K3p", f"{problem}, studies", int(rows["pid"].nunique()), ""


def _dimensions(folder: Path) -> Iterator[tuple]:
    size = sizes(folder)
    yield "K3q", "studies with X > Y", int((size["X"] > size["Y"]).sum()), ""
    yield "K3q", "studies scaled", int((size["scaleFactor"] != 1).sum()), ""
    counts = size.groupby(["X", "Y"]).size()
    for x, y in SIZES:
        yield "K3q", f"studies of {x} x {y} pixels", int(counts.get((x, y), 0)), ""
