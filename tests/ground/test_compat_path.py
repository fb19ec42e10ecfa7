"""A wide stack in mode compat has a rotated copy: it is carried through and counts once."""

from types import SimpleNamespace

import numpy as np
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard
from cmrseg.figures.confidence import with_dice
from cmrseg.figures.truth import against_truth
from cmrseg.learn.slices import make_slices
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.confidence import confidence_table
from cmrseg.measure.known_agreement import against_known
from cmrseg.measure.labellers import LabelMaps
from cmrseg.phantom import kaggle
from cmrseg.phantom.population import draw_subjects
from cmrseg.sequences import USUAL, image_path
from cmrseg.shards import subject_folders
from cmrseg.splits import split_of, upright

SCAN = {
    "scanner": "1.5T",
    "frames": 2,
    "rows": 64,
    "columns": 52,
    "spacing_mm": 4.8,
    "slice_distance_mm": 15.0,
    "thickness_mm": 8.0,
}
IMPORT = {"layout": "kaggle", "mode": "compat", "max_size_px": 256}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Subject table, images and true labels of an upright subject and of a wide one."""
    folder = tmp_path_factory.mktemp("compat")
    rows = draw_subjects(2, 7, ["7", "31"], ["train", "test"])
    rows["faults"] = ["", "wide_image"]
    kaggle.write_shard(rows, SCAN, folder / "raw")
    import_shard(rows, folder / "raw", folder / "images", IMPORT)
    (folder / "labels").mkdir()
    settings = {
        "sequence": "sa",
        "form": "masks",
        "folder": "annotations/truth",
        "layout": "kaggle",
    }
    named = rows.assign(annotation=rows["study"])
    carry_shard(named, "truth", settings, *(folder / n for n in ("raw", "images", "labels")))
    return SimpleNamespace(
        rows=rows,
        splits=dict(zip(rows["subject"], rows["split"], strict=True)),
        images=subject_folders([folder / "images"]),
        labels=subject_folders([folder / "labels"]),
        truth=LabelMaps("truth", "wide", [folder / "labels"]),
    )


def test_the_copy_is_the_turned_original(cohort):
    assert list(cohort.images) == list(cohort.labels) == ["31", "31_rot90", "7"]
    for folders in (cohort.images, cohort.labels):
        wide, copy = (
            Cine.load(image_path(folders[name], USUAL)).voxels for name in ("31", "31_rot90")
        )
        np.testing.assert_array_equal(copy, np.rot90(wide, 1, axes=(-2, -1)))


def test_volumes_and_scores_have_the_copy_with_the_truth_of_its_original(cohort):
    volumes, _ = measure_volumes(cohort.truth, cohort.splits, "max")
    scores = confidence_table(volumes, cohort.rows)
    for table in (volumes, scores):
        assert table["subject"].tolist() == ["31", "31_rot90", "7"]
        assert table["split"].tolist() == ["test", "test", "train"]
    assert scores["score"].iloc[0] == scores["score"].iloc[1]
    known, _ = against_known(volumes, cohort.rows)
    shown = against_truth(known.assign(labeller="truth"))
    assert shown["subject"].tolist() == ["31_rot90", "7"]
    truth = cohort.rows.set_index("subject")["edv_ml"]
    assert shown["true_edv_ml"].tolist() == [truth["31"], truth["7"]]
    _, _, subjects, _ = evaluate_labels(cohort.truth, cohort.truth, cohort.splits, "max", "max")
    assert against_truth(subjects.assign(labeller="truth"))["subject"].tolist() == ["31_rot90", "7"]
    assert with_dice(scores, subjects)["subject"].tolist() == ["31_rot90", "7"]


def test_the_summary_counts_the_subject_once(cohort):
    images, _, subjects, summary = evaluate_labels(
        cohort.truth, cohort.truth, cohort.splits, "max", "max"
    )
    assert subjects["subject"].tolist() == ["31", "31_rot90", "7"]
    rows = summary.set_index(["split", "level", "measure", "tissue"])
    assert rows.loc[("all", "subject", "dice", "lv"), "n"] == 2
    assert rows.loc[("test", "subject", "edv_difference_ml", "lv"), "n"] == 1
    single = images[images["subject"] == "31_rot90"]
    assert rows.loc[("test", "image", "dice", "lv"), "n"] == single["dice_lv"].notna().sum()


def test_training_reads_the_copy_alone(cohort, tmp_path):
    split = split_of(cohort.splits)
    listed = [
        (
            name,
            split(name),
            [image_path(cohort.images[name], USUAL)],
            image_path(cohort.labels[name], USUAL),
        )
        for name in upright(cohort.labels)
    ]
    settings = {
        "sequence": "sa",
        "preparation": "unet",
        "intensity": "linear",
        "size_px": 64,
        "tissues": "lv,my",
    }
    index = make_slices(listed, settings, tmp_path / "slices")
    assert dict(zip(index["subject"], index["split"], strict=True)) == {
        "31_rot90": "test",
        "7": "train",
    }
