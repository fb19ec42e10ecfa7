"""Measures of a whole cohort: who labelled it, what that labeller knows, and who is missing."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.labellers import LabelMaps
from cmrseg.measure.volumes import MEASURES
from cmrseg.sequences import USUAL, image_path

SPLITS = {"1": "train", "2": "test"}
# 0.01 ml per voxel
AFFINE = np.diag([1.0, 1.0, 10.0, 1.0])


def heart(lv_columns=4, rv_columns=3):
    """(t, z, y, x) labels of two frames: LV, wall and RV beside each other, 10 rows high."""
    labels = np.zeros((2, 1, 10, 20), np.uint8)
    labels[..., :lv_columns] = Tissue.LV
    labels[1, ..., lv_columns - 2 :] = 0
    labels[..., lv_columns : lv_columns + 2] = Tissue.MYO
    labels[..., 12 : 12 + rv_columns] = Tissue.RV
    return labels


@pytest.fixture
def write(tmp_path):
    """Write label maps by subject; returns the labeller."""

    def build(name, maps, tissues=""):
        shard = tmp_path / name
        shard.mkdir()
        for subject, voxels in maps.items():
            (shard / subject).mkdir()
            Cine(voxels, AFFINE, 0.04).save(image_path(shard / subject, USUAL))
        return LabelMaps(name, "people", [shard], tissues)

    return build


def test_a_model_that_finds_no_right_ventricle_in_one_subject_has_an_empty_one_there(write):
    truth = write("truth", {"1": heart(), "2": heart()})
    model = write("net", {"1": heart(), "2": heart(rv_columns=0)}, tissues="lv,my,rv")
    images, _, subjects, _ = evaluate_labels(model, truth, SPLITS, "max", "max")
    rows = subjects.set_index("subject")
    assert rows["dice_rv"].tolist() == [1, 0]
    assert rows["predicted_rv_edv_ml"].tolist() == pytest.approx([0.3, 0])
    assert images["dice_rv"].tolist() == [1, 1, 0, 0]
    assert images.loc[:, "bg_bg":"rv_rv"].sum(axis=1).eq(200).all()
    volumes, curves = measure_volumes(model, SPLITS, "max")
    assert volumes["rv_edv_ml"].tolist() == pytest.approx([0.3, 0])
    assert curves["rv_ml"].notna().all()


def test_a_model_that_finds_no_right_ventricle_at_all_knows_it_nevertheless(write):
    model = write("net", {"1": heart(rv_columns=0)}, tissues="lv,my,rv")
    volumes, _ = measure_volumes(model, SPLITS, "max")
    assert volumes["rv_edv_ml"].tolist() == [0]


def test_an_annotator_of_one_right_ventricle_is_one_of_all(write):
    expert = write("expert", {"1": heart(rv_columns=0), "2": heart()})
    assert measure_volumes(expert, SPLITS, "max")[0]["rv_edv_ml"].tolist() == pytest.approx(
        [0, 0.3]
    )


def test_a_cavity_without_muscle_is_no_muscle_of_a_model_and_an_unknown_one_of_an_annotator(write):
    alone = heart()
    alone[1][alone[1] == Tissue.MYO] = 0
    for labeller, known in (("net", True), ("expert", False)):
        own = write(labeller, {"1": alone}, tissues="lv,my,rv" if known else "")
        volumes, curves = measure_volumes(own, SPLITS, "max")
        assert volumes["mass_g"].item() > 0
        assert volumes["es_mass_g"].fillna(-1).item() == (0 if known else -1)
        assert curves["lv_ml"].notna().all()


def test_who_never_labels_the_right_ventricle_does_not_know_it(write):
    sparse = heart(rv_columns=0)
    sparse[..., -1] = UNLABELLED
    expert = write("expert", {"1": sparse})
    assert math.isnan(measure_volumes(expert, SPLITS, "max")[0]["rv_edv_ml"].item())
    model = write("net", {"1": heart()}, tissues="lv,my,rv")
    images, _, subjects, summary = evaluate_labels(model, expert, SPLITS, "max", "max")
    assert "dice_rv" not in subjects
    assert "rv_rv" not in images
    assert "rv" not in set(summary["tissue"])


def test_a_model_of_the_left_ventricle_is_compared_without_the_right_ventricle(write):
    truth = write("truth", {"1": heart()})
    model = write("net", {"1": heart(rv_columns=0)}, tissues="lv,my")
    _, _, subjects, _ = evaluate_labels(model, truth, SPLITS, "max", "max")
    assert "dice_rv" not in subjects
    assert subjects["dice_lv"].tolist() == [1]


def test_a_rotated_copy_is_in_the_tables_and_counts_once_in_the_summary(write):
    # The model is right in the copy alone.
    maps = {"1": heart(), "2": heart(), "2_rot90": np.rot90(heart(), axes=(2, 3))}
    truth = write("truth", maps)
    model = write("net", maps | {"2": np.zeros_like(heart())}, tissues="lv,my,rv")
    images, _, subjects, summary = evaluate_labels(model, truth, SPLITS, "max", "max")
    assert subjects["subject"].tolist() == ["1", "2", "2_rot90"]
    assert subjects["split"].tolist() == ["train", "test", "test"]
    assert len(images) == 6
    rows = summary.set_index(["split", "level", "measure", "tissue"])
    for level, count in (("subject", 2), ("image", 4)):
        row = rows.loc[("all", level, "dice", "lv")]
        assert (row["n"], row["mean"]) == (count, 1)
    assert rows.loc[("all", "subject", "edv_difference_ml", "lv"), "n"] == 2


def test_a_labeller_without_subjects_is_named_with_its_cohort(write):
    truth, nobody = write("truth", {"1": heart()}), write("expert2", {})
    with pytest.raises(ValueError, match="cohort people: expert2 labelled no subject"):
        measure_volumes(nobody, SPLITS, "max")
    with pytest.raises(ValueError, match="cohort people: expert2 labelled no subject"):
        evaluate_labels(nobody, truth, SPLITS, "max", "max")


def test_labellers_without_a_common_subject_are_named(write):
    truth, other = write("truth", {"1": heart()}), write("expert2", {"2": heart()})
    with pytest.raises(ValueError, match="cohort people: no subject is labelled by both expert2"):
        evaluate_labels(other, truth, SPLITS, "max", "max")


def partly(frames=3, whole=()):
    """Two slices, in some frames labelled both, in the first frame one of them alone."""
    labels = np.full((frames, 2, 10, 20), UNLABELLED, np.uint8)
    labels[0, 0] = heart()[0, 0]
    for frame in whole:
        labels[frame] = heart()[0, 0]
    return labels


@pytest.mark.parametrize(("whole", "count"), [((), 0), ((2,), 1)])
def test_where_end_diastole_may_be_labelled_in_part_measures_are_empty(write, caplog, whole, count):
    reader = write("reader", {"1": heart(), "2": partly(whole=whole)})
    volumes, curves = measure_volumes(reader, SPLITS, "max")
    assert volumes[["subject", "split"]].to_numpy().tolist() == [["1", "train"], ["2", "test"]]
    assert volumes.iloc[0].notna().sum() > 12
    assert volumes.loc[1, "edv_ml":].isna().all()
    known = curves[curves["lv_ml"].notna()]
    assert len(curves) == 5
    assert known["subject"].tolist() == ["1", "1", *["2"] * len(whole)]
    assert (
        f"subject 2: labels of reader: the cavity is known in every slice of {count} of 3 frames; "
        "frames with unlabelled slices: 1 (from 1); complete their labels; its measures are unknown"
    ) in caplog.text


def test_two_frames_that_are_labelled_throughout_have_volumes_whatever_the_others(write):
    reader = write("reader", {"1": partly(whole=(1, 2))})
    assert measure_volumes(reader, SPLITS, "max")[0]["subject"].tolist() == ["1"]


def test_one_labelled_frame_alone_is_end_diastole(write):
    labels = partly(whole=(2,))
    labels[0] = UNLABELLED
    row = measure_volumes(write("reader", {"1": labels}), SPLITS, "max")[0].iloc[0]
    assert (row["ed_frame"], row["edv_ml"]) == (2, pytest.approx(0.8))
    assert math.isnan(row["ef"])


def test_a_labeller_whose_volumes_are_all_unknown_has_empty_rows(write, caplog):
    volumes, curves = measure_volumes(write("reader", {"1": partly()}), SPLITS, "max")
    assert list(volumes.columns) == ["subject", "split", *MEASURES]
    assert volumes["subject"].tolist() == ["1"]
    assert volumes.loc[0, "edv_ml":].isna().all()
    assert len(curves) == 3
    assert "subject 1: labels of reader: the cavity is known in every slice of 0" in caplog.text


def test_a_model_that_finds_the_cavity_in_one_of_two_frames_has_no_end_diastole(write, caplog):
    labels = heart()
    labels[0] = 0
    row = measure_volumes(write("net", {"1": labels}, tissues="lv,my,rv"), SPLITS, "max")[0].iloc[0]
    assert row[["edv_ml", "esv_ml", "ef", "mass_g", "rv_ef"]].isna().all()
    assert (
        "subject 1: no LV cavity was found in frames 1 (from 1) of 2: end-diastole and "
        "end-systole unknown"
    ) in caplog.text
