"""The published networks on the Kaggle data: errors of EF and volumes, and published numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import (
    ef_difference,
    ejection_fractions,
    good_ef_bad_volume,
    max_volume_error,
    pearson,
    summary,
)
from cmrseg.published.kaggle_tables import (
    automatic_volumes,
    by_number,
    extreme_pixels,
    images,
    known_volumes,
    pixel_volumes_ml,
    read,
    sizes,
)
from cmrseg.published.numbers import numbers_table
from cmrseg.splits import original, upright_rows


class Predictions(NamedTuple):
    """File with the predictions of a network, and its input size in pixels."""

    table: str
    size_px: int


# The published U-Nets, by their names in tables.
NETWORKS = {
    "r34_p05_s256": Predictions("resnet34_5percent_size256_normalTfms_ceLoss", 256),
    "r50_p05_s256": Predictions("resnet50_5percent_size256_normalTfms_ceLoss", 256),
    "v16_p05_s256": Predictions("vgg16_5percent_size256_normalTfms_ceLoss", 256),
    "r34_p05_s256_focal": Predictions("resnet34_5percent_size256_normalTfms_focalLoss", 256),
    "r34_p05_s256_dice": Predictions("resnet34_5percent_size256_normalTfms_softdiceLoss", 256),
    "r34_p10_s256": Predictions("resnet34_10percent_size256_normalTfms_ceLoss", 256),
    "r34_p15_s256": Predictions("resnet34_15percent_size256_normalTfms_ceLoss", 256),
    "r34_p05_s128": Predictions("resnet34_5percent_size128_normalTfms_ceLoss", 128),
    "r34_p05_s256_extremeTfms": Predictions("resnet34_5percent_size256_extremeTfms_ceLoss", 256),
    "r34_p05_s256_fastai2": Predictions(
        "resnet34_5percent_size256_extremeTfms_ceLoss_fastai2", 256
    ),
}

# The UK Biobank network, which made the labels.
UKBB = "UKBB"

# The published statistics do not include this variant.
WITHOUT_STATISTICS = "r34_p05_s256_fastai2"
# Excluded from the published tables of volume errors and of good EF with bad volumes.
WITHOUT_VOLUME_ERRORS = (WITHOUT_STATISTICS, "r34_p05_s256_dice", "r34_p15_s256")
WITHOUT_GOOD_EF = (WITHOUT_STATISTICS, "r34_p05_s256_focal", "v16_p05_s256")

# The only partition on which no U-Net was trained: Kaggle's test patients were in the training
# set, and the final weights were used without checking the validation set.
UNSEEN = "validate"

# Statistics of measure.agreement.summary that were published.
STATISTICS = ("mean", "sd", "median", "iqr", "mad")

EXACT_ML = 1e-9

COLUMNS = (
    *("id", "study", "rotated", "set", "method"),
    *("edv_ml", "esv_ml", "ef", "true_edv_ml", "true_esv_ml", "true_ef"),
    *("abs_ef_error", "signed_max_volume_error", "abs_max_volume_error"),
)


def ef_error_table(folder: Path) -> pd.DataFrame:
    """Volumes and volume errors of all published methods, including rotated copies: COLUMNS.

    folder: folder of the published repository. One row per method and id; a rotated copy has the
    true volumes of its study. Volumes of a U-Net come from its predicted pixels: end-diastole is
    the frame with the most LV pixels, end-systole the frame with the fewest. ef, errors:
    fractions. abs_ef_error: |true EF - EF|, 1 if the EDV is 0, as published.
    signed_max_volume_error: the larger of the two signed relative errors; abs_max_volume_error:
    the larger absolute one, which is the confidence score of the method's labels.
    """
    listed = images(folder)
    size = sizes(folder)
    parts = []
    for name, size_px in NETWORKS.values():
        pixels = extreme_pixels(folder, name, listed)
        volume_ml = pixel_volumes_ml(size, size_px)[[original(id_) for id_ in pixels.index]]
        edv_ml, esv_ml = (pixels[px].to_numpy() * volume_ml.to_numpy() for px in ("ed_px", "es_px"))
        parts.append(pd.DataFrame({"id": pixels.index, "edv_ml": edv_ml, "esv_ml": esv_ml}))
    parts.append(automatic_volumes(folder).rename(columns={"subject": "id"}))
    names = [*NETWORKS, UKBB]
    table = pd.concat(
        [
            part.assign(method=name).sort_values("id", key=lambda ids: ids.map(by_number))
            for name, part in zip(names, parts, strict=True)
        ],
        ignore_index=True,
    )
    table["study"] = table["id"].map(original)
    table["rotated"] = table["study"] != table["id"]
    known = known_volumes(folder).drop(columns="split")
    known = known.set_axis(["study", "set", "true_edv_ml", "true_esv_ml"], axis=1)
    table = table.merge(known, on="study", how="left", validate="many_to_one")
    volumes = _volumes(table)
    table["ef"] = ejection_fractions(*volumes[2:])
    table["true_ef"] = ejection_fractions(*volumes[:2])
    table["abs_ef_error"] = np.abs(ef_difference(*volumes, undefined="one"))
    table["signed_max_volume_error"] = max_volume_error(*volumes, kind="signed")
    table["abs_max_volume_error"] = max_volume_error(*volumes)
    return table[list(COLUMNS)]


def evaluated(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table with a column `id` that were published: the copy if there is one."""
    return upright_rows(table.assign(subject=table["id"])).drop(columns="subject")


def numbers(folder: Path) -> pd.DataFrame:
    """K1 to K3c: errors of EF and volumes over all studies in one orientation.

    sound: for K1 the statistics of the partition on which no U-Net was trained; for K2 and K3b
    those of the larger absolute error.
    """
    table = evaluated(ef_error_table(folder))
    return numbers_table(
        [
            *_ef_errors(table),
            *_volume_errors(table),
            *_volumes_of_pixels(folder, table),
            *_good_ef(table),
            *_correlation(table),
        ]
    )


def _volumes(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True and predicted EDV and ESV, in the order of the functions in measure.agreement."""
    columns = ("true_edv_ml", "true_esv_ml", "edv_ml", "esv_ml")
    true_edv, true_esv, edv, esv = (table[name].to_numpy() for name in columns)
    return true_edv, true_esv, edv, esv


def _by_method(table: pd.DataFrame, without: tuple[str, ...]) -> Iterator[tuple[str, pd.DataFrame]]:
    for method in (*NETWORKS, UKBB):
        if method not in without:
            yield method, table[table["method"] == method]


def _ef_errors(table: pd.DataFrame) -> Iterator[tuple]:
    for method, rows in _by_method(table, (WITHOUT_STATISTICS,)):
        every = summary(100 * rows["abs_ef_error"])
        unseen = summary(100 * rows.loc[rows["set"] == UNSEEN, "abs_ef_error"])
        for name in STATISTICS:
            yield "K1", f"{method} {name}, percent points", every[name], unseen[name]


def _volume_errors(table: pd.DataFrame) -> Iterator[tuple]:
    for method, rows in _by_method(table, WITHOUT_VOLUME_ERRORS):
        signed = summary(100 * rows["signed_max_volume_error"].abs())
        absolute = summary(100 * rows["abs_max_volume_error"])
        for name in STATISTICS:
            yield "K2", f"{method} {name}, %", signed[name], absolute[name]


def _volumes_of_pixels(folder: Path, table: pd.DataFrame) -> Iterator[tuple]:
    errors = []
    for phase, name in (("diastole", "edv_ml"), ("systole", "esv_ml")):
        published = read(folder, f"predictions/prediction_vs_gt_{phase}.tsv")
        published = published.set_index(["method", "Id"])["prediction"]
        ours = table[table["method"] != UKBB].set_index(["method", "id"])[name]
        errors.append((ours - published.reindex(ours.index)).abs().to_numpy())
    error = np.concatenate(errors)
    yield "K3a", "volumes equal to the published", int((error < EXACT_ML).sum()), ""
    yield "K3a", "largest error, ml", float(error.max()), ""


def _good_ef(table: pd.DataFrame) -> Iterator[tuple]:
    for method, rows in _by_method(table, WITHOUT_GOOD_EF):
        volumes = _volumes(rows)
        share = 100 * good_ef_bad_volume(*volumes, kind="signed").mean()
        absolute = 100 * good_ef_bad_volume(*volumes, kind="absolute").mean()
        yield "K3b", f"{method}, % of studies", float(share), float(absolute)


def _correlation(table: pd.DataFrame) -> Iterator[tuple]:
    """Volume error against relative EF error of ten methods; an undefined EF counts as 1."""
    rows = table[table["method"] != WITHOUT_STATISTICS]
    relative = ef_difference(*_volumes(rows)) / rows["true_ef"].to_numpy()
    relative = np.where(np.isnan(relative), 1.0, relative)
    found = pearson(rows["signed_max_volume_error"], relative)
    for name in ("r", "n", "t", "r_low", "r_high"):
        yield "K3c", f"volume error and EF error, {name}", found[name], ""
