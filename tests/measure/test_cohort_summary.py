"""The summary of a cohort."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from cmrseg.measure.cohort_summary import image_counts, overall_scores, summarise
from cmrseg.measure.comparison import ALL, SUMMARY_COLUMNS
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.sequences import LEFT, VENTRICLES
from disc_hearts import SPACING_MM, heart


def evaluated(tissues=VENTRICLES, count=4):
    images, rows = [], []
    for i in range(count):
        split = "test" if i % 2 else "train"
        reference = heart([[8 + i / 2, 6], [4, 3 + i / 3]])
        predicted = heart([[8.5, 6], [4.5, 3 + i / 2]])
        table, _, row = evaluate_cine(predicted, reference, SPACING_MM, tissues, str(i))
        images.append(table.assign(split=split))
        rows.append({**row, "split": split})
    return pd.concat(images), pd.DataFrame(rows)


def test_summary_has_rows_for_each_split_and_for_all():
    images, subjects = evaluated()
    table = summarise(images, subjects)
    assert tuple(table.columns) == SUMMARY_COLUMNS
    assert list(dict.fromkeys(table["split"])) == ["test", "train", ALL]
    keys = ["split", "level", "measure", "tissue"]
    assert not table.duplicated(keys).any()
    rows = table.set_index(keys)
    assert rows.loc[(ALL, "image", "dice", "lv"), "n"] == 16
    assert rows.loc[("test", "image", "dice", "lv"), "mean"] == pytest.approx(
        images.loc[images["split"] == "test", "dice_lv"].mean()
    )
    assert rows.loc[(ALL, "subject", "hausdorff_mm", "rv"), "n"] == 4


def test_summary_gives_the_bias_as_prediction_minus_reference():
    images, subjects = evaluated()
    table = summarise(images, subjects).set_index(["split", "level", "measure", "tissue"])
    difference = subjects["predicted_edv_ml"] - subjects["reference_edv_ml"]
    row = table.loc[(ALL, "subject", "edv_difference_ml", "lv")]
    assert row["mean"] == pytest.approx(difference.mean())
    assert row["upper"] == pytest.approx(difference.mean() + 1.96 * difference.std(), abs=1e-4)
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    assert row["lower_low"] < row["lower"] < row["lower_high"]
    row = table.loc[(ALL, "subject", "ef_abs_difference", "lv")]
    assert row["mean"] == pytest.approx(
        (subjects["predicted_ef"] - subjects["reference_ef"]).abs().mean()
    )


def test_scores_of_a_record_are_means_of_subjects_over_all_splits():
    images, subjects = evaluated()
    scores = overall_scores(summarise(images, subjects))
    assert sorted(scores) == sorted(
        name
        for t in ("lv", "my", "rv")
        for name in (f"dice_{t}", f"hausdorff_{t}_mm", f"distance_{t}_mm")
    )
    for name in ("dice_my", "distance_rv_mm"):
        assert scores[name] == pytest.approx(subjects[name].mean())


def test_summary_counts_absent_tissues_as_published_beside_the_mean_without_them():
    images, subjects = evaluated()
    # One image of 16 has no RV on either side.
    first = (images["subject"] == "0") & (images["slice"] == 0) & (images["frame"] == 0)
    counts = images.loc[first].filter(regex="^(bg|lv|my|rv)_(bg|lv|my|rv)$").sum(axis=1)
    images.loc[first, [c for c in images if re.fullmatch("(rv_..|.._rv)", c)]] = 0
    images.loc[first, "bg_bg"] += counts - images.loc[first].filter(regex="^.._..$").sum(axis=1)
    images.loc[first, "dice_rv"] = np.nan
    table = summarise(images, subjects).set_index(["split", "level", "measure", "tissue"])
    sound, published = (table.loc[(ALL, "image", m, "rv")] for m in ("dice", "dice_published"))
    assert (sound["n"], published["n"]) == (15, 16)
    assert published["mean"] == pytest.approx((15 * sound["mean"] + 1) / 16)
    assert published["mean"] > sound["mean"]
    lv = table.loc[(ALL, "image", "dice_published", "lv")]
    assert lv["mean"] == table.loc[(ALL, "image", "dice", "lv"), "mean"]
    right = np.trace(image_counts(images), axis1=1, axis2=2) / (40 * 44)
    assert table.loc[(ALL, "image", "accuracy", ALL), "mean"] == pytest.approx(right.mean())


def test_summary_of_published_counts_has_the_published_numbers(data):
    folder = data / "published" / "analysis" / "7T" / "confusion_tables"
    table = pd.read_csv(folder / "confusion_WS_base.tsv", sep="\t")
    _, subjects = evaluated(LEFT, count=2)
    table = table.assign(split=table["set"])
    rows = summarise(table, subjects.assign(split=["val", "test"]))
    means = rows[rows["level"] == "image"].set_index(["split", "measure", "tissue"])["mean"]
    assert means["test", "dice_published", "lv"] == pytest.approx(0.8352351, abs=5e-8)
    assert means["test", "dice_published", "my"] == pytest.approx(0.6695502, abs=5e-8)
    assert round(means["val", "dice_published", "foreground"], 4) == 0.7905
    assert round(means["val", "accuracy", ALL], 4) == 0.9928


def test_a_table_without_counts_is_refused():
    with pytest.raises(ValueError, match="no confusion counts bg_bg, bg_lv"):
        image_counts(pd.DataFrame({"dice_lv": [1.0]}))


def test_summary_of_the_left_ventricle_has_no_right_ventricle():
    assert "rv" not in set(summarise(*evaluated(LEFT))["tissue"])


def test_summary_of_a_single_subject_is_possible():
    table = summarise(*evaluated(count=1))
    row = table[(table["split"] == "train") & (table["measure"] == "edv_difference_ml")].iloc[0]
    assert row["n"] == 1
    assert math.isnan(row["upper"])
