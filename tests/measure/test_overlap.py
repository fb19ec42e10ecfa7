"""Overlap: confusion counts and Dice."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.labels import UNLABELLED
from cmrseg.measure.overlap import accuracy, confusion_counts, dice, foreground, mean_rows

REFERENCE = np.array([[[0, 0, 1, 1], [0, 2, 1, 1]]], np.uint8)
PREDICTED = np.array([[[0, 0, 0, 1], [2, 2, 1, 1]]], np.uint8)


def test_counts_worked_out_by_hand():
    counts = confusion_counts(REFERENCE, PREDICTED, 3)
    assert counts.tolist() == [[[2, 0, 1], [1, 3, 0], [0, 0, 1]]]


def test_dice_worked_out_by_hand():
    scores = dice(confusion_counts(REFERENCE, PREDICTED, 3))
    assert scores[0] == pytest.approx([2 * 2 / 6, 2 * 3 / 7, 2 * 1 / 3])


def test_swapping_the_sides_transposes_the_counts():
    forth = confusion_counts(REFERENCE, PREDICTED, 3)
    back = confusion_counts(PREDICTED, REFERENCE, 3)
    assert (forth == back.transpose(0, 2, 1)).all()
    assert (dice(forth) == dice(back)).all()


@pytest.mark.parametrize("classes", [2, 15, 16, 17, 100, 254])
def test_any_number_of_classes_is_counted(classes):
    reference = np.append(np.arange(classes, dtype=np.uint8), np.uint8(UNLABELLED))[None, None]
    predicted = np.append(reference[0, 0, :0:-1], np.uint8(0))[None, None]
    (counts,) = confusion_counts(reference, predicted, classes)
    expected = np.zeros((classes, classes), int)
    for a, b in zip(reference[0, 0].tolist(), predicted[0, 0].tolist(), strict=True):
        if UNLABELLED not in (a, b):
            expected[a, b] += 1
    assert (counts == expected).all()
    (same,) = confusion_counts(reference, reference, classes)
    assert (same == np.eye(classes)).all()


def test_more_classes_than_labels_can_have_are_refused():
    with pytest.raises(ValueError, match="classes must be 1 to 254, got 255"):
        confusion_counts(REFERENCE, PREDICTED, 255)


def test_equal_labels_have_dice_one():
    assert dice(confusion_counts(REFERENCE, REFERENCE, 3)).tolist() == [[1, 1, 1]]
    assert accuracy(confusion_counts(REFERENCE, REFERENCE, 3)).tolist() == [1]


def test_a_class_that_neither_has_is_nan_or_one():
    counts = confusion_counts(REFERENCE, PREDICTED, 4)
    assert np.isnan(dice(counts)[0, 3])
    assert dice(counts, absent="one")[0, 3] == 1


def test_unlabelled_pixels_count_nowhere():
    reference, predicted = REFERENCE.copy(), PREDICTED.copy()
    reference[0, 0, 2] = UNLABELLED
    predicted[0, 1, 0] = UNLABELLED
    counts = confusion_counts(reference, predicted, 3)
    assert counts.sum() == 6
    assert np.nanmin(dice(counts)) == 1


def test_leading_axes_become_images_in_order():
    stack = np.zeros((2, 3, 2, 2), np.uint8)
    stack[1, 2] = 1
    counts = confusion_counts(stack, stack, 2)
    assert counts[:, 1, 1].tolist() == [0, 0, 0, 0, 0, 4]


def test_dice_of_a_volume_comes_from_summed_counts():
    counts = np.array([[[5, 0], [0, 1]], [[5, 2], [2, 1]]])
    assert dice(counts)[:, 1].tolist() == [1, pytest.approx(1 / 3)]
    assert dice(counts.sum(axis=0))[1] == 0.5


def test_accuracy_and_foreground_worked_out_by_hand():
    counts = confusion_counts(REFERENCE, PREDICTED, 3)
    assert accuracy(counts).tolist() == [6 / 8]
    assert foreground(counts).tolist() == [[[2, 1], [1, 4]]]
    assert np.isnan(accuracy(np.zeros((1, 2, 2))))


def test_mean_rows_leave_out_images_without_the_class():
    counts = np.array(
        [
            [[8, 2, 0], [1, 3, 0], [0, 0, 0]],
            [[10, 0, 0], [0, 0, 0], [0, 0, 0]],
        ]
    )
    rows = mean_rows(counts)
    assert rows[:2].tolist() == [[0.9, 0.1, 0], [0.25, 0.75, 0]]
    assert np.isnan(rows[2]).all()


def test_values_that_are_no_class_are_refused():
    with pytest.raises(ValueError, match=r"prediction has labels \[2\], expected 0 to 1"):
        confusion_counts(np.zeros_like(PREDICTED), PREDICTED, 2)
    with pytest.raises(ValueError, match=r"reference has labels \[-1\]"):
        confusion_counts(np.full((1, 2, 2), -1), np.zeros((1, 2, 2), int), 2)


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="must have one shape"):
        confusion_counts(REFERENCE, PREDICTED[0], 3)


def test_unknown_rule_for_absent_classes_is_refused():
    with pytest.raises(ValueError, match="absent must be 'nan' or 'one', got 'zero'"):
        dice(np.zeros((2, 2)), absent="zero")


def published_counts(data, pair, split=None):
    folder = data / "published" / "analysis" / "7T" / "confusion_tables"
    table = pd.read_csv(folder / f"confusion_{pair}.tsv", sep="\t")
    return counts_of(table[table["set"] == split] if split else table)


def counts_of(table):
    names = [f"{a}_{b}" for a in ("bg", "lv", "my") for b in ("bg", "lv", "my")]
    return table[names].to_numpy().reshape(-1, 3, 3)


@pytest.mark.parametrize(
    ("pair", "split", "lv", "my"),
    [
        ("WS_base", "test", 0.8352351, 0.6695502),
        ("WS_base", "train", 0.8211144, 0.6989141),
        ("WS_doubleTransferLearn", "test", 0.8999944, 0.7910449),
        ("WS_doubleTransferLearn", "val", 0.9172401, 0.8100577),
        ("WS_TR", "test", 0.9393260, 0.8127338),
        ("TR_doubleTransferLearn", "test", 0.9069554, 0.8119143),
        ("WS_ukbbCardiac", "test", 0.6677312, 0.5213427),
        ("WS_base", None, 0.8136261, 0.676298),
    ],
)
def test_published_mean_dice_is_reproduced(data, pair, split, lv, my):
    means = dice(published_counts(data, pair, split), absent="one").mean(axis=0)
    assert means[1:] == pytest.approx([lv, my], abs=5e-8)


def test_published_validation_metrics_are_reproduced(data):
    counts = published_counts(data, "WS_base", "val")
    assert round(float(accuracy(counts).mean()), 4) == 0.9928
    assert round(float(dice(foreground(counts), absent="one")[:, 1].mean()), 4) == 0.7905


def test_published_median_dice_of_automatic_labels_is_reproduced(data):
    folder = data / "published" / "analysis" / "kaggle" / "manual"
    table = pd.read_csv(folder / "ukbb_vs_manual.tsv", sep="\t", dtype={"set": str})
    frame = table["image"].str.extract(r"frame(\d+)")[0].astype(int)
    subset = table[(table["set"] != "98") | frame.isin([0, 4, 8, 12, 16, 20])]
    assert (len(table), len(subset)) == (816, 552)
    medians = np.median(dice(counts_of(subset), absent="one"), axis=0)
    assert medians[1:] == pytest.approx([0.9328518, 0.7864628], abs=5e-8)
