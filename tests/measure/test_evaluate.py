"""Evaluation of a cine."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.cohort_summary import summarise
from cmrseg.measure.comparison import ALL
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.sequences import LEFT, SEQUENCES, VENTRICLES
from disc_hearts import SPACING_MM, heart


@pytest.fixture
def reference():
    return heart([[8, 6], [6, 5], [4, 3]])


def test_equal_labels_agree_perfectly(reference):
    images, _, row = evaluate_cine(reference, reference, SPACING_MM, VENTRICLES, "7")
    assert len(images) == row["images"] == 6
    assert (images.filter(like="dice") == 1).all(axis=None)
    assert (images.filter(like="_mm") == 0).all(axis=None)
    assert row["dice_lv"] == row["dice_my"] == row["dice_rv"] == 1
    assert row["hausdorff_lv_mm"] == row["distance_rv_mm"] == 0
    for name in ("edv_ml", "esv_ml", "ef", "mass_g", "rv_ef", "ed_frame", "es_frame"):
        assert row[f"predicted_{name}"] == row[f"reference_{name}"]


def test_images_are_sorted_and_count_reference_first(reference):
    predicted = reference.copy()
    predicted[2, 1][reference[2, 1] == Tissue.LV] = Tissue.MYO
    images, _, _ = evaluate_cine(predicted, reference, SPACING_MM, VENTRICLES, "07")
    assert images[["subject", "slice", "frame"]].to_numpy().tolist() == [
        ["07", z, t] for z in range(2) for t in range(3)
    ]
    last = images.iloc[-1]
    assert last["lv_my"] == (reference[2, 1] == Tissue.LV).sum()
    assert last["my_lv"] == last["lv_lv"] == 0
    assert last["dice_lv"] == 0
    assert math.isnan(last["hausdorff_lv_mm"])
    assert images.loc[:, "bg_bg":"rv_rv"].sum(axis=1).eq(40 * 44).all()


def test_a_shift_is_measured_in_millimetres_along_its_axis(reference):
    along_y = np.roll(reference, 1, axis=2)
    along_x = np.roll(reference, 1, axis=3)
    for moved, expected in ((along_y, 2), (along_x, 1)):
        images, *_ = evaluate_cine(moved, reference, SPACING_MM, VENTRICLES, "7")
        assert images["hausdorff_lv_mm"].max() == expected


def test_dice_of_the_subject_weighs_images_by_their_pixels():
    reference = np.zeros((1, 2, 4, 4), np.uint8)
    reference[0, 0] = Tissue.LV
    reference[0, 1, 0, 0] = Tissue.LV
    predicted = np.zeros_like(reference)
    predicted[0, 0] = Tissue.LV
    images, _, row = evaluate_cine(predicted, reference, SPACING_MM, LEFT, "7")
    assert images["dice_lv"].tolist() == [1, 0]
    assert row["dice_lv"] == 2 * 16 / (16 + 17)
    assert images["dice_my"].isna().all()
    assert math.isnan(row["dice_my"])


def test_volumes_of_both_sides_worked_out_by_hand():
    reference = np.zeros((2, 1, 5, 20), np.uint8)
    reference[0, 0, :, :10] = Tissue.LV
    reference[1, 0, :, :4] = Tissue.LV
    reference[:, 0, :, 10:12] = Tissue.MYO
    predicted = reference.copy()
    predicted[1, 0, :, 4] = Tissue.LV
    _, _, row = evaluate_cine(predicted, reference, SPACING_MM, VENTRICLES, "7")
    expected = {"edv_ml": 1.0, "esv_ml": 0.4, "sv_ml": 0.6, "ef": 0.6, "mass_g": 0.2 * 1.05}
    assert {name: row[f"reference_{name}"] for name in expected} == pytest.approx(expected)
    assert row["predicted_esv_ml"] == pytest.approx(0.5)
    assert row["predicted_ef"] == pytest.approx(0.5)
    assert row["predicted_rv_edv_ml"] == 0
    assert math.isnan(row["predicted_rv_ef"])


def test_dice_of_both_phases_is_of_all_slices_of_the_reference_s_frames():
    reference = np.zeros((3, 2, 5, 20), np.uint8)
    reference[0, :, :, :10] = Tissue.LV
    reference[1, :, :, :6] = Tissue.LV
    reference[2, 0, :, :4] = Tissue.LV
    reference[:, :, :, 12:14] = Tissue.MYO
    predicted = reference.copy()
    predicted[0, 1, :, 8:10] = Tissue.BACKGROUND
    predicted[1] = Tissue.BACKGROUND  # neither phase
    predicted[2, :, :, 12:14] = Tissue.LV
    _, _, row = evaluate_cine(predicted, reference, SPACING_MM, LEFT, "7")
    assert (row["reference_ed_frame"], row["reference_es_frame"]) == (0, 2)
    assert row["dice_lv_ed"] == pytest.approx(2 * 90 / (100 + 90))
    assert row["dice_my_ed"] == 1
    assert row["dice_heart_ed"] == pytest.approx(2 * 110 / (120 + 110))
    assert row["dice_lv_es"] == pytest.approx(2 * 20 / (20 + 40))
    assert row["dice_my_es"] == 0
    assert row["dice_heart_es"] == pytest.approx(2 * 20 / (40 + 40))
    assert row["dice_lv_other"] == row["dice_heart_other"] == 0


def test_dice_of_other_frames_is_of_all_labelled_ones_as_one_volume():
    """As of a mouse's frames of inflow; frames that nobody labelled do not count."""
    reference = np.full((5, 2, 5, 20), UNLABELLED, np.uint8)
    reference[[0, 1, 3, 4]] = Tissue.BACKGROUND
    for t, columns in ((0, 10), (1, 4), (3, 6), (4, 8)):
        reference[t, :, :, :columns] = Tissue.LV
    predicted = np.where(reference == UNLABELLED, Tissue.LV, reference).astype(np.uint8)
    predicted[3, 0, :, 4:6] = Tissue.BACKGROUND
    predicted[0] = Tissue.BACKGROUND
    images, frames, row = evaluate_cine(predicted, reference, SPACING_MM, LEFT, "7")
    assert (row["reference_ed_frame"], row["reference_es_frame"]) == (0, 1)
    assert frames["frame"].tolist() == [0, 1, 3, 4]
    assert frames["phase"].tolist() == ["ed", "es", "other", "other"]
    assert frames["images"].tolist() == [2, 2, 2, 2]
    assert frames["images"].sum() == len(images)
    assert frames["dice_lv"].tolist() == pytest.approx([0, 1, 2 * 50 / (60 + 50), 1])
    # Nobody drew a wall.
    assert frames["dice_heart"].isna().all()
    assert row["dice_lv_other"] == pytest.approx(2 * 130 / (140 + 130))
    assert (row["dice_lv_ed"], row["dice_lv_es"]) == (0, 1)
    _, _, row = evaluate_cine(predicted[:2], reference[:2], SPACING_MM, LEFT, "7")
    assert math.isnan(row["dice_lv_other"])


def test_right_ventricle_is_background_for_models_that_do_not_know_it(reference):
    predicted = reference.copy()
    predicted[predicted == Tissue.RV] = Tissue.BACKGROUND
    images, _, row = evaluate_cine(predicted, reference, SPACING_MM, LEFT, "7")
    assert images["dice_lv"].eq(1).all()
    assert not [column for column in images if "rv" in column]
    assert "dice_rv" not in row
    assert math.isnan(row["reference_rv_edv_ml"])
    assert (reference == Tissue.RV).any(), "the arguments stay as they were"


def test_unlabelled_images_are_left_out(reference):
    sparse = reference.copy()
    sparse[1] = UNLABELLED
    predicted = heart([[7, 6], [12, 12], [4, 4]])
    images, _, row = evaluate_cine(predicted, sparse, SPACING_MM, VENTRICLES, "7")
    assert sorted(set(images["frame"])) == [0, 2]
    assert row["images"] == 4
    # The prediction is largest in frame 1, which has no reference.
    assert (row["predicted_ed_frame"], row["reference_ed_frame"]) == (0, 0)


def test_unlabelled_pixels_do_not_count_against_the_prediction(reference):
    sparse = reference.copy()
    sparse[:, :, :, 30:] = UNLABELLED
    predicted = reference.copy()
    predicted[:, :, :, 30:] = Tissue.MYO
    images, _, row = evaluate_cine(predicted, sparse, SPACING_MM, VENTRICLES, "7")
    assert images["dice_my"].eq(1).all()
    assert images["hausdorff_my_mm"].eq(0).all()
    assert row["predicted_mass_g"] == row["reference_mass_g"]


def test_without_a_complete_frame_there_are_no_volumes(reference):
    sparse = reference.copy()
    sparse[:, 1] = UNLABELLED
    images, _, row = evaluate_cine(reference, sparse, SPACING_MM, VENTRICLES, "7")
    assert len(images) == 3
    assert row["dice_lv"] == 1
    assert math.isnan(row["reference_edv_ml"])
    assert math.isnan(row["predicted_ed_frame"])


def test_a_tissue_that_a_whole_frame_has_nowhere_was_not_annotated_there(reference):
    """As where the epicardium is drawn at end diastole alone: the wall is no mistake elsewhere."""
    partial = reference.copy()
    partial[2][partial[2] == Tissue.MYO] = Tissue.BACKGROUND
    images, _, row = evaluate_cine(reference, partial, SPACING_MM, VENTRICLES, "7")
    without = images["frame"] == 2
    assert images.loc[without, "dice_my"].isna().all()
    assert images.loc[~without, "dice_my"].eq(1).all()
    assert images["dice_lv"].eq(1).all()
    assert row["dice_my"] == row["dice_lv"] == 1
    assert images.loc[without, "bg_my"].gt(0).all(), "counts are what they are"
    # End diastole has a wall, and its mass; end systole has a cavity.
    assert row["reference_mass_g"] == row["predicted_mass_g"] > 0
    assert row["reference_es_frame"] == 2


def test_frames_without_an_annotated_wall_do_not_count_as_published(reference):
    partial = reference.copy()
    partial[2][partial[2] == Tissue.MYO] = Tissue.BACKGROUND
    images, _, row = evaluate_cine(reference, partial, SPACING_MM, VENTRICLES, "7")
    tables = [pd.DataFrame(rows).assign(split="test") for rows in (images, [row])]
    table = summarise(*tables).set_index(["split", "level", "measure", "tissue"])
    for tissue, count in (("lv", 6), ("my", 4), ("rv", 6), ("foreground", 4)):
        found = table.loc[(ALL, "image", "dice_published", tissue)]
        assert (found["n"], found["mean"]) == (count, 1), tissue
    assert table.loc[(ALL, "image", "accuracy", ALL), ["n", "mean"]].tolist() == [4, 1]


def test_mass_is_unknown_where_the_wall_of_end_diastole_was_not_annotated(reference):
    partial = reference.copy()
    partial[0][partial[0] == Tissue.MYO] = Tissue.BACKGROUND
    _, _, row = evaluate_cine(reference, partial, SPACING_MM, VENTRICLES, "7")
    assert math.isnan(row["reference_mass_g"])
    assert row["predicted_mass_g"] > 0
    assert row["reference_edv_ml"] == row["predicted_edv_ml"]


def test_a_frame_of_background_alone_is_not_annotated_and_no_end_systole(reference):
    empty = reference.copy()
    empty[1] = Tissue.BACKGROUND
    images, _, row = evaluate_cine(reference, empty, SPACING_MM, VENTRICLES, "7")
    assert images.loc[images["frame"] == 1, "dice_lv":"dice_rv"].isna().all(axis=None)
    assert row["dice_lv"] == row["dice_my"] == row["dice_rv"] == 1
    assert row["reference_es_frame"] == row["predicted_es_frame"] == 2
    assert row["reference_esv_ml"] == row["predicted_esv_ml"] > 0


def test_a_tissue_may_be_absent_in_single_slices_and_in_frames_with_unlabelled_ones(reference):
    apical = reference.copy()
    apical[:, 1][apical[:, 1] == Tissue.RV] = Tissue.BACKGROUND
    images, _, row = evaluate_cine(reference, apical, SPACING_MM, VENTRICLES, "7")
    assert images.loc[images["slice"] == 1, "dice_rv"].eq(0).all()
    assert row["dice_rv"] < 1
    apical[:, 0] = UNLABELLED
    images, _, row = evaluate_cine(reference, apical, SPACING_MM, VENTRICLES, "7")
    assert images["dice_rv"].eq(0).all()
    assert row["dice_rv"] == 0


def test_a_model_that_finds_nothing_has_a_dice_of_0(reference):
    nothing = np.zeros_like(reference)
    images, _, row = evaluate_cine(nothing, reference, SPACING_MM, VENTRICLES, "7")
    assert images.loc[:, "dice_lv":"dice_rv"].eq(0).all(axis=None)
    assert row["dice_lv"] == row["dice_my"] == row["dice_rv"] == 0
    assert row["predicted_edv_ml"] == 0


def test_end_diastole_may_be_the_first_frame():
    reference = heart([[6], [8], [4]])
    _, _, row = evaluate_cine(
        reference, reference, SPACING_MM, VENTRICLES, "7", ed="first", reference_ed="first"
    )
    assert row["predicted_ed_frame"] == row["reference_ed_frame"] == 0


def test_each_side_chooses_its_own_end_diastole():
    labels = heart([[6], [8], [4]])
    rules = {"ed": "first", "reference_ed": "max"}
    _, _, row = evaluate_cine(labels, labels, SPACING_MM, VENTRICLES, "7", **rules)
    assert (row["predicted_ed_frame"], row["reference_ed_frame"]) == (0, 1)
    assert row["predicted_edv_ml"] < row["reference_edv_ml"]


def test_unequal_shapes_are_refused_by_name(reference):
    with pytest.raises(ValueError, match=r"subject 7: prediction \(2, 2, 40, 44\) and reference"):
        evaluate_cine(reference[:2], reference, SPACING_MM, VENTRICLES, "7")


def test_unknown_labels_are_refused_by_name(reference):
    with pytest.raises(ValueError, match=r"7: prediction has labels \[4\], expected 0, 1, 2, 3 or"):
        evaluate_cine(reference + (reference == 3), reference, SPACING_MM, VENTRICLES, "7")


def test_sides_without_a_common_tissue_are_refused_by_name(reference):
    with pytest.raises(ValueError, match="subject 7: no tissue is known to both sides"):
        evaluate_cine(reference, reference, SPACING_MM, (), "7")


def test_tissues_of_a_view_have_overlaps_and_areas(reference):
    view = SEQUENCES["la_4ch"]
    with pytest.raises(ValueError, match=r"subject 7: la_4ch has \d slices, expected the one"):
        evaluate_cine(reference, reference, SPACING_MM, VENTRICLES, "7", sequence=view)
    reference = reference[:, 1:2]
    labels = np.where(reference == Tissue.LV, Tissue.LA, reference)
    labels = np.where(labels == Tissue.RV, Tissue.RA, labels).astype(np.uint8)
    atria = (Tissue.LA, Tissue.RA)
    images, frames, row = evaluate_cine(labels, labels, SPACING_MM, atria, "7", sequence=view)
    ventricles, *_ = evaluate_cine(reference, reference, SPACING_MM, VENTRICLES, "7")
    assert row["dice_la"] == row["dice_ra"] == 1
    assert images["la_la"].tolist() == ventricles["lv_lv"].tolist()
    assert frames["phase"].eq("other").all()
    areas = (labels == Tissue.LA).sum(axis=(1, 2, 3)) * SPACING_MM[1] * SPACING_MM[2] / 100
    assert row["reference_la_max_cm2"] == row["predicted_la_max_cm2"] == pytest.approx(max(areas))
    assert row["reference_la_min_cm2"] == pytest.approx(min(areas[areas > 0]))
    assert np.isnan(row["reference_lv_max_cm2"])
    assert not [name for name in row if name.endswith(("_ml", "_frame"))]
    # The wall is none of the tissues.
    assert (images["bg_bg"] == ventricles["bg_bg"] + ventricles["my_my"]).all()


def test_a_subject_without_labels_is_refused_by_name(reference):
    nothing = np.full_like(reference, UNLABELLED)
    with pytest.raises(ValueError, match="subject 7: no image is labelled in both"):
        evaluate_cine(reference, nothing, SPACING_MM, VENTRICLES, "7")


# -- at the reference's end diastole and end systole ---------------------------------------------


def test_a_prediction_is_measured_at_the_frames_of_the_reference():
    reference, predicted = heart([[8], [4]]), heart([[5], [6]])
    _, _, own = evaluate_cine(predicted, reference, SPACING_MM, VENTRICLES, "7")
    assert (own["predicted_ed_frame"], own["predicted_es_frame"]) == (1, 0)
    assert own["predicted_ef"] > 0
    _, _, row = evaluate_cine(predicted, reference, SPACING_MM, VENTRICLES, "7", frames="reference")
    assert (row["predicted_ed_frame"], row["predicted_es_frame"]) == (0, 1)
    assert row["predicted_edv_ml"] == own["predicted_esv_ml"]
    assert row["predicted_ef"] < 0
    assert row["reference_ef"] == own["reference_ef"]


def test_a_frame_that_is_contoured_in_part_is_not_end_systole_of_the_reference():
    reference = heart([[8] * 6, [6] * 6, [6] * 6])
    reference[1, 2:] = Tissue.BACKGROUND
    _, _, own = evaluate_cine(reference, reference, SPACING_MM, VENTRICLES, "7")
    assert own["reference_es_frame"] == 1
    _, _, row = evaluate_cine(reference, reference, SPACING_MM, VENTRICLES, "7", frames="reference")
    assert row["reference_es_frame"] == row["predicted_es_frame"] == 2
    assert row["dice_lv_es"] == row["dice_lv_other"] == 1


def test_end_systole_of_the_reference_may_be_given():
    labels = heart([[8], [6], [4]])
    given = {"frames": "reference", "es_frame": 1}
    _, _, row = evaluate_cine(labels, labels, SPACING_MM, VENTRICLES, "7", **given)
    assert row["reference_es_frame"] == row["predicted_es_frame"] == 1
    with pytest.raises(
        ValueError, match=r"subject 7: es_frame 5 .* choose one of 0, 1, 2 \(from 0"
    ):
        evaluate_cine(labels, labels, SPACING_MM, VENTRICLES, "7", frames="reference", es_frame=5)


@pytest.mark.parametrize("frames", ["own", "reference"])
def test_with_one_labelled_frame_end_systole_is_unknown(frames):
    labels = heart([[8], [4]])
    single = labels.copy()
    single[1] = UNLABELLED
    _, _, row = evaluate_cine(labels, single, SPACING_MM, VENTRICLES, "7", frames=frames)
    for side in ("reference", "predicted"):
        assert row[f"{side}_edv_ml"] > 0
        assert math.isnan(row[f"{side}_esv_ml"])
        assert math.isnan(row[f"{side}_ef"])
        assert math.isnan(row[f"{side}_es_mass_g"])
    assert row["dice_lv_ed"] == 1
    assert math.isnan(row["dice_lv_es"])


def test_end_diastole_of_the_reference_is_by_its_own_rule():
    labels = heart([[6], [8], [4]])
    for rule, frame in (("max", 1), ("first", 0)):
        _, _, row = evaluate_cine(
            labels, labels, SPACING_MM, VENTRICLES, "7", reference_ed=rule, frames="reference"
        )
        assert row["reference_ed_frame"] == row["predicted_ed_frame"] == frame
