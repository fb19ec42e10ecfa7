"""Scores of scar, of scar and oedema, and of the wall, also of hearts that have no scar."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import SEQUENCES, WALL

C0 = SEQUENCES["c0"]
TISSUES = tuple(sorted(WALL))
MODEL = "lv,my,rv,edema,scar"
# A voxel is 0.1 ml.
SPACING_MM = (10.0, 2.0, 5.0)


def stack(edema=slice(0, 0), scar=slice(0, 0), wall=slice(4, 14)):
    """Labels (1, 2, 20, 20): a band of wall beside a cavity, with lesions in some rows."""
    labels = np.zeros((1, 2, 20, 20), np.uint8)
    labels[..., 0:4] = Tissue.LV
    labels[..., 16:] = Tissue.RV
    labels[..., wall, 4:8] = Tissue.MYO
    labels[..., edema, 4:8] = Tissue.EDEMA
    labels[..., scar, 4:8] = Tissue.SCAR
    return labels


def scores(predicted, reference, tissues=TISSUES):
    return evaluate_cine(predicted, reference, SPACING_MM, tissues, "7", sequence=C0)


def test_the_regions_of_a_heart_by_hand():
    # Rows of 4 pixels. Scar: 4 rows and 2, two in common. With oedema: 6 and 6, 4 in common.
    reference = stack(edema=slice(8, 10), scar=slice(10, 14))
    predicted = stack(edema=slice(6, 10), scar=slice(10, 12), wall=slice(4, 12))
    _, _, row = scores(predicted, reference)
    assert row["dice_scar"] == pytest.approx(2 * 2 / (4 + 2))
    assert row["dice_edema"] == pytest.approx(2 * 2 / (2 + 4))
    assert row["dice_scar_edema"] == pytest.approx(2 * 4 / (6 + 6))
    assert row["dice_wall"] == pytest.approx(2 * 8 / (10 + 8))
    # Rows are 2 mm apart: the wall ends two rows before.
    assert row["hausdorff_wall_mm"] == pytest.approx(4)
    assert row["hausdorff_scar_edema_mm"] == pytest.approx(4)
    # Whoever has a lesion has no false volume of it.
    assert all(math.isnan(row[f"false_{name}_ml"]) for name in ("edema", "scar", "scar_edema"))


def test_equal_maps_have_perfect_regions():
    labels = stack(edema=slice(8, 10), scar=slice(10, 14))
    _, _, row = scores(labels, labels)
    assert [row[f"dice_{name}"] for name in ("scar", "scar_edema", "wall", "edema")] == [1] * 4
    assert row["hausdorff_wall_mm"] == row["distance_scar_edema_mm"] == 0


def test_scar_that_is_not_there_is_a_false_volume_and_no_dice():
    reference = stack(edema=slice(8, 10))
    predicted = stack(edema=slice(8, 10), scar=slice(10, 13))
    images, _, row = scores(predicted, reference)
    assert math.isnan(row["dice_scar"])
    # 3 rows of 4 pixels in 2 slices of 0.1 ml.
    assert row["false_scar_ml"] == pytest.approx(2.4)
    assert math.isnan(row["false_edema_ml"])
    assert math.isnan(row["false_scar_edema_ml"])
    # It is none, and not unknown.
    assert (row["reference_scar_ml"], row["reference_scar_percent"]) == (0, 0)
    assert row["predicted_scar_ml"] == pytest.approx(2.4)
    assert images["dice_scar"].isna().all()
    assert row["dice_heart_other"] < 1


def test_no_scar_that_is_not_found_is_no_false_volume():
    labels = stack(edema=slice(8, 10))
    _, _, row = scores(labels, labels)
    assert row["false_scar_ml"] == 0
    assert math.isnan(row["dice_scar"])
    assert row["dice_heart_other"] == 1


def test_what_is_not_labelled_whole_may_have_a_scar_elsewhere():
    reference, predicted = stack(), stack(scar=slice(10, 13))
    reference[0, 1] = UNLABELLED
    _, _, row = scores(predicted, reference)
    assert row["dice_scar"] == row["dice_scar_edema"] == 0
    assert math.isnan(row["false_scar_ml"])


def test_without_lesions_there_are_no_columns_of_regions():
    known = (Tissue.LV, Tissue.MYO, Tissue.RV)
    images, frames, row = scores(stack(), stack(), known)
    for columns in (images, frames, row):
        assert not [c for c in columns if c.endswith("_wall") or "_wall_mm" in c or "false" in c]
    assert row["reference_wall_ml"] == pytest.approx(8)
    # The reference's wall is more than what both know of it.
    _, _, row = scores(stack(), stack(scar=slice(4, 6)), known)
    assert math.isnan(row["reference_wall_ml"])
    assert math.isnan(row["predicted_wall_ml"])
    # The reference's scar is another tissue to who knows scar but no oedema.
    _, _, row = scores(stack(), stack(scar=slice(4, 6)), (*known, Tissue.SCAR))
    assert "dice_wall" not in row
    assert row["dice_scar"] == 0


def maps(folder, name, subjects):
    for subject, labels in subjects.items():
        path = folder / name / subject / "c0.nii.gz"
        path.parent.mkdir(parents=True)
        Cine(labels, np.diag([5.0, 2.0, 10.0, 1.0])).save(path)
    tissues = MODEL if name == "model" else ""
    return LabelMaps(name, "people", [folder / name], tissues, sequence="c0")


def test_a_summary_counts_who_has_no_scar_and_what_was_found_there(tmp_path):
    ill, well = stack(edema=slice(8, 10), scar=slice(10, 14)), stack(edema=slice(8, 10))
    found = stack(edema=slice(8, 10), scar=slice(10, 13))
    true = maps(tmp_path, "expert", {"1": ill, "2": well, "3": well})
    ours = maps(tmp_path, "model", {"1": ill, "2": well, "3": found})
    splits = dict.fromkeys("123", "test")
    table = evaluate_labels(ours, true, splits, "max", "max").summary
    rows = table[table["split"] == "all"].set_index(["level", "measure", "tissue"])
    assert rows.loc[("subject", "dice", "scar")][["n", "mean"]].tolist() == [1, 1]
    assert rows.loc[("subject", "dice", "scar_edema")]["n"] == 3
    assert rows.loc[("subject", "dice", "wall")][["n", "mean"]].tolist() == [3, 1]
    assert rows.loc[("subject", "hausdorff_mm", "wall")]["mean"] == 0
    false = rows.loc[("subject", "false_volume_ml", "scar")]
    assert (false["n"], false["mean"]) == (2, pytest.approx(1.2))
    # Nobody lacks both.
    assert rows.loc[("subject", "false_volume_ml", "scar_edema")]["n"] == 0
    # 2 of 6 images have scar that is not there, which scores 0; 4 are right.
    assert rows.loc[("image", "dice_published", "scar")]["mean"] == pytest.approx(4 / 6)
    assert rows.loc[("subject", "volume_difference_ml", "scar")]["mean"] == pytest.approx(0.8)
    assert rows.loc[("subject", "mass_difference_g", "scar")]["mean"] == pytest.approx(0.84)
